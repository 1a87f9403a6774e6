"""Samples for products of vectors and matrices."""

from __future__ import annotations

import numpy as np

from tests.samples import Samples, normal

samples = {
    "matmul": Samples(
        lambda lib, a, b: lib.matmul(a, b),
        [
            (normal(3, 4), normal(4, 2)),
            (normal(5, 3, 4), normal(5, 4, 2)),
            (normal(5, 3, 4), normal(4, 2)),
            (normal(3, 4), normal(5, 4, 2)),
            (normal(2, 1, 3, 4), normal(5, 4, 2)),
            (normal(4, 3).T, normal(2, 4).T),
            (normal(0, 4), normal(4, 2)),
            (normal(3, 0), normal(0, 2)),
        ],
    ),
    "mv": Samples(
        lambda lib, a, b: lib.mv(a, b),
        [(normal(3, 4), normal(4)), (normal(4, 3).T, normal(4)), (normal(0, 4), normal(4)), (normal(3, 0), normal(0))],
    ),
    "dot": Samples(
        lambda lib, a, b: lib.dot(a, b),
        [(normal(4), normal(4, seed=1)), (normal(8)[::2], normal(4)), (normal(0), normal(0)), (normal(1), normal(1))],
    ),
    "outer": Samples(
        lambda lib, a, b: lib.outer(a, b),
        [(normal(4), normal(3)), (normal(8)[::2], normal(4)), (normal(0), normal(3)), (normal(1), normal(1))],
    ),
    "as_matrix": Samples(
        lambda lib, a: a.reshape(int(np.prod(a.shape[:-1])), a.shape[-1]),
        [(normal(2, 3, 4),), (normal(4),), (normal(4, 3, 2).T,), (normal(2, 3, 0),)],
    ),
    "linear": Samples(
        lambda lib, a, w, b: lib.nn.functional.linear(a, w, b),
        [
            (normal(5, 4), normal(3, 4), normal(3)),
            (normal(5, 4), normal(3, 4), None),
            (normal(4), normal(3, 4), normal(3)),
            (normal(2, 5, 4), normal(3, 4), normal(3)),
            (normal(4, 5).T, normal(4, 3).T, normal(3)),
            (normal(0, 4), normal(3, 4), normal(3)),
            (normal(2, 5, 0), normal(3, 0), normal(3)),
            (normal(2, 5, 4), normal(0, 4), None),
            (normal(0), normal(0, 0), None),
        ],
    ),
}
