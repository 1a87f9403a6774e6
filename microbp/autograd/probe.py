"""Whether one gradient is that of one function, and if not, which of its elements is wrong.

For a function f of an array x, and one gradient g of its result, a rule claims an array G with

    Σ_j G_j u_j = Σ_i g_i (f_i(x + h u) - f_i(x - h u)) / 2h + O(h^2)

for every direction u. A direction with random values for all elements tells whether anything is
wrong at the price of two runs of f, however many elements there are. Where it does not agree,
each half of the elements is tried alone, and then half of the half: that leads to the first wrong
element in as many steps as their number has binary digits (Dorfman, "The detection of defective
members of large populations", 1943).

Near an element where f has a kink, as relu has at 0, differences are no derivative. There, what
lies between the differences to the one side and to the other is right: relu'(0) may be anything
from 0 to 1. If there are too many of them to look at each alone, as the zeros of a relu are ties for
the maxima after it, the point is moved away from all its kinks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Difference", "Undecided", "first_difference"]

Array = np.ndarray[Any, Any]

RUNS = 400
"""How many groups of elements are tried before a point is given up."""

ROUNDING = 32 * float(np.finfo(np.float64).eps)
"""How much of each result may be lost by rounding."""


class Difference(NamedTuple):
    """An element whose gradient is not what differences say.

    Attributes
    ----------
    element : tuple of int
        Its index.
    analytical, numerical : float
        What the rule says, and what differences say.
    moved : bool
        Whether it was found away from the point, which has too many kinks.
    """

    element: tuple[int, ...]
    analytical: float
    numerical: float
    moved: bool


class Undecided(Exception):  # noqa: N818 - it is no error of anybody's
    """There were too many kinks."""


def first_difference(
    run: Callable[[Array], Array],
    pull: Callable[[Array], Array],
    x: Array,
    g: Array,
    *,
    eps: float,
    atol: float,
    rtol: float,
) -> Difference | None:
    """The first element whose gradient is wrong.

    Parameters
    ----------
    run : callable
        The function: from an array like `x` to one like `g`.
    pull : callable
        Its gradient: from an array like `x` to another one, for the gradient `g` of the result.
    x : array of float64
        Where to compare.
    g : array of float64
        The gradient of the result.
    eps : float
        The step of the differences, for an element of size up to 1.
    atol, rtol : float
        What a gradient may be off, and by which part of itself.

    Returns
    -------
    Difference or None
        None if all elements are right.

    Raises
    ------
    Undecided
        If the function has kinks wherever one looks.
    """
    try:
        return search(run, pull(x), x, g, eps, atol, rtol, moved=False)
    except Undecided:
        numbers = np.random.default_rng(1)
        way = 1e-2 * max(float(np.sqrt(np.mean(x * x))), 1e-2) * numbers.uniform(0.5, 1, x.shape)
        if (x < 0).any():  # else they may have to be positive
            way *= numbers.choice([-1.0, 1.0], x.shape)
        x = np.asarray(x + way)
        return search(run, pull(x), x, g, eps, atol, rtol, moved=True)


def search(
    run: Callable[[Array], Array],
    gradient: Array,
    x: Array,
    g: Array,
    eps: float,
    atol: float,
    rtol: float,
    moved: bool,
) -> Difference | None:
    """The first element whose gradient is wrong, by halves."""
    point = Point(run, gradient, x, g, eps, atol, rtol)
    groups = [(0, x.size)] if x.size else []
    for _ in range(RUNS):
        if not groups:
            return None
        first, last = groups.pop()
        if point.agrees(first, last):
            continue
        if last - first > 1:
            middle = (first + last) // 2
            groups += [(middle, last), (first, middle)]
            continue
        numerical = point.derivative(first)
        if numerical is not None:
            element = tuple(map(int, np.unravel_index(first, x.shape)))
            return Difference(element, float(point.gradient[first]), numerical, moved)
    raise Undecided


class Point:
    """A point at which a function is compared with a gradient."""

    def __init__(
        self, run: Callable[[Array], Array], gradient: Array, x: Array, g: Array, eps: float, atol: float, rtol: float
    ) -> None:
        self.run = run
        self.gradient = gradient.reshape(-1)
        self.x = x
        self.g = g
        self.eps = eps
        self.atol = atol
        self.rtol = rtol
        numbers = np.random.default_rng(0)
        signs = numbers.uniform(0.5, 1.5, x.size) * numbers.choice([-1.0, 1.0], x.size)
        sizes = np.abs(x).reshape(-1)
        self.directions = signs * np.maximum(sizes, 1), signs * np.where(sizes > 1e-100, sizes, 1)

    def agrees(self, first: int, last: int) -> bool:
        """Whether differences along some elements agree with the gradient.

        A step that is small against small elements too is tried second, as 1/x and log(x) bend too much near 0. Of that
        one, no digits may be lost by rounding.
        """
        near, nearer = self.directions
        return self.agrees_along(near, first, last, slack=1) or self.agrees_along(nearer, first, last, slack=0)

    def agrees_along(self, direction: Array, first: int, last: int, slack: float) -> bool:
        """Whether differences in a direction agree with the gradient."""
        step = self.eps * direction[first:last]
        above, up = self.at(step, first, last)
        below, down = self.at(-step, first, last)
        gradient, way = self.gradient[first:last], (above - below) / (2 * self.eps)
        numerical = self.change(up, down) / (2 * self.eps)
        allowed = self.atol * length(np.minimum(np.abs(way), 1)) + self.rtol * length(gradient * way)
        allowed += slack * self.lost(up, down) / self.eps
        return bool(abs(numerical - float(np.sum(gradient * way))) <= allowed < np.inf)

    def derivative(self, element: int) -> float | None:
        """What differences say of one element; None if the gradient is right or nothing can be said.

        At a kink, anything between the derivatives on both sides is right. At the border of where the
        function is defined there is only one side, and beyond it, none.
        """
        value = float(self.gradient[element])
        allowed = self.atol + (self.rtol * abs(value) if np.isfinite(value) else 0)
        near, nearer = (self.sides(direction[element], element) for direction in self.directions)
        sides, lost = nearer if nearer[1] <= allowed else near
        if not np.isfinite(sides).all() or min(sides) - allowed - lost <= value <= max(sides) + allowed + lost:
            return None
        return float(np.mean(sides))

    def sides(self, direction: float, element: int) -> tuple[list[float], float]:
        """The derivatives by one element on both sides, and what rounding may have done to them."""
        middle = self.run(self.x)
        found, lost = [], 0.0
        for step in (self.eps * direction, -self.eps * direction):
            moved, y = self.at(step, element, element + 1)
            way = float(moved[0] - self.x.reshape(-1)[element])
            found.append(self.change(y, middle) / way)
            lost = max(lost, self.lost(y, middle) / abs(way))
        return found, lost

    def at(self, way: Any, first: int, last: int) -> tuple[Array, Array]:
        """Some elements moved on, and the function there."""
        x = self.x.copy()
        flat = x.reshape(-1)
        flat[first:last] += way
        return flat[first:last], self.run(x)

    def change(self, up: Array, down: Array) -> float:
        """How much further one result is than another, along the gradient; results that stay infinite do not change."""
        return float(np.sum(self.g * np.where(up == down, 0.0, up - down)))

    def lost(self, up: Array, down: Array) -> float:
        """What rounding may have done to that."""
        return ROUNDING * length(np.where(up == down, 0.0, self.g * (np.abs(up) + np.abs(down))))


def length(a: Array) -> float:
    """The Euclidean norm."""
    return float(np.sqrt(np.sum(np.square(a))))
