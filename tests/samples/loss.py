"""Samples for the rows of `microbp.ops.loss`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.samples import Samples, away_from_zero, normal, positive


def labels(*shape: int, classes: int, seed: int = 0) -> Any:
    """Class labels."""
    return np.random.default_rng([seed, *shape]).integers(0, classes, size=shape)


def probabilities(*shape: int, seed: int = 0) -> Any:
    """Values inside 0 and 1."""
    return np.random.default_rng([seed, *shape, 3]).uniform(0.05, 0.95, size=shape)


def torch_cross_entropy(lib: Any, a: Any, t: Any, n: float) -> Any:
    """The sum of the losses over n."""
    return lib.nn.functional.cross_entropy(a, t, reduction="sum") / n


def torch_take_class(lib: Any, a: Any, t: Any) -> Any:
    """With PyTorch's gather; negative labels give 0."""
    return lib.where(t < 0, 0.0, a.gather(1, t.clamp(min=0)[:, None])[:, 0])


def torch_put_class(lib: Any, a: Any, t: Any, classes: int) -> Any:
    """With PyTorch's scatter; negative labels put nothing."""
    zeros = lib.zeros((t.shape[0], classes, *t.shape[1:]), dtype=a.dtype)
    return zeros.scatter(1, t.clamp(min=0)[:, None], lib.where(t < 0, 0.0, a)[:, None])


samples = {
    "cross_entropy": Samples(
        torch_cross_entropy,
        [
            ((normal(5, 3), labels(5, classes=3)), {"n": 5}),
            ((30 * normal(4, 7), labels(4, classes=7)), {"n": 1}),
            ((normal(1, 1), np.zeros(1, int)), {"n": 1}),
            ((normal(6, 8)[::2, ::-2], labels(3, classes=4)), {"n": 3}),
            ((normal(3, 130), labels(3, classes=130)), {"n": 3}),  # enough classes for the other layout
        ],
    ),
    "one_hot": Samples(
        lambda lib, t, classes: lib.nn.functional.one_hot(t, classes),
        [
            ((labels(5, classes=3),), {"classes": 3}),
            ((labels(2, 3, classes=4),), {"classes": 6}),
            ((np.array(1),), {"classes": 2}),
        ],
    ),
    "take_class": Samples(
        torch_take_class,
        [
            (normal(5, 3), labels(5, classes=3)),
            (normal(2, 3, 4), labels(2, 4, classes=3)),
            (normal(5, 3, seed=1), np.array([0, -1, 2, -1, 1])),
            (normal(0, 3), np.zeros(0, int)),
        ],
    ),
    "put_class": Samples(
        torch_put_class,
        [
            ((normal(5), labels(5, classes=3)), {"classes": 3}),
            ((normal(2, 4), labels(2, 4, classes=3)), {"classes": 3}),
            ((normal(5, seed=1), np.array([0, -1, 2, -1, 1])), {"classes": 4}),
        ],
    ),
    "mse_loss": Samples(
        lambda lib, a, t, n: lib.nn.functional.mse_loss(a, t, reduction="sum") / n,
        [
            ((normal(5, 3), normal(5, 3, seed=1)), {"n": 15}),
            ((normal(), normal(seed=1)), {"n": 1}),
            ((normal(4, 6)[::2, ::-2], normal(3, 2).T), {"n": 6}),
        ],
    ),
    "huber": Samples(
        lambda lib, a, delta: lib.nn.functional.huber_loss(a, lib.zeros_like(a), reduction="none", delta=delta),
        [
            ((2 * away_from_zero(5, 3),), {"delta": 1.0}),
            ((np.array([-3.0, -0.5, 0.0, 0.5, 3.0]),), {"delta": 0.25}),
            ((np.zeros((0, 3)),), {"delta": 1.0}),
            ((away_from_zero(),), {"delta": 2.0}),
        ],
    ),
    "binary_cross_entropy": Samples(
        # PyTorch's own adds 1e-12 to the second derivative
        lambda lib, a, t: -(t * a.log() + (1 - t) * (-a).log1p()),
        [
            (probabilities(5, 3), probabilities(5, 3, seed=1)),
            (probabilities(), probabilities(seed=1)),
            (probabilities(0), probabilities(0)),
        ],
    ),
    "binary_cross_entropy_with_logits": Samples(
        lambda lib, a, t: lib.nn.functional.binary_cross_entropy_with_logits(a, t, reduction="none"),
        [
            (2 * away_from_zero(5, 3), probabilities(5, 3, seed=1)),
            (away_from_zero(), probabilities(seed=1)),
            (np.array([-100.0, -30.0, 30.0, 100.0]), np.array([0.0, 1.0, 0.25, 1.0])),
            (np.zeros(0), np.zeros(0)),
        ],
    ),
    "xlogx": Samples(
        lambda lib, a: lib.special.xlogy(a, a),
        [(positive(5, 3),), (positive(),), (np.zeros((0, 2)),)],
    ),
}
