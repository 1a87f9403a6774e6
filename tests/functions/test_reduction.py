"""Reductions in all the ways of calling them, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import microbp
from microbp.errors import DtypeError, RangeError
from tests.referee import compare
from tests.samples import normal

FLOATING = ["sum", "mean", "var", "std", "amax", "amin", "logsumexp", "norm"]
TIED = np.array([[1.0, 3.0, 3.0], [3.0, 2.0, 2.0]])


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, -1, 1, (0, 2), (-1,), (2, 0, 1), [0, 1]])
@pytest.mark.parametrize("name", FLOATING)
def test_dims(name: str, dim: Any, keepdim: bool) -> None:
    p = {"p": 2} if name == "norm" else {}  # PyTorch's default, "fro", takes at most two axes
    compare(lambda lib, a: getattr(a, name)(dim=dim, keepdim=keepdim, **p), normal(2, 3, 4), second_order=True)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "prod", "max", "min", "norm"])
@pytest.mark.parametrize("shape", [(3, 4), (5,), ()])
def test_over_everything(name: str, shape: tuple[int, ...]) -> None:
    if shape or name not in ("var", "std"):
        compare(lambda lib, a: getattr(a, name)(), normal(*shape), second_order=True)


@given(
    arrays.arrays(
        np.float64,
        arrays.array_shapes(min_dims=1, max_dims=4, max_side=3),
        elements=st.floats(-4, 4, allow_nan=False, width=16),
    ),
    st.data(),
)
def test_any_axes_of_any_shape(array: Any, data: Any) -> None:
    axes = data.draw(st.lists(st.integers(0, array.ndim - 1), min_size=1, unique=True).map(tuple))
    keepdim = data.draw(st.booleans())
    for name in ("sum", "mean", "amax", "logsumexp"):
        compare(lambda lib, a, name=name: getattr(lib, name)(a, axes, keepdim=keepdim), array)


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "logsumexp"])
@pytest.mark.parametrize("dim", [0, -1])
def test_numbers_have_one_axis(name: str, dim: int) -> None:
    compare(lambda lib, a: getattr(lib, name)(a, dim, keepdim=True), normal())


def test_names_of_numpy() -> None:
    t = microbp.tensor(normal(2, 3))
    assert t.sum(axis=0, keepdims=True).shape == (1, 3)
    assert t.max(axis=1).values.shape == (2,)
    assert t.argmax(axis=1, keepdims=True).shape == (2, 1)
    with pytest.raises(TypeError, match="both dim and axis"):
        t.sum(0, axis=0)
    with pytest.raises(TypeError, match="keepdim must be a bool"):
        t.sum(0, np.float64)


@pytest.mark.parametrize(
    "name", [*FLOATING, "any", "all", "argmax", "max", "prod", "softmax", "cumsum", "count_nonzero"]
)
def test_no_such_axis(name: str) -> None:
    with pytest.raises(IndexError, match=r"expected to be in range of \[-2, 1\], but got 2"):
        getattr(microbp.ones(2, 3), name)(dim=2)


def test_an_axis_twice() -> None:
    with pytest.raises(RuntimeError, match="twice"):
        microbp.ones(2, 3).sum((0, -2))
    with pytest.raises(TypeError, match="must be an integer"):
        microbp.ones(2, 3).sum("rows")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "bool"])
@pytest.mark.parametrize("name", ["sum", "prod", "cumsum"])
def test_integers_are_summed_as_int64(name: str, dtype: str) -> None:
    array = np.array([[1, 0, 200], [1, 1, 100]]).astype(dtype)
    compare(lambda lib, a: getattr(a, name)(dim=0), array)
    compare(lambda lib, a: getattr(a, name)(dim=1, dtype=lib.float32), array)


def test_float16_accumulates_in_float32() -> None:
    ones = microbp.ones(5000, dtype=microbp.float16)
    assert ones.sum().item() == 5000
    assert ones.mean().item() == 1
    assert (ones * 200).norm().item() == pytest.approx(200 * 5000**0.5, rel=1e-3)
    assert (ones * 100).std().item() == 0
    assert all(f(ones).dtype == microbp.float16 for f in (microbp.sum, microbp.mean, microbp.var, microbp.norm))


def test_dtype_converts_first_and_is_differentiable() -> None:
    t = microbp.tensor([1.0, 2.0], requires_grad=True)
    y = t.sum(dtype=microbp.float64)
    assert y.dtype == np.float64
    y.backward()
    assert t.grad.dtype == np.float32
    assert microbp.tensor([1, 2]).mean(dtype=microbp.float32).item() == 1.5


@pytest.mark.parametrize("name", ["mean", "var", "std", "norm", "softmax", "log_softmax"])
def test_integers_are_refused(name: str) -> None:
    with pytest.raises(DtypeError, match=f"{name} needs a floating-point tensor, got int64"):
        getattr(microbp, name)(microbp.tensor([1, 2]), dim=0)


@pytest.mark.parametrize("given", [{}, {"unbiased": False}, {"unbiased": True}, {"correction": 0}, {"correction": 2}])
@pytest.mark.parametrize("name", ["var", "std"])
def test_corrections(name: str, given: dict[str, Any]) -> None:
    compare(lambda lib, a: getattr(a, name)(dim=1, **given), normal(3, 4), second_order=True)


def test_var_takes_its_arguments_in_pytorchs_order() -> None:
    compare(
        lambda lib, a: (a.var(False), a.var(0, False), a.std(1, True, True), lib.var(a, 0, correction=0)), normal(3, 4)
    )
    with pytest.raises(TypeError, match="both unbiased and correction"):
        microbp.ones(3).var(unbiased=True, correction=1)


@pytest.mark.filterwarnings("ignore:.*degrees of freedom:UserWarning")
def test_var_of_too_little() -> None:
    compare(lambda lib, a: (a.var(), a.std(0)), normal(1))
    compare(lambda lib, a: (a.mean(), a.sum()), normal(0))


def test_std_of_equal_values_has_no_gradient() -> None:
    compare(lambda lib, a: a.std(dim=1), np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]]))


def test_extremes_split_among_ties() -> None:
    compare(lambda lib, a: (a.max(), a.min()), TIED)
    compare(lambda lib, a: lib.amax(a, 1), TIED)
    compare(lambda lib, a: lib.amin(a, (0, 1)), TIED)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("keepdim", [False, True])
def test_extremes_along_an_axis(name: str, keepdim: bool) -> None:
    def both(lib: Any, a: Any) -> Any:
        found = getattr(lib, name)(a, 1, keepdim)
        assert found.values is found[0]
        assert found.indices is found[1]
        return tuple(found)

    compare(both, TIED, second_order=True)
    compare(both, normal(2, 3, 4), second_order=True)


def test_extremes_of_numbers_and_pairs() -> None:
    compare(lambda lib, a: (*a.max(0), *a.min(-1, keepdim=True)), normal())
    compare(lambda lib, a, b: (lib.max(a, b), a.min(b), lib.max(a, other=b)), normal(3), normal(3, seed=1))


def test_nan_is_the_extreme() -> None:
    array = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]])
    compare(
        lambda lib, a: (a.max(), a.min(), *a.max(1), *a.min(0), a.argmax(1), a.argmin(), lib.amax(a.detach(), 0)), array
    )


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "argmax", "argmin"])
def test_extremes_of_nothing(name: str) -> None:
    with pytest.raises(RangeError, match=rf"{name}: .*\(0, 3\)"):
        getattr(microbp.ones(0, 3), name)()
    with pytest.raises(RuntimeError):
        getattr(microbp.ones(0, 3), name)(dim=0)
    found = getattr(microbp.ones(0, 3), name)(dim=1)
    assert (found.values if isinstance(found, tuple) else found).shape == (0,)


def test_arguments_of_extremes() -> None:
    compare(lambda lib, a: (a.argmax(), lib.argmin(a, 0), a.argmax(-1, keepdim=True), a.argmin(keepdim=True)), TIED)
    compare(lambda lib, a: (a.argmax(), a.argmin(0), lib.argmax(a, -1)), normal())
    with pytest.raises(TypeError, match="must be an integer"):
        microbp.ones(2, 3).argmax((0, 1))


@pytest.mark.parametrize("array", [np.array([[0, 2], [0, 0]]), np.array([[True, True], [False, True]]), normal(0, 2)])
def test_truths(array: Any) -> None:
    compare(lambda lib, a: (a.any(), a.all(), lib.any(a, 0), lib.all(a, 1, True), lib.any(a, (0, 1))), array)
    compare(lambda lib, a: (lib.count_nonzero(a), a.count_nonzero(dim=1), lib.count_nonzero(a, (0, 1))), array)


@pytest.mark.parametrize("row", [[2.0, 3.0, 4.0], [2.0, 0.0, 4.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0], [5.0]])
def test_prod_with_zeros(row: list[float]) -> None:
    compare(lambda lib, a: a.prod(), np.array(row), second_order=True)
    compare(lambda lib, a: lib.prod(a, 0), np.array([row, row]), second_order=True)
    compare(lambda lib, a: lib.prod(a, -1, True), np.array([row, row]), second_order=True)


def test_third_derivative_of_prod() -> None:
    t = microbp.tensor([2.0, 0.0, 3.0, 0.0], dtype=microbp.float64, requires_grad=True)
    (first,) = microbp.autograd.grad(t.prod(), t, create_graph=True)
    (second,) = microbp.autograd.grad(first[1], t, create_graph=True)
    (third,) = microbp.autograd.grad(second[3], t)
    assert third.tolist() == [3, 0, 2, 0]  # d3(abcd) / db dd da = c, and so on


@pytest.mark.parametrize("p", [2, 1, 3, 1.5, float("inf"), float("-inf"), "fro"])
@pytest.mark.parametrize("dim", [None, 0, (0, 1)])
def test_norms(p: Any, dim: Any) -> None:
    compare(lambda lib, a: lib.norm(a, p, dim), np.array([[3.0, -4.0, 0.5], [1.0, 2.0, -2.5]]))


def test_norm_zero_counts() -> None:
    compare(lambda lib, a: (a.detach().norm(0), a.detach().norm(0, 1)), np.array([[3.0, 0.0], [1.0, 2.0]]))
    t = microbp.tensor([3.0, 0.0, -1.0], requires_grad=True)
    t.norm(0).backward()
    assert t.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize("p", [2, 1, 3, 1.5, "fro"])
def test_gradient_of_norm_at_zero(p: Any) -> None:
    compare(lambda lib, a: a.norm(p), np.zeros(3))
    compare(lambda lib, a: a.norm(p, dim=1), np.array([[0.0, 0.0], [0.0, 2.0]]))


def test_norm_refuses_what_it_has_not() -> None:
    with pytest.raises(NotImplementedError, match="'nuc'"):
        microbp.ones(2, 2).norm("nuc")


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize("scale", [1.0, 1e4, -1e4])
def test_exponentials_of_large_numbers(name: str, scale: float) -> None:
    compare(lambda lib, a: getattr(lib, name)(a, 1), normal(3, 5) * scale)
    assert np.isfinite(getattr(microbp, name)(microbp.randn(3, 5) * scale, 1).array).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_exponentials_with_infinities(name: str) -> None:
    inf = np.inf
    compare(lambda lib, a: getattr(lib, name)(a, 1), np.array([[0.0, -inf, 1.0], [-inf, 2.0, -inf]]))
    nothing = np.array([[-inf, -inf]])
    compare(lambda lib, a: getattr(lib, name)(a.detach(), 1), nothing)
    compare(lambda lib, a: lib.logsumexp(a.detach(), 1), np.array([[inf, 1.0], [inf, -inf], [np.nan, 1.0]]))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_numbers_and_dtypes(name: str) -> None:
    compare(lambda lib, a: getattr(a, name)(-1), normal())
    compare(lambda lib, a: getattr(a, name)(dim=-1, dtype=lib.float64), np.array([1, 2]))
    compare(lambda lib, a: getattr(a, name)(0), normal(2, 3, 4), second_order=True)


def test_logsumexp_of_integers() -> None:
    found = microbp.logsumexp(microbp.tensor([1, 1]), 0)
    assert found.dtype == np.float32
    assert found.item() == pytest.approx(1 + np.log(2))


def test_large_variance_around_a_large_mean() -> None:
    """Two passes: the squares of the values themselves would lose all digits."""
    assert microbp.tensor([1e8, 1e8 + 1, 1e8 + 2], dtype=microbp.float64).var().item() == 1


def test_views_and_functions_are_one() -> None:
    t = microbp.ones(2, 3)
    for name in [*FLOATING, "any", "all"]:
        np.testing.assert_array_equal(getattr(t, name)(dim=0).array, getattr(microbp, name)(t, dim=0).array)
    with pytest.raises(TypeError, match="expected a tensor"):
        microbp.sum([1, 2])


@pytest.mark.parametrize("array", [np.array([[1, np.nan, 3], [np.nan] * 3, [1, 2, 3]]), normal(0, 3)])
def test_without_nan(array: Any) -> None:
    compare(lambda lib, a: (lib.nansum(a), a.nansum(1), lib.nansum(a, (0, 1), True)), array, second_order=True)
    compare(lambda lib, a: (lib.nanmean(a), lib.nanmean(a, 0, True)), array, second_order=True)
    compare(lambda lib, a: a.detach().nanmean(1), array)
    compare(lambda lib, a: lib.nansum(a, 0), np.array([[1, 2], [3, 4]]))
    with pytest.raises(DtypeError, match="nanmean needs"):
        microbp.nanmean(microbp.tensor([1, 2]))


ALONG_AN_AXIS = ["logsumexp", "softmax", "log_softmax", "cumsum", "cumprod"]
HALF = ["sum", "mean", "var", "std", "norm", "nansum", "prod", *ALONG_AN_AXIS]


@pytest.mark.parametrize("name", HALF)
@pytest.mark.parametrize(("low", "high"), [(0.5, 1.4), (10, 20), (-1, 1), (0.99, 1.01)])
def test_float16_accumulates_in_more_digits(name: str, low: float, high: float) -> None:
    array = np.random.default_rng(0).uniform(low, high, 3000).astype(np.float16)
    arguments = (0,) if name in ALONG_AN_AXIS else ()

    def run(lib: Any, a: Any) -> Any:
        return getattr(lib, name)(a.detach(), *arguments)

    if name != "prod":  # whose products PyTorch rounds one by one
        compare(run, array, rtol=2e-3, atol=1e-6)
    exact = run(microbp, microbp.tensor(array.astype(np.float64)))
    found = run(microbp, microbp.tensor(array))
    assert found.dtype == np.float16
    with np.errstate(over="ignore"):
        expected = exact.numpy().astype(np.float16)
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("name", HALF)
def test_gradients_of_float16(name: str) -> None:
    array = np.random.default_rng(0).uniform(0.9, 1.1, 200).astype(np.float16)
    found = []
    for dtype in (microbp.float16, microbp.float64):
        t = microbp.tensor(array, dtype=dtype, requires_grad=True)
        (getattr(t, name)(*((0,) if name in ALONG_AN_AXIS else ())) ** 2).sum().backward()
        found.append(t.grad)
    assert found[0].dtype == np.float16
    np.testing.assert_allclose(found[0].numpy(), found[1].numpy(), rtol=1e-2, atol=3e-2)


def test_numpys_functions_without_nan() -> None:
    array = np.array([[1.0, np.nan], [2.0, 3.0]])
    t = microbp.tensor(array)
    np.testing.assert_allclose(np.nansum(t, axis=0).numpy(), np.nansum(array, axis=0))
    np.testing.assert_allclose(np.nanmean(t, axis=1, keepdims=True).numpy(), np.nanmean(array, axis=1, keepdims=True))
