"""A step length that satisfies the strong Wolfe conditions.

Along a direction with slope s₀ = g·d < 0, a step t is good if the loss falls enough,
f(t) ≤ f(0) + c₁ t s₀, and the slope has flattened enough, |s(t)| ≤ c₂ |s₀|.

Source: Nocedal & Wright, *Numerical Optimization*, 2nd ed. (Springer 2006), algorithms 3.5 and
3.6, with the cubic interpolation of equation 3.59.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Point", "strong_wolfe"]

Array = np.ndarray[Any, Any]


@dataclass
class Point:
    """What is known of one step length: the loss and the gradient there, and the slope along the direction."""

    t: float
    loss: float
    gradient: Array
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    largest: float,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance: float = 1e-9,
    most: int = 25,
) -> tuple[Point, int]:
    """Find a step that satisfies the strong Wolfe conditions, or the best within a number of evaluations.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(t)`` is the `Point` at a step length.
    start : Point
        That at t = 0.
    t : float
        The first step to try.
    largest : float
        The largest element of the direction, by modulus.
    c1, c2 : float
        The constants of the conditions.
    tolerance : float
        Stop when the bracket moves no parameter by more than this.
    most : int
        The number of evaluations after the first.

    Returns
    -------
    (Point, int)
        The step, and how many evaluations it took.
    """

    def falls_too_little(point: Point) -> bool:
        return point.loss > start.loss + c1 * point.t * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    # Go on until two points have a good one between them.
    before, point = start, evaluate(t)
    evaluations = 1
    while evaluations <= most:
        if falls_too_little(point) or (evaluations > 2 and point.loss >= before.loss):
            break
        if is_flat(point):
            return point, evaluations
        if point.slope >= 0:
            break
        reach = point.t + 0.01 * (point.t - before.t), 10 * point.t
        before, point = point, evaluate(minimum_of_cubic(before, point, *reach))
        evaluations += 1
    else:
        before = start
    # Make the bracket smaller around it.
    low, high = (before, point) if before.loss <= point.loss else (point, before)
    stuck = False
    while evaluations <= most:
        least, greatest = sorted((low.t, high.t))
        if (greatest - least) * largest < tolerance:
            break
        t = minimum_of_cubic(low, high, least, greatest)
        margin = 0.1 * (greatest - least)
        if min(greatest - t, t - least) < margin:  # too close to an end of the bracket to be much progress
            if stuck or t >= greatest or t <= least:
                t = greatest - margin if abs(t - greatest) < abs(t - least) else least + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        point = evaluate(t)
        evaluations += 1
        if falls_too_little(point) or point.loss >= low.loss:
            high = point
            if high.loss < low.loss:
                low, high = high, low
            continue
        if is_flat(point):
            return point, evaluations
        if point.slope * (high.t - low.t) >= 0:
            high = low
        low = point
    return low, evaluations


def minimum_of_cubic(a: Point, b: Point, least: float, greatest: float) -> float:
    """Where the cubic with the values and slopes of two points is least, within bounds."""
    if a.t > b.t:
        a, b = b, a
    middle = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = middle * middle - a.slope * b.slope
    if not square >= 0:
        return (least + greatest) / 2
    root = math.sqrt(square)
    slopes = b.slope - a.slope + 2 * root
    if slopes == 0:
        return (least + greatest) / 2
    return min(max(b.t - (b.t - a.t) * ((b.slope + root - middle) / slopes), least), greatest)
