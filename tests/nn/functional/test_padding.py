"""Margins against PyTorch, over shapes, amounts and modes; what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.errors import OptionError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare, torch
from tests.samples import normal

EXAMPLES = settings(max_examples=80, deadline=None)


@EXAMPLES
@given(data=st.data())
def test_constant_margins_agree_with_pytorch(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(0, 5), max_size=4)))
    padded = data.draw(st.integers(0, len(shape)))
    pads: list[int] = []
    for size in reversed(shape[len(shape) - padded :]):
        low = data.draw(st.integers(-size, 3))
        pads += [low, data.draw(st.integers(-(size + min(low, 0)), 3))]
    value = data.draw(st.sampled_from([None, 0, 1.5, -2, float("inf")]))
    compare(lambda lib, x: lib.nn.functional.pad(x, pads, value=value), normal(*shape), second_order=True)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@EXAMPLES
@given(data=st.data())
def test_other_modes_agree_with_pytorch(mode: str, data: st.DataObject) -> None:
    dims = data.draw(st.integers(1, 3))
    sizes = [data.draw(st.integers(1, 5)) for _ in range(dims)]
    pads: list[int] = []
    for size in reversed(sizes):
        low = data.draw(st.integers(-size + 1, size - 1))
        left = size + min(low, 0)  # what is there after the cut
        if mode == "circular":
            low = min(low, left)
        high = data.draw(st.integers(-left + 1, size - 1))
        if mode == "circular":
            high = min(high, left)
            low = min(low, size + min(high, 0))
        pads += [low, high]
    shape = (*data.draw(st.sampled_from([(2,), (2, 1), (0, 2)])), *sizes)
    compare(lambda lib, x: lib.nn.functional.pad(x, pads, mode=mode), normal(*shape), second_order=True)


@pytest.mark.parametrize("pads", [(6, 0), (0, 9), (7, 8)])
def test_replicated_margins_may_be_larger_than_the_tensor(pads: tuple[int, int]) -> None:
    compare(lambda lib, x: lib.nn.functional.pad(x, pads, mode="replicate"), normal(2, 3), second_order=True)


@pytest.mark.parametrize("pads", [(6, 6), (6, 0), (-1, 5)])
def test_circular_margins_may_be_as_large_as_the_tensor(pads: tuple[int, int]) -> None:
    compare(lambda lib, x: lib.nn.functional.pad(x, pads, mode="circular"), normal(2, 6)[:, :6], second_order=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.uint8])
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_dtype_stays(mode: str, dtype: Any) -> None:
    compare(lambda lib, x: lib.nn.functional.pad(x, (1, 2), mode=mode), np.arange(12).reshape(3, 4).astype(dtype))


def test_values_are_converted_to_integers_as_pytorch_does() -> None:
    compare(lambda lib, x: lib.nn.functional.pad(x, (1, 1), value=2.7), np.arange(3))
    compare(lambda lib, x: lib.nn.functional.pad(x, (1, 1), value=1), np.array([True, False]))


def test_infinity_stays_where_it_is() -> None:
    x = normal(2, 5)
    x[0, 2] = np.inf
    for mode in ("reflect", "replicate", "circular"):
        compare(lambda lib, x, mode=mode: lib.nn.functional.pad(x, (2, 1), mode=mode), x)


def test_a_padded_tensor_is_its_own_memory() -> None:
    x = microbp.ones(2, 3)
    for mode in ("constant", "reflect", "replicate", "circular"):
        assert not np.may_share_memory(F.pad(x, (0, 0), mode=mode).array, x.array)


REFUSED = [
    ((2, 3), (1,), "constant", OptionError, "a pair .* for each dimension, got 1 numbers"),
    ((2, 3), (1, 1) * 3, "constant", ShapeError, r"pairs for 3 dimensions.*\(2, 3\) has 2"),
    ((), (1, 1), "constant", ShapeError, "pairs for 1 dimensions"),
    ((2, 3), (-2, -2), "constant", ShapeError, r"\(-2, -2\) cuts off more than the 3 elements that dimension 1"),
    ((2, 3), (-4, 5), "constant", ShapeError, "cuts off more"),
    ((2, 3), (3, 0), "reflect", ShapeError, r"at most 2 elements to dimension 1 of shape \(2, 3\), got \(3, 0\)"),
    ((2, 3), (0, 4), "circular", ShapeError, "at most 3 elements"),
    ((2, 0), (0, 1), "replicate", ShapeError, "at most|cannot"),
    ((3,), (1, 1), "reflect", NotImplementedError, r"cannot pad 1 of the 1 dimensions of shape \(3,\)"),
    ((2, 3, 4, 5), (1, 1), "replicate", NotImplementedError, "cannot pad 1 of the 4 dimensions"),
    ((1, 2, 3, 4, 5, 6), (1, 1) * 4, "circular", NotImplementedError, "cannot pad 4 of the 6"),
    ((2, 3), (1, 1), "mirror", NotImplementedError, "no mode 'mirror'; the modes are 'constant', 'reflect'"),
    ((2, 3), (1.0, 1), "constant", TypeError, "sequence of integers"),
]


@pytest.mark.parametrize(("shape", "pads", "mode", "error", "text"), REFUSED)
def test_refused_as_pytorch_does_with_a_clear_text(
    shape: tuple[int, ...], pads: Any, mode: str, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"^pad: .*({text})"):
        F.pad(microbp.zeros(shape), pads, mode=mode)
    with pytest.raises((RuntimeError, TypeError)) as theirs:
        torch().nn.functional.pad(torch().zeros(shape), pads, mode=mode)
    assert issubclass(error, theirs.type)


def test_circular_margin_of_more_than_is_left_is_refused() -> None:
    """PyTorch refuses it for some shapes, and for others copies memory that it has just written to."""
    with pytest.raises(ShapeError, match=r"at most 1 elements to dimension 1 of shape \(2, 3\), got \(-2, 3\)"):
        F.pad(microbp.zeros(2, 3), (-2, 3), mode="circular")


def test_a_value_for_a_mode_that_takes_none_is_refused() -> None:
    with pytest.raises(OptionError, match=r"mode 'reflect' takes no value, got 1\.0"):
        F.pad(microbp.zeros(2, 3), (1, 1), mode="reflect", value=1.0)
    assert F.pad(microbp.zeros(2, 3), (1, 1), mode="reflect", value=0).shape == (2, 5)
