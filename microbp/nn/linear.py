"""Linear and bilinear layers."""

from __future__ import annotations

import math
from typing import Any

from microbp.errors import ShapeError
from microbp.functions.creation import empty
from microbp.nn import functional
from microbp.nn.functional.check import tensor_for
from microbp.nn.init import uniform_, uniform_by_fan_in
from microbp.nn.module import Module
from microbp.nn.parameter import Parameter
from microbp.ops import linalg
from microbp.tensor import Tensor, apply

__all__ = ["Bilinear", "Linear"]


class Linear(Module):
    """Affine map of the last dimension, y = x Wᵀ + b.

    Weight and bias start uniformly distributed between ±1/√in_features.

    Parameters
    ----------
    in_features, out_features : int
        Size of each input and of each output.
    bias : bool
        Whether there is a b.
    device, dtype : optional
        As for `microbp.empty`.

    Attributes
    ----------
    weight : Parameter
        (out_features, in_features).
    bias : Parameter or None
        (out_features,).

    Examples
    --------
    >>> import microbp
    >>> layer = Linear(3, 2)
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> layer(microbp.ones(5, 3)).shape
    (5, 2)
    """

    bias: Parameter  # said to type checkers, as PyTorch says it, to whom a layer without one is the exception

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        uniform_by_fan_in(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        parameters = self._parameters  # twice as fast as looking up two attributes
        try:
            return apply(linalg.linear, input, parameters["weight"], parameters["bias"])
        except (AttributeError, ShapeError, TypeError):
            if tensor_for(str(self), input).shape[-1:] == (self.in_features,):
                raise
            raise ShapeError(
                f"{self} expects {self.in_features} features in the last dimension of its input, got an input of shape "
                f"{tuple(input.shape)}"
            ) from None

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """Bilinear map of two inputs, y_k = x1ᵀ W_k x2 + b_k.

    Weight and bias start uniformly distributed between ±1/√in1_features.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        Size of each of the two inputs and of the output.
    bias : bool
        Whether there is a b.
    device, dtype : optional
        As for `microbp.empty`.

    Examples
    --------
    >>> import microbp
    >>> Bilinear(3, 4, 2)(microbp.ones(5, 3), microbp.ones(5, 4)).shape
    (5, 2)
    """

    bias: Parameter

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in1_features, in2_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(self.in1_features)
        uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return functional.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )
