"""Gradients of parts of a tensor, which the engine adds up in one array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from microbp.ops.indexing import getitem, put_add

INDICES: dict[str, tuple[tuple[int, ...], Any]] = {
    "position": ((4, 3), 1),
    "last position": ((4, 3), -1),
    "one element": ((4,), 2),
    "one element of a matrix": ((4, 3), (2, 1)),
    "range": ((4, 3), slice(1, 3)),
    "range backwards": ((4, 3), slice(None, None, -2)),
    "column": ((4, 3), (slice(None), 1)),
    "last axis": ((4, 3), (..., 1)),
    "new axis": ((4, 3), (None, 2)),
    "everything": ((4, 3), ...),
    "nothing": ((4, 3), slice(2, 2)),
    "all of no dimensions": ((), ()),
    "new axis of no dimensions": ((), None),
    "True": ((4, 3), True),
    "False": ((4, 3), False),
    "mask": ((4,), np.array([True, False, True, True])),
    "positions, one twice": ((4, 3), np.array([1, 3, 1])),
    "positions beside a range": ((4, 3), (slice(1, 3), np.array([2, 2]))),
    "positions and a position": ((4, 3), (np.array([2, 2]), 0)),
}


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_is_added_is_what_the_rule_gives_bit_by_bit(name: str, order: Any) -> None:
    shape, index = INDICES[name]
    rng = np.random.default_rng(3)
    total = np.asarray(rng.normal(size=shape), np.float32, order=order)
    g = np.asarray(rng.normal(size=np.empty(shape)[index].shape), np.float32)
    expected = total + put_add(g, shape=shape, index=index)
    before = g.copy()
    assert getitem.adds is not None
    found = getitem.adds(total.copy(order="K"), g, index=index)
    assert (found.dtype, found.shape, found.tobytes()) == (expected.dtype, shape, expected.tobytes())
    assert g.tobytes() == before.tobytes()


@pytest.mark.parametrize("total", [np.float64(2.0), np.zeros((), np.float32)], ids=["number", "other dtype"])
def test_what_cannot_be_written_to_stays_as_it_is(total: Any) -> None:
    assert getitem.adds is not None
    found = getitem.adds(total, np.asarray(1.5), index=...)
    assert (found, found.dtype, total in (0.0, 2.0)) == (total + 1.5, np.float64, True)
