"""NumPy's statistics on tensors: ``np.median(t)``, ``np.average(t, weights=w)``, ``np.cov(t)``.

Continues `microbp.functions.interop`, with NumPy's names and defaults.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.functions import covariance, extremes, quantiles, reduction, shape
from microbp.functions.interop import implements
from microbp.tensor import Tensor, as_operand, wrap

__all__: list[str] = []


@implements(np.average)
def average(
    a: Any, axis: int | None = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Mean of the elements, each counting as much as its weight says."""
    values: Any = as_operand(a)
    if weights is None:
        mean = reduction.mean(values, axis, keepdim=keepdims)
        total: Any = wrap(np.full(mean.shape, values.numel() // max(mean.numel(), 1), values.dtype))
        return (mean, total) if returned else mean
    shares: Any = as_operand(weights)
    if shares.shape != values.shape:
        shares = shares.reshape(
            tuple(size if k == (axis or 0) % values.ndim else 1 for k, size in enumerate(values.shape))
        )
    total = reduction.sum(shares.expand(values.shape), axis, keepdim=keepdims)
    mean = reduction.sum(values * shares, axis, keepdim=keepdims) / total
    return (mean, total) if returned else mean


@implements(np.ptp)
def ptp(a: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    """The largest less the smallest element."""
    return extremes.amax(a, axis, keepdims) - extremes.amin(a, axis, keepdims)


@implements(np.quantile)
def quantile(a: Tensor, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    """The values below which given shares of the elements lie."""
    return at_shares(quantiles.quantile, a, q, axis, method, keepdims)


@implements(np.percentile)
def percentile(a: Tensor, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    """The values below which given percentages of the elements lie."""
    return at_shares(quantiles.quantile, a, np.true_divide(q, 100), axis, method, keepdims)


@implements(np.nanquantile)
def nanquantile(a: Tensor, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    """The values below which given shares of the elements lie that are not NaN."""
    return at_shares(quantiles.nanquantile, a, q, axis, method, keepdims)


@implements(np.nanpercentile)
def nanpercentile(a: Tensor, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    """The values below which given percentages of the elements lie that are not NaN."""
    return at_shares(quantiles.nanquantile, a, np.true_divide(q, 100), axis, method, keepdims)


@implements(np.median)
def median(a: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    """The element in the middle of the order, or the mean of the two that are there."""
    return at_shares(quantiles.quantile, a, 0.5, axis, "midpoint", keepdims)


@implements(np.nanmedian)
def nanmedian(a: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    """The median of the elements that are not NaN."""
    return at_shares(quantiles.nanquantile, a, 0.5, axis, "midpoint", keepdims)


def at_shares(ours: Any, a: Tensor, q: Any, axis: Any, method: str, keepdims: bool) -> Tensor:
    """One of the quantiles, with the shares in the dtype of the elements."""
    shares = q if isinstance(q, Tensor) else wrap(np.asarray(q, a.dtype))
    return ours(a, shares, axis, keepdims, interpolation=method)  # type: ignore[no-any-return]


@implements(np.cov)
def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None) -> Tensor:
    """Covariances of variables, one a row."""
    if y is not None:
        raise NotImplementedError("np.cov of tensors takes one table: np.cov(np.stack([x, y]))")
    table: Any = as_operand(m)
    correction = (0 if bias else 1) if ddof is None else ddof
    return covariance.cov(table if rowvar or table.ndim < 2 else table.T, correction=correction)


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Tensor:
    """Correlations of variables, one a row."""
    if y is not None:
        raise NotImplementedError("np.corrcoef of tensors takes one table: np.corrcoef(np.stack([x, y]))")
    table: Any = as_operand(x)
    return covariance.corrcoef(table if rowvar or table.ndim < 2 else table.T)


def extreme_of_numbers(counterpart: Any, ours: Any, filler: float) -> None:
    """Enter an extreme of the elements that are not NaN; NaN, if there are none."""

    def extreme(a: Any, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        nan = a.isnan()
        found = ours(a.masked_fill(nan, filler), axis, keepdims)
        nothing: Any = reduction.all(nan, axis, keepdims)
        return found.masked_fill(nothing, np.nan)  # type: ignore[no-any-return]

    implements(counterpart)(extreme)


extreme_of_numbers(np.nanmax, extremes.amax, -np.inf)
extreme_of_numbers(np.nanmin, extremes.amin, np.inf)


@implements(np.ediff1d)
def ediff1d(ary: Tensor) -> Tensor:
    """Differences of neighbours of the flattened tensor."""
    flat: Any = shape.ravel(ary)
    return flat[1:] - flat[:-1]  # type: ignore[no-any-return]
