"""Losses and distances."""

from __future__ import annotations

import numpy as np

from tests.modules import Case
from tests.samples import away_from_zero, normal, positive

x, y = normal(5, 4), normal(5, 4, seed=1)
share, other = positive(5, 4) / 2.5, positive(5, 4, seed=1) / 2.5
labels, signs = np.array([0, 3, 1, 1, 2]), np.sign(away_from_zero(5, 4))
triplet = (normal(5, 4), normal(5, 4, seed=1), normal(5, 4, seed=2))

cases = [
    Case("MSELoss").on(x, y),
    Case("L1Loss", reduction="sum").on(x, y),
    Case("SmoothL1Loss", beta=0.5).on(x, y),
    Case("HuberLoss", "none", 0.5).on(x, y),
    Case("CrossEntropyLoss").on(x, labels),
    Case("CrossEntropyLoss", ignore_index=1, reduction="sum", label_smoothing=0.2).on(x, labels),
    Case("CrossEntropyLoss", positive(4)).on(x, labels),
    Case("NLLLoss", ignore_index=3).on(x, labels),
    Case("BCELoss", reduction="none").on(share, other),
    Case("BCEWithLogitsLoss").on(x, share),
    Case("BCEWithLogitsLoss", pos_weight=positive(4)).on(x, share),
    Case("KLDivLoss", reduction="batchmean", log_target=True).on(x, y),
    Case("PoissonNLLLoss").on(x, positive(5, 4)),
    Case("PoissonNLLLoss", False, True, eps=1e-3, reduction="sum").on(positive(5, 4), 2 * positive(5, 4, seed=1)),
    Case("GaussianNLLLoss").on(x, y, positive(5, 4)),
    Case("GaussianNLLLoss", full=True, eps=0.5, reduction="none").on(x, y, positive(5, 1)),
    Case("HingeEmbeddingLoss").on(x, signs, without_gradient=(1,)),
    Case("HingeEmbeddingLoss", 0.3, reduction="sum").on(x, signs, without_gradient=(1,)),
    Case("MarginRankingLoss").on(x, y, signs, without_gradient=(2,)),
    Case("MarginRankingLoss", 0.5, reduction="none").on(x, y, signs, without_gradient=(2,)),
    Case("CosineEmbeddingLoss").on(x, y, signs[:, 0], without_gradient=(2,)),
    Case("CosineEmbeddingLoss", margin=0.1, reduction="sum").on(x, y, signs[:, 0], without_gradient=(2,)),
    Case("TripletMarginLoss").on(*triplet),
    Case("TripletMarginLoss", 2, 1.5, 1e-3, True, reduction="none").on(*triplet),
    Case("TripletMarginWithDistanceLoss").on(*triplet),
    Case("TripletMarginWithDistanceLoss", margin=3.0, swap=True, reduction="sum").on(*triplet),
    Case("MultiMarginLoss").on(x, labels),
    Case("MultiMarginLoss", 2, 0.7, positive(4), reduction="none").on(x, labels),
    Case("MultiLabelMarginLoss").on(x[:2], np.array([[3, 0, -1, 1], [1, -1, 0, 0]])),
    Case("MultiLabelMarginLoss", reduction="sum").on(x[0], np.array([3, 0, -1, 1])),
    Case("SoftMarginLoss").on(x, signs, without_gradient=(1,)),
    Case("SoftMarginLoss", reduction="none").on(x, signs, without_gradient=(1,)),
    Case("MultiLabelSoftMarginLoss").on(x, (signs + 1) / 2, without_gradient=(1,)),
    Case("MultiLabelSoftMarginLoss", positive(4), reduction="sum").on(x, (signs + 1) / 2, without_gradient=(1,)),
    Case("CosineSimilarity").on(x, y),
    Case("CosineSimilarity", 0, 1e-3).on(x, y),
    Case("PairwiseDistance").on(x, y),
    Case("PairwiseDistance", 1.5, 1e-3, True).on(x, y),
]
