"""Resizing of signals, images and volumes, with PyTorch's signatures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import index
from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError, warn
from microbp.nn.functional.adaptive_pooling import adaptive_avg_pool
from microbp.nn.functional.check import require_floating, tensor_for
from microbp.ops import shape as shaping
from microbp.ops.resampling import Grid, Taps, resample
from microbp.tensor import Tensor, apply

__all__ = ["channel_shuffle", "interpolate", "pixel_shuffle", "pixel_unshuffle", "upsample"]

# The modes, and how many dimensions each of them resizes.
NEAREST = ("nearest", "nearest-exact")
LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
MODES = (*NEAREST, "area", *LINEAR)


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """A signal, an image or a volume in another size.

    Element i of the result lies at s (i + 1/2) - 1/2 of the input, where s is the ratio of the sizes; with
    `align_corners` at s i with s = (size - 1) / (new size - 1), so that first and last elements stay in place.

    Parameters
    ----------
    input : Tensor
        (N, C, L), (N, C, H, W) or (N, C, D, H, W), floating-point; mode nearest takes also uint8.
    size : int or sequence of int, optional
        The new size, one for all dimensions or one for each. Either this or `scale_factor`.
    scale_factor : float or sequence of float, optional
        The new size over the old one; the result is rounded down.
    mode : str
        ``"nearest"``, the element at floor(s i); ``"nearest-exact"``, the element whose centre is next;
        ``"linear"``, ``"bilinear"`` and ``"trilinear"`` (for one, two and three dimensions), a weighted mean of the
        neighbours; ``"bicubic"``, the same with the four next elements along each dimension (Keys' kernel with
        a = -0.75); ``"area"``, as `adaptive_avg_pool2d`.
    align_corners : bool, optional
        For linear, bilinear, trilinear and bicubic only; by default False.
    recompute_scale_factor : bool, optional
        Compute s from the rounded sizes and not from `scale_factor`.
    antialias : bool
        Not supported.

    Returns
    -------
    Tensor
        With the same batch and channels.

    Raises
    ------
    OptionError
        If not exactly one of `size` and `scale_factor` is given, or an option does not go with the mode.
    ShapeError
        If a size would not be positive.
    NotImplementedError
        If there is no such mode for this number of dimensions, or `antialias` is asked for.

    Source: Keys, "Cubic Convolution Interpolation for Digital Image Processing" (1981).

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([[[0.0, 1.0, 4.0]]])
    >>> interpolate(x, scale_factor=2)
    tensor([[[0., 0., 1., 1., 4., 4.]]])
    >>> interpolate(x, size=5, mode="linear", align_corners=True)
    tensor([[[0.0000, 0.5000, 1.0000, 2.5000, 4.0000]]])
    """
    input = tensor_for("interpolate", input)
    check_mode(mode, input, align_corners, antialias)
    sizes = input.array.shape[2:]
    counts, factors = new_sizes(sizes, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise OptionError("interpolate: recompute_scale_factor makes no sense with an explicit size")
    if recompute_scale_factor:
        factors = (None,) * len(sizes)
    if 0 in input.array.shape[1:] or min(counts) < 1:
        raise ShapeError(
            f"interpolate: sizes must be greater than 0 and only the batch may be empty, got an input of shape "
            f"{input.array.shape} and output size {counts}"
        )
    if mode == "area":
        return adaptive_avg_pool("interpolate", len(sizes), input, counts)
    # the precision in which positions are computed can decide which element is the nearest
    single = input.array.dtype.itemsize < 8
    axes = list(zip(sizes, counts, factors, strict=True))
    if mode in NEAREST:
        grid = Grid(nearest(*axis, mode == "nearest-exact", single, len(sizes) == 2) for axis in axes)
    else:
        grid = Grid(between(*axis, mode == "bicubic", bool(align_corners), single) for axis in axes)
    out: Tensor = apply(resample, input, grid=grid)
    return out


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """`interpolate` under its old name, which warns.

    Parameters
    ----------
    input, size, scale_factor, mode, align_corners
        As for `interpolate`.

    Returns
    -------
    Tensor
        As for `interpolate`.

    Examples
    --------
    >>> import microbp, warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     upsample(microbp.ones(1, 1, 2), scale_factor=2).shape
    (1, 1, 4)
    """
    input = tensor_for("upsample", input)
    warn("nn.functional.upsample is deprecated; use nn.functional.interpolate instead")
    return interpolate(input, size, scale_factor, mode, align_corners)


def check_mode(mode: str, input: Tensor, align_corners: bool | None, antialias: bool) -> None:
    """Refuse a mode that does not exist, or does not go with the input and the other options."""
    if mode not in MODES:
        raise NotImplementedError(
            f"interpolate: there is no mode {mode!r}; the modes are {', '.join(map(repr, MODES))}"
        )
    dims = input.ndim - 2
    if LINEAR.get(mode, min(max(dims, 1), 3)) != dims:
        fitting = ", ".join(repr(name) for name in MODES if LINEAR.get(name, dims) == dims)
        hint = (
            f"the modes for it are {fitting}"
            if 1 <= dims <= 3
            else "it must be (N, C, L), (N, C, H, W) or (N, C, D, H, W)"
        )
        raise NotImplementedError(f"interpolate: mode {mode!r} cannot resize an input of shape {input.shape}; {hint}")
    if align_corners is not None and mode not in LINEAR:
        raise OptionError(
            f"interpolate: align_corners goes with {', '.join(map(repr, LINEAR))}, not with mode {mode!r}"
        )
    if antialias:
        raise NotImplementedError("interpolate: antialias=True is not supported; average first, as with avg_pool2d()")
    if mode not in NEAREST or input.array.dtype != np.uint8:
        require_floating("interpolate", input)


def new_sizes(sizes: tuple[int, ...], size: Any, scale_factor: Any) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The sizes asked for, and the factors where they were given instead."""
    if (size is None) == (scale_factor is None):
        raise OptionError(
            f"interpolate: give either size or scale_factor, got size={size}, scale_factor={scale_factor}"
        )
    name, value = ("size", size) if scale_factor is None else ("scale_factor", scale_factor)
    given = tuple(value) if isinstance(value, tuple | list) else (value,) * len(sizes)
    if len(given) != len(sizes):
        raise OptionError(f"interpolate: {name} must be one number or one for each of the sizes {sizes}, got {given}")
    try:
        if scale_factor is None:
            return tuple(map(index, given)), (None,) * len(sizes)
        factors = tuple(map(float, given))
    except (TypeError, ValueError):
        kind = "integers" if scale_factor is None else "numbers"
        raise TypeError(f"interpolate: {name} must be of {kind}, got {value!r}") from None
    if not all(map(math.isfinite, factors)):
        raise OptionError(f"interpolate: scale_factor must be finite, got {value!r}")
    return tuple(math.floor(size * factor) for size, factor in zip(sizes, factors, strict=True)), factors


@lru_cache(maxsize=256)
def nearest(size: int, count: int, factor: float | None, exact: bool, single: bool, image: bool) -> Taps:
    """The map from an axis to one of another size by nearest neighbours.

    It rounds as PyTorch does, whose positions are those of float32 for images, and of the input's
    dtype for signals and volumes.

    Parameters
    ----------
    size, count : int
        The size before and after.
    factor : float, optional
        What the size was to be multiplied by, before the product was rounded.
    exact : bool
        Whether the element whose centre is next is meant, and not the one at the left.
    single : bool
        Whether the input is of less than double precision.
    image : bool
        Whether two axes are resized.
    """
    rounded: Any = np.float32 if single or image else np.float64
    ratio = rounded(size / count if factor is None else 1 / factor)
    steps: Any = np.arange(count)
    if image and not exact and count in (size, 2 * size):
        places = steps // (count // size)
    elif image:
        places = np.floor((steps + (0.5 if exact else 0)).astype(rounded) * ratio)
    elif exact:
        centres = np.maximum(((steps + 0.5) * float(ratio) - 0.5).astype(rounded), 0)
        places = np.floor((centres + rounded(0.5)).astype(np.float32))
    else:
        places = np.floor((steps * float(ratio)).astype(np.float32))
    return Taps(size, np.minimum(places.astype(np.intp), size - 1)[None])


@lru_cache(maxsize=256)
def between(size: int, count: int, factor: float | None, cubic: bool, align_corners: bool, single: bool) -> Taps:
    """The map from an axis to one of another size by weighted means of neighbours.

    Parameters
    ----------
    size, count, factor, single
        As for `nearest`.
    cubic : bool
        Whether four neighbours take part, and not two.
    align_corners : bool
        Whether the first and the last element stay in place.
    """
    if size == count and not cubic:
        return Taps(size, np.arange(size)[None])
    rounded = np.float32 if single else np.float64
    if align_corners:
        positions = np.arange(count) * float(rounded((size - 1) / max(count - 1, 1)))
    else:
        ratio = float(rounded(size / count if factor is None else 1 / factor))
        positions = (np.arange(count) + 0.5) * ratio - 0.5
        if not cubic:
            positions = np.maximum(positions, 0)
    positions = positions.astype(rounded)
    left = np.minimum(np.floor(positions), size - 1)
    t = np.clip(positions - left, 0, 1).astype(np.float64)
    left = left.astype(np.intp)
    if not cubic:
        return Taps(size, np.stack([left, np.minimum(left + 1, size - 1)]), np.stack([1 - t, t]))
    places = (left + np.arange(-1, 3)[:, None]).clip(0, size - 1)
    return Taps(size, places, np.stack([far(t + 1), near(t), near(1 - t), far(2 - t)]))


A = -0.75  # Keys' parameter of the cubic kernel


def near(t: Any) -> Any:
    """The cubic kernel at distances up to 1."""
    return ((A + 2) * t - (A + 3)) * t * t + 1


def far(t: Any) -> Any:
    """The cubic kernel at distances from 1 to 2."""
    return ((A * t - 5 * A) * t + 8 * A) * t - 4 * A


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels rearranged into a finer image: from ``(*, C r², H, W)`` to ``(*, C, H r, W r)``.

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
    Neural Network" (2016).

    Parameters
    ----------
    input : Tensor
        ``(*, C r², H, W)``.
    upscale_factor : int
        The factor r.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, OptionError
        If the number of channels is no multiple of r², or r is not positive.

    Examples
    --------
    >>> import microbp
    >>> pixel_shuffle(microbp.arange(4.0).reshape(4, 1, 1), 2)
    tensor([[[0., 1.],
             [2., 3.]]])
    """
    *rest, channels, height, width = image_shape("pixel_shuffle", input, upscale_factor, "upscale_factor")
    r = upscale_factor
    if channels % (r * r):
        raise ShapeError(
            f"pixel_shuffle: the {channels} channels of shape {tuple(input.shape)} are no multiple of upscale_factor² "
            f"= {r * r}"
        )
    k = len(rest)
    split = (*rest, channels // (r * r), r, r, height, width)
    order = (*range(k), k, k + 3, k + 1, k + 4, k + 2)
    return rearranged(input, split, order, (*rest, channels // (r * r), height * r, width * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """An image rearranged into more channels, undoing `pixel_shuffle`: ``(*, C, H r, W r)`` to ``(*, C r², H, W)``.

    Parameters
    ----------
    input : Tensor
        ``(*, C, H r, W r)``.
    downscale_factor : int
        The factor r.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, OptionError
        If height and width are no multiples of r, or r is not positive.

    Examples
    --------
    >>> import microbp
    >>> pixel_unshuffle(microbp.ones(1, 4, 6), 2).shape
    (4, 2, 3)
    """
    *rest, channels, height, width = image_shape("pixel_unshuffle", input, downscale_factor, "downscale_factor")
    r = downscale_factor
    if height % r or width % r:
        raise ShapeError(
            f"pixel_unshuffle: height {height} and width {width} of shape {tuple(input.shape)} are not both multiples "
            f"of downscale_factor {r}"
        )
    k = len(rest)
    split = (*rest, channels, height // r, r, width // r, r)
    order = (*range(k), k, k + 2, k + 4, k + 1, k + 3)
    return rearranged(input, split, order, (*rest, channels * r * r, height // r, width // r))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels in turn from each of some groups.

    Source: Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices" (2018).

    Parameters
    ----------
    input : Tensor
        (N, C, ...).
    groups : int
        The number of groups, which divides C.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, OptionError
        If the number of channels is no multiple of `groups`, or that is not positive.

    Examples
    --------
    >>> import microbp
    >>> channel_shuffle(microbp.arange(4.0).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    input = tensor_for("channel_shuffle", input)
    shape = input.array.shape
    if len(shape) < 3:
        raise ShapeError(f"channel_shuffle: input must have shape (N, C, ...), got {shape}")
    if index(groups) < 1:
        raise OptionError(f"channel_shuffle: groups must be positive, got {groups}")
    if shape[1] % groups:
        raise ShapeError(
            f"channel_shuffle: the {shape[1]} channels of shape {shape} are no multiple of groups {groups}"
        )
    split = (shape[0], groups, shape[1] // groups, *shape[2:])
    return rearranged(input, split, (0, 2, 1, *range(3, len(split))), shape)


def image_shape(name: str, input: Any, factor: Any, argument: str) -> tuple[int, ...]:
    """The shape of an image that is to be rearranged, with its factor checked."""
    shape = tensor_for(name, input).array.shape
    if len(shape) < 3:
        raise ShapeError(f"{name}: input must have shape (..., C, H, W), got {shape}")
    if index(factor) < 1:
        raise OptionError(f"{name}: {argument} must be positive, got {factor}")
    return shape


def rearranged(input: Any, split: tuple[int, ...], order: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    """A tensor with its axes split, put in another order, and joined again."""
    parts = apply(shaping.permute, apply(shaping.reshape, input, shape=split), dims=order)
    return apply(shaping.reshape, parts, shape=shape)
