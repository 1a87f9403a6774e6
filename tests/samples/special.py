"""Samples for special functions."""

from __future__ import annotations

import numpy as np

from tests.samples import Samples, away_from_zero, normal, positive

real = [(normal(3, 4),), (normal(),), (normal(0, 3),), (normal(4, 3).T,), (normal(2, 1, 6)[..., ::-2],)]
inside = [(np.tanh(normal(3, 4)),), (np.asarray(np.tanh(normal())),), (normal(0, 3),), (np.tanh(normal(4, 3)).T,)]
shares = [(positive(3, 4) / 2.5,), (np.asarray(positive() / 2.5),), (normal(0, 3),), (positive(4, 3).T / 2.5,)]
pair = [
    (normal(3, 4), normal(3, 4, seed=1)),
    (normal(2, 1, 4), normal(3, 1, seed=1)),
    (normal(), normal(2, seed=1)),
    (normal(0, 3), normal(3)),
    (normal(4, 3).T, normal(3, 4, seed=1)),
]

samples = {
    "xlogy": Samples(
        lambda lib, a, b: lib.xlogy(a, b),
        [
            (away_from_zero(3, 4), positive(3, 4, seed=1)),
            (away_from_zero(2, 1, 4), positive(3, 1, seed=1)),
            (away_from_zero(), positive(2, seed=1)),
            (normal(0, 3), positive(3)),
            (away_from_zero(4, 3).T, positive(3, 4, seed=1)),
        ],
    ),
    "erf": Samples(lambda lib, a: lib.erf(a), [*real, (np.linspace(-6.5, 6.5, 27),)]),
    "erfc": Samples(lambda lib, a: lib.erfc(a), [*real, (np.linspace(-6.5, 6.5, 27),)]),
    "erfinv": Samples(lambda lib, a: lib.erfinv(a), [*inside, (np.array([-0.999, -1e-9, 0.0, 0.5, 0.999]),)]),
    "logaddexp": Samples(lambda lib, a, b: lib.logaddexp(a, b), pair),
    "logaddexp2": Samples(lambda lib, a, b: lib.logaddexp2(a, b), pair),
    "logit": Samples(lambda lib, a: lib.logit(a), shares),
    "sinc": Samples(
        lambda lib, a: lib.sinc(a), [(away_from_zero(3, 4),), (away_from_zero(),), (normal(0, 3),), (normal(4, 3).T,)]
    ),
    "sinc_derivative": Samples(
        None,
        [
            *[((normal(3, 4),), {"order": order}) for order in (1, 2, 3, 6)],
            ((np.array([0.0, 1e-3, 0.3, 0.6, 0.9, 1.3, 5.5]),), {"order": 2}),
            ((normal(4, 3).T,), {"order": 1}),
            ((normal(),), {"order": 1}),
            ((normal(0, 3),), {"order": 1}),
        ],
        why="PyTorch does not have the derivatives of sinc as functions",
    ),
}
