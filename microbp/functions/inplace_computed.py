"""Methods in place whose result is that of a whole function: ``t.addmm_(a, b)``, ``t.cumsum_(0)``, ``t.eq_(u)``.

Continues `microbp.functions.inplace`. A comparison in place leaves 0 and 1 in a tensor's own
dtype, with no gradient for what it was before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microbp.functions import arithmetic, distance, elementwise, products, running
from microbp.inplace import compute_in_place
from microbp.methods import method
from microbp.ops import comparison
from microbp.tensor import Tensor

__all__: list[str] = []


def in_place(name: str, function: Callable[..., Any]) -> None:
    """Enter the method that writes the result of a function into its first argument."""

    def call(self: Tensor, *others: Any, **options: Any) -> Tensor:
        return compute_in_place(name, function, self, *others, **options)

    call.__name__ = call.__qualname__ = f"{name}_"
    call.__doc__ = f"As `microbp.{name}`, in place: the result takes the place of this tensor's values."
    method(f"{name}_")(call)


for _function in (
    products.addbmm,
    products.addmm,
    products.addmv,
    products.addr,
    products.baddbmm,
    running.cumprod,
    running.cumsum,
    elementwise.float_power,
    elementwise.logit,
    elementwise.nan_to_num,
    elementwise.xlogy,
    distance.renorm,
    arithmetic.true_divide,
    *(getattr(comparison, name) for name in ("eq", "ge", "gt", "le", "lt", "ne")),
    *(getattr(comparison, f"logical_{name}") for name in ("and", "not", "or", "xor")),
    *(getattr(comparison, f"bitwise_{name}") for name in ("and", "not", "or", "xor")),
):
    in_place(_function.__name__, _function)

for _alias, _name in {
    "greater_": "gt_",
    "greater_equal_": "ge_",
    "less_": "lt_",
    "less_equal_": "le_",
    "not_equal_": "ne_",
}.items():
    method(_alias)(getattr(Tensor, _name))
