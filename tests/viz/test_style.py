"""Colours: told apart in print and by everyone, text readable on each of them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from microbp.viz import style
from microbp.viz.difference import LOOKS, SAME
from microbp.viz.style import Scale


def luminance(colour: str) -> float:
    """The relative luminance of a colour (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2)."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_scale_goes_from_light_to_dark_in_steps_that_print_keeps_apart() -> None:
    greys = [luminance(colour) for colour in style.STEPS]
    assert all(light > 1.2 * dark for light, dark in pairwise(greys))


def test_text_is_readable_on_every_colour() -> None:
    scale = Scale([10.0**power for power in range(-3, 3)])
    pairs = [scale.colours(10.0**power) for power in range(-3, 3)]
    pairs += [(fill, style.INK) for _, fill, *_ in style.KINDS.values()]
    pairs += [(style.OPERATION[1], style.INK), (style.MODULE[1], style.INK), (style.UNKNOWN, style.INK)]
    pairs += [(look.fill, look.ink or style.INK) for look in (*LOOKS.values(), SAME)]
    pairs += [(style.KINDS["parameter"][1], style.GRADIENT), ("#FFFFFF", style.MUTED), (style.CLUSTER[0], style.MUTED)]
    for fill, ink in pairs:
        assert contrast(fill, ink) >= 4.5, (fill, ink)


def test_differences_are_told_by_line_and_sign_and_not_by_colour_alone() -> None:
    assert len({look.style for look in LOOKS.values()}) == len(LOOKS)


@pytest.mark.parametrize(
    ("sizes", "bounds"),
    [
        ([0.02, 0.3], [0.02, 0.05, 0.1, 0.2]),
        ([1.0], [1.0]),
        ([0.001, 0.9], [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]),
        ([1e-5, 2.0], [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]),
        ([1e-40, 1.0], [1e-40, 1e-32, 1e-24, 1e-16, 1e-8, 1.0]),
        ([], [1.0]),
    ],
)
def test_bounds_are_round_and_reach_from_the_smallest_to_the_largest(sizes: list[float], bounds: list[float]) -> None:
    assert [bound for _, bound in Scale(sizes).steps()] == pytest.approx(bounds)


@pytest.mark.parametrize("sizes", [[5e-324, 1e308], [3e-7, 9e6], [1.0, 1.0000001], [7.0, 49.0, 100.0]])
def test_the_largest_is_darkest_and_nothing_lies_below_the_scale(sizes: list[float]) -> None:
    scale = Scale(sizes)
    assert scale.colours(max(sizes))[0] == style.STEPS[-1]
    (_, lowest), *_ = scale.steps()
    assert lowest <= min(sizes)


def test_what_is_not_finite_is_black() -> None:
    assert Scale([1.0, float("inf")]).colours(float("inf")) == ("#000000", "#FFFFFF")
    assert Scale([1.0]).colours(float("nan")) == ("#000000", "#FFFFFF")
