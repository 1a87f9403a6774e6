"""Several tensors put together in one, and one taken apart into several."""

from __future__ import annotations

from tests.parity import Calls, Values, call, operation


@operation("cat", "concat", "concatenate", no_scalar="PyTorch refuses it")
def cat(make: Values) -> Calls:
    yield call([make.normal(2, 3), make.normal(4, 3)])
    yield call((make.normal(2, 3), make.normal(2, 1), make.normal(2, 2)), 1)
    yield call([make.normal(2, 3), make.normal(2, 3)], dim=-1)
    yield call([make.normal(3)])
    yield call([make.normal(3), make.normal(2)], axis=0)
    yield call([make.normal(3), make.normal(0), make.normal(2)])
    yield call([make.normal(2, 3), make.normal(0), make.normal(1, 3)])
    yield call([make.normal(0, 3), make.normal(2, 3)])
    yield call([make.normal(2, 0), make.normal(2, 0)], 1)
    yield call([make.normal(0), make.normal(0)])
    yield call([make.integers(0, 9, 3), make.normal(0)])
    yield call([make.integers(0, 9, 3), make.normal(2)])
    yield call([make.integers(0, 9, 3), make.truths(2)])
    yield call([make.normal(2, 3), make.normal(4, 3)], constants=(0,))


@operation("stack")
def stack(make: Values) -> Calls:
    yield call([make.normal(2, 3), make.normal(2, 3)])
    yield call((make.normal(2, 3), make.normal(2, 3), make.normal(2, 3)), 1)
    yield call([make.normal(2, 3), make.normal(2, 3)], dim=-1)
    yield call([make.normal(3)], dim=1)
    yield call([make.normal(), make.normal()])
    yield call([make.normal(), make.normal()], -1)
    yield call([make.normal(0, 3), make.normal(0, 3)], 1)
    yield call([make.integers(0, 9, 3), make.normal(3)])
    yield call([make.truths(3), make.truths(3)])


@operation("hstack", "column_stack")
def beside(make: Values) -> Calls:
    yield call([make.normal(2, 3), make.normal(2, 1)])
    yield call((make.normal(2, 3, 2), make.normal(2, 1, 2)))
    yield call([make.normal(3), make.normal(3)])
    yield call([make.normal(), make.normal()])
    yield call([make.normal(2, 0), make.normal(2, 3)])
    yield call([make.normal(0), make.normal(0)])
    yield call([make.integers(0, 9, 3), make.normal(3)])


@operation("vstack", "row_stack")
def below(make: Values) -> Calls:
    yield call([make.normal(2, 3), make.normal(1, 3)])
    yield call((make.normal(2, 3, 2), make.normal(1, 3, 2)))
    yield call([make.normal(3), make.normal(3)])
    yield call([make.normal(3), make.normal(2, 3)])
    yield call([make.normal(), make.normal(1)])
    yield call([make.normal(0, 3), make.normal(3)])
    yield call([make.integers(0, 9, 3), make.normal(3)])


@operation("dstack")
def behind(make: Values) -> Calls:
    yield call([make.normal(2, 3), make.normal(2, 3)])
    yield call((make.normal(2, 3, 2), make.normal(2, 3, 1)))
    yield call([make.normal(3), make.normal(3)])
    yield call([make.normal(), make.normal(1)])
    yield call([make.normal(2, 3), make.normal(2, 3, 0)])
    yield call([make.normal(0), make.normal(0)])
    yield call([make.integers(0, 9, 3), make.normal(3)])


@operation("split", no_scalar="PyTorch refuses it")
def split(make: Values) -> Calls:
    yield call(make.normal(5, 3), 2)
    yield call(make.normal(5, 3), 2, -1)
    yield call(make.normal(5, 3), [1, 4])
    yield call(make.normal(3, 5), (2, 0, 3), dim=1)
    yield call(make.normal(5), 9)
    yield call(make.normal(0, 3), 2)
    yield call(make.normal(0, 3), 0)
    yield call(make.normal(2, 0), [0, 0], 1)
    yield call(make.integers(0, 9, 4), 3)


@operation("split_with_sizes", no_scalar="PyTorch refuses it")
def split_with_sizes(make: Values) -> Calls:
    yield call(make.normal(5, 3), [1, 4])
    yield call(make.normal(3, 5), (2, 0, 3), dim=1)
    yield call(make.normal(3, 5), [5], -1)
    yield call(make.normal(0, 3), [0])
    yield call(make.normal(2, 0), [0, 0], 1)
    yield call(make.integers(0, 9, 4), [3, 1])


@operation("chunk", no_scalar="PyTorch refuses it")
def chunk(make: Values) -> Calls:
    yield call(make.normal(5, 3), 2)
    yield call(make.normal(5, 3), 3, 1)
    yield call(make.normal(5, 3), 4, dim=0)
    yield call(make.normal(3, 5), 7, -1)
    yield call(make.normal(0, 3), 2)
    yield call(make.integers(0, 9, 4), 3)


@operation("tensor_split", no_scalar="PyTorch refuses it")
def tensor_split(make: Values) -> Calls:
    yield call(make.normal(5, 3), 2)
    yield call(make.normal(3, 5), 3, 1)
    yield call(make.normal(3, 5), 7, dim=-1)
    yield call(make.normal(5, 3), [1, 3])
    yield call(make.normal(5, 3), (3, 1))
    yield call(make.normal(5, 3), (-2, 9))
    yield call(make.normal(5), make.laid_out([2, 4]))
    yield call(make.normal(5), make.laid_out(3))
    yield call(make.normal(5), ())
    yield call(make.normal(0, 3), 2)
    yield call(make.normal(2, 0), [1], 1)
    yield call(make.integers(0, 9, 4), 3)


def splits(make: Values, *shape: int) -> Calls:
    """Splits of tensors of this shape, in which -1 stands for the axis that is split."""

    def sized(size: int) -> tuple[int, ...]:
        return tuple(size if one == -1 else one for one in shape)

    for size, wanted in ((4, 2), (6, 3), (6, [1, 4]), (6, (-2,)), (5, [3, 1]), (0, 1), (0, [1])):
        yield call(make.normal(*sized(size)), wanted)
    yield call(make.integers(0, 9, *sized(4)), 2)


@operation("hsplit", no_scalar="PyTorch refuses it")
def hsplit(make: Values) -> Calls:
    yield from splits(make, -1)
    yield from splits(make, 2, -1)
    yield from splits(make, 2, -1, 3)


@operation("vsplit", no_scalar="PyTorch refuses it")
def vsplit(make: Values) -> Calls:
    yield from splits(make, -1, 2)
    yield from splits(make, -1, 2, 3)


@operation("dsplit", no_scalar="PyTorch refuses it")
def dsplit(make: Values) -> Calls:
    yield from splits(make, 2, 3, -1)
    yield from splits(make, 2, 1, -1, 2)


@operation("unbind", no_scalar="PyTorch refuses it")
def unbind(make: Values) -> Calls:
    yield call(make.normal(3, 2))
    yield call(make.normal(3, 2), 1)
    yield call(make.normal(2, 3, 2), dim=-2)
    yield call(make.normal(3))
    yield call(make.normal(0, 3))
    yield call(make.normal(0, 3), 1)
    yield call(make.integers(0, 9, 4))
