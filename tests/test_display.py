"""Tensors in print, letter for letter as PyTorch prints them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import microbp
from tests.referee import torch
from tests.samples import normal

nan, inf = np.nan, np.inf
ARRAYS: list[Any] = [
    [1.0, 2.0],
    3.0,
    3,
    True,
    [[1, 2], [3, 4]],
    [[True, False]],
    [0.1, 22.5, -3.0],
    [1e-5, 1.0],
    [1e9, 1.0],
    [1e8, 1e5],
    [1.0, 1000.0],
    [1.0, 1001.0],
    [0.5, 1001.0],
    [nan, 1.0],
    [nan, 1.5],
    [inf, -inf, 0.0],
    [nan],
    [0.0, -0.0],
    [1e-40, 0.0],
    [1e30, 2.0],
    [-1, 100, 20000],
    [],
    [[], []],
    np.zeros((0, 3)),
    np.zeros((2, 0), np.int64),
    np.zeros(0, np.int32),
    np.zeros(0, bool),
    np.zeros(0, np.float32),
    np.float32(1.5),
    np.array([1.5, 2], np.float16),
    np.array([1, 2], np.uint8),
    np.array([[1, 2]], np.int32),
    np.arange(30),
    np.arange(30.0) - 15,
    np.arange(1001),
    np.arange(1000),
    np.arange(2000.0),
    np.arange(1200).reshape(3, 400),
    np.arange(1200).reshape(400, 3),
    np.arange(2400).reshape(8, 10, 30),
    np.arange(1280).reshape(2, 8, 8, 10) / 7,
    normal(4, 30),
    normal(2, 3, 4),
    normal(2, 2, 2, 2),
    normal(50, 50) * 1e5,
    normal(5, 1, 1),
]


def theirs(t: Any) -> str:
    """PyTorch's text with microbp's names of dtypes, which are shorter and may fit where PyTorch's do not."""
    return unbroken(str(t).replace("torch.", ""))


def unbroken(text: str) -> str:
    """The text with its dtype always on the same line."""
    return re.sub(r",\s+dtype=", ", dtype=", text)


@pytest.fixture(autouse=True)
def usual_options() -> Iterator[None]:
    """Every test starts and ends with the options that are usual."""
    yield
    set_both(profile="default")


def set_both(**options: Any) -> None:
    """Set how both libraries print."""
    microbp.set_printoptions(**options)
    torch().set_printoptions(**options)


@pytest.mark.parametrize("number", range(len(ARRAYS)))
@pytest.mark.parametrize("default", ["float32", "float64"])
def test_prints_as_pytorch_does(number: int, default: str) -> None:
    lib = torch()
    try:
        microbp.set_default_dtype(default)
        lib.set_default_dtype(getattr(lib, default))
        assert unbroken(repr(microbp.tensor(ARRAYS[number]))) == theirs(lib.tensor(ARRAYS[number]))
        assert str(microbp.tensor(ARRAYS[number])) == repr(microbp.tensor(ARRAYS[number]))
    finally:
        microbp.set_default_dtype(microbp.float32)
        lib.set_default_dtype(lib.float32)


@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=0, max_dims=3, max_side=4),
        elements=st.one_of(
            st.floats(width=32), st.floats(-10, 10, width=32), st.integers(-2000, 2000).map(float), st.just(0.0)
        ),
    )
)
def test_prints_any_array_as_pytorch_does(array: Any) -> None:
    assert repr(microbp.tensor(array)) == theirs(torch().tensor(array))


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2},
        {"precision": 0},
        {"sci_mode": True},
        {"sci_mode": False},
        {"linewidth": 40},
        {"linewidth": 1},
        {"edgeitems": 1},
        {"edgeitems": 5, "threshold": 20},
        {"profile": "short"},
        {"profile": "full"},
        {"profile": "short", "precision": 6},
        {"threshold": 5},
    ],
)
def test_options(options: dict[str, Any]) -> None:
    set_both(**options)
    for array in (*ARRAYS[:20], normal(4, 30), normal(2, 3, 8), np.arange(30), np.arange(2000.0).reshape(2, 1000)):
        usual = np.asarray(array)
        usual = usual.astype(np.float32) if usual.dtype.kind == "f" else usual
        assert unbroken(repr(microbp.tensor(usual))) == theirs(torch().tensor(usual))
    set_both(precision=3)
    assert repr(microbp.tensor([0.5, 1e-6])) == theirs(torch().tensor([0.5, 1e-6]))


def test_options_are_known_and_of_the_thread() -> None:
    microbp.set_printoptions(precision=2)
    assert microbp.get_printoptions() == {
        "precision": 2,
        "threshold": 1000,
        "edgeitems": 3,
        "linewidth": 80,
        "sci_mode": None,
    }
    seen = []
    thread = threading.Thread(target=lambda: seen.append(microbp.get_printoptions()["precision"]))
    thread.start()
    thread.join()
    assert seen == [4]
    with pytest.raises(ValueError, match="no print profile 'long'"):
        microbp.set_printoptions(profile="long")


def test_place_in_the_graph() -> None:
    t = microbp.tensor([1.0, 2.0], requires_grad=True)
    assert repr(t) == "tensor([1., 2.], requires_grad=True)"
    assert repr(t * 2) == "tensor([2., 4.], grad_fn=<mul>)"
    double = microbp.tensor([1.5], dtype=microbp.float64, requires_grad=True)
    assert repr(double) == "tensor([1.5000], dtype=float64, requires_grad=True)"
    assert repr(double.sum()) == "tensor(1.5000, dtype=float64, grad_fn=<sum>)"
    assert repr(t.detach()) == "tensor([1., 2.])"


@pytest.mark.parametrize("shape", [(7,), (8,), (9,), (2, 7), (2, 8)])
def test_suffixes_move_to_a_new_line(shape: tuple[int, ...]) -> None:
    array = normal(*shape).astype(np.float32)
    ours, other = microbp.tensor(array, requires_grad=True), torch().tensor(array, requires_grad=True)
    assert repr(ours) == theirs(other)
    wide = microbp.tensor(normal(4, 8))
    assert repr(wide).endswith(",\n       dtype=float64)")


@pytest.mark.parametrize(
    ("value", "spec"), [(3.14159, ".3f"), (3, "d"), (3.0, ""), (3, "05d"), (0.5, ".0%"), (True, "")]
)
def test_numbers_format_as_numbers(value: Any, spec: str) -> None:
    assert format(microbp.tensor(value), spec) == format(torch().tensor(value), spec)


def test_tensors_with_axes_take_no_specification() -> None:
    t = microbp.tensor([1.0])
    assert f"{t}" == "tensor([1.])"
    with pytest.raises(TypeError, match="takes no format specification"):
        f"{t:.3f}"


def test_printing_neither_records_nor_changes() -> None:
    t = microbp.tensor(normal(3), requires_grad=True)
    y = t * 2
    node, version = y.grad_fn, y.version
    repr(y)
    assert (y.grad_fn, y.version) == (node, version)
