"""Normalisation of channels with PyTorch's signatures: mean 0 and variance 1, over a batch, a sample or a group."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.inplace import write
from microbp.nn.functional.check import number, require_floating, tensor_for
from microbp.nn.functional.padding import pad
from microbp.nn.functional.sliding import positive
from microbp.ops import normalization as rows
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, wrap

__all__ = ["batch_norm", "group_norm", "instance_norm", "local_response_norm"]


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel with mean 0 and variance 1 over the batch, (x - mean) / √(var + eps) * weight + bias.

    Source: Ioffe & Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift" (2015).

    Parameters
    ----------
    input : Tensor
        (N, C) or (N, C, ...), floating-point.
    running_mean, running_var : Tensor or None
        (C,). In training they move towards the mean and the (unbiased) variance of the batch, in place; else they are
        what is normalised with.
    weight, bias : Tensor, optional
        (C,).
    training : bool
        Normalise with the moments of the batch.
    momentum : float
        How far the running moments move, from 0 to 1.
    eps : float
        Added to the variance.

    Returns
    -------
    Tensor
        Of the shape of `input`. The variance that it was divided by is biased, that is, over the count.

    Raises
    ------
    ShapeError
        If there is only one value for each channel in training, or a tensor has not one element for each channel.
    OptionError
        If eps is not positive, or running moments are missing outside of training.
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> mean, var = microbp.zeros(2), microbp.ones(2)
    >>> batch_norm(x, mean, var, training=True)
    tensor([[-1.0000, -1.0000],
            [ 1.0000,  1.0000]])
    >>> mean, var  # a tenth of the way to the batch's 2 and 20, and 2 and 200
    (tensor([0.2000, 2.0000]), tensor([ 1.1000, 20.9000]))
    """
    input = tensor_for("batch_norm", input)
    require_floating("batch_norm", input)
    dims, shape = channel_layout("batch_norm", input)
    for name, value in named(running_mean, running_var, weight, bias):
        require_channels("batch_norm", name, value, input)
    momentum, eps = number("batch_norm", "momentum", momentum), number("batch_norm", "eps", eps)
    if eps < 0 or (training and eps == 0):
        raise OptionError(f"batch_norm: eps must be positive, but got {eps}")
    if (running_mean is None) != (running_var is None):
        raise OptionError("batch_norm: running_mean and running_var must either both be None or neither be None")
    if not training:
        return with_running_moments("batch_norm", input, running_mean, running_var, weight, bias, eps)
    count = math.prod(input.shape[axis] for axis in dims)
    if count == 1:
        raise ShapeError(
            f"batch_norm: Expected more than 1 value per channel when training, got input size {input.shape}; "
            "use a larger batch, or training=False"
        )
    known = None
    if count and (running_mean is not None or running_var is not None):
        known = rows.moments(input.array, dims)
        move(running_mean, known.mean, momentum)
        move(running_var, known.var * (count / (count - 1)), momentum)
    out: Tensor = apply(rows.standardize, input, dim=dims, count=count, eps=eps, known=known)
    return scaled(out, weight, bias, dims, shape)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample with mean 0 and variance 1.

    Source: Ulyanov, Vedaldi & Lempitsky, "Instance Normalization: The Missing Ingredient for Fast Stylization" (2016).

    Parameters
    ----------
    input : Tensor
        (N, C, ...), floating-point.
    running_mean, running_var : Tensor, optional
        (C,). They move, in place, towards the means over the batch of the moments of its samples.
    weight, bias : Tensor, optional
        (C,).
    use_input_stats : bool
        If False, the running moments are what is normalised with.
    momentum, eps : float
        As for `batch_norm`.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    ShapeError, OptionError, DtypeError
        As for `batch_norm`.

    Examples
    --------
    >>> import microbp
    >>> instance_norm(microbp.tensor([[[1.0, 3.0], [10.0, 30.0]]]))
    tensor([[[-1.0000,  1.0000],
             [-1.0000,  1.0000]]])
    """
    input = tensor_for("instance_norm", input)
    require_floating("instance_norm", input)
    dims, shape = channel_layout("instance_norm", input)
    for name, value in named(running_mean, running_var, weight, bias):
        require_channels("instance_norm", name, value, input)
    momentum, eps = number("instance_norm", "momentum", momentum), number("instance_norm", "eps", eps)
    if not use_input_stats:
        return with_running_moments("instance_norm", input, running_mean, running_var, weight, bias, eps)
    space = dims[1:]
    count = math.prod(input.shape[axis] for axis in space)
    if count == 1:
        raise ShapeError(
            f"instance_norm: Expected more than 1 spatial element when training, got input size {input.shape}; "
            "it normalises over the dimensions after (N, C)"
        )
    known = None
    if input.array.size and (running_mean is not None or running_var is not None):
        known = rows.moments(input.array, space)
        means, variances = (each.reshape(input.shape[:2]).mean(axis=0) for each in known[:2])
        move(running_mean, means, momentum)
        move(running_var, variances * (count / (count - 1)), momentum)
    out: Tensor = apply(rows.standardize, input, dim=space, count=count, eps=eps, known=known)
    return scaled(out, weight, bias, dims, shape)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Each group of channels of each sample with mean 0 and variance 1.

    Source: Wu & He, "Group Normalization" (2018).

    Parameters
    ----------
    input : Tensor
        (N, C, ...), floating-point.
    num_groups : int
        The number of groups, which divides C.
    weight, bias : Tensor, optional
        (C,).
    eps : float
        Added to the variance.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    ShapeError, OptionError, DtypeError
        If the groups do not divide the channels, or as for `batch_norm`.

    Examples
    --------
    >>> import microbp
    >>> group_norm(microbp.tensor([[1.0, 3.0, 10.0, 30.0], [1.0, 3.0, 10.0, 30.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000],
            [-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    input = tensor_for("group_norm", input)
    require_floating("group_norm", input)
    dims, shape = channel_layout("group_norm", input)
    for name, value in named(None, None, weight, bias):
        require_channels("group_norm", name, value, input)
    (groups,), channels = positive("group_norm", "num_groups", num_groups, 1), input.shape[1]
    if channels % groups:
        raise ShapeError(
            f"group_norm: the {channels} channels of input {input.shape} must be divisible by num_groups {groups}"
        )
    batch, space = input.shape[0], math.prod(input.shape[2:])
    if batch * (channels // groups) * space == 1:
        raise ShapeError(f"group_norm: Expected more than 1 value per channel when training, got size {input.shape}")
    count = channels // groups * space
    together = apply(shaping.reshape, input, shape=(batch * groups, count))
    out = apply(rows.standardize, together, dim=(1,), count=count, eps=eps, known=None)
    return scaled(apply(shaping.reshape, out, shape=input.shape), weight, bias, dims, shape)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Each value over what its neighbour channels have: x / (k + alpha * mean(x²))^beta, the mean over `size` channels.

    Source: Krizhevsky, Sutskever & Hinton, "ImageNet Classification with Deep Convolutional Neural Networks" (2012).

    Parameters
    ----------
    input : Tensor
        (N, C, ...), with at least three dimensions.
    size : int
        The number of neighbours, with the channel itself; beyond the first and the last channel there are zeros.
    alpha, beta, k : float
        As in the formula.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    ShapeError, OptionError
        If the input has fewer dimensions, or size is not positive.

    Examples
    --------
    >>> import microbp
    >>> local_response_norm(microbp.tensor([[[1.0], [2.0]]]), 2, alpha=2.0, beta=1.0)
    tensor([[[0.5000],
             [0.3333]]])
    """
    input = tensor_for("local_response_norm", input)
    if input.ndim < 3:
        raise ShapeError(f"local_response_norm: Expected 3D or higher dimensionality input, got shape {input.shape}")
    positive("local_response_norm", "size", size, 1)
    if not input.array.size:
        return input
    channels = input.shape[1]
    squares = pad(input * input, (0, 0) * (input.ndim - 2) + (size // 2, (size - 1) // 2))
    total = squares[:, :channels]
    for first in range(1, size):
        total = total + squares[:, first : first + channels]
    result: Tensor = input / (k + total * (alpha / size)) ** beta
    return result


def named(
    running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None, bias: Tensor | None
) -> list[tuple[str, Tensor]]:
    """What is given of the tensors that have one element for each channel, with their names."""
    values = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    return [(name, value) for name, value in values.items() if value is not None]


def channel_layout(name: str, input: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """All axes but that of the channels, and the shape in which one element for each channel is broadcast."""
    if input.ndim < 2:
        raise ShapeError(f"{name}: input must be (N, C) or (N, C, ...), got shape {input.shape}")
    return (0, *range(2, input.ndim)), (1, input.shape[1], *(1,) * (input.ndim - 2))


def require_channels(name: str, argument: str, value: Tensor, input: Tensor) -> None:
    """Refuse a tensor that has not one element for each channel of the input."""
    if argument in ("running_mean", "running_var") and isinstance(value, np.ndarray):
        raise TypeError(
            f"{name}: {argument} is written to, so it must be a Tensor, got an array; microbp.from_numpy(...)"
        )
    value = tensor_for(name, value, argument)
    if value.array.shape != input.array.shape[1:2]:
        raise ShapeError(
            f"{name}: {argument} should contain {input.shape[1]} elements, one for each channel of input "
            f"{input.shape}, got shape {value.shape}"
        )
    if value.array.dtype.kind != "f":
        raise DtypeError(f"{name}: {argument} must be floating-point, got {value.dtype}; convert it first: t.float()")


def scaled(
    out: Tensor, weight: Tensor | None, bias: Tensor | None, dims: tuple[int, ...], shape: tuple[int, ...]
) -> Tensor:
    """Times the weight, plus the bias, where these are given."""
    if weight is not None:
        result: Tensor = apply(rows.affine, out, weight, bias, dim=dims, shape=shape)
        return result
    return out if bias is None else out + bias.reshape(shape)


def move(running: Tensor | None, new: Any, momentum: float) -> None:
    """Move a running value, if there is one, a part of the way to a new one, in place."""
    if running is not None:
        write(running, running.array * (1 - momentum) + momentum * new, "batch_norm")


def with_running_moments(
    name: str,
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """Normalise with moments that are given; the mean goes first, so that no large numbers cancel."""
    if running_mean is None or running_var is None:
        missing = "running_mean" if running_mean is None else "running_var"
        raise OptionError(f"{name}: {missing} must be defined in evaluation mode; or use the moments of the input")
    dims, shape = channel_layout(name, input)
    centre = wrap(running_mean.array.reshape(shape).astype(input.array.dtype, copy=False))
    with np.errstate(divide="ignore", invalid="ignore"):  # as PyTorch has it, infinity and NaN come without a word
        factor = wrap((1 / np.sqrt(running_var.array + eps)).astype(input.array.dtype, copy=False))
    return scaled(input - centre, factor if weight is None else weight * factor, bias, dims, shape)
