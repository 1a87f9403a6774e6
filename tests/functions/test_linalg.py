"""Products of vectors and matrices of all shapes, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microbp
from microbp.errors import ShapeError
from tests.referee import compare
from tests.samples import normal

SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((4,), (4,)),
    ((3, 4), (4,)),
    ((4,), (4, 3)),
    ((3, 4), (4, 2)),
    ((5, 3, 4), (4,)),
    ((4,), (5, 4, 2)),
    ((5, 3, 4), (5, 4, 2)),
    ((5, 3, 4), (4, 2)),
    ((3, 4), (5, 4, 2)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((1, 3, 4), (5, 4, 2)),
    ((2, 5, 3, 4), (4,)),
    ((0, 4), (4, 2)),
    ((3, 0), (0, 2)),
    ((0,), (0,)),
]


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_matmul(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    compare(lambda lib, a, b: lib.matmul(a, b), normal(*left), normal(*right, seed=1), second_order=True)
    compare(lambda lib, a, b: a @ b, normal(*left), normal(*right, seed=1))


def test_matmul_with_arrays() -> None:
    a, b = normal(3, 4), normal(4, 2)
    t = microbp.tensor(b, requires_grad=True)
    np.testing.assert_allclose((a @ t).detach().numpy(), a @ b)
    np.testing.assert_allclose((microbp.tensor(a) @ b).numpy(), a @ b)
    (a[0] @ t).sum().backward()
    np.testing.assert_allclose(t.grad.numpy(), np.outer(a[0], np.ones(2)))


@given(st.lists(st.sampled_from([1, 2, 3]), max_size=3), st.data())
def test_batches_broadcast(batch: list[int], data: Any) -> None:
    def some(batch: list[int]) -> tuple[int, ...]:
        kept = [data.draw(st.sampled_from([1, size])) for size in batch]
        return tuple(kept[data.draw(st.integers(0, len(kept))) :])

    compare(lambda lib, a, b: a @ b, normal(*some(batch), 2, 3), normal(*some(batch), 3, 4))


def test_named_products() -> None:
    compare(lambda lib, a, b: (lib.mm(a, b), a.mm(b)), normal(3, 4), normal(4, 2), second_order=True)
    compare(lambda lib, a, b: (lib.mv(a, b), a.mv(b)), normal(3, 4), normal(4), second_order=True)
    compare(lambda lib, a, b: (lib.dot(a, b), a.dot(b)), normal(4), normal(4, seed=1), second_order=True)
    compare(lambda lib, a, b: (lib.outer(a, b), a.outer(b)), normal(3), normal(4), second_order=True)
    compare(lambda lib, a, b: (lib.bmm(a, b), a.bmm(b)), normal(5, 3, 4), normal(5, 4, 2), second_order=True)


@pytest.mark.parametrize(
    ("left", "right"), [((2, 3), (4, 5)), ((3,), (4,)), ((2, 3), (4,)), ((3,), (4, 5)), ((2, 2, 3), (4, 5))]
)
def test_inner_dimensions_differ(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    a, b = microbp.zeros(left), microbp.zeros(right)
    with pytest.raises(ShapeError) as caught:
        a @ b
    assert str(caught.value) == f"matmul: a {left} and b {right}: inner dimensions 3 and 4 differ"
    with pytest.raises(RuntimeError):
        microbp.matmul(a, b)


def test_impossible_products() -> None:
    zeros = microbp.zeros
    with pytest.raises(
        ShapeError, match=r"matmul: a \(2, 3, 4\) and b \(5, 4, 2\): the batch dimensions \(2,\) and \(5,\)"
    ):
        zeros(2, 3, 4) @ zeros(5, 4, 2)
    with pytest.raises(ShapeError, match="at least 1 dimension"):
        zeros(2, 3) @ zeros(())
    with pytest.raises(ShapeError, match="at least 1 dimension"):
        zeros(2, 3) @ 2
    with pytest.raises(ShapeError, match=r"mm: a \(2, 3\) and b \(3,\) must have 2 and 2 dimensions"):
        zeros(2, 3).mm(zeros(3))
    with pytest.raises(ShapeError, match=r"mm: .*inner dimensions 3 and 2"):
        zeros(2, 3).mm(zeros(2, 3))
    with pytest.raises(ShapeError, match=r"dot: .*inner dimensions 3 and 2"):
        zeros(3).dot(zeros(2))
    with pytest.raises(ShapeError, match=r"mv: .*inner dimensions 3 and 2"):
        zeros(2, 3).mv(zeros(2))
    with pytest.raises(ShapeError, match="equal length"):
        zeros(2, 3, 4).bmm(zeros(1, 4, 5))


def test_linear_names_what_does_not_fit() -> None:
    linear = microbp.nn.functional.linear
    with pytest.raises(ShapeError, match=r"linear: input \(2, 3\) and weight \(4, 5\): .* the 5 columns of the weight"):
        linear(microbp.zeros(2, 3), microbp.zeros(4, 5))
    for bias in (microbp.zeros(1), microbp.zeros(3), microbp.zeros(2, 4)):
        with pytest.raises(ShapeError, match="bias must have one entry for each row"):
            linear(microbp.zeros(2, 3), microbp.zeros(4, 3), bias)


def test_dtypes() -> None:
    a, b = microbp.ones(2, 3), microbp.ones(3, 2)
    assert (a @ b).dtype == (a @ b[:, 0]).dtype == np.float32
    assert (microbp.tensor([[1, 2]]) @ microbp.tensor([[1], [2]])).tolist() == [[5]]
