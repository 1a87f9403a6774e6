"""Operations that work element by element on one tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.parity import Calls, Values, call, operation


def elementwise(name: str, draw: Callable[..., Any], **traits: Any) -> None:
    """Enter a function of one tensor, on values drawn by a method of `Values`, or by a function of one."""

    @operation(name, **traits)
    def calls(make: Values) -> Calls:
        for shape in ((3, 4), (), (0, 3), (5,), (2, 1, 3)):
            yield call(draw(make, *shape))


elementwise("exp", Values.normal)
elementwise("log", Values.positive)
