"""Initial values for parameters; every function writes into a tensor and returns it.

Nothing here is recorded. ``fan_in`` and ``fan_out`` are the numbers of inputs and outputs
that a unit is connected to: columns and rows of a linear layer's weight, times the size of
the receptive field for a convolution.

Sources: Glorot & Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural
Networks" (2010), for xavier; He, Zhang, Ren & Sun, "Delving Deep into Rectifiers" (2015), for
kaiming; Saxe, McClelland & Ganguli, "Exact Solutions to the Nonlinear Dynamics of Learning in
Deep Linear Neural Networks" (2014), for orthogonal; Martens, "Deep Learning via Hessian-free
Optimization" (2010), for sparse.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError, warn
from microbp.functions.generator import Generator, generator_or_default
from microbp.functions.inplace import require_floating
from microbp.inplace import write
from microbp.tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

GAINS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "sigmoid"), 1.0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1.0),
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights must be larger to make up for what an activation takes away.

    1 for linear and sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + slope²)) for leaky_relu, 3/4 for selu.

    Parameters
    ----------
    nonlinearity : str
        The name of the activation in `microbp.nn.functional`.
    param : float, optional
        The slope of a leaky_relu, 0.01 by default.

    Returns
    -------
    float

    Raises
    ------
    OptionError
        If there is no such activation, or the slope is no number.

    Examples
    --------
    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise OptionError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise OptionError(f"Unsupported nonlinearity {nonlinearity}")
    return GAINS[nonlinearity]


def fill(tensor: Tensor, values: Any, name: str) -> Tensor:
    """Write values into a tensor, unrecorded."""
    write(tensor, np.asarray(values, dtype=tensor.dtype), name)
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with uniformly distributed values between a and b.

    Parameters
    ----------
    tensor : Tensor
        The tensor to fill.
    a, b : float
        The bounds.
    generator : Generator, optional
        Where the random numbers come from.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    OptionError
        If `a` is larger than `b`, or one of them not finite.

    Examples
    --------
    >>> import microbp
    >>> w = uniform_(microbp.empty(3, 5), -0.5, 0.5)
    >>> bool((w.abs() <= 0.5).all())
    True
    """
    require_floating(tensor, "uniform_")
    if not (a <= b and math.isfinite(b - a)):
        raise OptionError(f"uniform_ draws from a finite range [a, b), got a={a}, b={b}")
    return fill(tensor, generator_or_default(generator).numpy.uniform(a, b, tensor.shape), "uniform")


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normally distributed values.

    Parameters
    ----------
    tensor, generator
        As for `uniform_`.
    mean, std : float
        Mean and standard deviation.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    OptionError
        If `std` is negative.
    """
    require_floating(tensor, "normal_")
    if not std >= 0:
        raise OptionError(f"normal_ needs a standard deviation of at least 0, got std={std}")
    return fill(tensor, generator_or_default(generator).numpy.normal(mean, std, tensor.shape), "normal")


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with values of a normal distribution cut off outside [a, b].

    Values are drawn by the inverse of the distribution function: mean + std * Φ⁻¹(u), with u uniform between
    Φ((a - mean) / std) and Φ((b - mean) / std).

    Parameters
    ----------
    tensor, generator
        As for `uniform_`.
    mean, std : float
        Mean and standard deviation before the cut.
    a, b : float
        The bounds.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    OptionError
        If `std` is not positive, or `a` is larger than `b`.

    Examples
    --------
    >>> import microbp
    >>> w = trunc_normal_(microbp.empty(3, 5), std=0.02)
    """
    require_floating(tensor, "trunc_normal_")
    if not (std > 0 and a <= b):
        raise OptionError(f"trunc_normal_ needs std > 0 and a <= b, got std={std}, a={a}, b={b}")
    if mean < a - 2 * std or mean > b + 2 * std:
        warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect."
        )
    bell = NormalDist(mean, std)
    low, high = bell.cdf(a), bell.cdf(b)
    tiny = 2.0**-53
    drawn = generator_or_default(generator).numpy.uniform(low, high, tensor.shape).clip(tiny, 1 - tiny)
    values = np.fromiter(map(bell.inv_cdf, drawn.flat), np.float64, drawn.size).reshape(drawn.shape)
    return fill(tensor, values.clip(a, b), "trunc_normal")


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value.

    Parameters
    ----------
    tensor : Tensor
        The tensor to fill.
    val : float
        The value.

    Returns
    -------
    Tensor
        The same one.

    Examples
    --------
    >>> import microbp
    >>> constant_(microbp.empty(2), 0.3)
    tensor([0.3000, 0.3000])
    """
    return fill(tensor, np.full(tensor.shape, val), "constant")


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    Parameters
    ----------
    tensor : Tensor
        The tensor to fill.

    Returns
    -------
    Tensor
        The same one.

    Examples
    --------
    >>> import microbp
    >>> ones_(microbp.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    Parameters
    ----------
    tensor : Tensor
        The tensor to fill.

    Returns
    -------
    Tensor
        The same one.

    Examples
    --------
    >>> import microbp
    >>> zeros_(microbp.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity, so that a linear layer passes on as much of its input as it can.

    Parameters
    ----------
    tensor : Tensor
        The matrix to fill.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    ShapeError
        If `tensor` is no matrix.

    Examples
    --------
    >>> import microbp
    >>> eye_(microbp.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise ShapeError(f"Only tensors with 2 dimensions are supported, got shape {tensor.shape}")
    return fill(tensor, np.eye(tensor.shape[0], tensor.shape[1]), "eye")


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the weight of a convolution so that it passes on as many of its input channels as it can.

    Parameters
    ----------
    tensor : Tensor
        A weight (out, in, ...), with 1 to 3 dimensions of space.
    groups : int
        How many groups of channels the convolution has; each passes on its own.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    ShapeError
        If `tensor` is not such a weight, or `groups` does not divide its first dimension.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([[[1.0, 2.0, 3.0]]])
    >>> microbp.nn.functional.conv1d(x, dirac_(microbp.empty(1, 1, 3)), padding=1)
    tensor([[[1., 2., 3.]]])
    """
    if tensor.ndim not in (3, 4, 5):
        raise ShapeError(f"Only tensors with 3, 4, or 5 dimensions are supported, got shape {tensor.shape}")
    if groups < 1 or tensor.shape[0] % groups:
        raise ShapeError(f"dim 0 must be divisible by groups, got shape {tensor.shape} and groups={groups}")
    per_group = tensor.shape[0] // groups
    values = np.zeros(tensor.shape)
    centre = tuple(size // 2 for size in tensor.shape[2:])
    for first in range(0, tensor.shape[0], per_group):
        for channel in range(min(per_group, tensor.shape[1])):
            values[(first + channel, channel, *centre)] = 1
    return fill(tensor, values, "dirac")


def fans(tensor: Tensor) -> tuple[int, int]:
    """fan_in and fan_out of a weight (out, in, ...)."""
    if tensor.ndim < 2:
        raise ShapeError(
            f"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got shape {tensor.shape}"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


_calculate_fan_in_and_fan_out = fans  # so it is called in many a layer that was written for PyTorch


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill uniformly between ± gain * √(6 / (fan_in + fan_out)) (Glorot & Bengio, 2010).

    Parameters
    ----------
    tensor : Tensor
        A weight (out, in, ...).
    gain : float
        As `calculate_gain` gives it.
    generator : Generator, optional
        Where the random numbers come from.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.
    """
    bound = gain * math.sqrt(6.0 / max(sum(fans(tensor)), 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill normally with standard deviation gain * √(2 / (fan_in + fan_out)) (Glorot & Bengio, 2010).

    Parameters
    ----------
    tensor, gain, generator
        As for `xavier_uniform_`.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / max(sum(fans(tensor)), 1)), generator)


def nothing_to_fill(tensor: Tensor) -> bool:
    """Whether a weight has no elements, which is most likely a mistake."""
    if 0 not in tensor.shape:
        return False
    warn("Initializing zero-element tensors is a no-op")
    return True


def kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """gain / √fan."""
    if mode not in ("fan_in", "fan_out"):
        raise OptionError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill uniformly between ± gain * √(3 / fan) (He et al., 2015).

    Parameters
    ----------
    tensor : Tensor
        A weight (out, in, ...).
    a : float
        The slope of the leaky_relu that follows; 0 for relu.
    mode : {'fan_in', 'fan_out'}
        Keep the variance in the forward pass, or in the backward pass.
    nonlinearity : str
        What follows, for `calculate_gain`.
    generator : Generator, optional
        Where the random numbers come from.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.
    OptionError
        If there is no such mode or activation.

    Examples
    --------
    >>> import microbp
    >>> w = kaiming_uniform_(microbp.empty(3, 6))
    >>> bool((w.abs() <= 1).all())
    True
    """
    if nothing_to_fill(tensor):
        return tensor
    bound = math.sqrt(3.0) * kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def uniform_by_fan_in(weight: Tensor, bias: Tensor | None) -> None:
    """Fill the weight and the bias of a layer between ±1/√fan_in, which are PyTorch's initial values."""
    kaiming_uniform_(weight, a=math.sqrt(5))  # its gain is 1/√3
    if bias is not None:
        bound = 1 / math.sqrt(fans(weight)[0]) if fans(weight)[0] > 0 else 0
        uniform_(bias, -bound, bound)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill normally with standard deviation gain / √fan (He et al., 2015).

    Parameters
    ----------
    tensor, a, mode, nonlinearity, generator
        As for `kaiming_uniform_`.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.
    OptionError
        If there is no such mode or activation.
    """
    if nothing_to_fill(tensor):
        return tensor
    return normal_(tensor, 0.0, kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a (semi-)orthogonal matrix, uniformly distributed among them (Saxe et al., 2014).

    Dimensions after the first count as one.

    Parameters
    ----------
    tensor : Tensor
        At least 2-d.
    gain : float
        A factor for the matrix.
    generator : Generator, optional
        Where the random numbers come from.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.

    Examples
    --------
    >>> import microbp
    >>> w = orthogonal_(microbp.empty(2, 4, dtype=microbp.float64))
    >>> microbp.allclose(w @ w.T, microbp.eye(2, dtype=microbp.float64))
    True
    """
    if tensor.ndim < 2:
        raise ShapeError(f"Only tensors with 2 or more dimensions are supported, got shape {tensor.shape}")
    require_floating(tensor, "orthogonal_")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    flat = generator_or_default(generator).numpy.normal(size=(rows, columns))
    q, r = np.linalg.qr(flat.T if rows < columns else flat)
    q = q * np.sign(np.diag(r))  # makes the distribution uniform
    return fill(tensor, gain * (q.T if rows < columns else q).reshape(tensor.shape), "orthogonal")


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix normally, but for a part of each column that is 0 (Martens, 2010).

    Parameters
    ----------
    tensor : Tensor
        A matrix, of n rows.
    sparsity : float
        The part of each column that is 0, from 0 to 1: ceil(sparsity * n) elements, drawn anew for each column.
    std : float
        The standard deviation of the others.
    generator : Generator, optional
        Where the random numbers come from.

    Returns
    -------
    Tensor
        The same one.

    Raises
    ------
    ShapeError, OptionError
        If `tensor` is no matrix, or `sparsity` or `std` make no sense.

    Examples
    --------
    >>> import microbp
    >>> w = sparse_(microbp.empty(5, 3), sparsity=0.4)
    >>> (w == 0).sum(dim=0)
    tensor([2, 2, 2])
    """
    if tensor.ndim != 2:
        raise ShapeError(f"Only tensors with 2 dimensions are supported, got shape {tensor.shape}")
    if not 0 <= sparsity <= 1:
        raise OptionError(f"sparsity is a part of each column, from 0 to 1, got {sparsity}")
    normal_(tensor, 0.0, std, generator)
    source = generator_or_default(generator).numpy
    values = tensor.array.copy()
    for column in values.T:
        column[source.permutation(len(column))[: math.ceil(sparsity * len(column))]] = 0
    return fill(tensor, values, "sparse")
