"""Activation functions as modules."""

from __future__ import annotations

from typing import Any

from microbp.errors import OptionError, ShapeError
from microbp.functions.creation import empty
from microbp.nn import functional
from microbp.nn.functional.check import tensor_for
from microbp.nn.init import constant_
from microbp.nn.module import Module
from microbp.nn.parameter import Parameter
from microbp.tensor import Tensor

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


class Activation(Module):
    """Base of the activations that may work in place."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class ReLU(Activation):
    """max(0, x): see `microbp.nn.functional.relu`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.relu(input, self.inplace)


class LeakyReLU(Activation):
    """x where x > 0, else negative_slope * x: see `microbp.nn.functional.leaky_relu`."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        return functional.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Activation):
    """Exponential linear unit: see `microbp.nn.functional.elu`."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return functional.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class CELU(Activation):
    """Continuously differentiable `ELU`: see `microbp.nn.functional.celu`."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return functional.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class SELU(Activation):
    """Self-normalising `ELU`: see `microbp.nn.functional.selu`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.selu(input, self.inplace)


class SiLU(Activation):
    """x * sigmoid(x): see `microbp.nn.functional.silu`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.silu(input, self.inplace)


class Mish(Activation):
    """x * tanh(softplus(x)): see `microbp.nn.functional.mish`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.mish(input, self.inplace)


class Hardsigmoid(Activation):
    """Sigmoid of three lines: see `microbp.nn.functional.hardsigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class Hardswish(Activation):
    """x * hardsigmoid(x): see `microbp.nn.functional.hardswish`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class Sigmoid(Module):
    """1 / (1 + exp(-x)): see `microbp.nn.functional.sigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.sigmoid(input)


class Tanh(Module):
    """Hyperbolic tangent: see `microbp.nn.functional.tanh`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.tanh(input)


class Softsign(Module):
    """x / (1 + \\|x\\|): see `microbp.nn.functional.softsign`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.softsign(input)


class LogSigmoid(Module):
    """log(sigmoid(x)): see `microbp.nn.functional.logsigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.logsigmoid(input)


class Tanhshrink(Module):
    """x - tanh(x): see `microbp.nn.functional.tanhshrink`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.tanhshrink(input)


class GELU(Module):
    """Gaussian error linear unit, exact or approximate: see `microbp.nn.functional.gelu`."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return functional.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta: see `microbp.nn.functional.softplus`."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return functional.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Hardtanh(Activation):
    """x between two bounds, the nearer of them elsewhere: see `microbp.nn.functional.hardtanh`."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        if not max_val > min_val:
            raise OptionError(f"max_val must be larger than min_val, got {max_val} and {min_val}")
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" if self.inplace else "")


class Threshold(Activation):
    """x where x > threshold, a value elsewhere: see `microbp.nn.functional.threshold`."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return functional.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}" + (", inplace=True" if self.inplace else "")


class Shrinkage(Module):
    """Base of the activations that are 0 up to a distance from 0."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Hardshrink(Shrinkage):
    """x where \\|x\\| > lambd, 0 elsewhere: see `microbp.nn.functional.hardshrink`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.hardshrink(input, self.lambd)


class Softshrink(Shrinkage):
    """x moved towards 0 by lambd, at the most to 0: see `microbp.nn.functional.softshrink`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.softshrink(input, self.lambd)


class RReLU(Activation):
    """x where x > 0, else a * x with slopes a that are drawn in training: see `microbp.nn.functional.rrelu`."""

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower = lower
        self.upper = upper

    def forward(self, input: Tensor) -> Tensor:
        return functional.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" if self.inplace else "")


class ReLU6(Hardtanh):
    """min(max(0, x), 6), a `Hardtanh` between 0 and 6: see `microbp.nn.functional.relu6`."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class PReLU(Module):
    """x where x > 0, else weight * x, with slopes that are learned: see `microbp.nn.functional.prelu`.

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels, for a slope each.
    init : float
        The slope to start with.
    device, dtype
        Of the slopes.

    Examples
    --------
    >>> import microbp
    >>> PReLU()(microbp.tensor([-1.0, 2.0])).detach()
    tensor([-0.2500,  2.0000])
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set all slopes to `init`."""
        constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return functional.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class AlongDimension(Module):
    """Base of the activations that normalise along a dimension."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(AlongDimension):
    """exp(x) / sum(exp(x)) along a dimension: see `microbp.nn.functional.softmax`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.softmax(input, self.dim)


class LogSoftmax(AlongDimension):
    """log(softmax(x)) along a dimension: see `microbp.nn.functional.log_softmax`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.log_softmax(input, self.dim)


class Softmin(AlongDimension):
    """softmax(-x) along a dimension: see `microbp.nn.functional.softmin`."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.softmin(input, self.dim)


class Softmax2d(Module):
    """`Softmax` over the channels of images: (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import microbp
    >>> Softmax2d()(microbp.zeros(2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        if tensor_for("Softmax2d", input).ndim not in (3, 4):
            raise ShapeError(f"input must have shape (N, C, H, W) or (C, H, W), got {tuple(input.shape)}")
        return functional.softmax(input, -3)


class GLU(Module):
    """a * sigmoid(b) for the two halves a and b of the input along a dimension: see `microbp.nn.functional.glu`."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return functional.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
