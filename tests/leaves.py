"""What many tests begin with."""

from __future__ import annotations

from typing import Any

import microbp


def leaf(*values: float, dtype: Any = microbp.float64) -> Any:
    """A vector that requires grad."""
    return microbp.tensor(list(values), dtype=dtype, requires_grad=True)
