"""Activations with learned, drawn or gating slopes: chance, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, MutationError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.samples import normal

# -- rrelu ---------------------------------------------------------------------------------


def test_rrelu_draws_a_slope_for_each_negative_element_evenly() -> None:
    x = microbp.full((200, 200), -1.0, dtype=microbp.float64)
    slopes = -F.rrelu(x, 0.2, 0.6, training=True).array
    assert slopes.min() >= 0.2
    assert slopes.max() <= 0.6
    assert len(np.unique(slopes)) > 0.99 * slopes.size
    shares, _ = np.histogram(slopes, bins=8, range=(0.2, 0.6))
    np.testing.assert_allclose(shares / slopes.size, 1 / 8, atol=0.01)


def test_rrelu_leaves_positive_elements_alone_and_draws_anew_each_time() -> None:
    x = microbp.tensor(normal(50))
    first, second = F.rrelu(x, training=True), F.rrelu(x, training=True)
    np.testing.assert_array_equal(first.array[x.array > 0], x.array[x.array > 0])
    assert (first.array != second.array)[x.array < 0].all()


def test_rrelu_is_reproducible_and_keeps_the_dtype() -> None:
    x = -microbp.ones(20)
    microbp.manual_seed(3)
    first = F.rrelu(x, training=True)
    microbp.manual_seed(3)
    np.testing.assert_array_equal(F.rrelu(x, training=True).array, first.array)
    assert first.dtype == np.float32


def test_rrelu_has_the_slopes_as_its_gradient() -> None:
    x = microbp.tensor(normal(30), requires_grad=True)
    y = F.rrelu(x, training=True)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.array, y.detach().array / x.detach().array)


def test_rrelu_in_place_writes_into_the_input_and_records_it() -> None:
    x = microbp.tensor(normal(30), requires_grad=True)
    hidden = x * 1
    assert F.rrelu(hidden, training=True, inplace=True) is hidden
    slopes = hidden.detach().array / x.detach().array
    hidden.sum().backward()
    np.testing.assert_allclose(x.grad.array, slopes)


def test_rrelu_draws_nothing_when_not_training() -> None:
    generator = microbp.manual_seed(0)
    before = generator.numpy.bit_generator.state
    F.rrelu(microbp.ones(3))
    assert generator.numpy.bit_generator.state == before


@pytest.mark.parametrize("bounds", [(0.5, 0.1), (float("nan"), 1.0), (0.0, float("inf")), (float("-inf"), 0.0)])
def test_rrelu_refuses_bounds_to_draw_from_that_are_none(bounds: tuple[float, float]) -> None:
    with pytest.raises(OptionError, match=f"rrelu: lower must not be larger.* both finite, got {bounds[0]} and"):
        F.rrelu(microbp.ones(2), *bounds, training=True)


def test_rrelu_refuses_integers() -> None:
    for training in (False, True):
        with pytest.raises(DtypeError, match="needs a floating-point tensor, got int64"):
            F.rrelu(microbp.tensor([1]), training=training)


# -- prelu ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "slopes"), [((2, 4), (3,)), ((2, 4), (1, 4)), ((4,), (4,)), ((), (2,))])
def test_prelu_refuses_slopes_that_do_not_fit(shape: tuple[int, ...], slopes: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError) as error:
        F.prelu(microbp.ones(shape), microbp.ones(slopes))
    assert f"prelu: weight of shape {slopes}" in str(error.value)
    assert f"input {shape}" in str(error.value)


def test_prelu_refuses_other_dtypes_and_numbers() -> None:
    with pytest.raises(DtypeError, match="input of float32 and weight of float64 must have one dtype; convert one"):
        F.prelu(microbp.ones(2, 3), microbp.ones(3, dtype=microbp.float64))
    with pytest.raises(TypeError, match=r"prelu: weight must be a Tensor, got float 0\.25"):
        F.prelu(microbp.ones(2), 0.25)  # type: ignore[arg-type]


def test_a_slope_changed_before_backward_is_refused() -> None:
    x, w = microbp.tensor([-1.0, 2.0], requires_grad=True), microbp.tensor([0.25], requires_grad=True)
    loss = F.prelu(x, w).sum()
    with microbp.no_grad():
        w.mul_(2)
    with pytest.raises(MutationError, match="prelu"):
        loss.backward()


# -- glu -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "dim", "error", "text"),
    [
        ((3,), -1, ShapeError, r"glu: Halving dimension must be even, but dimension 0 of \(3,\) is of size 3"),
        ((), -1, ShapeError, "glu does not support scalars"),
        ((2, 4), 2, IndexError, r"glu: Dimension out of range .*\[-2, 1\], but got 2"),
        ((2, 4), None, TypeError, "glu: dim must be an integer, got None"),
    ],
)
def test_glu_refuses_what_cannot_be_halved(shape: tuple[int, ...], dim: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        F.glu(microbp.ones(shape), dim)


def test_glu_of_gates_of_any_size_is_finite() -> None:
    x = microbp.tensor([1.0, 2.0, 3.0, 3e38, -3e38, 1e4], requires_grad=True)
    y = F.glu(x)
    assert y.tolist() == [1.0, 0.0, 3.0]
    y.sum().backward()
    assert np.isfinite(x.grad.array).all()
