"""Elements, or values between them, below which a given share of the elements lies."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, RangeError, ShapeError
from microbp.functions.dims import as_dim, either
from microbp.functions.sorting import Ranked, median, picked, reduced, sort
from microbp.methods import method
from microbp.mode import look_at_values
from microbp.tensor import Tensor, wrap

__all__ = ["nanmedian", "nanquantile", "quantile"]

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@method("quantile")
def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The value below which a share q of the elements lies, of all elements or along an axis.

    Of n elements in order, it is that at position q * (n - 1), counted from 0; between two, what `interpolation` says.

    Parameters
    ----------
    input : Tensor
        Of a floating-point dtype; a NaN in it wins.
    q : float or Tensor
        The share, from 0 to 1, or several: of shape () or (m,), and of the dtype of `input`.
    dim : int, optional
        The axis; without it, all elements are taken together.
    keepdim : bool
        Leave the reduced axes with size 1.
    interpolation : {"linear", "lower", "higher", "midpoint", "nearest"}
        Between two elements, a value in proportion, one of the two, or the value in the middle.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor
        For several shares, with an axis of size m in front.

    Raises
    ------
    DtypeError
        For integers, or if the dtypes differ.
    ShapeError
        If there are no elements, or `q` has more than one dimension.
    RangeError
        If a share is not from 0 to 1.
    OptionError
        If there is no such interpolation.

    Examples
    --------
    >>> import microbp
    >>> microbp.quantile(microbp.tensor([1.0, 2.0, 4.0]), 0.75)
    tensor(3.)
    """
    dim, keepdim = either("quantile", dim, axis, keepdim, keepdims)
    return at_shares("quantile", input, q, dim, keepdim, interpolation, ignores_nan=False)


@method("nanquantile")
def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN, if there are none.

    Parameters
    ----------
    input, q, dim, keepdim, interpolation, axis, keepdims
        As for `quantile`, but that NaN is passed over.

    Returns
    -------
    Tensor
        As for `quantile`.

    Raises
    ------
    DtypeError, ShapeError, RangeError, OptionError
        As for `quantile`.

    Examples
    --------
    >>> import microbp
    >>> microbp.nanquantile(microbp.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)
    """
    dim, keepdim = either("nanquantile", dim, axis, keepdim, keepdims)
    return at_shares("nanquantile", input, q, dim, keepdim, interpolation, ignores_nan=True)


def at_shares(
    name: str, input: Any, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignores_nan: bool
) -> Tensor:
    """`quantile` and `nanquantile`, which differ in what NaN means."""
    shares: Any = q if isinstance(q, Tensor) else wrap(np.array(q, input.dtype))
    check(name, input, shares, interpolation)
    if dim is None:
        shape = (1,) * input.ndim
        lines: Any = input.reshape(-1)
    else:
        place = as_dim(name, dim, input.ndim)
        shape = (*input.shape[:place], 1, *input.shape[place + 1 :]) if input.ndim else ()
        lines = input.movedim(place, -1) if input.ndim else input.reshape(1)
    ordered: Any = sort(lines, -1).values
    nan = np.isnan(ordered.array)
    several = shares.reshape(-1)
    if ignores_nan:
        ranks = several * wrap(np.maximum((~nan).sum(-1, keepdims=True) - 1, 0).astype(input.dtype))
    else:
        last = ordered.shape[-1] - 1
        ranks = (several * last + wrap(np.zeros((*nan.shape[:-1], 1), input.dtype))).masked_fill(
            wrap(nan.any(-1, keepdims=True)), float(last)
        )
    rounding: dict[str, Any] = {"lower": np.floor, "higher": np.ceil, "nearest": np.round}
    if interpolation in rounding:
        found = ordered.gather(-1, wrap(rounding[interpolation](ranks.array).astype(np.int64)))
    else:
        below = wrap(np.floor(ranks.array))
        weights = ranks - below if interpolation == "linear" else ranks.detach() * 0 + 0.5
        above = wrap(np.ceil(ranks.array).astype(np.int64))
        found = ordered.gather(-1, below.long()).lerp(ordered.gather(-1, above), weights)
    results: Any = found.movedim(-1, 0)
    if keepdim:
        return results.reshape(*shares.shape, *shape)  # type: ignore[no-any-return]
    return results if shares.ndim else results[0]  # type: ignore[no-any-return]


def check(name: str, input: Tensor, shares: Tensor, interpolation: str) -> None:
    """Refuse what has no quantiles."""
    if input.dtype.kind != "f":
        raise DtypeError(f"{name} needs a floating-point tensor, got {input.dtype}; convert it first: t.float()")
    if shares.dtype != input.dtype:
        raise DtypeError(f"{name}: q of {shares.dtype} must have the dtype of input, {input.dtype}")
    if not input.array.size:
        raise ShapeError(f"{name}: a tensor of shape {tuple(input.shape)} has no elements")
    if shares.ndim > 1:
        raise ShapeError(f"{name}: q must be a number or of shape (m,), got shape {tuple(shares.shape)}")
    look_at_values()
    if not ((shares.array >= 0) & (shares.array <= 1)).all():
        raise RangeError(f"{name}: q must be from 0 to 1, got {shares.tolist()}")
    if interpolation not in INTERPOLATIONS:
        raise OptionError(f"{name}: interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")


@method("nanmedian")
def nanmedian(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> Any:
    """`median` of the elements that are not NaN; NaN, if there are none.

    Parameters
    ----------
    input, dim, keepdim, axis, keepdims
        As for `median`, but that NaN is passed over.

    Returns
    -------
    Tensor, or named tuple (values, indices) of Tensor
        As for `median`.

    Raises
    ------
    RangeError
        If there is nothing to choose from along the axis.

    Examples
    --------
    >>> import microbp
    >>> microbp.nanmedian(microbp.tensor([1.0, float("nan"), 3.0, 2.0]))
    tensor(2.)
    """
    dim, keepdim = either("nanmedian", dim, axis, keepdim, keepdims)
    look_at_values()
    nan = input.array != input.array
    if dim is None:
        return median(input[wrap(~nan)] if nan.any() else input)
    place = as_dim("nanmedian", dim, input.ndim)
    if not (input.array.shape[place] if input.ndim else 1):
        raise RangeError(f"nanmedian: a tensor of shape {tuple(input.shape)} has no elements along dimension {place}")
    if not input.ndim:
        return picked(input, place, np.zeros((), np.int64))
    counts = (~nan).sum(place, keepdims=True)
    order = np.argsort(input.array, place, kind="stable")
    found: Ranked = picked(input, place, np.take_along_axis(order, np.maximum(counts - 1, 0) // 2, place))
    return reduced(found, place, keepdim)


@method("mode")
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Ranked:
    """The most frequent element along an axis, of several the smallest, and its last place.

    Parameters
    ----------
    input : Tensor
        Of any shape with elements along the axis.
    dim : int
        The axis.
    keepdim : bool
        Leave the reduced axis with size 1.

    Returns
    -------
    named tuple (values, indices) of Tensor
        The gradient of a value goes to its index.

    Raises
    ------
    RangeError
        If there is nothing to choose from.

    Examples
    --------
    >>> import microbp
    >>> values, indices = microbp.tensor([5.0, 1.0, 5.0, 2.0]).mode()
    >>> values, indices
    (tensor(5.), tensor(2))
    """
    place = as_dim("mode", dim, input.ndim)
    if not input.ndim:
        return picked(input, place, np.zeros((), np.int64))
    if not input.array.shape[place]:
        raise RangeError(f"mode: a tensor of shape {tuple(input.shape)} has no elements along dimension {place}")
    order = np.argsort(input.array, place, kind="stable")
    ordered = np.moveaxis(np.take_along_axis(input.array, order, place), place, -1)
    starts = np.ones(ordered.shape, np.bool_)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    positions = np.arange(ordered.shape[-1])
    length = positions - np.maximum.accumulate(np.where(starts, positions, 0), -1)  # of the run up to each element
    last = np.expand_dims(length.argmax(-1), place)
    return reduced(picked(input, place, np.take_along_axis(order, last, place)), place, keepdim)
