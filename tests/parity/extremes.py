"""The largest and the smallest elements, and where they are."""

from __future__ import annotations

import numpy as np

from tests.parity import Calls, Values, call, operation

SPECIAL = ((np.nan, 1.0, np.inf), (-np.inf, 2.0, 2.0), (0.0, -0.0, -1.0))


def shared(name: str) -> None:
    """Enter `amax` or `amin`, which share the gradient among ties."""

    @operation(name)
    def calls(make: Values) -> Calls:
        for draw in (Values.normal, Values.tied):
            yield call(draw(make, 3, 4))
            yield call(draw(make, 3, 4), 1)
            yield call(draw(make, 2, 3, 4), dim=(0, -1))
            yield call(draw(make, 2, 3, 4), dim=(2, 0), keepdim=True)
            yield call(draw(make, 2, 3, 4), dim=[1], keepdim=True)
            yield call(draw(make, 2, 3), dim=())
            yield call(draw(make))
            yield call(draw(make), dim=0)
            yield call(draw(make, 0, 3), dim=1)
        yield call(make.laid_out(SPECIAL))
        yield call(make.laid_out(SPECIAL), dim=1)
        yield call(make.laid_out(SPECIAL), dim=0)
        yield call(make.integers(-4, 5, 3, 4), dim=1)
        yield call(make.truths(3, 4), dim=0)
        yield call(make.laid_out(make.integers(0, 99, 5).astype(np.uint8)))


shared("amax")
shared("amin")


def extreme(name: str) -> None:
    """Enter `max` or `min` with all that it means."""

    @operation(name)
    def calls(make: Values) -> Calls:
        for draw in (Values.normal, Values.tied):
            yield call(draw(make, 3, 4))
            yield call(draw(make, 2, 3, 4), 1)
            yield call(draw(make, 2, 3, 4), dim=-1, keepdim=True)
            yield call(draw(make, 2, 3, 4), 0, True)
            yield call(draw(make))
            yield call(draw(make), dim=0)
            yield call(draw(make), dim=-1, keepdim=True)
            yield call(draw(make, 0, 3), dim=1)
            yield call(draw(make, 3, 1), draw(make, 4))
            yield call(draw(make, 2, 3), draw(make))
        yield call(make.laid_out(SPECIAL))
        yield call(make.laid_out(SPECIAL), dim=1)
        yield call(make.laid_out(SPECIAL), dim=0)
        yield call(make.normal(3), other=make.normal(3))
        yield call(make.integers(-4, 5, 3, 4))
        yield call(make.integers(-4, 5, 3, 4), dim=1)
        yield call(make.truths(3, 4), dim=0)


extreme("max")
extreme("min")


def place(name: str) -> None:
    """Enter `argmax` or `argmin`."""

    @operation(name)
    def calls(make: Values) -> Calls:
        for draw in (Values.normal, Values.tied):
            yield call(draw(make, 3, 4))
            yield call(draw(make, 2, 3, 4), 1)
            yield call(draw(make, 2, 3, 4), dim=-1, keepdim=True)
            yield call(draw(make, 2, 3), keepdim=True)
            yield call(draw(make))
            yield call(draw(make), dim=0)
            yield call(draw(make), dim=-1, keepdim=True)
            yield call(draw(make, 0, 3), dim=1)
        yield call(make.laid_out(SPECIAL))
        yield call(make.laid_out(SPECIAL), dim=1)
        yield call(make.laid_out(SPECIAL), dim=0)
        yield call(make.integers(-4, 5, 3, 4), dim=0)
        yield call(make.laid_out(make.integers(0, 99, 5).astype(np.uint8)))


place("argmax")
place("argmin")
