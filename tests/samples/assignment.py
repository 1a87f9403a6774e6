"""Samples for new values in an old tensor's place."""

from __future__ import annotations

from tests.samples import Samples, normal

samples = {
    "copy": Samples(
        lambda lib, a, b: (a * 1).copy_(b),
        [(normal(3, 4), normal(3, 4, seed=1)), (normal(3, 4), normal(4, seed=1)), (normal(0, 3), normal(3))],
    ),
    "fill": Samples(
        lambda lib, a, b: (a * 1).fill_(b),
        [(normal(3, 4), normal(seed=1)), (normal(), normal(seed=1)), (normal(0, 3), normal()), (normal(4, 3).T, 2.0)],
    ),
}
