"""Products added to something, and products of several matrices, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import microbp
from microbp import linalg
from microbp.errors import ShapeError
from tests.referee import compare
from tests.samples import normal


@pytest.mark.parametrize("options", [{}, {"beta": 0.5}, {"alpha": 3}, {"beta": 2, "alpha": -1.5}])
@pytest.mark.parametrize("shape", [(3, 2), (2,), (3, 1), ()])
def test_addmm(shape: tuple[int, ...], options: dict[str, float]) -> None:
    compare(
        lambda lib, c, a, b: lib.addmm(c, a, b, **options),
        normal(*shape),
        normal(3, 4),
        normal(4, 2),
        second_order=True,
    )


PRODUCTS: list[tuple[str, tuple[int, ...], tuple[int, ...], list[tuple[int, ...]]]] = [
    ("baddbmm", (5, 3, 4), (5, 4, 2), [(5, 3, 2), (3, 2), (5, 1, 1), ()]),
    ("addbmm", (5, 3, 4), (5, 4, 2), [(3, 2), (2,), (3, 1), ()]),
    ("addmv", (3, 4), (4,), [(3,), (1,), ()]),
    ("addr", (3,), (2,), [(3, 2), (2,), (3, 1), ()]),
]


@pytest.mark.parametrize("options", [{}, {"beta": 0.5}, {"alpha": 3}, {"beta": 2, "alpha": -1.5}, {"beta": 0}])
@pytest.mark.parametrize(("name", "left", "right", "shapes"), PRODUCTS)
def test_sums_with_products(
    name: str, left: tuple[int, ...], right: tuple[int, ...], shapes: list[tuple[int, ...]], options: dict[str, float]
) -> None:
    for shape in shapes:
        arrays = (normal(*shape), normal(*left), normal(*right, seed=1))
        if options == {"beta": 0}:
            nan = np.full(shape, np.nan)
            compare(lambda lib, a, b, nan=nan: getattr(lib, name)(lib.tensor(nan), a, b, beta=0), *arrays[1:])
        else:
            compare(lambda lib, *tensors: getattr(lib, name)(*tensors, **options), *arrays, second_order=True)
            compare(lambda lib, c, a, b: getattr(c, name)(a, b, **options), *arrays)


@pytest.mark.parametrize(("name", "left", "right", "shapes"), PRODUCTS)
def test_sums_with_products_refuse(
    name: str, left: tuple[int, ...], right: tuple[int, ...], shapes: list[tuple[int, ...]]
) -> None:
    a, b = microbp.ones(left), microbp.ones(right)
    with pytest.raises(ShapeError, match=name):
        getattr(microbp, name)(microbp.ones(()), a, b[..., None])
    with pytest.raises(ShapeError, match="does not broadcast to the shape of the product"):
        getattr(microbp, name)(microbp.ones(7, *shapes[0]), a, b)
    with pytest.raises(ShapeError, match="not broadcast"):
        getattr(microbp, name)(microbp.ones(7), a, b)


def test_addmm_without_its_input() -> None:
    nan = np.full((3, 2), np.nan)
    compare(lambda lib, a, b: lib.addmm(lib.from_numpy(nan), a, b, beta=0), normal(3, 4), normal(4, 2))


def test_addmm_refuses() -> None:
    zeros = microbp.zeros
    with pytest.raises(ShapeError, match="addmm"):
        microbp.addmm(zeros(2), zeros(2, 3), zeros(2, 2))


@pytest.mark.parametrize(
    "factors",
    [[(4,), (4, 2), (2, 5)], [(3, 4), (4, 2), (2, 5), (5,)], [(2, 9), (9, 1), (1, 8), (8, 2)], [(3, 4), (4, 2)]],
)
def test_multi_dot(factors: list[tuple[int, ...]]) -> None:
    compare(
        lambda lib, *tensors: lib.linalg.multi_dot(tensors), *(normal(*shape) for shape in factors), second_order=True
    )


def test_multi_dot_takes_the_cheapest_order() -> None:
    a, b, c = microbp.ones(1, 50), microbp.ones(50, 50), microbp.ones(50, 50)
    a.requires_grad_()
    node = linalg.multi_dot([a, b, c]).grad_fn
    assert node is not None
    assert node.inputs[0].op.name == "matmul"  # (a b) c
    with pytest.raises(ShapeError, match="at least 2"):
        linalg.multi_dot([a])
    with pytest.raises(ShapeError, match="factor 1 must be a matrix"):
        linalg.multi_dot([a, microbp.ones(50), c])
