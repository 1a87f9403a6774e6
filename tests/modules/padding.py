"""Layers that put a margin around their input."""

from __future__ import annotations

from tests.modules import Case
from tests.samples import normal

inputs = {1: normal(2, 3, 6), 2: normal(2, 3, 5, 6), 3: normal(2, 3, 4, 5, 6)}

cases = [
    Case("ZeroPad2d", (1, -2)).on(inputs[2]),
    Case("ConstantPad1d", 2, 3).on(normal(6)),
    Case("ConstantPad2d", (1, -2, -1, 3), 0.5).on(normal(5, 6)),
]
for dims, x in inputs.items():
    single = x[0]
    uneven = (1, 2, 0, 1, 2, 1)[: 2 * dims]
    cases += [
        Case(f"ZeroPad{dims}d", 2).on(x),
        Case(f"ZeroPad{dims}d", uneven).on(single),
        Case(f"ConstantPad{dims}d", uneven, 3.5).on(x),
    ]
    for kind in ("ReflectionPad", "ReplicationPad", "CircularPad"):
        cases += [Case(f"{kind}{dims}d", 2).on(x), Case(f"{kind}{dims}d", uneven).on(single)]
