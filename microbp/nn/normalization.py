"""Layers that normalise each sample by itself, and the base of all that normalise."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from microbp.errors import OptionError
from microbp.functions.creation import empty
from microbp.nn import functional
from microbp.nn.init import ones_, zeros_
from microbp.nn.module import Module
from microbp.nn.parameter import Parameter
from microbp.tensor import Tensor

__all__ = ["GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]

Shape = int | Sequence[int]


class Normalization(Module):
    """Base of the layers that scale and move what they have normalised; weights start as 1, biases as 0."""

    weight: Parameter
    bias: Parameter

    def _hold(self, shape: tuple[int, ...], device: Any, dtype: Any, **wanted: bool) -> None:
        """Make those of the parameters that are wanted."""
        for name, want in wanted.items():
            self.register_parameter(name, Parameter(empty(shape, device=device, dtype=dtype)) if want else None)

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        for name, fill in (("weight", ones_), ("bias", zeros_)):
            parameter = self._parameters.get(name)
            if parameter is not None:
                fill(parameter)


class LayerNorm(Normalization):
    """The last dimensions, taken together, with mean 0 and variance 1: see `microbp.nn.functional.layer_norm`.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The sizes of the last dimensions.
    eps : float
        Added to the variance.
    elementwise_affine : bool
        Whether there is a weight, and a bias if `bias`.
    bias : bool
        Whether there is a bias.
    device, dtype : optional
        As for `microbp.empty`.

    Attributes
    ----------
    weight, bias : Parameter or None
        Of shape `normalized_shape`.

    Examples
    --------
    >>> import microbp
    >>> layer = LayerNorm(2)
    >>> layer
    LayerNorm((2,), eps=1e-05, elementwise_affine=True, bias=True)
    >>> layer(microbp.tensor([[1.0, 3.0], [10.0, 30.0]])).detach()
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """

    def __init__(
        self,
        normalized_shape: Shape,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        affine = elementwise_affine
        self._hold(self.normalized_shape, device, dtype, weight=affine, bias=affine and bias)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Normalization):
    """The last dimensions, taken together, with a mean square of 1: see `microbp.nn.functional.rms_norm`.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The sizes of the last dimensions.
    eps : float, optional
        Added to the mean square; by default the distance from 1 to the next number of the input's dtype.
    elementwise_affine : bool
        Whether there is a weight.
    device, dtype : optional
        As for `microbp.empty`.

    Attributes
    ----------
    weight : Parameter or None
        Of shape `normalized_shape`.

    Examples
    --------
    >>> import microbp
    >>> RMSNorm(2)(microbp.tensor([[1.0, 7.0]])).detach()
    tensor([[0.2000, 1.4000]])
    """

    def __init__(
        self,
        normalized_shape: Shape,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._hold(self.normalized_shape, device, dtype, weight=elementwise_affine)
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Normalization):
    """Each group of channels of each sample with mean 0 and variance 1: see `microbp.nn.functional.group_norm`.

    Parameters
    ----------
    num_groups : int
        The number of groups, which divides that of the channels.
    num_channels : int
        The number of channels.
    eps : float
        Added to the variance.
    affine : bool
        Whether there is a weight, and a bias if `bias`.
    device, dtype : optional
        As for `microbp.empty`.
    bias : bool
        Whether there is a bias.

    Attributes
    ----------
    weight, bias : Parameter or None
        (num_channels,).

    Raises
    ------
    OptionError
        If the groups do not divide the channels.

    Examples
    --------
    >>> import microbp
    >>> layer = GroupNorm(2, 6)
    >>> layer
    GroupNorm(2, 6, eps=1e-05, affine=True, bias=True)
    >>> layer(microbp.ones(5, 6, 4)).shape
    (5, 6, 4)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise OptionError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._hold((num_channels,), device, dtype, weight=affine, bias=affine and bias)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Each value over what its neighbour channels have: see `microbp.nn.functional.local_response_norm`.

    Parameters
    ----------
    size, alpha, beta, k
        As for `microbp.nn.functional.local_response_norm`.

    Examples
    --------
    >>> import microbp
    >>> LocalResponseNorm(2, alpha=2.0, beta=1.0)(microbp.tensor([[[1.0], [2.0]]]))
    tensor([[[0.5000],
             [0.3333]]])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def as_shape(normalized_shape: Shape) -> tuple[int, ...]:
    """The shape of the dimensions that are normalised, also where it was given as one number."""
    return tuple(normalized_shape) if isinstance(normalized_shape, Sequence) else (index(normalized_shape),)
