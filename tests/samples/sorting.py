"""Samples for rows that pick an element by its rank."""

from __future__ import annotations

import numpy as np

from tests.samples import Samples, normal

samples = {
    "median": Samples(
        lambda lib, a: lib.median(a),
        [(normal(5),), (normal(2, 4),), (normal(),), (normal(3, 4).T[::-1],), (np.arange(6.0)[::-1].copy(),)],
    ),
}
