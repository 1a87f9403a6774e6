"""Other shapes and orders of the same elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation


@operation("reshape")
def reshape(make: Values) -> Calls:
    yield call(make.normal(3, 4), (2, 6))
    yield call(make.normal(2, 3, 4), [4, -1])
    yield call(make.normal(), (1, 1))
    yield call(make.normal(1, 1), ())
    yield call(make.normal(0, 3), (5, 0))
    yield call(make.normal(0, 3), (-1, 3))
    yield call(make.integers(0, 9, 6), shape=(3, 2))
    yield call(make.truths(4), (-1,))


@operation("Tensor.view")
def view(make: Values) -> Calls:
    yield call(np.ascontiguousarray(make.normal(3, 4)), 2, 6)
    yield call(np.ascontiguousarray(make.normal(2, 3, 4)), (4, -1))
    yield call(np.ascontiguousarray(make.normal(2, 6)), size=(12,))
    yield call(make.normal(4, 3), 2, 2, 3)  # an axis can be taken apart in any layout
    yield call(make.normal(4, 3), 4, 1, -1)
    yield call(make.normal(), 1)
    yield call(make.normal(1), ())
    yield call(make.normal(0, 3), 5, 0)
    yield call(make.integers(0, 9, 6), [2, 3])


@operation("Tensor.view_as", "Tensor.reshape_as")
def view_as(make: Values) -> Calls:
    yield call(make.normal(4, 3), make.normal(2, 2, 3), constants=(1,))
    yield call(make.normal(6), make.integers(0, 9, 2, 3))
    yield call(make.normal(), make.normal(1, 1))
    yield call(make.normal(1, 1), make.normal())
    yield call(make.normal(0, 3), make.normal(0), constants=(1,))
    yield call(make.integers(0, 9, 4), make.truths(2, 2))


@operation("flatten")
def flatten(make: Values) -> Calls:
    yield call(make.normal(2, 3, 4))
    yield call(make.normal(2, 3, 4), 1)
    yield call(make.normal(2, 3, 4), -2, -1)
    yield call(make.normal(2, 3, 4, 2), start_dim=1, end_dim=2)
    yield call(make.normal(3), 0, 0)
    yield call(make.normal())
    yield call(make.normal(), -1, 0)
    yield call(make.normal(2, 0, 3))
    yield call(make.integers(0, 9, 2, 3), end_dim=-1)


@operation("ravel")
def ravel(make: Values) -> Calls:
    for shape in ((2, 3, 4), (), (3,), (0, 3), (1, 1)):
        yield call(make.normal(*shape))
    yield call(make.integers(0, 9, 2, 3))


@operation("unflatten", no_scalar="PyTorch refuses it")
def unflatten(make: Values) -> Calls:
    yield call(make.normal(12), 0, (3, 4))
    yield call(make.normal(2, 12), 1, (3, -1))
    yield call(make.normal(6, 2), -2, [2, 1, 3])
    yield call(make.normal(4, 3), dim=-1, sizes=(3,))
    yield call(make.normal(0, 4), 1, (2, 2))
    yield call(make.normal(0, 4), 0, (0, 3))
    yield call(make.integers(0, 9, 6), 0, (2, 3))


@operation("squeeze")
def squeeze(make: Values) -> Calls:
    yield call(make.normal(1, 3, 1))
    yield call(make.normal(1, 3, 1), 0)
    yield call(make.normal(1, 3, 1), 1)
    yield call(make.normal(1, 3, 1, 1), (0, -1))
    yield call(make.normal(1, 3, 1), dim=(1, 2))
    yield call(make.normal(1, 1))
    yield call(make.normal())
    yield call(make.normal(), 0)
    yield call(make.normal(), -1)
    yield call(make.normal(1, 3), ())
    yield call(make.normal(1, 0), 0)
    yield call(make.integers(0, 9, 2, 1))


@operation("unsqueeze")
def unsqueeze(make: Values) -> Calls:
    for dim in (0, 1, 2, -1, -3):
        yield call(make.normal(3, 4), dim)
    yield call(make.normal(), 0)
    yield call(make.normal(), dim=-1)
    yield call(make.normal(0, 3), 1)
    yield call(make.integers(0, 9, 3), 1)


@operation("transpose", "swapaxes", "swapdims")
def transpose(make: Values) -> Calls:
    yield call(make.normal(2, 3, 4), 0, 1)
    yield call(make.normal(2, 3, 4), -1, 0)
    yield call(make.normal(2, 3), 1, 1)
    yield call(make.normal(3), 0, -1)
    yield call(make.normal(), 0, 0)
    yield call(make.normal(), -1, 0)
    yield call(make.normal(2, 0), 0, 1)
    yield call(make.integers(0, 9, 2, 3), 1, 0)


@operation("permute")
def permute(make: Values) -> Calls:
    yield call(make.normal(2, 3, 4), (2, 0, 1))
    yield call(make.normal(2, 3, 4), (-1, 0, 1))
    yield call(make.normal(2, 3, 4, 5), dims=(1, 3, 2, 0))
    yield call(make.normal(3, 2), [0, 1])
    yield call(make.normal(), ())
    yield call(make.normal(0, 3), (1, 0))
    yield call(make.integers(0, 9, 2, 3), (1, 0))


@operation("t")
def t(make: Values) -> Calls:
    for shape in ((3, 4), (3,), (), (0, 3), (1, 5)):
        yield call(make.normal(*shape))
    yield call(make.integers(0, 9, 2, 3))


def attribute(name: str) -> Any:
    """A script that reads an attribute of a tensor."""
    return lambda lib, x: getattr(x, name)


@operation("Tensor.T", script=attribute("T"))
def all_axes(make: Values) -> Calls:
    for shape in ((3, 4), (3,), (), (0, 3), (2, 3, 4)):
        yield call(make.normal(*shape))


@operation("Tensor.mT", script=attribute("mT"), no_scalar="PyTorch refuses it")
def last_axes(make: Values) -> Calls:
    for shape in ((3, 4), (2, 3, 4), (0, 3), (1, 1), (2, 0, 3, 4)):
        yield call(make.normal(*shape))


@operation("Tensor.expand")
def expand(make: Values) -> Calls:
    yield call(make.normal(3, 1), 3, 4)
    yield call(make.normal(3, 1), -1, 4)
    yield call(make.normal(3), (2, 3))
    yield call(make.normal(1, 3, 1), [2, 4, 3, 5])
    yield call(make.normal(), 2, 3)
    yield call(make.normal(), ())
    yield call(make.normal(1), 0)
    yield call(make.normal(0, 1), 2, -1, 3)
    yield call(make.integers(0, 9, 2, 1), size=(2, 2))


@operation("Tensor.expand_as")
def expand_as(make: Values) -> Calls:
    yield call(make.normal(3, 1), make.normal(3, 4), constants=(1,))
    yield call(make.normal(4), make.normal(2, 3, 4))
    yield call(make.normal(), make.normal(2), constants=(1,))
    yield call(make.normal(), make.normal())
    yield call(make.normal(1), make.normal(0), constants=(1,))
    yield call(make.integers(0, 9, 1), make.truths(2, 2))


@operation("broadcast_to")
def broadcast_to(make: Values) -> Calls:
    yield call(make.normal(3, 1), (3, 4))
    yield call(make.normal(4), (2, 3, 4))
    yield call(make.normal(), (2,))
    yield call(make.normal(), ())
    yield call(make.normal(1, 3), (0, 3))
    yield call(make.normal(0, 1), (0, 3))
    yield call(make.integers(0, 9, 2, 1), (2, 2))


@operation("numel")
def numel(make: Values) -> Calls:
    for shape in ((3, 4), (), (0, 3), (7,), (1, 1)):
        yield call(make.normal(*shape))


@operation("atleast_1d", "atleast_2d", "atleast_3d")
def at_least(make: Values) -> Calls:
    for shape in ((), (3,), (2, 3), (2, 3, 4), (0,), (0, 2), (2, 1, 3, 2)):
        yield call(make.normal(*shape))
    yield call(make.integers(0, 9))
    yield call(make.normal(), make.normal(2), make.normal(2, 3))
    yield call([make.normal(), make.normal(2)])
    yield call((make.normal(2), make.integers(0, 9, 1, 2)))
