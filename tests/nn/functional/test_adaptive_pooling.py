"""Adaptive pooling against PyTorch, over shapes and sizes; what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare, torch
from tests.samples import normal

EXAMPLES = settings(max_examples=60, deadline=None)
NAN, INF = float("nan"), float("inf")


def shuffled(*shape: int) -> Any:
    """Different values far enough from each other, in an order that says nothing."""
    size = int(np.prod(shape))
    return np.random.default_rng([7, *shape]).permutation(size).reshape(shape) / 8.0


@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize("dims", [1, 2, 3])
@EXAMPLES
@given(data=st.data())
def test_adaptive_pooling_agrees_with_pytorch(dims: int, kind: str, data: st.DataObject) -> None:
    shape = (*data.draw(st.sampled_from([(2,), (1, 2), (0, 1)])), *(data.draw(st.integers(1, 7)) for _ in range(dims)))
    sizes = tuple(data.draw(st.integers(1, 9)) for _ in range(dims))
    name, extra = f"adaptive_{kind}_pool{dims}d", {"return_indices": True} if kind == "max" else {}
    compare(
        lambda lib, x: getattr(lib.nn.functional, name)(x, sizes, **extra), shuffled(*shape), second_order=kind == "avg"
    )
    if kind == "max":
        compare(lambda lib, x: getattr(lib.nn.functional, name)(x, sizes), shuffled(*shape))


@pytest.mark.parametrize("size", [3, (2, None), [None, 5], (0, 2)])
@pytest.mark.parametrize("kind", ["avg", "max"])
def test_adaptive_output_sizes(kind: str, size: Any) -> None:
    compare(
        lambda lib, x: (
            getattr(lib.nn.functional, f"adaptive_{kind}_pool2d")(x, size)
            if 0 not in (size if isinstance(size, tuple) else ())
            else getattr(lib.nn.functional, f"adaptive_{kind}_pool2d")(x.detach(), size)
        ),
        shuffled(2, 3, 6, 4),
    )


@pytest.mark.parametrize("special", [(0.0, 1.0), (NAN, 1.0, 2.0), (-INF, -INF, -INF, 0.0), (INF, NAN, -INF), (-INF,)])
def test_ties_nan_and_infinities_as_in_pytorch(special: tuple[float, ...]) -> None:
    x = np.random.default_rng(3).choice(special, size=(2, 3, 9, 18))
    compare(lambda lib, x: lib.nn.functional.adaptive_max_pool2d(x, (4, 5), return_indices=True), x, second_order=True)


def test_infinity_in_one_window_leaves_the_others_alone() -> None:
    x = normal(1, 1, 7, 7)
    x[0, 0, 3, 3] = INF
    compare(lambda lib, x: lib.nn.functional.adaptive_avg_pool2d(x, (3, 4)), x)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_means_keep_the_dtype_and_add_up_in_a_wide_one(dtype: Any) -> None:
    x = np.full((1, 1, 64, 64), 100, dtype)  # the sum is beyond the largest float16
    rtol = 4e-3 if dtype == np.float16 else 1e-6
    for size in (1, 5):
        compare(lambda lib, x, size=size: lib.nn.functional.adaptive_avg_pool2d(x, size), x, rtol=rtol, atol=rtol)


IMAGE = (2, 3, 6, 6)
REFUSED = [
    ("adaptive_avg_pool2d", IMAGE, (-1,), OptionError, "must not be negative"),
    ("adaptive_avg_pool2d", IMAGE, ((2, 2, 2),), OptionError, "one for each of 2 dimensions"),
    ("adaptive_max_pool2d", IMAGE, ((2,),), OptionError, "one for each of 2 dimensions"),
    ("adaptive_avg_pool2d", IMAGE, ((2.0, 2),), TypeError, "output_size must be"),
    ("adaptive_max_pool2d", (6, 6), (2,), ShapeError, r"\(N, C, H, W\)"),
    ("adaptive_max_pool2d", (2, 0, 6, 6), (2,), ShapeError, "only the batch may be empty"),
    ("adaptive_avg_pool1d", (3, 6), ("a",), TypeError, "output_size must be"),
]


@pytest.mark.parametrize(("name", "shape", "arguments", "error", "text"), REFUSED)
def test_refused_as_pytorch_does_with_a_clear_text(
    name: str, shape: tuple[int, ...], arguments: tuple[Any, ...], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"^{name}.*{text}"):
        getattr(F, name)(microbp.zeros(shape), *arguments)
    with pytest.raises((RuntimeError, TypeError, IndexError)) as theirs:
        getattr(torch().nn.functional, name)(torch().zeros(shape), *arguments)
    assert issubclass(error, theirs.type) or theirs.type is IndexError


def test_dtypes_that_are_refused() -> None:
    with pytest.raises(DtypeError, match=r"adaptive_avg_pool2d.*int64.*t\.float\(\)"):
        F.adaptive_avg_pool2d(microbp.ones(1, 4, 4).long(), 2)
    with pytest.raises(DtypeError, match=r"adaptive_max_pool2d.*bool"):
        F.adaptive_max_pool2d(microbp.ones(1, 4, 4).bool(), 2)


def test_the_caller_may_overwrite_the_indices() -> None:
    x = microbp.tensor(shuffled(1, 4, 4), requires_grad=True)
    y, indices = F.adaptive_max_pool2d(x, 2, return_indices=True)
    expected = np.zeros(16)
    expected[indices.array.reshape(-1)] = 1
    indices.zero_()
    y.sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.array.reshape(-1), expected)


def test_a_window_for_each_element_and_more_windows_than_elements() -> None:
    x = microbp.tensor([[1.0, 2.0, 4.0]])
    assert F.adaptive_avg_pool1d(x, 3).tolist() == x.tolist()
    assert F.adaptive_max_pool1d(x, 6).tolist() == [[1.0, 1.0, 2.0, 2.0, 4.0, 4.0]]
