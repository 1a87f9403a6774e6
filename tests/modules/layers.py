"""Linear layers and layers that compute nothing."""

from __future__ import annotations

from tests.modules import Case
from tests.samples import normal

cases = [
    Case("Linear", 4, 2).on(normal(5, 4)),
    Case("Linear", 4, 2, bias=False).on(normal(5, 4)),
    Case("Linear", 4, 2).on(normal(2, 3, 4)),
    Case("Linear", 4, 2).on(normal(4)),
    Case("Bilinear", 4, 3, 2).on(normal(5, 4), normal(5, 3)),
    Case("Bilinear", 4, 3, 2, bias=False).on(normal(5, 4), normal(5, 3)),
    Case("Identity", 3, key=1).on(normal(5, 4)),
    Case("Flatten").on(normal(2, 3, 4)),
    Case("Flatten", 0, 1).on(normal(2, 3, 4)),
    Case("Unflatten", 1, (2, 3)).on(normal(5, 6)),
    Case("Unflatten", -1, (2, -1)).on(normal(5, 6)),
]
