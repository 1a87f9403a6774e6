"""The rows that are public functions as they are, and PyTorch's other names for some; all are methods too.

Type checkers read ``rows.pyi``, which a test writes and keeps true.
"""

from __future__ import annotations

from microbp.methods import method
from microbp.ops import arithmetic, comparison, elementwise, special, trigonometry
from microbp.ops.arithmetic import *  # noqa: F403
from microbp.ops.comparison import *  # noqa: F403
from microbp.ops.elementwise import *  # noqa: F403
from microbp.ops.special import *  # noqa: F403
from microbp.ops.trigonometry import *  # noqa: F403

absolute = elementwise.abs
arccos = trigonometry.acos
arccosh = trigonometry.acosh
arcsin = trigonometry.asin
arcsinh = trigonometry.asinh
arctan = trigonometry.atan
arctan2 = trigonometry.atan2
arctanh = trigonometry.atanh
fix = elementwise.trunc
greater = comparison.gt
greater_equal = comparison.ge
less = comparison.lt
less_equal = comparison.le
multiply = arithmetic.mul
negative = arithmetic.neg
not_equal = comparison.ne
sgn = elementwise.sign

__all__ = [
    "absolute",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "fix",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "multiply",
    "negative",
    "not_equal",
    "sgn",
]
__all__ += arithmetic.__all__
__all__ += comparison.__all__
__all__ += elementwise.__all__
__all__ += special.__all__
__all__ += trigonometry.__all__

for name in __all__:
    method(name)(globals()[name])
