"""Samples for sums, products, quotients, powers and choices."""

from __future__ import annotations

import numpy as np

from tests.samples import Samples, away_from_zero, normal, positive

pair = [(normal(3, 4), normal(3, 4, seed=1)), (normal(2, 1, 4), normal(3, 1, seed=1)), (normal(), normal(2, seed=1))]
empty = (normal(0, 3), normal(3))
transposed = (normal(4, 3).T, normal(3, 4, seed=1))
nan_in_one = (np.array([np.nan, 1.0, 2.0]), np.array([1.0, np.nan, 3.0]))
quotients = [
    (normal(3, 4), away_from_zero(3, 4, seed=1)),
    (normal(2, 1, 4), away_from_zero(3, 1, seed=1)),
    (normal(), away_from_zero(seed=1)),
    (normal(0, 3), away_from_zero(3)),
    (normal(4, 3).T, 2.5),
    (2.5, away_from_zero(3)),
]
# Quotients that stay away from whole numbers, where rounding jumps.
rounded = [
    (np.array([7.3, -7.3, 0.4, 5.5]), np.array([2.0, 2.0, -3.0, -1.7])),
    (np.array([[7.3], [-0.4]]), np.array([1.1, -1.3, 3.0])),
    (np.array(5.5), np.array(-1.7)),
    (normal(0, 3), away_from_zero(3)),
    (np.array([7.3, -7.3]), 2.0),
]

samples = {
    "add": Samples(lambda lib, a, b: lib.add(a, b), [*pair, empty, transposed, (normal(3), 2.5), (2, normal(3))]),
    "sub": Samples(lambda lib, a, b: lib.sub(a, b), [*pair, empty, transposed, (normal(3), 2.5)]),
    "mul": Samples(lambda lib, a, b: lib.mul(a, b), [*pair, empty, transposed, (normal(3), 2.5), (2, normal(3))]),
    "div": Samples(lambda lib, a, b: a / b, quotients),
    "neg": Samples(lambda lib, a: lib.neg(a), [(normal(3, 4),), (normal(),), (normal(0, 3),), (normal(4, 3).T,)]),
    "square": Samples(lambda lib, a: lib.square(a), [(normal(3, 4),), (normal(),), (normal(0, 3),), (normal(4, 3).T,)]),
    "reciprocal": Samples(
        lambda lib, a: lib.reciprocal(a),
        [(away_from_zero(3, 4),), (away_from_zero(),), (normal(0, 3),), (away_from_zero(4, 3).T,)],
    ),
    "pow": Samples(
        lambda lib, a, b: lib.pow(a, b),
        [
            (positive(3, 4), normal(3, 4)),
            (positive(2, 1, 4), normal(3, 1)),
            (positive(), normal()),
            (positive(0, 3), normal(3)),
            (away_from_zero(3), 3),
            (normal(3), 2.0),
            (positive(3), -1.5),
            (normal(3), 0),
            (2, normal(3)),
            (0.5, normal(2, 2).T),
        ],
    ),
    "remainder": Samples(lambda lib, a, b: lib.remainder(a, b), rounded),
    "fmod": Samples(lambda lib, a, b: lib.fmod(a, b), rounded),
    "floor_divide": Samples(lambda lib, a, b: lib.div(a, b, rounding_mode="floor"), rounded),
    "trunc_divide": Samples(lambda lib, a, b: lib.div(a, b, rounding_mode="trunc"), rounded),
    "copysign": Samples(
        lambda lib, a, b: lib.copysign(a, b),
        [
            (away_from_zero(3, 4), away_from_zero(3, 4, seed=1)),
            (away_from_zero(2, 1, 4), away_from_zero(3, 1, seed=1)),
            (away_from_zero(), away_from_zero(2, seed=1)),
            empty,
            (away_from_zero(4, 3).T, away_from_zero(3, 4)),
        ],
    ),
    "heaviside": Samples(
        lambda lib, a, b: lib.heaviside(a.detach(), b.detach()) + 0 * a + lib.where(a == 0, b - b.detach(), 0),
        [
            (np.array([-1.5, 0.0, 2.0]), np.array([0.5, 0.25, 0.125])),
            (np.array([[-1.5], [0.0]]), normal(3)),
            (np.array(0.0), normal()),
            empty,
            transposed,
        ],
        smooth=False,
    ),
    "fmax": Samples(lambda lib, a, b: lib.fmax(a, b), [*pair, empty, transposed, nan_in_one]),
    "fmin": Samples(lambda lib, a, b: lib.fmin(a, b), [*pair, empty, transposed, nan_in_one]),
    "maximum": Samples(lambda lib, a, b: lib.maximum(a, b), [*pair, empty, transposed]),
    "minimum": Samples(lambda lib, a, b: lib.minimum(a, b), [*pair, empty, transposed]),
    "where": Samples(
        lambda lib, condition, a, b: lib.where(condition, a, b),
        [
            (normal(3, 4) > 0, normal(3, 4, seed=1), normal(3, 4, seed=2)),
            (normal(4) > 0, normal(3, 1, seed=1), normal(seed=2)),
            (normal(0, 3) > 0, normal(0, 3), normal(3)),
            (normal(4, 3).T > 0, normal(3, 4), 0.0),
            (normal(3) > 0, -1.0, normal(3)),
        ],
    ),
    "lerp": Samples(
        lambda lib, a, b, w: lib.lerp(a, b, w),
        [
            (normal(3, 4), normal(3, 4, seed=1), positive(3, 4)),
            (normal(3, 1), normal(4, seed=1), positive()),
            (normal(0, 3), normal(3), 0.25),
            (normal(4, 3).T, normal(3, 4), 0.75),
        ],
    ),
    "clamp": Samples(
        lambda lib, a, low, high: lib.clamp(a, low, high),
        [
            (normal(3, 4), -0.5, 0.5),
            (normal(3, 4), normal(4, seed=1) - 1, normal(3, 1, seed=2) + 1),
            (normal(), normal(seed=1), normal(seed=2)),
            (normal(0, 3), -0.5, 0.5),
            (normal(4, 3).T, -0.5, 2),
        ],
    ),
}
