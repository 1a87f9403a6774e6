"""Strategies by which hypothesis makes inputs and options for every row.

Each family has a module here with a dict ``strategies``: row name -> `Tries`. The tests in
``tests/ops/test_rows_hypothesis.py`` walk the registry, so a row without a strategy is a
failure. For a new elementwise row one line is enough::

    "softsign": unary(REAL),

Values lie on a grid of 1/32, within a domain where the row is smooth: away from its kinks, and
where it matters, all different. Differences then apply to every example, and examples are short
to read. Arrays are small, since every element of every input is moved to and fro.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from hypothesis.strategies import SearchStrategy

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Case = tuple[tuple[Any, ...], dict[str, Any]]
Domain = tuple[tuple[float, float], ...]

MANY = 12
"""How many elements an array may have."""

GRID = 32
"""How many values there are between two integers."""

# Ranges of values, for functions that are smooth there.
REAL: Domain = ((-2, 2),)
NONZERO: Domain = ((-2, -0.25), (0.25, 2))
POSITIVE: Domain = ((0.25, 2),)
INSIDE: Domain = ((-0.9, 0.9),)
SHARES: Domain = ((0.05, 0.95),)
ABOVE_ONE: Domain = ((1.25, 3),)
UNROUNDED: Domain = tuple((k / 2 + 0.1, k / 2 + 0.4) for k in range(-5, 5))  # away from integers and halves


def as_they_are(*tensors: Any) -> tuple[Any, ...]:
    """The leaves as inputs."""
    return tensors


@dataclass(frozen=True)
class Tries:
    """How a row is tried.

    Attributes
    ----------
    cases : strategy
        Makes pairs of inputs and options.
    prepare : callable
        Makes the inputs of the row from the leaves, where they have to be of a kind that moving one element would
        leave, as symmetric matrices.
    why_not : str
        Why the gradients are not compared with differences, if they are not.
    """

    cases: SearchStrategy[Case]
    prepare: Callable[..., tuple[Any, ...]] = as_they_are
    why_not: str = ""


def numbers(domain: Domain, offset: float = 0) -> SearchStrategy[float]:
    """Values of a domain on the grid, or beside it by a part of its width."""
    ranges = [st.integers(math.ceil(low * GRID), math.floor(high * GRID)) for low, high in domain]
    return st.one_of(ranges).map(lambda number: (number + offset) / GRID)


def arrays(shape: Any, domain: Domain = REAL, offset: float = 0) -> SearchStrategy[Array]:
    """Arrays of a shape, contiguous or not."""

    def fill(size: Shape) -> SearchStrategy[Array]:
        values = npst.arrays(np.float64, size, elements=numbers(domain, offset), fill=st.nothing())
        return st.tuples(values, st.sampled_from(LAYOUTS)).map(lambda pair: pair[1](pair[0]))

    return shape.flatmap(fill) if isinstance(shape, SearchStrategy) else fill(shape)


LAYOUTS: list[Callable[[Array], Array]] = [
    lambda a: a,
    lambda a: np.asarray(a, order="F"),
    lambda a: np.asarray(np.flip(np.asarray(np.flip(a)).copy())),
]
"""Ways to lay the same values out in memory: in C order, in Fortran's, backwards."""


def distinct(shape: Any) -> SearchStrategy[Array]:
    """Arrays of values that are all different, of both signs and none zero."""

    def fill(size: Shape) -> SearchStrategy[Array]:
        count = math.prod(size)
        order = st.permutations(range(count)).map(lambda p: np.array(p, np.float64).reshape(size))
        return order.map(lambda ranks: np.asarray((ranks - count // 2 + 0.375) / 2))

    return shape.flatmap(fill) if isinstance(shape, SearchStrategy) else fill(shape)


def labels(shape: Shape, count: int, low: int = 0) -> SearchStrategy[Array]:
    """Integers from `low` and below a count."""
    return npst.arrays(np.int64, shape, elements=st.integers(low, count - 1), fill=st.nothing())


def masks(shape: Shape) -> SearchStrategy[Array]:
    """Truth values."""
    return npst.arrays(np.bool_, shape)


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4) -> SearchStrategy[Shape]:
    """Shapes of few elements; of none, one in four."""

    def above(least: int) -> SearchStrategy[Shape]:
        found = npst.array_shapes(
            min_dims=min_dims, max_dims=max_dims, min_side=max(least, min_side), max_side=max_side
        )
        return found.filter(lambda shape: math.prod(shape) <= MANY)

    return LEAST.flatmap(above)


def side(most: int) -> SearchStrategy[int]:
    """The size of an axis; 0 more seldom than others."""
    return st.sampled_from([*range(1, most + 1), *range(1, most + 1), 0])


LEAST = st.sampled_from([1, 1, 1, 0])
"""The least size of an axis: an array without elements is right in few ways."""


def broadcastable(count: int = 2, max_dims: int = 3, signature: str | None = None) -> SearchStrategy[tuple[Shape, ...]]:
    """Shapes that broadcast against each other; with a signature, but for their last axes, which fit that."""
    kind: dict[str, Any] = {"signature": signature} if signature else {"num_shapes": count}

    def above(least: int) -> SearchStrategy[Any]:
        return npst.mutually_broadcastable_shapes(**kind, min_side=least, max_side=3, max_dims=max_dims)

    def is_small(found: Any) -> bool:
        return max(map(math.prod, (*found.input_shapes, found.result_shape))) <= MANY

    return LEAST.flatmap(above).filter(is_small).map(lambda found: found.input_shapes)


def part_of(shape: Shape) -> SearchStrategy[Shape]:
    """Shapes that can be broadcast to another."""

    def shrink(choice: tuple[int, list[bool]]) -> Shape:
        first, ones = choice
        return tuple(1 if one else size for size, one in zip(shape[first:], ones[first:], strict=True))

    size = len(shape)
    return st.tuples(st.integers(0, size), st.lists(st.booleans(), min_size=size, max_size=size)).map(shrink)


def options(**named: Any) -> SearchStrategy[dict[str, Any]]:
    """Options, each from a strategy, or always the same."""
    return st.fixed_dictionaries(
        {name: value if isinstance(value, SearchStrategy) else st.just(value) for name, value in named.items()}
    )


def unary(domain: Domain = REAL, **named: Any) -> Tries:
    """For an elementwise row of one argument."""
    return Tries(st.tuples(st.tuples(arrays(shapes(), domain)), options(**named)))


def broadcasting(*domains: Domain, apart: bool = False, scalars: bool = True) -> Tries:
    """For a row whose arguments are broadcast against each other; one of them may be a Python number.

    With `apart`, no value of an argument equals one of another.
    """
    offsets = [k / len(domains) if apart else 0 for k in range(len(domains))]
    plan = list(zip(domains, offsets, strict=True))

    @st.composite
    def cases(draw: Any) -> Case:
        sizes = draw(broadcastable(len(domains)))
        number = draw(st.integers(0, 3 * len(domains))) if scalars else len(domains)
        inputs = [
            draw(numbers(domain, offset)) if k == number else draw(arrays(size, domain, offset))
            for k, ((domain, offset), size) in enumerate(zip(plan, sizes, strict=True))
        ]
        return tuple(inputs), {}

    return Tries(cases())


def of_shape(
    function: Callable[[Shape], SearchStrategy[dict[str, Any]]],
    among: SearchStrategy[Shape] | None = None,
    fill: Callable[[Shape], SearchStrategy[Array]] = arrays,
) -> Tries:
    """For a row of one argument whose options depend on its shape."""

    def case(shape: Shape) -> SearchStrategy[Case]:
        return st.tuples(st.tuples(fill(shape)), function(shape))

    return Tries((shapes() if among is None else among).flatmap(case))


def axes(shape: Shape, none: bool = False) -> SearchStrategy[Any]:
    """Some of the axes of a shape, ascending, or None for all."""
    some = st.sets(st.sampled_from(range(len(shape)))) if shape else st.just(set())
    found = some.map(lambda chosen: tuple(sorted(chosen)))
    return st.none() | found if none else found


def permutations(shape: Shape) -> SearchStrategy[Shape]:
    """Its axes in some order."""
    return st.permutations(range(len(shape))).map(tuple)


def table() -> dict[str, Tries]:
    """The strategies of all families."""
    found: dict[str, Tries] = {}
    for module in iter_modules(__path__):
        family = import_module(f"{__name__}.{module.name}").strategies
        twice = found.keys() & family.keys()
        assert not twice, f"strategies given twice: {twice}"
        found.update(family)
    return found
