"""Dropout layers; what they draw cannot be compared."""

from __future__ import annotations

from tests.modules import Case
from tests.samples import normal

cases = [
    Case("Dropout").on(normal(5, 6)).random(),
    Case("Dropout", 0.2, True).on(normal(5, 6)).random(),
    Case("Dropout", 0.0).on(normal(5, 6)),
    Case("Dropout", 1).on(normal(5, 6)),
    Case("Dropout1d").on(normal(2, 3, 4)).random(),
    Case("Dropout1d", 1.0).on(normal(3, 4)),
    Case("Dropout2d", 0.1).on(normal(2, 3, 4, 5)).random(),
    Case("Dropout2d", 1.0).on(normal(2, 3, 4, 5)),
    Case("Dropout3d", inplace=True).on(normal(2, 3, 4, 5, 2)).random(),
    Case("Dropout3d", 0.0).on(normal(2, 3, 4, 5, 2)),
    Case("AlphaDropout").on(normal(5, 6)).random(),
    Case("AlphaDropout", 0.0, inplace=True).on(normal(5, 6)),
    Case("FeatureAlphaDropout", 0.3).on(normal(5, 6, 2)).random(),
    Case("FeatureAlphaDropout", 0.0).on(normal(5, 6, 2)),
]
