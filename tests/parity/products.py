"""Products of vectors and matrices."""

from __future__ import annotations

import numpy as np

from tests.parity import Calls, Values, call, operation


@operation("matmul", "linalg.matmul", no_scalar="PyTorch refuses it")
def matmul(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.normal(4, 2))
    yield call(make.normal(4), make.normal(4))
    yield call(make.normal(3, 4), make.normal(4))
    yield call(make.normal(4), make.normal(4, 2))
    yield call(make.normal(2, 3, 4), make.normal(4))
    yield call(make.normal(4), make.normal(2, 4, 3))
    yield call(make.normal(2, 3, 4), make.normal(2, 4, 2))
    yield call(make.normal(2, 3, 4), make.normal(4, 2))
    yield call(make.normal(3, 4), make.normal(2, 4, 2))
    yield call(make.normal(2, 1, 3, 4), make.normal(5, 4, 2))
    yield call(make.normal(3, 0), make.normal(0, 2))
    yield call(make.normal(0, 3), make.normal(3, 2))
    yield call(make.normal(0), make.normal(0))
    yield call(make.normal(0, 3, 4), make.normal(4, 2))
    yield call(make.integers(0, 9, 2, 3), make.integers(0, 9, 3, 2))
    yield call(make.normal(3, 4), make.normal(4, 2), constants=(1,))


@operation("mm", no_scalar="PyTorch refuses it")
def mm(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.normal(4, 2))
    yield call(make.normal(1, 4), make.normal(4, 1))
    yield call(make.normal(3, 0), make.normal(0, 2))
    yield call(make.normal(0, 3), make.normal(3, 2))
    yield call(make.integers(0, 9, 2, 3), make.integers(0, 9, 3, 2))
    yield call(make.normal(3, 4), make.normal(4, 2), constants=(0,))


@operation("bmm", no_scalar="PyTorch refuses it")
def bmm(make: Values) -> Calls:
    yield call(make.normal(2, 3, 4), make.normal(2, 4, 2))
    yield call(make.normal(1, 1, 4), make.normal(1, 4, 1))
    yield call(make.normal(2, 3, 0), make.normal(2, 0, 2))
    yield call(make.normal(0, 3, 4), make.normal(0, 4, 2))
    yield call(make.integers(0, 9, 1, 2, 3), make.integers(0, 9, 1, 3, 2))
    yield call(make.normal(2, 3, 4), make.normal(2, 4, 2), constants=(0,))


@operation("mv", no_scalar="PyTorch refuses it")
def mv(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.normal(4))
    yield call(make.normal(1, 4), make.normal(4))
    yield call(make.normal(3, 0), make.normal(0))
    yield call(make.normal(0, 3), make.normal(3))
    yield call(make.integers(0, 9, 2, 3), make.integers(0, 9, 3))
    yield call(make.normal(3, 4), make.normal(4), constants=(1,))


@operation("dot", no_scalar="PyTorch refuses it")
def dot(make: Values) -> Calls:
    yield call(make.normal(4), make.normal(4))
    yield call(make.normal(1), make.normal(1))
    yield call(make.normal(0), make.normal(0))
    yield call(make.integers(0, 9, 3), make.integers(0, 9, 3))
    yield call(make.normal(4), make.normal(4), constants=(0,))


@operation("outer", no_scalar="PyTorch refuses it")
def outer(make: Values) -> Calls:
    yield call(make.normal(4), make.normal(3))
    yield call(make.normal(1), make.normal(3))
    yield call(make.normal(0), make.normal(3))
    yield call(make.integers(0, 9, 3), make.integers(0, 9, 2))
    yield call(make.integers(0, 9, 3), make.normal(2))
    yield call(make.normal(4), make.normal(3), constants=(0,))


def sums(make: Values, shapes: tuple[tuple[int, ...], ...], left: tuple[int, ...], right: tuple[int, ...]) -> Calls:
    """A tensor of each of these shapes added to a product of these factors."""
    for shape in shapes:
        yield call(make.normal(*shape), make.normal(*left), make.normal(*right))
    shape = shapes[0]
    yield call(make.normal(*shape), make.normal(*left), make.normal(*right), beta=0.5)
    yield call(make.normal(*shape), make.normal(*left), make.normal(*right), alpha=-2)
    yield call(make.normal(*shape), make.normal(*left), make.normal(*right), beta=3, alpha=0.5)
    yield call(make.normal(*shape), make.normal(*left), make.normal(*right), alpha=0)
    yield call(make.laid_out(np.full(shape, np.nan)), make.normal(*left), make.normal(*right), beta=0, constants=(0,))
    yield call(make.normal(*shape), make.normal(*left), make.normal(*right), beta=0)
    yield call(make.normal(*shape), make.normal(*left), make.normal(*right), constants=(1,))
    whole = (make.integers(0, 9, *size) for size in (shape, left, right))
    yield call(*whole, beta=2, alpha=3)


@operation("addmm")
def addmm(make: Values) -> Calls:
    yield from sums(make, ((3, 2), (2,), (3, 1), (1, 1), ()), (3, 4), (4, 2))
    yield call(make.normal(3, 2), make.normal(3, 0), make.normal(0, 2))
    yield call(make.normal(2), make.normal(0, 3), make.normal(3, 2))


@operation("baddbmm")
def baddbmm(make: Values) -> Calls:
    yield from sums(make, ((2, 3, 2), (3, 2), (2,), (2, 1, 1), ()), (2, 3, 4), (2, 4, 2))
    yield call(make.normal(2, 3, 2), make.normal(2, 3, 0), make.normal(2, 0, 2))
    yield call(make.normal(2), make.normal(0, 1, 3), make.normal(0, 3, 2))


@operation("addbmm")
def addbmm(make: Values) -> Calls:
    yield from sums(make, ((3, 2), (2,), (3, 1), ()), (2, 3, 4), (2, 4, 2))
    yield call(make.normal(3, 2), make.normal(2, 3, 0), make.normal(2, 0, 2))
    yield call(make.normal(1, 2), make.normal(0, 1, 3), make.normal(0, 3, 2))


@operation("addmv")
def addmv(make: Values) -> Calls:
    yield from sums(make, ((3,), (1,), ()), (3, 4), (4,))
    yield call(make.normal(3), make.normal(3, 0), make.normal(0))
    yield call(make.normal(0), make.normal(0, 3), make.normal(3))


@operation("addr")
def addr(make: Values) -> Calls:
    yield from sums(make, ((3, 2), (2,), (3, 1), ()), (3,), (2,))
    yield call(make.normal(3, 1), make.normal(3), make.normal(0))
    yield call(make.normal(1, 2), make.normal(0), make.normal(2))


@operation("linalg.multi_dot", no_scalar="PyTorch refuses it")
def multi_dot(make: Values) -> Calls:
    yield call([make.normal(2, 3), make.normal(3, 4)])
    yield call((make.normal(2, 3), make.normal(3, 4), make.normal(4, 2)))
    yield call([make.normal(2, 6), make.normal(6, 1), make.normal(1, 5), make.normal(5, 3)])
    yield call([make.normal(3), make.normal(3, 4), make.normal(4, 2)])
    yield call([make.normal(2, 3), make.normal(3, 4), make.normal(4)])
    yield call([make.normal(3), make.normal(3, 4), make.normal(4)])
    yield call([make.normal(3), make.normal(3)])
    yield call([make.normal(2, 0), make.normal(0, 4), make.normal(4, 2)])
    yield call([make.normal(2, 3), make.normal(3, 4)], constants=(1,))
