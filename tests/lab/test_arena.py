"""Copies that lie side by side in large blocks."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microbp.lab.arena import BLOCK, LINE, SMALLEST, Arena

MEMORY = 32 * BLOCK
LARGEST = BLOCK // 128


def base_of(array: Any) -> Any:
    """What an array is a view of in the end; itself, if it has memory of its own."""
    while array.base is not None:
        array = array.base
    return array


@given(
    st.lists(
        st.tuples(
            st.sampled_from([np.float16, np.float32, np.float64, np.int8]),
            st.lists(st.integers(0, 40), max_size=3),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_copies_are_equal_and_overlap_with_nothing(kinds: list[tuple[Any, list[int], bool]]) -> None:
    arena = Arena(1 << 24)
    random = np.random.default_rng(0)
    arrays = [random.integers(-99, 99, size=shape).astype(dtype) for dtype, shape, _ in kinds]
    arrays = [
        array.T[::-1] if turned and array.ndim else array for array, (_, _, turned) in zip(arrays, kinds, strict=True)
    ]
    copies = [arena.copy(array) for array in arrays]
    for copy in copies:
        assert copy.flags.writeable
    for array, copy in zip(arrays, copies, strict=True):
        assert copy.dtype == array.dtype
        assert copy.shape == array.shape
        assert not np.shares_memory(copy, array)
        np.testing.assert_array_equal(copy, array)
    for copy in copies:
        copy[...] = 0
        assert sum(np.shares_memory(copy, other) for other in copies if other.size) == bool(copy.size)


def test_arrays_that_a_block_takes_share_it_and_others_have_memory_of_their_own() -> None:
    arena = Arena(MEMORY)
    for nbytes, taken in [(SMALLEST - 1, False), (SMALLEST, True), (LARGEST, True), (LARGEST + 1, False)]:
        array = np.zeros(nbytes, np.uint8)
        assert arena.takes(array) == taken
        assert (base_of(arena.copy(array)).nbytes == BLOCK) == taken


def test_copies_lie_side_by_side_at_the_start_of_cache_lines() -> None:
    arena = Arena(MEMORY)
    copies = [arena.copy(np.zeros(1001 + k, np.float16)) for k in range(100)]
    starts = np.array([copy.ctypes.data for copy in copies]) - base_of(copies[0]).ctypes.data
    assert (starts % LINE == 0).all()
    gaps = starts[1:] - (starts + [copy.nbytes for copy in copies])[:-1]
    assert gaps.min() >= 0
    assert gaps.max() < LINE


def test_blocks_are_as_large_as_numpy_needs_for_large_pages_and_nearly_full() -> None:
    arena, array = Arena(MEMORY), np.zeros(LARGEST, np.uint8)
    copies = [arena.copy(array) for _ in range(3 * 128)]
    assert BLOCK >= 1 << 22
    assert len({id(base_of(copy)) for copy in copies}) == 3
    assert arena.unused == 0
    arena.copy(array)
    assert arena.unused == BLOCK - LARGEST


def test_a_block_is_freed_with_the_last_array_in_it() -> None:
    arena, array = Arena(MEMORY), np.zeros(LARGEST, np.uint8)
    copies = [arena.copy(array) for _ in range(2 * 128)]
    blocks = [weakref.ref(base_of(copies[k])) for k in (0, 128)]
    del copies[1:128]
    gc.collect()
    assert blocks[0]() is not None
    del copies[0]
    gc.collect()
    assert blocks[0]() is None
    assert blocks[1]() is not None


@pytest.mark.parametrize("memory", [1, 1000, 1 << 16])
def test_of_little_memory_no_block_takes_a_large_part(memory: int) -> None:
    tracemalloc.start()
    try:
        arena = Arena(memory)
        before = tracemalloc.get_traced_memory()[0]
        kept = [arena.copy(np.zeros(n, np.uint8)) for n in (1, 100, SMALLEST, 2 * SMALLEST)]
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held < sum(array.nbytes for array in kept) + 2000


class Slow(np.ndarray[Any, Any]):
    """An array that takes its time to say what shape it has, so that another thread gets its turn."""

    reached = threading.Event()

    @property
    def shape(self) -> Any:
        self.reached.set()
        time.sleep(0.1)
        return (self.size,)


def test_threads_do_not_get_the_same_memory() -> None:
    arena = Arena(32 * 128 * SMALLEST)
    for _ in range(127):
        arena.copy(np.zeros(SMALLEST, np.uint8))
    found: list[Any] = []
    last_of_block = np.full(SMALLEST, 1, np.uint8).view(Slow)
    thread = threading.Thread(target=lambda: found.append(arena.copy(last_of_block)))
    thread.start()
    Slow.reached.wait()
    others = [arena.copy(np.full(SMALLEST, 2, np.uint8)) for _ in range(128)]
    thread.join()
    assert (found[0] == 1).all()
    assert all((other == 2).all() for other in others)
