"""Elements in another order, or several times."""

from __future__ import annotations

from tests.parity import Calls, Values, call, operation


@operation("movedim", "moveaxis")
def movedim(make: Values) -> Calls:
    yield call(make.normal(2, 3, 4), 0, -1)
    yield call(make.normal(2, 3, 4), (0, 1), (1, 2))
    yield call(make.normal(2, 3, 4), source=(-1, 0), destination=(0, 1))
    yield call(make.normal(2, 3, 4), [2], [0])
    yield call(make.normal(3), 0, 0)
    yield call(make.normal(), 0, 0)
    yield call(make.normal(2, 3), (), ())
    yield call(make.normal(0, 3), 1, 0)
    yield call(make.integers(0, 9, 2, 3), 0, 1)


@operation("flip")
def flip(make: Values) -> Calls:
    yield call(make.normal(3, 4), (0,))
    yield call(make.normal(3, 4), [0, 1])
    yield call(make.normal(2, 3, 4), dims=(-1, 0))
    yield call(make.normal(3, 4), ())
    yield call(make.normal(), ())
    yield call(make.normal(), (0,))
    yield call(make.normal(0, 3), (1,))
    yield call(make.integers(0, 9, 4), (0,))


@operation("fliplr", no_scalar="PyTorch refuses it")
def fliplr(make: Values) -> Calls:
    for shape in ((3, 4), (2, 3, 4), (0, 3), (2, 0), (1, 1)):
        yield call(make.normal(*shape))
    yield call(make.integers(0, 9, 2, 3))


@operation("flipud", no_scalar="PyTorch refuses it")
def flipud(make: Values) -> Calls:
    for shape in ((3, 4), (2, 3, 4), (0, 3), (5,), (1, 1)):
        yield call(make.normal(*shape))
    yield call(make.integers(0, 9, 2, 3))


@operation("roll")
def roll(make: Values) -> Calls:
    yield call(make.normal(3, 4), 1)
    yield call(make.normal(3, 4), -2, 0)
    yield call(make.normal(3, 4), (1, 2), (0, 1))
    yield call(make.normal(3, 4), shifts=[7], dims=[-1])
    yield call(make.normal(3, 4), (1, 1), (0, 0))
    yield call(make.normal(5), 0, 0)
    yield call(make.normal(), 3)
    yield call(make.normal(0, 3), 2)
    yield call(make.normal(0, 3), 1, 0)
    yield call(make.integers(0, 9, 4), -1, 0)


@operation("rot90", no_scalar="PyTorch refuses it")
def rot90(make: Values) -> Calls:
    for k in range(-2, 6):
        yield call(make.normal(3, 4), k)
    yield call(make.normal(3, 4))
    yield call(make.normal(2, 3, 4), 1, (1, 2))
    yield call(make.normal(2, 3, 4), k=3, dims=[-1, 0])
    yield call(make.normal(0, 3))
    yield call(make.integers(0, 9, 2, 3), 1, (0, 1))


@operation("Tensor.repeat")
def repeat(make: Values) -> Calls:
    yield call(make.normal(2, 3), 2, 1)
    yield call(make.normal(2, 3), (3, 1, 2))
    yield call(make.normal(2, 3), repeats=(1, 2))
    yield call(make.normal(3), [2])
    yield call(make.normal(), 3)
    yield call(make.normal(), 2, 2)
    yield call(make.normal(), ())
    yield call(make.normal(3), 0)
    yield call(make.normal(2, 3), 2, 0, 1)
    yield call(make.normal(0, 3), 2, 2)
    yield call(make.integers(0, 9, 2), 2)


@operation("tile")
def tile(make: Values) -> Calls:
    yield call(make.normal(2, 3), (2, 1))
    yield call(make.normal(2, 3), (3,))
    yield call(make.normal(2, 3), dims=(3, 1, 2))
    yield call(make.normal(2, 3), ())
    yield call(make.normal(), (3,))
    yield call(make.normal(), ())
    yield call(make.normal(3), (0,))
    yield call(make.normal(0, 3), (2, 2))
    yield call(make.integers(0, 9, 2), (2,))


@operation("repeat_interleave")
def repeat_interleave(make: Values) -> Calls:
    yield call(make.normal(2, 3), 2)
    yield call(make.normal(2, 3), 2, 0)
    yield call(make.normal(2, 3), repeats=3, dim=-1)
    yield call(make.normal(4, 3), make.integers(0, 4, 4), 0)
    yield call(make.normal(4, 3), make.integers(0, 4, 3), dim=1)
    yield call(make.normal(4), make.integers(0, 4, 4))
    yield call(make.normal(4, 3), make.laid_out([2]), 1)
    yield call(make.normal(4, 3), make.laid_out(2), 1, output_size=6)
    yield call(make.normal(4, 3), make.laid_out([1, 0, 2]), 1, output_size=3)
    yield call(make.integers(0, 4, 5))
    yield call(make.normal(), 3)
    yield call(make.normal(2), 0)
    yield call(make.normal(0, 3), 2, 1)
    yield call(make.normal(0, 3), make.integers(0, 4, 0), 0)
    yield call(make.integers(0, 9, 2), 2)


@operation("meshgrid")
def meshgrid(make: Values) -> Calls:
    yield call(make.normal(2), make.normal(3), indexing="ij")
    yield call(make.normal(2), make.normal(3), indexing="xy")
    yield call([make.normal(2), make.normal(3), make.normal(4)], indexing="xy")
    yield call((make.normal(2), make.normal(1)))
    yield call(make.normal(3), indexing="xy")
    yield call(make.normal(), make.normal(3), indexing="ij")
    yield call(make.normal(3), make.normal(), indexing="xy")
    yield call(make.normal(0), make.normal(3), indexing="ij")
    yield call(make.integers(0, 9, 2), make.integers(0, 9, 3), indexing="ij")
    yield call(make.normal(2), make.normal(3), indexing="ij", constants=(0,))
