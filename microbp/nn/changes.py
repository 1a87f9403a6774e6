"""When any module was last changed: an attribute set, a part added or taken away, a hook registered.

What has looked at modules before, such as a compiled function, need not look again as long as there was no change.
"""

from __future__ import annotations

from microbp.version import numbers

__all__ = ["changes", "note_change"]


class Changes:
    """The number of the latest change, from the clock that nodes and writes are numbered by."""

    latest = -1


changes = Changes()


def note_change() -> None:
    """Note a change, after it was made."""
    changes.latest = next(numbers)
