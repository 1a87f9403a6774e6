"""Rows for trigonometric and hyperbolic functions, their inverses, and angles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.ops.op import op

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sin",
    "sinh",
    "tan",
    "tanh",
]


@op("sin(a)", numpy=np.sin, floating=True)
def sin(a: Any) -> Any:
    """Sine of an angle in radians.

    Examples
    --------
    >>> import microbp
    >>> microbp.sin(microbp.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return np.sin(a)


sin.grad("a", "g * cos(a)")


@op("cos(a)", numpy=np.cos, floating=True)
def cos(a: Any) -> Any:
    """Cosine of an angle in radians.

    Examples
    --------
    >>> import microbp
    >>> microbp.cos(microbp.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return np.cos(a)


cos.grad("a", "-g * sin(a)")


@op("tan(a)", numpy=np.tan, floating=True)
def tan(a: Any) -> Any:
    """Tangent of an angle in radians.

    Examples
    --------
    >>> import microbp
    >>> microbp.tan(microbp.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return np.tan(a)


tan.grad("a", "g * (1 + y * y)")


@op("sinh(a)", numpy=np.sinh, floating=True)
def sinh(a: Any) -> Any:
    """Hyperbolic sine.

    Examples
    --------
    >>> import microbp
    >>> microbp.sinh(microbp.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return np.sinh(a)


sinh.grad("a", "g * cosh(a)")


@op("cosh(a)", numpy=np.cosh, floating=True)
def cosh(a: Any) -> Any:
    """Hyperbolic cosine.

    Examples
    --------
    >>> import microbp
    >>> microbp.cosh(microbp.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return np.cosh(a)


cosh.grad("a", "g * sinh(a)")


@op("tanh(a)", numpy=np.tanh, floating=True)
def tanh(a: Any) -> Any:
    """Hyperbolic tangent.

    Examples
    --------
    >>> import microbp
    >>> microbp.tanh(microbp.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return np.tanh(a)


tanh.grad("a", "g * (1 - y * y)")


@op("arcsin(a)", numpy=np.arcsin, floating=True)
def asin(a: Any) -> Any:
    """Inverse sine, in radians; NaN outside of -1 to 1.

    Examples
    --------
    >>> import microbp
    >>> microbp.asin(microbp.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return np.arcsin(a)


asin.grad("a", "g / sqrt(1 - a * a)")


@op("arccos(a)", numpy=np.arccos, floating=True)
def acos(a: Any) -> Any:
    """Inverse cosine, in radians; NaN outside of -1 to 1.

    Examples
    --------
    >>> import microbp
    >>> microbp.acos(microbp.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return np.arccos(a)


acos.grad("a", "-g / sqrt(1 - a * a)")


@op("arctan(a)", numpy=np.arctan, floating=True)
def atan(a: Any) -> Any:
    """Inverse tangent, in radians.

    Examples
    --------
    >>> import microbp
    >>> microbp.atan(microbp.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return np.arctan(a)


atan.grad("a", "g / (1 + a * a)")


@op("arcsinh(a)", numpy=np.arcsinh, floating=True)
def asinh(a: Any) -> Any:
    """Inverse hyperbolic sine.

    Examples
    --------
    >>> import microbp
    >>> microbp.asinh(microbp.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return np.arcsinh(a)


asinh.grad("a", "g / sqrt(1 + a * a)")


@op("arccosh(a)", numpy=np.arccosh, floating=True)
def acosh(a: Any) -> Any:
    """Inverse hyperbolic cosine; NaN below 1.

    Examples
    --------
    >>> import microbp
    >>> microbp.acosh(microbp.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return np.arccosh(a)


acosh.grad("a", "g / sqrt(a * a - 1)")


@op("arctanh(a)", numpy=np.arctanh, floating=True)
def atanh(a: Any) -> Any:
    """Inverse hyperbolic tangent; infinite at -1 and 1, NaN beyond.

    Examples
    --------
    >>> import microbp
    >>> microbp.atanh(microbp.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return np.arctanh(a)


atanh.grad("a", "g / (1 - a * a)")

# Right triangles, and the units of angles


@op("arctan2(a, b)", numpy=np.arctan2, floating=True)
def atan2(a: Any, b: Any) -> Any:
    """The angle, from -π to π, of the point with the coordinates y = `a` and x = `b`.

    At the origin, where the angle jumps, its gradient is taken to be 0.

    Examples
    --------
    >>> import microbp
    >>> microbp.atan2(microbp.tensor([1.0, -1.0]), microbp.tensor([0.0, -1.0]))
    tensor([ 1.5708, -2.3562])
    """
    return np.arctan2(a, b)


atan2.grad("a", "g * b / where(a * a + b * b == 0, inf, a * a + b * b)")
atan2.grad("b", "-g * a / where(a * a + b * b == 0, inf, a * a + b * b)")


@op("sqrt(a * a + b * b)", numpy=np.hypot, floating=True)
def hypot(a: Any, b: Any) -> Any:
    """The hypotenuse of a right triangle, without overflow on the way.

    Examples
    --------
    >>> import microbp
    >>> microbp.hypot(microbp.tensor([3.0]), microbp.tensor([4.0]))
    tensor([5.])
    """
    return np.hypot(a, b)


hypot.grad("a", "g * (a / y)")
hypot.grad("b", "g * (b / y)")


@op("a * pi / 180", numpy=np.deg2rad, floating=True)
def deg2rad(a: Any) -> Any:
    """An angle in radians, given in degrees.

    Examples
    --------
    >>> import microbp
    >>> microbp.deg2rad(microbp.tensor([180.0]))
    tensor([3.1416])
    """
    return a * (math.pi / 180)


deg2rad.grad("a", "g * (pi / 180)")


@op("a * 180 / pi", numpy=np.rad2deg, floating=True)
def rad2deg(a: Any) -> Any:
    """An angle in degrees, given in radians.

    Examples
    --------
    >>> import microbp
    >>> microbp.rad2deg(microbp.tensor([3.14159265]))
    tensor([180.])
    """
    return a * (180 / math.pi)


rad2deg.grad("a", "g * (180 / pi)")
