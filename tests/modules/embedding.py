"""Tables of vectors."""

from __future__ import annotations

import numpy as np

from tests.modules import Case
from tests.samples import normal, positive

labels, row, offsets = np.array([[1, 4, 2, 4], [0, 2, 1, 1]]), np.array([1, 4, 2, 4, 0, 2]), np.array([0, 2, 2])

cases = [
    Case("Embedding", 5, 3).on(labels),
    Case("Embedding", 5, 3).on(np.array(2)),
    Case("Embedding", 5, 3, padding_idx=2).on(labels),
    Case("Embedding", 5, 3, padding_idx=-1).on(labels),
    Case("Embedding", 5, 3, max_norm=0.5).on(labels),
    Case("Embedding", 5, 3, max_norm=1.0, norm_type=1.0).on(labels),
    Case("Embedding", 5, 3, scale_grad_by_freq=True).on(labels),
    Case("Embedding", 5, 3, _weight=normal(5, 3)).on(labels),
    Case("EmbeddingBag", 5, 3).on(labels),
    Case("EmbeddingBag", 5, 3).on(row, offsets),
    Case("EmbeddingBag", 5, 3, mode="sum").on(row, offsets),
    Case("EmbeddingBag", 5, 3, mode="sum").on(row, offsets, positive(6)),
    Case("EmbeddingBag", 5, 3, mode="max").on(labels),
    Case("EmbeddingBag", 5, 3, mode="max", padding_idx=4).on(row, offsets),
    Case("EmbeddingBag", 5, 3, padding_idx=-1).on(labels),
    Case("EmbeddingBag", 5, 3, max_norm=0.5, norm_type=3.0).on(labels),
    # where labels do not occur equally often, PyTorch divides by the counts of others
    Case("EmbeddingBag", 5, 3, scale_grad_by_freq=True, mode="sum").on(np.array([[1, 4, 2, 4], [1, 2, 3, 3]])),
    Case("EmbeddingBag", 5, 3, include_last_offset=True).on(row, np.array([0, 2, 6])),
    Case("EmbeddingBag", 5, 3, _weight=normal(5, 3)).on(labels),
]
