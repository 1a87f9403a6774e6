"""The handle that registering a hook returns."""

from __future__ import annotations

from typing import Any

__all__ = ["Handle"]


class Handle:
    """Takes a hook away again; also usable as a ``with`` block.

    Parameters
    ----------
    hooks : list
        The list that the hook was put into.
    hook : callable
        The hook.
    """

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks = hooks
        self._hook = hook

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        hooks, self._hooks = self._hooks, []  # another handle may have put the same function into the list
        if self._hook in hooks:
            hooks.remove(self._hook)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()
