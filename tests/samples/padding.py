"""Samples for margins."""

from __future__ import annotations

from tests.samples import Samples, normal

samples = {
    "pad": Samples(
        lambda lib, a, pads, value: lib.nn.functional.pad(a, [n for pair in reversed(pads) for n in pair], value=value),
        [
            ((normal(2, 3),), {"pads": ((0, 0), (1, 2)), "value": 0}),
            ((normal(2, 3),), {"pads": ((1, 0), (2, 1)), "value": 2.5}),
            ((normal(4, 5),), {"pads": ((-1, 2), (3, -2)), "value": -1.0}),
            ((normal(4, 3).T,), {"pads": ((1, 1), (-1, -1)), "value": 0}),
            ((normal(0, 3),), {"pads": ((2, 0), (0, 1)), "value": 1.0}),
            ((normal(3),), {"pads": ((-1, -2),), "value": 0}),
            ((normal(),), {"pads": (), "value": 1.0}),
        ],
    )
}
