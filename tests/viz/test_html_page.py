"""What all pages share: one script and one style, inlined by each of them, and data that stay data."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import microbp
from microbp import lab, nn
from microbp.viz import html_page, stepper

SHARED = Path(html_page.__file__).parent / "page"


def test_the_stepper_and_the_film_inline_the_same_script_and_style(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    loss = model(microbp.ones(1, 2)).sum()
    rec = lab.watch(model)
    rec.step(loss)
    film = Path(rec.film(tmp_path / "film.html")).read_text(encoding="utf-8")
    for page in (stepper(loss).html, film):
        for name in ("shared.js", "shared.css"):
            assert page.count((SHARED / name).read_text(encoding="utf-8")) == 1, name


def test_every_place_of_a_template_is_filled_in_and_nothing_that_was_filled_in_is_read_again(tmp_path: Path) -> None:
    for suffix, text in (
        (".html", "{{title}}|{{style}}|{{script}}|{{data}}|{{more}}"),
        (".css", "c{}"),
        (".js", "j()"),
    ):
        (tmp_path / f"page{suffix}").write_text(text, encoding="utf-8")
    data = {"name": "</script>{{title}}", "∂": [1.5, None]}
    page = html_page.filled_in(tmp_path / "page.html", title="a < {{data}}", data=data, more="<b>")
    title, style, script, written, more = re.split(r"\|(?=/\*|//|\{\"|<b>)", page)
    assert title == "a &lt; {{data}}"
    assert style.endswith("c{}")
    assert script.endswith("j()")
    assert "<" not in written
    assert json.loads(written) == data
    assert more == "<b>"


def test_a_place_without_a_part_is_an_error(tmp_path: Path) -> None:
    for suffix, text in ((".html", "{{forgotten}}"), (".css", ""), (".js", "")):
        (tmp_path / f"page{suffix}").write_text(text, encoding="utf-8")
    with pytest.raises(KeyError, match="forgotten"):
        html_page.filled_in(tmp_path / "page.html", title="", data=None)
