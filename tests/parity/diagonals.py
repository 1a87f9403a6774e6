"""Triangles and diagonals of matrices."""

from __future__ import annotations

from tests.parity import Calls, Dtype, Values, call, operation


@operation("tril", "triu", no_scalar="PyTorch refuses it")
def triangles(make: Values) -> Calls:
    yield call(make.normal(3, 4))
    yield call(make.normal(3, 4), 1)
    yield call(make.normal(4, 3), -2)
    yield call(make.normal(3, 3), diagonal=9)
    yield call(make.normal(2, 3, 4), diagonal=-9)
    yield call(make.normal(2, 2, 3, 3), -1)
    yield call(make.normal(0, 3))
    yield call(make.normal(2, 0, 3), 1)
    yield call(make.integers(0, 9, 3, 3))
    yield call(make.truths(3, 3))


@operation("tril_indices", "triu_indices", no_scalar="It takes no tensors", no_empty="It takes no tensors")
def indices(make: Values) -> Calls:
    for row, col, offset in ((3, 4, 0), (4, 3, 1), (3, 3, -1), (2, 5, 9), (5, 2, -9), (0, 3, 0), (3, 0, 0), (1, 1, 0)):
        yield call(row, col, offset)
    yield call(3, 3)
    yield call(3, 2, dtype=Dtype("int32"))


@operation("diagonal", no_scalar="PyTorch refuses it")
def diagonal(make: Values) -> Calls:
    yield call(make.normal(3, 4))
    yield call(make.normal(3, 4), 1)
    yield call(make.normal(3, 4), offset=-2)
    yield call(make.normal(2, 3, 4), 0, 1, 2)
    yield call(make.normal(2, 3, 4), offset=1, dim1=-1, dim2=0)
    yield call(make.normal(3, 4), 9)
    yield call(make.normal(3, 4), -9)
    yield call(make.normal(0, 3))
    yield call(make.normal(2, 0, 3), 0, 1, 2)
    yield call(make.integers(0, 9, 3, 3))


@operation("diag_embed", no_scalar="PyTorch refuses it")
def diag_embed(make: Values) -> Calls:
    yield call(make.normal(3))
    yield call(make.normal(2, 3))
    yield call(make.normal(2, 3), 1)
    yield call(make.normal(2, 3), offset=-2, dim1=0, dim2=2)
    yield call(make.normal(2, 3), 0, -1, 0)
    yield call(make.normal(0))
    yield call(make.normal(0), 2)
    yield call(make.normal(0, 3), 1)
    yield call(make.integers(0, 9, 3))


@operation("diag", no_scalar="PyTorch refuses it")
def diag(make: Values) -> Calls:
    yield call(make.normal(3))
    yield call(make.normal(3), 1)
    yield call(make.normal(3, 4), diagonal=-1)
    yield call(make.normal(3, 4))
    yield call(make.normal(3, 4), 2)
    yield call(make.normal(3, 4), 9)
    yield call(make.normal(0))
    yield call(make.normal(0, 3))
    yield call(make.integers(0, 9, 3))


@operation("diagflat")
def diagflat(make: Values) -> Calls:
    yield call(make.normal(3))
    yield call(make.normal(2, 3), 1)
    yield call(make.normal(2, 3), offset=-2)
    yield call(make.normal())
    yield call(make.normal(), 1)
    yield call(make.normal(0))
    yield call(make.integers(0, 9, 3))


@operation("trace", no_scalar="PyTorch refuses it")
def trace(make: Values) -> Calls:
    for shape in ((3, 3), (3, 4), (4, 2), (0, 3), (1, 1)):
        yield call(make.normal(*shape))
    yield call(make.integers(0, 9, 3, 3))
