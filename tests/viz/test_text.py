"""Numbers and names as text."""

from __future__ import annotations

import numpy as np
import pytest

from microbp.viz.boxes import plain, substitute
from microbp.viz.text import escape_html, escape_string, fits, matrix, number, shape_text, shorten, summary


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (3.0, "3"),
        (-0.25, "-0.250"),
        (123.456, "123"),
        (1e-9, "1e-09"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (2.5e7, "2.5e+07"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_a_small_number_among_large_ones_is_no_zero() -> None:
    assert matrix(np.array([1000.5, 1e-8, 0.0])) == [["1000", "≈0", "0"]]
    assert matrix(np.array([0.5, 1e-5])) == [["0.500", "1e-05"]]


def test_other_dtypes() -> None:
    assert matrix(np.array([True, False])) == [["True", "False"]]
    assert matrix(np.array([[1], [-7]])) == [["1"], ["-7"]]


def test_what_fits() -> None:
    assert fits(np.ones((4, 4)))
    assert fits(np.ones(()))
    for shape in ((5,), (4, 5), (2, 2, 2), (0,)):
        assert not fits(np.ones(shape))


def test_summaries() -> None:
    assert summary(np.array([1.0, 3.0] * 5)) == "2 ± 1"
    assert summary(np.array([-1.0, 1.0 + 1e-8] * 5)) == "0 ± 1.00"
    assert summary(np.array([99.0, 101.0] * 5) * 10) == "1000 ± 10"
    assert summary(np.zeros((0, 3))) == "empty"
    assert summary(np.arange(10)) == "0 … 9"
    assert summary(np.array([1.0, np.nan, 1.0])) == "all 1, 1 of 3 not finite"
    assert summary(np.array([np.inf] * 6)) == "6 of 6 not finite"


def test_escapes() -> None:
    assert escape_html('<a> & "b"\\n') == "&lt;a&gt; &amp; &quot;b&quot;&#92;n"
    assert escape_html("two\nlines") == "two<BR/>lines"
    assert escape_html("\x00") == "\N{REPLACEMENT CHARACTER}"
    assert escape_string("<x>\\l & y") == "&lt;x&gt;\\\\l &amp; y"


def test_shapes_and_lengths() -> None:
    assert shape_text(()) == "scalar"
    assert shape_text((3,)) == "(3,)"
    assert shape_text(None) == ""
    assert shorten("abcdef", 4) == "abc…"


def test_formulas_with_numbers() -> None:
    assert substitute("a ** b", {"b": "2"}) == "a ** 2"
    assert substitute("a ** b", {"a": "-0.5"}) == "(-0.5) ** b"
    assert substitute("where(c, a, b)", {"a": "inf", "b": "fc1.weight"}) == "where(c, inf, fc1.weight)"


def test_options_read_the_same_in_every_process() -> None:
    assert (
        plain((slice(1, None), np.zeros((2, 3)), np.dtype("float32")))
        == "(slice(1, None, None), array (2, 3) float64, float32)"
    )
    assert "0x" not in plain(object())
    assert "0x" not in plain(lambda: None)
