"""Memory for the many arrays of a record, taken in large blocks."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

__all__ = ["Arena"]

Array = np.ndarray[Any, Any]

BLOCK = 1 << 23  # bytes; NumPy asks for large pages from half of it on
LINE = 64  # bytes of a cache line
SMALLEST = 1 << 10  # bytes; of less, memory of its own costs little


class Arena:
    """Copies arrays side by side into large blocks of memory.

    To touch a page of memory for the first time costs a program more than to copy what is on it, and a record is
    kept in memory that is all new. Blocks are so large that NumPy has the system put large pages below them, of which
    there are few.

    A block is freed when nobody holds an array in it any more.

    Parameters
    ----------
    memory : float
        How many bytes there may be in all. A block takes a small part of it, so that little is lost where one ends.

    Notes
    -----
    This is the arena, or region, of Hanson, *Fast allocation and deallocation of memory based on object lifetimes*,
    Software: Practice and Experience 20(1), 1990.

    Examples
    --------
    >>> arena = Arena(memory=1e9)
    >>> weights = np.ones((32, 32))
    >>> kept = arena.copy(weights)
    >>> weights[:] = 0
    >>> kept[0, :4]
    array([1., 1., 1., 1.])
    """

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._size = int(min(BLOCK, memory / 32))
        self._largest = self._size // 128
        self._block: Array | None = None
        self._end = self._size  # of what is taken of the block
        self._lock = threading.Lock()  # several threads may call the modules of a model

    def __reduce__(self) -> tuple[type[Arena], tuple[float]]:
        return Arena, (self._memory,)  # a copy has blocks of its own, and a lock, which cannot be copied

    @property
    def unused(self) -> int:
        """How many bytes of the last block are not taken yet."""
        return self._size - self._end

    def takes(self, array: Array) -> bool:
        """Whether an array is neither too small nor too large for a block."""
        return SMALLEST <= array.nbytes <= self._largest

    def copy(self, array: Array) -> Array:
        """A copy of an array; of one that a block does not take, in memory of its own."""
        nbytes = array.nbytes
        if not SMALLEST <= nbytes <= self._largest:
            return array.copy()
        with self._lock:
            start = self._end
            if start + nbytes > self._size:
                self._block = np.empty(self._size, np.uint8)
                start = 0
            self._end = start + (nbytes + LINE - 1) // LINE * LINE
            copy: Array = np.ndarray(array.shape, array.dtype, self._block, start)
        copy[...] = array
        return copy
