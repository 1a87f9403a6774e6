"""What the functions of ``tests/parity/additions.py`` refuse, and what PyTorch does not have or has otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors
from tests.leaves import leaf

REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: microbp.quantile(microbp.ones(2), 1.5), errors.RangeError, "from 0 to 1, got 1.5"),
    (lambda: microbp.quantile(microbp.ones(2), float("nan")), errors.RangeError, "nan"),
    (lambda: microbp.quantile(microbp.tensor([1]), 0.5), errors.DtypeError, "int64"),
    (lambda: microbp.quantile(microbp.ones(0), 0.5), errors.ShapeError, "no elements"),
    (lambda: microbp.quantile(microbp.ones(2), microbp.ones(1, 1)), errors.ShapeError, r"\(1, 1\)"),
    (lambda: microbp.quantile(microbp.ones(2), microbp.ones(1).double()), errors.DtypeError, "float64"),
    (lambda: microbp.quantile(microbp.ones(2), 0.5, interpolation="cubic"), errors.OptionError, "cubic"),
    (lambda: microbp.nanmedian(microbp.ones(0, 2), 0), errors.RangeError, r"\(0, 2\)"),
    (lambda: microbp.ones(0, 2).mode(0), errors.RangeError, r"\(0, 2\)"),
    (lambda: microbp.aminmax(microbp.ones(0)), errors.RangeError, "no elements"),
    (lambda: microbp.cov(microbp.ones(2, 2, 2)), errors.ShapeError, "2 dimensions"),
    (lambda: microbp.cov(microbp.tensor([True])), errors.DtypeError, "truth"),
    (lambda: microbp.cov(microbp.ones(2, 3), fweights=microbp.ones(3)), errors.DtypeError, "integers"),
    (lambda: microbp.cov(microbp.ones(2, 3), fweights=microbp.tensor([1, 1])), errors.ShapeError, "3 observations"),
    (lambda: microbp.cov(microbp.ones(3), aweights=-microbp.ones(3)), errors.RangeError, "negative"),
    (lambda: microbp.cov(microbp.ones(3), aweights=microbp.zeros(3)), errors.RangeError, "zero"),
    (lambda: microbp.inner(microbp.ones(2), microbp.ones(3)), errors.ShapeError, r"\(2,\).*\(3,\)"),
    (lambda: microbp.vdot(microbp.ones(2), microbp.ones(3)), errors.ShapeError, r"\(2,\).*\(3,\)"),
    (lambda: microbp.renorm(microbp.ones(2), 2, 0, 1.0), errors.ShapeError, "2 dimensions"),
    (lambda: microbp.renorm(microbp.ones(2, 2), 0, 0, 1.0), errors.OptionError, "p=0"),
    (lambda: microbp.renorm(microbp.ones(2, 2), 2, 0, -1.0), errors.OptionError, "maxnorm"),
    (lambda: microbp.adjoint(microbp.ones(2)), errors.ShapeError, "2 dimensions"),
    (lambda: microbp.ones(2, 3).sum_to_size(2), errors.ShapeError, r"\(2,\).*\(2, 3\)"),
    (lambda: microbp.ones(3).unfold(0, 4, 1), errors.RangeError, "size 4"),
    (lambda: microbp.ones(3).unfold(0, 1, 0), errors.OptionError, "step=0"),
    (lambda: microbp.histc(microbp.tensor([1])), errors.DtypeError, "int64"),
    (lambda: microbp.histc(microbp.ones(2), 0), errors.OptionError, "bins"),
    (lambda: microbp.histc(microbp.ones(2), 2, 1, 0), errors.OptionError, "min=1, max=0"),
    (lambda: microbp.histc(microbp.tensor([1.0, float("nan")])), errors.RangeError, "not finite"),
    (lambda: microbp.positive(microbp.tensor([True])), errors.DtypeError, "truth"),
    (lambda: microbp.is_nonzero(microbp.ones(2)), errors.ShapeError, "one element"),
    (lambda: microbp.diagonal_scatter(microbp.ones(2, 2), microbp.ones(3)), errors.ShapeError, r"\(3,\).*\(2,\)"),
    (lambda: microbp.select_scatter(microbp.ones(2), microbp.ones(1), 0, 0), errors.ShapeError, r"\(1,\).*\(\)"),
    (lambda: microbp.slice_scatter(microbp.ones(2), microbp.ones(2).double()), errors.DtypeError, "float64"),
    (
        lambda: microbp.ones(2).scatter_reduce(0, microbp.tensor([0]), microbp.ones(1), "median"),
        errors.OptionError,
        "median",
    ),
    (
        lambda: microbp.ones(2).scatter_reduce(0, microbp.tensor([5]), microbp.ones(1), "amax"),
        errors.RangeError,
        "5",
    ),
    (
        lambda: microbp.ones(2).scatter_reduce(0, microbp.tensor([0]), microbp.ones(1).double(), "sum"),
        errors.DtypeError,
        "float64",
    ),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_makes_no_sense_is_refused(number: int) -> None:
    call, error, text = REFUSED[number]
    with pytest.raises(error, match=text):
        call()


def test_too_few_observations_warn() -> None:
    with pytest.warns(UserWarning, match="no degrees of freedom"):
        found = microbp.cov(microbp.tensor([[1.0], [2.0]]))
    assert np.isnan(found.array).all()


def test_copies_with_another_part_leave_the_original_alone_and_have_both_histories() -> None:
    x, v = leaf(1.0, 2.0, 3.0), leaf(7.0)
    y = microbp.slice_scatter(x, v, start=1, end=2)
    assert x.tolist() == [1.0, 2.0, 3.0]
    assert y.tolist() == [1.0, 7.0, 3.0]
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 6.0]
    assert v.grad.tolist() == [14.0]


def test_of_equal_elements_the_mode_is_the_smallest_and_the_last_in_place() -> None:
    values, indices = microbp.tensor([3.0, 1.0, 3.0, 1.0, 2.0]).mode()
    assert (values.item(), indices.item()) == (1.0, 3)


def test_new_empty_and_ndimension() -> None:
    t = microbp.tensor([[1, 2]])
    assert t.new_empty(3, 4).shape == (3, 4)
    assert t.new_empty((2,)).dtype == t.dtype
    assert t.ndimension() == t.dim() == 2
