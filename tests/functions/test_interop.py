"""NumPy's functions on tensors: the values and dtypes that they have on arrays, recorded; or an error that names them.

Every entry of the table is tried on arrays and on tensors with the same values, in float64 and
float32, and its gradient is compared with central differences. What NumPy has and the table has not
must be refused by name.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors
from microbp.functions import interop_all  # noqa: F401, so that the table is complete
from microbp.label import numpy_name
from microbp.ops.op import numpy_rows
from tests.leaves import leaf
from tests.samples import normal, positive

A = normal(3, 4)
B = normal(3, 4, seed=1)
P = positive(3, 4)
V = normal(4)
W = normal(4, seed=1)
M = normal(3, 3) * 0.3 + 2 * np.eye(3)
S = M @ M.T
D = np.array([[3.0, 1.0, 2.0, 7.0], [9.5, 4.0, 6.0, 5.0], [0.5, 8.0, 10.0, 11.0]])  # no two are close
NAN = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.5]])
T3 = normal(2, 3, 4)

Entry = tuple[str, Callable[..., Any], tuple[Any, ...]]

UNARY: dict[str, Any] = {
    **dict.fromkeys(("absolute", "ceil", "fabs", "floor", "negative", "positive", "rint", "sign", "square"), A),
    **dict.fromkeys(("trunc", "fix", "conjugate", "real", "reciprocal", "round", "around", "cosh", "sinh", "tanh"), A),
    **dict.fromkeys(("exp", "exp2", "expm1", "sin", "cos", "arctan", "arcsinh", "sinc", "deg2rad", "rad2deg"), A),
    **dict.fromkeys(("radians", "degrees", "tan"), A),
    **dict.fromkeys(("sqrt", "log", "log2", "log10", "log1p"), P),
    **dict.fromkeys(("arcsin", "arccos", "arctanh"), np.tanh(A)),
    "arccosh": P + 1,
}
BINARY = {
    **dict.fromkeys(("add", "subtract", "multiply", "divide", "maximum", "minimum", "fmax", "fmin"), (A, B)),
    **dict.fromkeys(("arctan2", "hypot", "logaddexp", "logaddexp2", "copysign"), (A, B)),
    **dict.fromkeys(("power", "float_power", "fmod", "remainder", "floor_divide"), (P, positive(3, 4, seed=1))),
    "heaviside": (A, B),
}
TRUTHS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
LOGIC = ("logical_and", "logical_or", "logical_xor")

ENTRIES: list[Entry] = [
    *((name, getattr(np, name), (value,)) for name, value in UNARY.items()),
    *((name, getattr(np, name), pair) for name, pair in BINARY.items()),
    *((f"{name}, broadcast", getattr(np, name), (a, b[0])) for name, (a, b) in BINARY.items()),
    *((name, getattr(np, name), (np.round(A), np.round(B))) for name in (*TRUTHS, *LOGIC)),
    *((name, getattr(np, name), (A,)) for name in ("isnan", "isinf", "isfinite", "logical_not", "signbit")),
    *((name, getattr(np, name), (A,)) for name in ("isreal", "iscomplex", "isposinf", "isneginf")),
    ("divmod", np.divmod, (P, positive(3, 4, seed=1))),
    ("modf", np.modf, (A,)),
    # methods of ufuncs
    ("add.reduce", np.add.reduce, (A,)),
    ("add.reduce of all", lambda a: np.add.reduce(a, axis=None), (A,)),
    ("add.reduce, keepdims", lambda a: np.add.reduce(a, axis=1, keepdims=True), (A,)),
    ("add.reduce of two axes", lambda a: np.add.reduce(a, axis=(0, 2)), (T3,)),
    ("multiply.reduce", np.multiply.reduce, (A,)),
    ("maximum.reduce", lambda a: np.maximum.reduce(a, axis=1), (D,)),
    ("minimum.reduce", lambda a: np.minimum.reduce(a, axis=1), (D,)),
    ("logaddexp.reduce", np.logaddexp.reduce, (A,)),
    ("logical_and.reduce", np.logical_and.reduce, (A,)),
    ("logical_or.reduce", np.logical_or.reduce, (A,)),
    ("add.accumulate", np.add.accumulate, (A,)),
    ("multiply.accumulate", lambda a: np.multiply.accumulate(a, axis=1), (A,)),
    ("maximum.accumulate", np.maximum.accumulate, (D,)),
    ("minimum.accumulate", lambda a: np.minimum.accumulate(a, axis=1), (D,)),
    *(
        (f"{name}.outer", getattr(np, name).outer, (x, y))
        for name, x, y in (
            ("add", A, V),
            ("subtract", V, A),
            ("multiply", V, W),
            ("divide", V, P),
            ("power", P, V),
            ("maximum", V, W[:3]),
            ("arctan2", V, W),
            ("logaddexp", A, W),
            ("less", V, W),
        )
    ),
    # sums and statistics
    ("sum", np.sum, (A,)),
    ("sum, axis", lambda a: np.sum(a, axis=1), (A,)),
    ("sum, axes", lambda a: np.sum(a, axis=(0, 2), keepdims=True), (T3,)),
    ("sum, dtype", lambda a: np.sum(a, dtype=np.float64), (A,)),
    ("sum of a tensor's method", lambda a: a.sum(axis=0, keepdims=True), (A,)),
    ("mean", np.mean, (A,)),
    ("mean, axis", lambda a: np.mean(a, 0, keepdims=True), (A,)),
    ("prod", np.prod, (A,)),
    ("prod, axes", lambda a: np.prod(a, axis=(0, 2)), (T3,)),
    ("max", np.max, (D,)),
    ("amax, axis", lambda a: np.amax(a, axis=1), (D,)),
    ("min", lambda a: np.min(a, axis=0), (D,)),
    ("ptp", lambda a: np.ptp(a, axis=1), (D,)),
    ("var", np.var, (A,)),
    ("var, ddof", lambda a: np.var(a, axis=1, ddof=1), (A,)),
    ("std", lambda a: np.std(a, axis=0), (A,)),
    ("median", np.median, (D,)),
    ("median, axis", lambda a: np.median(a, axis=0), (D,)),
    ("median of three", lambda a: np.median(a, axis=1), (D[:, :3],)),
    ("quantile", lambda a: np.quantile(a, 0.3, axis=1), (D,)),
    ("quantiles", lambda a: np.quantile(a, [0.1, 0.8]), (D,)),
    ("percentile", lambda a: np.percentile(a, 30.0, axis=0, keepdims=True), (D,)),
    ("percentile, nearest", lambda a: np.percentile(a, [20, 90], method="lower"), (D,)),
    ("average", np.average, (A,)),
    ("average, weights", lambda a, w: np.average(a, weights=w), (A, P)),
    ("average, weights of an axis", lambda a, w: np.average(a, axis=1, weights=w), (A, P[0])),
    ("average, returned", lambda a, w: np.average(a, axis=0, weights=w, returned=True), (A, P)),
    ("cov", np.cov, (A,)),
    ("cov, columns", lambda a: np.cov(a, rowvar=False, ddof=0), (A,)),
    ("corrcoef", np.corrcoef, (A,)),
    ("any", np.any, (A,)),
    ("all", lambda a: np.all(a, axis=0), (A,)),
    ("argmax", lambda a: np.argmax(a, axis=1), (D,)),
    ("argmin", np.argmin, (D,)),
    ("count_nonzero", lambda a: np.count_nonzero(a, axis=0), (np.round(A),)),
    ("nansum", np.nansum, (NAN,)),
    ("nanmean", lambda a: np.nanmean(a, axis=0), (NAN,)),
    ("nanprod", lambda a: np.nanprod(a, axis=1), (NAN,)),
    ("nanmax", lambda a: np.nanmax(a, axis=1), (NAN,)),
    ("nanmin", np.nanmin, (NAN,)),
    ("nanmedian", lambda a: np.nanmedian(a, axis=1), (NAN,)),
    ("nanquantile", lambda a: np.nanquantile(a, 0.25, axis=1), (NAN,)),
    ("nanpercentile", lambda a: np.nanpercentile(a, 25), (NAN,)),
    ("nan_to_num", np.nan_to_num, (NAN,)),
    # running sums
    ("cumsum", np.cumsum, (A,)),
    ("cumsum, axis", lambda a: np.cumsum(a, axis=1), (A,)),
    ("cumprod", lambda a: np.cumprod(a, axis=0), (A,)),
    ("nancumsum", np.nancumsum, (NAN,)),
    ("nancumprod", lambda a: np.nancumprod(a, axis=1), (NAN,)),
    ("cumulative_sum", lambda a: np.cumulative_sum(a, axis=1, include_initial=True), (A,)),
    ("cumulative_prod", np.cumulative_prod, (V,)),
    ("diff", np.diff, (A,)),
    ("diff, n", lambda a: np.diff(a, n=2, axis=0), (A,)),
    ("ediff1d", np.ediff1d, (A,)),
    ("trapezoid", np.trapezoid, (A,)),
    ("trapezoid, x", lambda a, x: np.trapezoid(a, x, axis=1), (A, np.sort(V))),
    # products
    ("matmul", np.matmul, (A, B.T)),
    ("matmul, vector", np.matmul, (A, V)),
    ("matmul, stack", np.matmul, (T3, V)),
    ("dot", np.dot, (A, B.T)),
    ("dot, vectors", np.dot, (V, W)),
    ("dot, number", lambda a: np.dot(a, 2.0), (A,)),
    ("inner", np.inner, (A, B)),
    ("outer", np.outer, (V, W)),
    ("vdot", np.vdot, (A, B)),
    ("vecdot", np.vecdot, (A, B)),
    ("kron", np.kron, (A, M)),
    ("cross", np.cross, (A[:, :3], B[:, :3])),
    ("einsum", lambda a, b: np.einsum("ij,kj->ik", a, b), (A, B)),
    ("tensordot", lambda a, b: np.tensordot(a, b, axes=([1], [0])), (A, B.T)),
    ("trace", np.trace, (M,)),
    ("polyval", np.polyval, (V, A)),
    # linear algebra
    ("linalg.inv", np.linalg.inv, (M,)),
    ("linalg.det", np.linalg.det, (M,)),
    ("linalg.slogdet", lambda a: np.linalg.slogdet(a)[1], (M,)),
    ("linalg.solve", np.linalg.solve, (M, A)),
    ("linalg.solve, vector", np.linalg.solve, (M, V[:3])),
    ("linalg.cholesky", lambda a: np.linalg.cholesky(a + np.swapaxes(a, 0, 1)), (S,)),
    ("linalg.eigvalsh", lambda a: np.linalg.eigvalsh(a + np.swapaxes(a, 0, 1)), (S,)),
    ("linalg.svdvals", np.linalg.svdvals, (A,)),
    ("linalg.matrix_power", lambda a: np.linalg.matrix_power(a, 3), (M,)),
    ("linalg.multi_dot", lambda a, b, c: np.linalg.multi_dot([a, b, c]), (A, B.T, M)),
    ("linalg.norm", np.linalg.norm, (A,)),
    ("linalg.norm, order", lambda a: np.linalg.norm(a, 1, axis=1), (A,)),
    ("linalg.norm of a vector", lambda a: np.linalg.norm(a, 3), (V,)),
    ("linalg.vector_norm", lambda a: np.linalg.vector_norm(a, axis=0), (A,)),
    ("linalg.matrix_norm", np.linalg.matrix_norm, (A,)),
    ("linalg.outer", np.linalg.outer, (V, W)),
    ("linalg.matmul", np.linalg.matmul, (A, B.T)),
    ("linalg.trace", np.linalg.trace, (T3,)),
    ("linalg.diagonal", np.linalg.diagonal, (T3,)),
    ("linalg.matrix_transpose", np.linalg.matrix_transpose, (T3,)),
    ("linalg.cross", np.linalg.cross, (A[:, :3], B[:, :3])),
    ("linalg.tensordot", lambda a, b: np.linalg.tensordot(a, b, axes=1), (A, B.T)),
    ("linalg.vecdot", np.linalg.vecdot, (A, B)),
    # shapes
    ("reshape", lambda a: np.reshape(a, (4, 3)), (A,)),
    ("ravel", np.ravel, (A,)),
    ("transpose", np.transpose, (T3,)),
    ("transpose, axes", lambda a: np.transpose(a, (1, 2, 0)), (T3,)),
    ("permute_dims", lambda a: np.permute_dims(a, (2, 0, 1)), (T3,)),
    ("matrix_transpose", np.matrix_transpose, (T3,)),
    ("swapaxes", lambda a: np.swapaxes(a, 0, 2), (T3,)),
    ("moveaxis", lambda a: np.moveaxis(a, 0, -1), (T3,)),
    ("rollaxis", lambda a: np.rollaxis(a, 2), (T3,)),
    ("rollaxis, start", lambda a: np.rollaxis(a, 0, 3), (T3,)),
    ("squeeze", np.squeeze, (A[:, None],)),
    ("expand_dims", lambda a: np.expand_dims(a, 1), (A,)),
    ("broadcast_to", lambda a: np.broadcast_to(a, (2, 3, 4)), (A,)),
    ("broadcast_arrays", lambda a, b: tuple(np.broadcast_arrays(a, b)), (A, V)),
    ("atleast_1d", np.atleast_1d, (np.array(2.0),)),
    ("atleast_2d", np.atleast_2d, (V,)),
    ("atleast_3d", np.atleast_3d, (A,)),
    ("copy", np.copy, (A,)),
    ("astype", lambda a: np.astype(a, np.float64), (A,)),
    # joining and splitting
    ("concatenate", lambda a, b: np.concatenate([a, b]), (A, B)),
    ("concatenate, flat", lambda a, b: np.concatenate([a, b], axis=None), (A, V)),
    ("concatenate, mixed", lambda a: np.concatenate([a, np.ones((1, 4), a.dtype)]), (A,)),
    ("stack", lambda a, b: np.stack([a, b], axis=1), (A, B)),
    ("hstack", lambda a, b: np.hstack([a, b]), (A, B)),
    ("vstack", lambda a, b: np.vstack([a, b]), (A, V)),
    ("dstack", lambda a, b: np.dstack([a, b]), (A, B)),
    ("column_stack", lambda a, b: np.column_stack([a, b]), (V, W)),
    ("append", np.append, (A, V)),
    ("append, axis", lambda a, b: np.append(a, b, axis=0), (A, B)),
    ("block", lambda a, b: np.block([[a, b], [b, a]]), (A, B)),
    ("block, one row", lambda a, b: np.block([a, b]), (V, W)),
    ("split", lambda a: tuple(np.split(a, 3)), (A,)),
    ("split, places", lambda a: tuple(np.split(a, [1, 3], axis=1)), (A,)),
    ("array_split", lambda a: tuple(np.array_split(a, 3, axis=1)), (A,)),
    ("hsplit", lambda a: tuple(np.hsplit(a, 2)), (A,)),
    ("vsplit", lambda a: tuple(np.vsplit(a, 3)), (A,)),
    ("dsplit", lambda a: tuple(np.dsplit(a, 2)), (T3,)),
    ("unstack", lambda a: tuple(np.unstack(a, axis=1)), (A,)),
    # arranging
    ("flip", np.flip, (A,)),
    ("flip, axis", lambda a: np.flip(a, 1), (A,)),
    ("fliplr", np.fliplr, (A,)),
    ("flipud", np.flipud, (A,)),
    ("roll", lambda a: np.roll(a, 2), (A,)),
    ("roll, axis", lambda a: np.roll(a, (1, -1), axis=(0, 1)), (A,)),
    ("rot90", np.rot90, (A,)),
    ("tile", lambda a: np.tile(a, (2, 2)), (A,)),
    ("repeat", lambda a: np.repeat(a, 2, axis=1), (A,)),
    ("pad", lambda a: np.pad(a, 2), (A,)),
    ("pad, widths", lambda a: np.pad(a, ((0, 1), (2, 0)), constant_values=5.0), (A,)),
    ("tril", np.tril, (A,)),
    ("triu", lambda a: np.triu(a, 1), (A,)),
    ("diag", np.diag, (V,)),
    ("diagflat", np.diagflat, (V,)),
    ("diagonal", np.diagonal, (A,)),
    ("meshgrid", lambda a, b: tuple(np.meshgrid(a, b)), (V, W[:3])),
    # choosing, sorting, searching
    ("where", lambda a, b: np.where(a > 0, a, b), (A, B)),
    ("where, number", lambda a: np.where(a > 0, a, 0.0), (A,)),
    ("select", lambda a, b: np.select([a > 1, a > 0], [a, b], 0.5), (A, B)),
    ("clip", lambda a: np.clip(a, -0.5, 0.5), (A,)),
    ("compress", lambda a: np.compress([True, False, True], a, axis=0), (A,)),
    ("extract", lambda a: np.extract(a > 0, a), (A,)),
    ("take", lambda a: np.take(a, [0, 2, 2], axis=1), (A,)),
    ("take, flat", lambda a: np.take(a, [5, 0]), (A,)),
    ("take_along_axis", lambda a: np.take_along_axis(a, np.array([[0], [3], [1]]), axis=1), (A,)),
    ("sort", np.sort, (D,)),
    ("sort, flat", lambda a: np.sort(a, axis=None), (D,)),
    ("argsort", lambda a: np.argsort(a, axis=0), (D,)),
    ("unique", np.unique, (np.array([3.0, 1.0, 2.0]),)),
    ("searchsorted", lambda a: np.searchsorted(a, np.array([0.5, 2.5])), (np.array([1.0, 2.0, 3.0]),)),
    ("digitize", lambda a: np.digitize(a, np.array([0.0, 1.0])), (A,)),
    ("nonzero", lambda a: tuple(np.nonzero(a)), (np.round(A),)),
    ("argwhere", np.argwhere, (np.round(A),)),
    ("flatnonzero", np.flatnonzero, (np.round(A),)),
    ("isin", lambda a: np.isin(a, [1.0, 2.0]), (np.round(A),)),
    ("isclose", np.isclose, (A, B)),
    ("zeros_like", np.zeros_like, (A,)),
    ("ones_like", np.ones_like, (A,)),
    ("full_like", lambda a: np.full_like(a, 7), (A,)),
    *([("matvec", np.matvec, (A, V)), ("vecmat", np.vecmat, (V[:3], A))] if hasattr(np, "matvec") else []),
]


def parts_of(value: Any) -> tuple[Any, ...]:
    """The arrays or tensors of a result."""
    return tuple(value) if isinstance(value, tuple | list) else (value,)


# NumPy's float64 where tensors stay in their dtype
WIDER = ("quantiles", "quantile", "percentile, nearest", "cov", "cov, columns", "corrcoef", "polyval", "dot, number")
FLAT = ("ceil", "floor", "rint", "trunc", "fix", "sign", "heaviside", "round", "around")
CONSTANT = ("zeros_like", "ones_like", "full_like")

entries = pytest.mark.parametrize(
    ("name", "function", "inputs"), [pytest.param(name, f, v, id=name) for name, f, v in ENTRIES]
)


@entries
@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")  # from NumPy 2.5 on
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_values_and_dtypes_are_those_of_numpy(name: str, function: Any, inputs: Any, dtype: Any) -> None:
    arrays = [value.astype(dtype) for value in inputs]
    expected = parts_of(function(*arrays))
    results = parts_of(function(*map(microbp.tensor, arrays)))
    assert len(results) == len(expected)
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    for mine, theirs in zip(results, expected, strict=True):
        assert isinstance(mine, microbp.Tensor)
        assert mine.shape == theirs.shape
        assert mine.dtype == (dtype if name in WIDER else theirs.dtype)
        np.testing.assert_allclose(mine.array, theirs, rtol=tolerance, atol=tolerance)


@entries
def test_what_has_a_gradient_is_recorded_and_right(name: str, function: Any, inputs: Any) -> None:
    leaves = [microbp.tensor(value, requires_grad=True) for value in inputs]
    floating = [part for part in parts_of(function(*leaves)) if part.dtype.kind == "f"]
    assert all(part.requires_grad for part in floating) == (name not in CONSTANT or not floating)

    def differentiable(*tensors: Any) -> Any:
        return tuple(part for part in parts_of(function(*tensors)) if part.requires_grad)

    smooth = not name.startswith(FLAT) and not any(np.isnan(value).any() for value in inputs)
    if floating and smooth and name not in CONSTANT:
        assert microbp.autograd.gradcheck(differentiable, leaves)


@pytest.mark.parametrize(("function", "inputs"), [pytest.param(f, v, id=name) for name, f, v in ENTRIES if len(v) > 1])
def test_arrays_beside_tensors_are_constants(function: Callable[..., Any], inputs: Any) -> None:
    for place in range(len(inputs)):
        mixed = [microbp.tensor(v, requires_grad=True) if k == place else v for k, v in enumerate(inputs)]
        for mine, theirs in zip(parts_of(function(*mixed)), parts_of(function(*inputs)), strict=True):
            assert isinstance(mine, microbp.Tensor)
            np.testing.assert_allclose(mine.array, theirs, rtol=1e-12, atol=1e-12)


# What is refused


def numpy_functions() -> Iterator[tuple[str, Any]]:
    """All functions that NumPy hands on, and all methods of ufuncs."""
    for home, prefix in ((np, ""), (np.linalg, "linalg."), (np.fft, "fft.")):
        for name, function in vars(home).items():
            if isinstance(function, np.ufunc):
                yield f"{prefix}{name}", function
                if function.nin == 2 and function.nout == 1 and function.signature is None:
                    for method in ("reduce", "accumulate", "outer", "at", "reduceat"):
                        yield f"{prefix}{name}.{method}", (function, method)
            elif hasattr(function, "__wrapped__") and not name.startswith("_") and not isinstance(function, type):
                yield f"{prefix}{name}", function


REFUSED = {name: function for name, function in numpy_functions() if function not in numpy_rows}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_has_no_counterpart_is_refused_by_name(name: str) -> None:
    function = REFUSED[name]
    t = microbp.tensor(A, requires_grad=True)
    title = re.escape(numpy_name(function))
    hand_on = t.__array_ufunc__ if isinstance(function, tuple) else t.__array_function__
    given: Any = (*function, t) if isinstance(function, tuple) else (function, (microbp.Tensor,), (t,), {})
    with pytest.raises(TypeError, match=rf"^{title} has no counterpart for tensors; use t\.detach\(\)\.numpy\(\)"):
        hand_on(*given)


def test_much_is_refused_and_much_is_not() -> None:
    assert len(ENTRIES) > 220
    assert "fft.fft" in REFUSED
    assert "linalg.qr" in REFUSED
    assert "add.at" in REFUSED
    assert "exp" not in REFUSED


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda t, a: np.add(t, t, out=a), "np.add cannot write into an array"),
        (lambda t, a: np.add(a, t, a), "np.add cannot write into an array"),
        (lambda t, a: a.__iadd__(t), "np.add cannot write into an array"),
        (lambda t, a: a.__itruediv__(t), "np.divide cannot write into an array"),
        (lambda t, a: np.exp(t, out=t), r"np\.exp of a tensor takes no out=; .*copy_"),
        (lambda t, a: np.sum(t, out=a), r"np\.sum of a tensor takes no out="),
        (lambda t, a: np.clip(t, 0, 1, out=a), r"np\.clip of a tensor takes no out="),
        (lambda t, a: np.exp(t, where=a > 0), r"np\.exp of a tensor takes no where=; .*np\.where"),
        (lambda t, a: np.sum(t, where=a > 0), r"np\.sum of a tensor takes no where="),
        (lambda t, a: np.mean(t, where=t > 0), r"np\.mean of a tensor takes no where="),
        (lambda t, a: np.max(t, initial=3.0), r"np\.max of a tensor takes no initial="),
        (lambda t, a: np.add(t, t, casting="no"), r"np\.add of a tensor takes no casting="),
        (lambda t, a: np.ravel(t, order="F"), r"np\.ravel of a tensor takes no order="),
        (lambda t, a: np.exp(t, dtype=np.float64), "exp.*dtype"),
        (lambda t, a: np.var(t, mean=0.0), r"np\.var\(\).*mean"),
        (lambda t, a: np.pad(t, 1, mode="edge"), r"np\.pad.*edge"),
        (lambda t, a: np.cov(t, t), r"np\.cov"),
        (lambda t, a: np.copyto(a, t), r"np\.copyto"),
        (lambda t, a: np.put(a, [0], t), r"np\.put"),
        (lambda t, a: np.add.at(a, [0], t), r"np\.add\.at"),
        (lambda t, a: np.fft.fft(t), r"np\.fft\.fft"),
        (lambda t, a: np.linalg.qr(t), r"np\.linalg\.qr"),
        (lambda t, a: np.apply_along_axis(np.sum, 0, t), r"np\.apply_along_axis"),
        (lambda t, a: np.frompyfunc(abs, 1, 1)(t), "np"),
        (lambda t, a: np.lib.stride_tricks.sliding_window_view(t, 2), "sliding_window_view"),
    ],
)
def test_what_cannot_be_asked_of_tensors_is_refused_clearly(call: Callable[..., Any], text: str) -> None:
    t, a = microbp.tensor(A, requires_grad=True), A.copy()
    with pytest.raises((TypeError, NotImplementedError), match=text):
        call(t, a)
    np.testing.assert_array_equal(a, A)
    np.testing.assert_array_equal(t.array, A)


def test_options_that_say_what_happens_anyway_are_accepted() -> None:
    t = microbp.tensor(A)
    assert np.sum(t, out=None).item() == pytest.approx(A.sum())
    assert np.sort(t, kind="stable").shape == (3, 4)


# Operators


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
Q = positive(3, 3)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(
    "other",
    [positive(3, 3, seed=1), positive(3), np.array(1.5), np.float64(1.5), np.float32(1.5), np.int64(2), 2, 1.5, True],
    ids=["array", "row", "0-d array", "np.float64", "np.float32", "np.int64", "int", "float", "bool"],
)
def test_operators_take_tensors_and_others_in_both_orders(operator: str, other: Any) -> None:
    apply = OPERATORS[operator]
    if operator == "@" and np.ndim(other) == 0:
        for pair in ((microbp.tensor(Q), other), (other, microbp.tensor(Q))):
            with pytest.raises((TypeError, ValueError)):
                apply(*pair)
        return
    for dtype in (np.float64, np.float32):
        x = microbp.tensor(Q.astype(dtype), requires_grad=True)
        value = other.astype(dtype) if isinstance(other, np.ndarray) else other
        for left, right, expected in ((x, value, apply(x.array, value)), (value, x, apply(value, x.array))):
            result = apply(left, right)
            assert isinstance(result, microbp.Tensor)
            np.testing.assert_allclose(result.array, expected, rtol=1e-6)
            assert result.dtype == (bool if operator in ("<", "<=", ">", ">=", "==", "!=") else dtype)
            assert result.requires_grad == (result.dtype.kind == "f")
            if result.requires_grad:
                result.sum().backward()
    assert x.grad is not None or not result.requires_grad


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (np.float32(2), microbp.float64, microbp.float64),
        (np.float64(2), microbp.float32, microbp.float32),
        (np.float64(2), microbp.float16, microbp.float16),
        (np.int64(2), microbp.float32, microbp.float32),
        (np.int64(2), microbp.int32, microbp.int32),
        (np.int8(2), microbp.int64, microbp.int64),
        (np.float32(2), microbp.int64, microbp.float32),
        (np.float64(2), microbp.int64, microbp.float32),
        (np.bool_(True), microbp.int64, microbp.int64),
        (np.bool_(True), microbp.bool, microbp.int64),
    ],
)
def test_numpys_scalars_count_as_python_numbers(value: Any, dtype: Any, expected: Any) -> None:
    """As Python's do, they decide about a dtype only by their kind."""
    t = microbp.ones(2, dtype=dtype)
    if dtype is microbp.bool:
        expected = microbp.bool
    assert (t * value).dtype is expected
    assert (value * t).dtype is expected


# Tensors as arrays


def test_asarray_is_a_read_only_view_and_array_a_copy() -> None:
    t = microbp.tensor([1.0, 2.0])
    view, copied = np.asarray(t), np.array(t)
    assert np.shares_memory(view, t.array)
    assert not view.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 5.0
    assert not np.shares_memory(copied, t.array)
    assert copied.flags.writeable
    t.fill_(7.0)
    assert view.tolist() == [7.0, 7.0]
    assert copied.tolist() == [1.0, 2.0]
    assert t.array.flags.writeable


def test_dtype_and_copy_of_the_array_protocol() -> None:
    t = microbp.tensor([1.0, 2.0])
    assert np.asarray(t, dtype=np.float64).dtype == np.float64
    assert np.asarray(t, dtype=np.int64).tolist() == [1, 2]
    assert np.shares_memory(np.asarray(t, copy=False), t.array)
    assert not np.shares_memory(np.asarray(t, copy=True), t.array)
    assert np.asarray(t, copy=True).flags.writeable
    with pytest.raises(ValueError, match="copy"):
        np.asarray(t, dtype=np.float64, copy=False)
    assert np.asarray(microbp.tensor(3)).shape == ()
    assert np.asarray(microbp.zeros(0, 3)).shape == (0, 3)
    assert np.array([microbp.tensor(1.0), microbp.tensor(2.0)]).tolist() == [1.0, 2.0]
    assert np.array([microbp.ones(2), microbp.zeros(2)]).shape == (2, 2)
    assert np.ascontiguousarray(microbp.ones(2, 3).T).flags.c_contiguous


def test_a_tensor_that_requires_grad_is_no_array() -> None:
    for convert in (np.asarray, np.array, np.ascontiguousarray, lambda t: t.numpy(), lambda t: np.array([t, t])):
        with pytest.raises(errors.GraphError, match=r"t\.detach\(\)\.numpy\(\)"):
            convert(leaf(1.0, 2.0))


def test_an_index_of_an_array_may_be_a_tensor() -> None:
    a = np.arange(5)
    assert a[microbp.tensor([1, 2])].tolist() == [1, 2]
    assert a[microbp.tensor(2)] == 2
    assert a[microbp.tensor([True, False, True, False, False])].tolist() == [0, 2]
    with pytest.raises(IndexError):
        a[microbp.tensor([1.0])]


def test_an_array_may_be_filled_from_tensors() -> None:
    a = np.zeros(4)
    a[0] = microbp.tensor(2.0)
    a[1] = leaf(3.0)[0]  # of one element, as losses are collected
    a[2:] = microbp.tensor([4.0, 5.0])
    assert a.tolist() == [2.0, 3.0, 4.0, 5.0]
    with pytest.raises(errors.MicrobpError):
        a[2:] = leaf(4.0, 5.0)


def test_numpys_random_numbers_are_left_alone() -> None:
    np.random.seed(3)
    expected = np.random.default_rng(3).random(3), np.random.random(3)
    np.random.seed(3)
    microbp.manual_seed(99)
    microbp.randn(5)
    microbp.nn.functional.dropout(microbp.ones(5), 0.5)
    assert np.random.random(3).tolist() == expected[1].tolist()
    generator = np.random.default_rng(3)
    assert generator.random(3).tolist() == expected[0].tolist()
    assert generator.choice(microbp.tensor([4.0]), 1).tolist() == [4.0]


def test_questions_are_answered_from_the_values_also_of_tensors_that_require_grad() -> None:
    x = leaf(1.0, 2.0)
    assert np.allclose(x, [1.0, 2.0])
    assert np.array_equal(x, x)
    assert not np.array_equiv(x, x + 1)
    assert np.shares_memory(x, x.data)
    assert not np.may_share_memory(x, x.clone())
    assert np.result_type(x, np.float32) == np.float64
    assert np.isrealobj(x)
    assert np.shape(x) == (2,)
    assert np.ndim(x) == 1
    assert np.size(x) == 2
    assert np.array_str(x) == "[1. 2.]"
    file = io.BytesIO()
    np.save(file, x)
    file.seek(0)
    assert np.load(file).tolist() == [1.0, 2.0]
    np.testing.assert_allclose(x.detach(), [1.0, 2.0])


def test_no_warning_is_given_by_the_protocols() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = leaf(-1.0, 0.0)
        np.log(x)
        np.sqrt(np.float64(-1.0) * x)
        np.divide(x, np.zeros(2))
        np.array(1.0) * x
