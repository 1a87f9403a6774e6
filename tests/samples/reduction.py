"""Samples for reductions, softmax and running sums and products."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.samples import Samples, away_from_zero, normal


def over_axes(*arrays: Any, **options: Any) -> list[Any]:
    """Each array over all axes, its first one, and its first and last one."""
    found = []
    for array in arrays:
        found.append(((array,), {"dim": None, "keepdim": False, **options}))
        if array.ndim:
            found.append(((array,), {"dim": (0,), "keepdim": True, **options}))
        if array.ndim > 2:
            found.append(((array,), {"dim": (0, 2), "keepdim": False, **options}))
    return found


def counted(*arrays: Any, correction: float | None = None) -> list[Any]:
    """`over_axes`, with the number of elements that are reduced, and the degrees of freedom."""
    found = []
    for inputs, options in over_axes(*arrays):
        (array,) = inputs
        dim = range(array.ndim) if options["dim"] is None else options["dim"]
        options["count"] = int(np.prod([array.shape[axis] for axis in dim]))
        if correction is not None:
            options["freedom"] = options["count"] - correction
        found.append((inputs, options))
    return found


def deviation(name: str) -> Any:
    """PyTorch's ``var`` or ``std``."""
    return lambda lib, a, dim, keepdim, count, freedom: getattr(lib, name)(
        a, dim=dim, keepdim=keepdim, correction=count - freedom
    )


def along(*arrays: Any, **options: Any) -> list[Any]:
    """Each array along its first and its last axis."""
    return [((array,), {"dim": dim, **options}) for array in arrays for dim in {0, array.ndim - 1}]


def exclusive(lib: Any, a: Any, dim: int, reverse: bool) -> Any:
    """Products of what comes before (or after) each element, one by one."""
    products = [lib.ones_like(a.select(dim, 0))]
    for part in (a.flip(dim) if reverse else a).unbind(dim)[:-1]:
        products.append(products[-1] * part)
    y = lib.stack(products, dim)
    return y.flip(dim) if reverse else y


def recursion(lib: Any, a: Any, b: Any, dim: int, reverse: bool) -> Any:
    """The linear recurrence, one step after the other."""
    a, b = (a.flip(dim), b.flip(dim)) if reverse else (a, b)
    y = [lib.zeros_like(a.select(dim, 0))]
    for factor, term in list(zip(a.unbind(dim), b.unbind(dim), strict=True))[:-1]:
        y.append(term + factor * y[-1])
    found = lib.stack(y, dim)
    return found.flip(dim) if reverse else found


typical = [normal(3, 4), normal(), normal(2, 3, 4), normal(4, 3).T]
choices = [normal(3, 4), normal(), normal(2, 3, 4), normal(4, 3).T]
tied = np.array([[1.0, 3.0, 3.0], [3.0, 2.0, 2.0]])
several_zeros = np.array([[2.0, 0.0, 3.0, 0.5], [0.0, 4.0, 0.0, -2.0], [1.5, -1.0, 2.0, 0.7], [0.0, 0.0, 0.0, 3.0]])
lines = [normal(3, 4), normal(5), normal(2, 3, 4), normal(4, 3).T, normal(0, 3)]
whole_axis = [((array,), {"dim": None, "keepdim": False}) for array in choices]
one_axis = [((normal(3, 4),), {"dim": 1, "keepdim": keepdim}) for keepdim in (False, True)]

samples = {
    "sum": Samples(
        lambda lib, a, dim, keepdim: lib.sum(a, dim=dim, keepdim=keepdim),
        [*over_axes(*typical, normal(0, 3)), *over_axes(np.array([[True, True], [False, True]]), np.arange(6))],
    ),
    "nansum": Samples(
        lambda lib, a, dim, keepdim: lib.nansum(a, dim=dim, keepdim=keepdim),
        [*over_axes(*typical, normal(0, 3)), *over_axes(np.where(normal(3, 4) < 0, np.nan, normal(3, 4)))],
        smooth=False,
    ),
    "spread": Samples(
        lambda lib, a, shape, dim: (
            a.expand(shape)
            if dim is None
            else a.reshape([1 if k in dim else n for k, n in enumerate(shape)]).expand(shape)
        ),
        [
            ((normal(),), {"shape": (3, 4), "dim": None}),
            ((normal(1, 1),), {"shape": (3, 4), "dim": None}),
            ((normal(3),), {"shape": (2, 3, 4), "dim": (0, 2)}),
            ((normal(1, 3, 1),), {"shape": (2, 3, 4), "dim": (0, 2)}),
            ((normal(3),), {"shape": (3, 0), "dim": (1,)}),
        ],
    ),
    "mean": Samples(
        lambda lib, a, dim, keepdim, count: lib.mean(a, dim=dim, keepdim=keepdim),
        [*counted(*typical), ((normal(0, 3),), {"dim": (0,), "keepdim": False, "count": 0})],
        smooth=False,
    ),
    "var": Samples(
        deviation("var"),
        [*counted(normal(3, 4), normal(2, 3, 4), correction=1), *counted(normal(4, 3).T, normal(), correction=0)],
    ),
    "std": Samples(
        deviation("std"),
        [
            *counted(normal(3, 4), normal(2, 3, 4), correction=1),
            *counted(normal(4, 3).T, correction=0.5),
            *counted(normal(2, 3, seed=5), correction=0),
        ],
    ),
    "max": Samples(
        lambda lib, a, keepdim: lib.max(a).reshape([1] * a.ndim if keepdim else []),
        [((array,), {"keepdim": keepdim}) for array in (*choices, tied) for keepdim in (False, True)],
        smooth=False,
    ),
    "min": Samples(
        lambda lib, a, keepdim: lib.min(a).reshape([1] * a.ndim if keepdim else []),
        [((array,), {"keepdim": keepdim}) for array in (*choices, tied) for keepdim in (False, True)],
        smooth=False,
    ),
    "amax": Samples(
        lambda lib, a, dim, keepdim: lib.amax(a, dim=() if dim is None else dim, keepdim=keepdim),
        [*over_axes(*choices), *over_axes(tied)],
        smooth=False,
    ),
    "amin": Samples(
        lambda lib, a, dim, keepdim: lib.amin(a, dim=() if dim is None else dim, keepdim=keepdim),
        [*over_axes(*choices), *over_axes(tied)],
        smooth=False,
    ),
    "evenly": Samples(
        lambda lib, a, b, dim: (a == b) / (a == b).to(a.dtype).sum(dim, keepdim=True),
        [
            ((tied, tied.max(keepdims=True)), {"dim": (0, 1)}),
            ((tied, tied.max(1, keepdims=True)), {"dim": (1,)}),
            ((tied, tied.min(0, keepdims=True)), {"dim": (0,)}),
        ],
    ),
    "argmax": Samples(lambda lib, a, dim, keepdim: lib.argmax(a, dim=dim, keepdim=keepdim), [*whole_axis, *one_axis]),
    "argmin": Samples(lambda lib, a, dim, keepdim: lib.argmin(a, dim=dim, keepdim=keepdim), [*whole_axis, *one_axis]),
    "any": Samples(
        lambda lib, a, dim, keepdim: lib.any(a, dim=dim, keepdim=keepdim),
        over_axes(several_zeros, np.zeros((2, 3)), normal(0, 3), np.arange(3), np.array([False, True])),
    ),
    "all": Samples(
        lambda lib, a, dim, keepdim: lib.all(a, dim=dim, keepdim=keepdim),
        over_axes(several_zeros, np.zeros((2, 3)), normal(0, 3), np.arange(3), np.array([False, True])),
    ),
    "count_nonzero": Samples(
        lambda lib, a, dim: lib.count_nonzero(a, dim=dim),
        [((several_zeros,), {"dim": None}), ((several_zeros,), {"dim": (1,)}), ((np.arange(3),), {"dim": (0,)})],
    ),
    "norm": Samples(
        lambda lib, a, dim, keepdim: lib.norm(a, dim=dim, keepdim=keepdim),
        over_axes(normal(3, 4), away_from_zero(), normal(2, 3, 4), normal(4, 3).T),
    ),
    "p_norm": Samples(
        lambda lib, a, p, dim, keepdim: lib.norm(
            a, p, dim=tuple(range(a.ndim)) if dim is None else dim, keepdim=keepdim
        ),
        [
            *over_axes(away_from_zero(3, 4), p=3.0),
            *over_axes(away_from_zero(2, 3, 4), p=1.5),
            *over_axes(away_from_zero(4, 3).T, p=0.5),
        ],
    ),
    "logsumexp": Samples(
        lambda lib, a, dim, keepdim: lib.logsumexp(
            a, dim=tuple(range(a.ndim)) if dim is None else dim, keepdim=keepdim
        ),
        over_axes(normal(3, 4), normal(2, 3, 4), normal(4, 3).T, normal(3) * 1e4),
    ),
    "softmax": Samples(lambda lib, a, dim: lib.softmax(a, dim=dim), along(*lines)),
    "log_softmax": Samples(lambda lib, a, dim: lib.log_softmax(a, dim=dim), along(*lines)),
    "cumsum": Samples(
        lambda lib, a, dim, reverse: a.flip(dim).cumsum(dim).flip(dim) if reverse else a.cumsum(dim),
        [*along(*lines, reverse=False), *along(*lines, reverse=True), *along(np.arange(4), reverse=True)],
    ),
    "cumprod": Samples(
        lambda lib, a, dim: a.cumprod(dim),
        [*along(*lines), *along(several_zeros, np.arange(4)), *along(np.array([[True, False], [True, True]]))],
    ),
    "prod": Samples(
        lambda lib, a, dim, keepdim: lib.prod(a, dim=dim, keepdim=keepdim),
        [*along(*lines, keepdim=False), *along(several_zeros, keepdim=True), *along(np.arange(4), keepdim=False)],
    ),
    "partial_products": Samples(
        exclusive,
        [*along(normal(3, 4), several_zeros, reverse=False), *along(normal(3, 4), several_zeros, reverse=True)],
    ),
    "recurrence": Samples(
        recursion,
        [
            ((normal(3, 4), normal(3, 4, seed=1)), {"dim": 1, "reverse": False}),
            ((normal(3, 4), normal(3, 4, seed=1)), {"dim": 0, "reverse": True}),
            ((several_zeros.T, normal(4, 4)), {"dim": 0, "reverse": False}),
        ],
    ),
}
