"""Strategies for trigonometric and hyperbolic functions."""

from __future__ import annotations

from tests.strategies import ABOVE_ONE, INSIDE, NONZERO, REAL, broadcasting, unary

domains = {"acos": INSIDE, "acosh": ABOVE_ONE, "asin": INSIDE, "atanh": INSIDE, "tan": INSIDE}
everywhere = ["asinh", "atan", "cos", "cosh", "deg2rad", "rad2deg", "sin", "sinh", "tanh"]

strategies = {name: unary(domains.get(name, REAL)) for name in (*domains, *everywhere)}
strategies["atan2"] = broadcasting(NONZERO, NONZERO)
strategies["hypot"] = broadcasting(NONZERO, NONZERO)
