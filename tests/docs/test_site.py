"""The built site: links lead somewhere, nothing is asked of other sites, and every page works in a browser.

They run where the site is built, ``python -m sphinx -W --keep-going -j auto -b html docs docs/_build/html``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.viz.browser import Page, chromium, missing

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
PAGES = sorted(path for path in SITE.rglob("*.html") if "_static" not in path.parts)

pytestmark = pytest.mark.skipif(not PAGES, reason="the site is not built; docs/README.md says how to")
reason = missing()
in_browser = pytest.mark.skipif(reason is not None, reason=reason or "")


class Parts(HTMLParser):
    """What a page is linked with: its anchors, the links to other places, and the files that it is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: set[str] = set()
        self.files: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.add(found["href"])
        elif tag == "link" and not {"canonical", "index", "search", "next", "prev"} & set(found["rel"].split()):
            self.files.add(found["href"])
        elif "src" in found:
            self.files.add(found["src"])


@pytest.fixture(scope="module")
def parts() -> dict[Path, Parts]:
    """The parts of every page."""
    return {path: Parts(path.read_text(encoding="utf-8")) for path in PAGES}


def test_every_internal_link_leads_to_a_page_and_a_place_on_it(parts: dict[Path, Parts]) -> None:
    lost = []
    for path, page in parts.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            if not target.is_file() or (target in parts and unquote(address.fragment) not in parts[target].anchors):
                lost.append(f"{path.relative_to(SITE)}: {link}")
    assert not lost


def test_every_file_of_a_page_is_there_and_none_is_on_another_site(parts: dict[Path, Parts]) -> None:
    lost = []
    for path, page in parts.items():
        for name in page.files:
            address = urlsplit(name)
            if address.scheme == "data":
                continue
            if address.scheme or address.netloc or not (path.parent / unquote(address.path)).is_file():
                lost.append(f"{path.relative_to(SITE)}: {name}")
    assert not lost


def test_no_style_sheet_loads_from_another_site() -> None:
    for sheet in SITE.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.findall(r"@import[^;]*//|url\(\s*[\"']?(?:https?:)?//[^)]*", text), sheet


def test_links_to_other_libraries_go_to_their_documentation(parts: dict[Path, Parts]) -> None:
    links = parts[SITE / "reference" / "mathematics.html"].links
    assert "https://numpy.org/doc/stable/reference/generated/numpy.exp.html#numpy.exp" in links
    assert "https://docs.pytorch.org/docs/stable/generated/torch.exp.html#torch.exp" in links


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """A browser."""
    with chromium() as browser:
        browser.set_script_timeout(60)
        yield browser


SHOW_ALL = """
const done = arguments[arguments.length - 1];
const waiting = [...document.querySelectorAll("img, iframe")].filter((each) => each.loading === "lazy");
for (const each of waiting) each.loading = "eager";
const loaded = (each) => each.tagName === "IFRAME"
    ? each.contentDocument?.readyState === "complete" && each.contentDocument.getElementById("counter")?.textContent
    : each.complete;
const wait = () => [...document.querySelectorAll("img, iframe")].every(loaded) ? done() : setTimeout(wait, 20);
wait();
"""

LOOK = """
const light = (colour) => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number);
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
};
const frames = [...document.querySelectorAll("iframe")].map((frame) => frame.contentWindow);
return {
    failures: [window, ...frames].flatMap((each) => each.failures),
    requests: [window, ...frames].flatMap((each) => each.performance.getEntriesByType("resource"))
        .map((entry) => entry.name).filter((name) => !/^(file|data):/.test(name)),
    missing: [...document.images].filter((each) => !each.naturalWidth).map((each) => each.src),
    unsaid: [...document.images].filter((each) => !each.hasAttribute("alt")).map((each) => each.src),
    theme: document.documentElement.dataset.theme,
    paper: light(getComputedStyle(document.body).backgroundColor),
    ink: light(getComputedStyle(document.querySelector("h1, p")).color),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
};
"""

STEP = """
return [...document.querySelectorAll("iframe")].map((frame) => {
    const inside = frame.contentDocument;
    const counter = () => inside.getElementById("counter").textContent;
    const said = [counter()];
    for (const button of ["go-last", "go-first", "go-next"]) {
        inside.getElementById(button).click();
        said.push(counter());
    }
    return said;
});
"""


@in_browser
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_works_in_a_browser(driver: Any, scheme: str) -> None:
    wrong = []
    steppers = 0
    for path in PAGES:
        page = Page(driver, path)
        page.scheme(scheme)
        driver.get(path.as_uri())
        driver.execute_async_script(SHOW_ALL)
        looks = page.run(LOOK)
        dark_on_light = looks["ink"] < 0.3 and looks["paper"] > 0.9
        light_on_dark = looks["ink"] > 0.6 and looks["paper"] < 0.15
        complaints = {name: looks[name] for name in ("failures", "requests", "missing", "unsaid") if looks[name]}
        if looks["theme"] != scheme or not (dark_on_light if scheme == "light" else light_on_dark):
            complaints["colours"] = looks
        if looks["wide"] > 0:
            complaints["too wide by"] = looks["wide"]
        for said in page.run(STEP):
            steppers += 1
            numbers = [[int(number) for number in re.findall(r"\d+", text)] for text in said]
            last = numbers[0][1]
            if [shown[0] for shown in numbers] != [1, last, 1, min(2, last)] or last < 2:
                complaints["a stepper"] = said
        if failed := page.run("return window.failures"):
            complaints["failures after steps"] = failed
        if errors := [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]:
            complaints["console"] = errors
        if complaints:
            wrong.append((path.relative_to(SITE).as_posix(), complaints))
    assert not wrong
    assert steppers >= 3


@in_browser
def test_frames_follow_the_switch_of_the_scheme(driver: Any) -> None:
    page = Page(driver, SITE / "guides" / "drawing.html")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})  # it would rule the frames too
    page.open()
    driver.execute_async_script(SHOW_ALL)
    asked = "return document.querySelector('iframe').contentWindow.matchMedia('(prefers-color-scheme: dark)').matches"
    seen = {}
    for mode in ("light", "dark"):
        page.run("document.querySelector(`.theme-change-button[data-mode=${arguments[0]}]`).click()", mode)
        seen[mode] = (page.run("return document.documentElement.dataset.theme"), page.run(asked))
    assert seen["dark"] == ("dark", True)
    assert seen["light"] == ("light", False)


@in_browser
def test_a_picture_that_was_made_smaller_opens_in_full_size(driver: Any) -> None:
    page = Page(driver, SITE / "gallery" / "chain_rule.html")
    page.open()
    driver.execute_async_script(SHOW_ALL)
    page.run("document.querySelector('img.made-smaller').click()")
    full = (
        "const picture = document.querySelector('dialog[open] img'); return [picture.clientWidth, picture.naturalWidth]"
    )
    shown, natural = page.run(full)
    assert shown == natural
    page.press("\ue00c")  # Escape
    assert not page.run("return document.querySelector('dialog').open")


@in_browser
def test_the_search_finds_names(driver: Any) -> None:
    driver.get((SITE / "search.html").as_uri() + "?q=make_dot")
    found = """const done = arguments[0];
        const wait = () => {
            const links = [...document.querySelectorAll("#search-results li a")].map((link) => link.href);
            if (links.length) done(links); else setTimeout(wait, 20);
        };
        wait();"""
    assert any(link.endswith("reference/viz.html#microbp.viz.make_dot") for link in driver.execute_async_script(found))
