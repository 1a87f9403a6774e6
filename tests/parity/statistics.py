"""Variance and standard deviation, alone or together with the mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation

AXES: tuple[dict[str, Any], ...] = (
    {},
    {"dim": 1},
    {"dim": -1, "keepdim": True},
    {"dim": (0, 2)},
    {"dim": [2, 0], "keepdim": True},
    {"dim": None, "keepdim": True, "correction": 1},
    {"unbiased": False},
    {"dim": 1, "unbiased": False},
    {"dim": (0, 1), "unbiased": True, "keepdim": True},
    {"correction": 0},
    {"dim": 2, "correction": 2},
    {"dim": (0, 1), "correction": 0.5},
)


def spread(name: str) -> None:
    """Enter a function of the distances from the mean."""

    @operation(name)
    def calls(make: Values) -> Calls:
        for options in AXES:
            yield call(make.normal(3, 2, 4), **options)
        yield call(make.normal(3, 4), False)
        yield call(make.normal(3, 4), 1, False, True)
        yield call(make.normal(), correction=0)
        yield call(make.normal(), dim=0, correction=0)
        yield call(make.normal(3, 1), dim=1)
        yield call(make.normal(0))
        yield call(make.normal(0, 3), dim=0)
        yield call(make.normal(0, 3), dim=1)
        yield call(make.laid_out((2.0, 2.0, 2.0)))
        yield call(make.laid_out(((2.0, 2.0), (1.0, 3.0))), dim=1)
        yield call(make.laid_out((1e8, 1e8 + 1, 1e8 + 2)))
        yield call(make.laid_out((1.0, np.nan, 2.0)))
        # Where nothing is left of n - correction, PyTorch's gradient is another with an axis than without.
        yield call(make.normal(), order=1)
        yield call(make.normal(3), correction=3, constants=(0,))
        yield call(make.normal(3), correction=4, constants=(0,))
        yield call(make.normal(3, 2), dim=1, correction=3, constants=(0,))
        yield call(make.normal(3, 2), dim=(), constants=(0,))


spread("var")
spread("std")
spread("var_mean")
spread("std_mean")
