"""What convolutions and pooling check of their arguments, and where windows are, against a definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.errors import OptionError, ShapeError
from microbp.nn.functional.sliding import check_dims, integers, not_negative, positive, sliding


@pytest.mark.parametrize("given_as", [2, np.int64(2), (2,), [2], (2, 2, 2), [np.int32(2), 2, 2], microbp.tensor(2)])
def test_one_integer_for_all_dimensions_or_one_for_each(given_as: Any) -> None:
    assert integers("f", "stride", given_as, 3) == (2, 2, 2)


@pytest.mark.parametrize("bad", [2.0, "2", None, (2, 2.0), microbp.tensor(2.0)])
def test_what_is_no_integer_is_refused_with_function_argument_and_value(bad: Any) -> None:
    with pytest.raises(TypeError) as error:
        integers("conv2d", "stride", bad, 2)
    assert str(error.value) == f"conv2d: stride must be an integer or a tuple of integers, got {bad!r}"


@pytest.mark.parametrize("bad", [(), (1, 2), (1, 2, 3, 4)])
def test_too_few_or_too_many_are_refused(bad: tuple[int, ...]) -> None:
    with pytest.raises(OptionError, match="f: padding must be one integer or one for each of 3 dimensions"):
        integers("f", "padding", bad, 3)


def test_bounds_of_integers() -> None:
    assert not_negative("f", "padding", (0, 1), 2) == (0, 1)
    assert positive("f", "stride", (1, 2), 2) == (1, 2)
    with pytest.raises(OptionError, match=r"f: stride must be positive, got \(1, 0\)"):
        positive("f", "stride", (1, 0), 2)
    with pytest.raises(OptionError, match="f: padding must not be negative, got -1"):
        not_negative("f", "padding", -1, 2)


@pytest.mark.parametrize(
    ("dims", "layout"),
    [(1, "(N, C, L) or (C, L)"), (2, "(N, C, H, W) or (C, H, W)"), (3, "(N, C, D, H, W) or (C, D, H, W)")],
)
def test_another_number_of_dimensions_is_refused_with_the_layout_that_is_meant(dims: int, layout: str) -> None:
    for ndim in (*range(dims + 1), dims + 3):
        with pytest.raises(ShapeError) as error:
            check_dims("f", dims, microbp.ones((1,) * ndim))
        assert f"f: input must have shape {layout}, got {(1,) * ndim}" in str(error.value)
    for ndim in (dims + 1, dims + 2):
        check_dims("f", dims, microbp.ones((1,) * ndim))


def test_only_the_batch_may_be_empty() -> None:
    check_dims("f", 2, microbp.ones(0, 2, 3, 3))
    for shape in ((2, 0, 3, 3), (2, 2, 0, 3), (0, 3, 3)):
        with pytest.raises(ShapeError, match="f: only the batch may be empty"):
            check_dims("f", 2, microbp.ones(shape))


@settings(max_examples=200, deadline=None)
@given(
    size=st.integers(1, 12),
    kernel=st.integers(1, 4),
    step=st.integers(1, 5),
    spread=st.integers(1, 3),
    ceil_mode=st.booleans(),
    data=st.data(),
)
def test_windows_are_as_many_as_fit(
    size: int, kernel: int, step: int, spread: int, ceil_mode: bool, data: st.DataObject
) -> None:
    margin = data.draw(st.integers(0, kernel // 2))
    reach = (kernel - 1) * spread + 1
    starts = range(-margin, size + margin, step)
    inside = [start for start in starts if start + reach <= size + margin]
    more = [
        start for start in starts if start not in inside and start + reach <= size + margin + step - 1 and start < size
    ]
    expected = len(inside) + (len(more) if ceil_mode else 0)
    x = microbp.ones(1, size)
    if not expected:
        with pytest.raises(ShapeError, match=f"reaches over {reach} elements does not fit into dimension -1"):
            sliding("f", 1, x, kernel, step, margin, spread, ceil_mode)
    else:
        assert sliding("f", 1, x, kernel, step, margin, spread, ceil_mode) == [(kernel, step, margin, spread, expected)]


@pytest.mark.parametrize("stride", [None, (), []])
def test_without_a_stride_windows_lie_side_by_side(stride: Any) -> None:
    assert sliding("f", 2, microbp.ones(1, 6, 6), (2, 3), stride, 0, 1, False) == [(2, 2, 0, 1, 3), (3, 3, 0, 1, 2)]
