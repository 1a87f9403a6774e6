"""The stepper's page, in a real browser: every number that of the trace, every control at work, no script error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, nn
from microbp.errors import OptionError
from microbp.viz import backend, stepper_page
from microbp.viz.step import Step
from microbp.viz.stepper_page import Stepper, stepper
from tests.viz.browser import Page, chromium, contrast, missing, number
from tests.viz.networks import alive, counting, settle

reason = missing()
in_browser = pytest.mark.skipif(reason is not None, reason=reason or "")

NASTY = """</script><script>window.onerror('x')</script>"'&<b>\\ {{data}} ∂\n"""


class Classifier(nn.Module):
    """The network of the example: 2-4-3."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(2, 4)
        self.act = nn.Tanh()
        self.fc2 = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Any:
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    """A skip connection."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Any:
        return x + self.linear(x).relu()


def classifier() -> Tensor:
    return alive(nn.CrossEntropyLoss())(settle(Classifier())(counting(5, 2)), alive(microbp.tensor([0, 1, 2, 1, 0])))


def broadcasts() -> Tensor:
    b = alive((counting(4) / 2 + 0.1).requires_grad_())
    s = alive((counting(5, 1) + 0.5).requires_grad_())
    b.name, s.name = "b", "s"
    return ((counting(5, 4) + b) * s * s).softmax(1).square().sum()


def residual() -> Tensor:
    return settle(nn.Sequential(Block(3), Block(3)))(counting(2, 3)).square().mean()


def three_axes() -> Tensor:
    w = alive(counting(2, 3, 4).requires_grad_())
    return (w @ counting(2, 4, 2)).permute(2, 0, 1)[0].exp().sum()


def unrolled() -> Tensor:
    return settle(nn.LSTM(2, 3))(counting(4, 1, 2))[0].square().mean()


def deep() -> Tensor:
    layers = [layer for _ in range(30) for layer in (nn.Linear(16, 16), nn.Tanh())]
    return settle(nn.Sequential(*layers))(counting(8, 16)).square().mean()


def large() -> Tensor:
    model = settle(nn.Sequential(nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 10)))
    return alive(nn.CrossEntropyLoss())(model(counting(40, 30)), alive(microbp.arange(40) % 10))


def odd_numbers() -> Tensor:
    x = alive(microbp.tensor([0.0, 1e-12, 1e9, -2.5e-7, 0.5], requires_grad=True))
    return (x.log() * x).sum()


GRAPHS: dict[str, Callable[[], Tensor]] = {
    "classifier": classifier,
    "broadcasts": broadcasts,
    "residual": residual,
    "three_axes": three_axes,
    "unrolled": unrolled,
    "large": large,
    "odd_numbers": odd_numbers,
}


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with chromium() as driver:
        yield driver


@pytest.fixture
def opened(driver: Any, tmp_path: Path) -> Iterator[Callable[..., tuple[Page, Stepper]]]:
    pages: list[Page] = []

    def open_page(loss: Tensor, step: int | None = None, **options: Any) -> tuple[Page, Stepper]:
        made = stepper(loss, **options)
        page = Page(driver, Path(made.save(tmp_path / "backprop.html")))
        page.scheme("light")
        page.open(step)
        pages.append(page)
        return page, made

    yield open_page
    for page in pages:
        assert page.failures() == []


def data_of(page: Stepper) -> dict[str, Any]:
    """The data in a page, found as a browser finds them."""

    class Parser(HTMLParser):
        inside = False
        text = ""

        def handle_starttag(self, tag: str, attributes: Any) -> None:
            self.inside = tag == "script" and ("id", "data") in attributes

        def handle_data(self, data: str) -> None:
            self.text += data if self.inside else ""

    parser = Parser()
    parser.feed(page.html)
    data: dict[str, Any] = json.loads(parser.text)
    return data


def array_of(step: Step, role: str, caption: str) -> Any:
    """The array that a matrix on the page shows."""
    if role == "factor":
        assert step.factors is not None
        return dict(step.factors)[caption]
    if role == "operand":
        return step.operands[caption]
    return getattr(step, "upstream" if role == "wide" else role)


def check_cells(cells: list[Any], array: Any, precision: int) -> None:
    """Every cell holds its number: exact in its tooltip, to so many digits in its text."""
    flat = np.asarray(array).reshape(-1)
    for place, text, exact, *_ in cells:
        np.testing.assert_allclose(float(exact), float(flat[place]), rtol=1e-6, atol=1e-300)
        np.testing.assert_allclose(number(text), float(flat[place]), rtol=0.50001 * 10.0 ** (1 - precision))


@in_browser
@pytest.mark.parametrize("name", GRAPHS)
def test_every_number_on_the_page_is_that_of_the_trace(name: str, opened: Any) -> None:
    page, made = opened(GRAPHS[name]())
    operations = made.trace.view.operations
    frames = len(operations) + len(made.trace)
    for position in range(1, frames + 1):
        page.go(position)
        matrices = page.matrices()
        if position <= len(operations):
            op = operations[position - 1]
            shown = {a.tensor.name: a.tensor.value for a in op.arguments if a.tensor is not None}
            shown[op.output.name] = op.output.value
            expected = [value for value in shown.values() if value is not None]
            assert len(matrices) == len(expected)
            arrays = expected
        else:
            step = made.trace[position - 1 - len(operations)]
            arrays = [
                array_of(step, m["role"], re.sub(r" (\([\d, ]*\)|scalar)(, .*)?$", "", m["caption"])) for m in matrices
            ]
            assert {"contribution", "accumulated"} & {m["role"] for m in matrices}
            assert page.text("sentence")
            assert step.named in page.text("formulas")
            if step.accumulated is not None and step.kind != "seed":
                assert f"{step.received} of {step.expected} received" in page.text("received")
                assert (" += " in page.text("received")) == (step.received > 1)
        for matrix, array in zip(matrices, arrays, strict=True):
            assert len(matrix["cells"]) == min(np.size(array), len(matrix["cells"])) > 0
            assert np.size(array) > 144 or len(matrix["cells"]) == np.size(array)
            check_cells(matrix["cells"], array, 4)


@in_browser
@pytest.mark.parametrize("name", ["classifier", "broadcasts", "three_axes", "residual", "large"])
def test_a_click_writes_out_a_sum_that_comes_to_the_number(name: str, opened: Any) -> None:
    page, made = opened(GRAPHS[name]())
    start = len(made.trace.view.operations)
    for step in made.trace[1:]:
        page.go(start + step.index + 1)
        cells = page.run("""const cells = document.querySelectorAll("[data-role=contribution] td");
            const written = document.getElementById("written");
            const result = (cell) => [Number(cell.dataset.i), written.textContent];
            return [...cells].slice(0, 40).map((cell) => (cell.click(), result(cell)))""")
        for place, text in cells:
            name_of_it, *parts = re.split(r" = ", text)
            assert name_of_it.startswith(f"∂L/∂{step.input}")
            value = float(step.contribution.reshape(-1)[place])
            result, _, unused = parts[-1].partition(", as it is not used")
            np.testing.assert_allclose(number(result.strip("()")), value, rtol=1e-3)
            assert not unused or value == 0
            if len(parts) == 2:
                sizes = [abs(term) for term in evaluated(parts[0])]
                np.testing.assert_allclose(sum(evaluated(parts[0])), value, rtol=2e-3, atol=2e-3 * sum(sizes))


def evaluated(text: str) -> list[float]:
    """The terms of a written sum."""
    found = []
    for term in re.split(r" \+ ", text):
        rest = re.search(r"not on this page \((.*)\)$", term)
        factors = [rest[1]] if rest else term.split("·")
        found.append(float(np.prod([number(factor.strip("()")) for factor in factors])))
    return found


@in_browser
def test_an_accumulated_number_is_what_came_before_and_the_contribution(opened: Any) -> None:
    page, made = opened(residual())
    position = next(s.index for s in made.trace if s.received == 2) + len(made.trace.view.operations) + 1
    page.open(position)
    text = page.run("""document.querySelector("[data-role=accumulated] td").click();
        return document.getElementById("written").textContent""")
    left, result = text.split(" = ")[1:]
    assert sum(evaluated(left)) == pytest.approx(number(result), rel=1e-3)
    assert " + " in left


@in_browser
def test_the_keys_the_buttons_and_the_slider_go_through_the_steps(opened: Any) -> None:
    page, made = opened(classifier())
    last = len(made.trace) + len(made.trace.view.operations)
    assert page.step == 1
    assert page.text("phase") == "forward"
    right, left, home, end, space = "\ue014", "\ue012", "\ue011", "\ue010", " "
    for key, expected in ((right, 2), (right, 3), (left, 2), (end, last), (right, last), (home, 1), (left, 1)):
        page.press(key)
        page.comes_to(expected)
    for button, expected in (("next", 2), ("next", 3), ("back", 2), ("last", last), ("first", 1), ("backward", 5)):
        page.click(f"#go-{button}")
        page.comes_to(expected)
    assert page.text("phase") == "backward"
    page.click("#go-first")
    page.drag("#slider", 0.6)
    page.until("return Number(document.getElementById('slider').value) > 5")
    reached = int(page.run("return document.getElementById('slider').value"))
    page.comes_to(reached)
    assert abs(reached - (1 + 0.6 * (last - 1))) < 1, "where it was dragged to"
    page.go(7)
    page.run("document.getElementById('slider').focus()")
    page.press(right)
    page.comes_to(8)  # the slider's own keys move by one step, not by two
    assert page.run("return window.location.hash") == "#step=8"
    page.run("document.getElementById('slider').blur()")
    page.run("window.setInterval = () => 1")  # it plays, but for this test it does not go on
    for playing in (True, False):
        page.press(space)
        page.plays(playing)
    assert page.step == 8


@in_browser
def test_play_goes_on_by_itself_and_stops_at_the_end(opened: Any) -> None:
    page, made = opened(alive(microbp.tensor(2.0, requires_grad=True)).exp())
    page.run("""window.shown = [];
        const later = window.setInterval, write = history.replaceState.bind(history);
        window.setInterval = (f, ms) => later(f, ms / 60);
        history.replaceState = (...entry) => { window.shown.push(entry[2]); write(...entry); }""")
    steps = [f"#step={k + 1}" for k in range(len(made.trace) + len(made.trace.view.operations))]
    for expected in (steps[1:], steps):  # at the end, it starts anew
        page.click("#go-play")
        page.until("return window.shown.length === arguments[0]", len(expected))
        page.plays(False)
        assert page.run("return window.shown.splice(0)") == expected
    assert page.step == len(steps)


@in_browser
@pytest.mark.parametrize(("address", "expected"), [(1, 1), (6, 6), (9999, 12), (0, 1)])
def test_a_link_to_a_step_is_shown_at_once(address: int, expected: int, opened: Any) -> None:
    page, _ = opened(classifier(), address)
    assert page.step == expected
    assert page.matrices()


@in_browser
@pytest.mark.parametrize("name", ["classifier", "unrolled", "residual"])
def test_the_active_operation_is_in_view(name: str, opened: Any) -> None:
    page, made = opened(GRAPHS[name]())
    frames = data_of(made)["frames"]
    for position in range(1, len(frames) + 1, 1 if len(frames) < 60 else 7):
        page.open(position)
        seen = page.run(
            """const at = document.querySelectorAll("#graph .at");
            const box = at[0].getBoundingClientRect(), view = document.getElementById("graph").getBoundingClientRect();
            return [at.length, at[0].id, box.left >= view.left && box.right <= view.right && box.top >= view.top
                && box.bottom <= view.bottom && view.bottom <= window.innerHeight]"""
        )
        assert seen == [1, frames[position - 1]["n"][0], True]


@in_browser
def test_a_click_on_an_operation_goes_to_its_step(opened: Any) -> None:
    page, made = opened(classifier())
    page.run("""document.getElementById("op2").dispatchEvent(new MouseEvent("click", {bubbles: true}))""")
    assert page.step == 3
    page.run("""document.getElementById("op2").dispatchEvent(new MouseEvent("click", {bubbles: true}))""")
    assert data_of(made)["frames"][page.step - 1]["k"] == "product"


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_number_can_be_read_on_its_colour(scheme: str, opened: Any) -> None:
    page, made = opened(broadcasts())
    page.scheme(scheme)
    for position in range(1, len(data_of(made)["frames"]) + 1):
        page.open(position)
        for matrix in page.matrices():
            for _, _, _, fill, ink in matrix["cells"]:
                assert contrast(fill, ink) >= 4.5
    for id in ("sentence", "place", "received", "written", "counter"):
        ink = page.run("return getComputedStyle(document.getElementById(arguments[0])).color", id)
        paper = page.run("return getComputedStyle(document.body).backgroundColor")
        assert contrast(paper, ink) >= 4.5, id


@in_browser
def test_a_change_of_scheme_shows_the_same_step(opened: Any) -> None:
    page, _ = opened(classifier(), 8)
    before = page.matrices()[0]["cells"][0]
    page.scheme("dark")
    page.until("return getComputedStyle(document.querySelector('td')).backgroundColor !== arguments[0]", before[3])
    after = page.matrices()[0]["cells"][0]
    assert page.step == 8
    assert before[:3] == after[:3]


@in_browser
def test_names_stay_text(opened: Any) -> None:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    x.name = NASTY
    page, made = opened((x * x).sum(), title=NASTY)
    assert page.run("return document.scripts.length") == 2
    assert page.run("return document.querySelectorAll('b').length") == len(page.matrices())
    page.press("\ue010")
    page.comes_to(len(data_of(made)["frames"]))
    assert "</script><script>" in page.text("sentence")
    assert "{{data}}" in page.text("sentence")
    assert page.run("return document.title") == " ".join(NASTY.split())
    assert data_of(made)["frames"]


@in_browser
def test_without_graphviz_there_is_a_list_of_operations(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "dot_path", lambda: None)
    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: None)
    page, made = opened(classifier(), 8)
    assert page.run("return document.querySelectorAll('#graph svg').length") == 0
    assert page.run("return document.querySelectorAll('#graph li').length") == len(made.trace.view.operations)
    assert page.run("return document.querySelector('#graph .at').id") == data_of(made)["frames"][7]["n"][0]
    page.click("#graph li")
    page.until("return document.querySelector('#graph .at').id === 'op0'")


@in_browser
def test_where_modules_are_closed_their_box_is_marked(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepper_page, "LARGEST", 12)
    page, made = opened(residual(), 3)
    assert page.run("return document.querySelectorAll('#graph .operation').length") < len(made.trace.view.operations)
    for position in range(1, len(data_of(made)["frames"]) + 1):
        page.open(position)
        assert page.run("return document.querySelectorAll('#graph .node.at').length") == 1


@in_browser
def test_a_leaf_alone_is_a_page_of_one_step(opened: Any) -> None:
    page, _ = opened(alive(microbp.tensor(2.0, requires_grad=True)))
    assert page.text("counter") == "1 of 1"
    assert [cell[1] for cell in page.matrices()[0]["cells"]] == ["1"]


@in_browser
def test_the_notebook_frame_works(driver: Any, tmp_path: Path) -> None:
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{stepper(classifier())._repr_html_()}", encoding="utf-8")
    driver.get(path.as_uri())
    driver.switch_to.frame(0)
    page = Page(driver, path)
    assert page.step == 1
    page.click("#go-next")
    page.comes_to(2)
    assert page.failures() == []
    driver.switch_to.default_content()


@in_browser
@pytest.mark.parametrize("width", [400, 520, 1900])
def test_a_window_of_any_width_cuts_nothing_off(width: int, opened: Any) -> None:
    page, made = opened(classifier(), 8)
    page.resize(width, 900)
    try:
        for position in (1, 6, len(made.trace) + len(made.trace.view.operations)):
            page.go(position)
            assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")
            outside = page.run(
                """return [...document.querySelectorAll("header *, main p, main figure")].filter((part) => {
                    const box = part.getBoundingClientRect();
                    return box.width && (box.left < 0 || box.right > window.innerWidth);
                }).map((part) => part.outerHTML)"""
            )
            assert outside == []
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_screenshot_shows_has_the_colours_of_the_scheme(scheme: str, opened: Any, tmp_path: Path) -> None:
    page, _ = opened(classifier())
    page.scheme(scheme)
    page.open(7)
    picture = page.screenshot(tmp_path / f"{scheme}.png")
    assert picture[2, 2].mean() > 240 if scheme == "light" else picture[2, 2].mean() < 40, "the paper"
    cells = page.run("""return [...document.querySelectorAll("#matrices td")].map((cell) => {
        const box = cell.getBoundingClientRect();
        return [box.left + 3, box.top + 3, getComputedStyle(cell).backgroundColor];
    }).filter(([, y]) => y < document.getElementById("written").getBoundingClientRect().top)""")
    assert len(cells) > 12
    for x, y, fill in cells:
        expected = [int(part) for part in re.findall(r"\d+", fill)[:3]]
        np.testing.assert_allclose(picture[int(y), int(x)], expected, atol=2)
    left, top, right, bottom = page.run("""const box = document.getElementById("graph").getBoundingClientRect();
        return [box.left, box.top, box.right, box.bottom].map(Math.round)""")
    drawing = picture[top:bottom, left:right].reshape(-1, 3)
    assert len(np.unique(drawing, axis=0)) > 50, "the graph is there"
    assert (drawing.mean() > 200) if scheme == "light" else (drawing.mean() < 60)


@in_browser
def test_on_paper_nothing_is_scrolled_away_and_every_number_has_its_colour(opened: Any) -> None:
    page, _ = opened(large(), 6)
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    page.until("return window.matchMedia('print').matches")
    try:
        for part in ("#graph", "main", "figure"):
            overflow = page.run("return getComputedStyle(document.querySelector(arguments[0])).overflowX", part)
            assert overflow == "visible", part
        assert page.run("return getComputedStyle(document.querySelector('#graph svg')).filter") == "none"
        assert page.run("return getComputedStyle(document.querySelector('td')).printColorAdjust") == "exact"
        assert page.run("const main = document.querySelector('main'); return main.scrollHeight <= main.clientHeight")
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


@pytest.mark.parametrize("name", GRAPHS)
def test_every_gradient_can_be_followed_back_to_the_loss(name: str) -> None:
    frames = [frame for frame in data_of(stepper(GRAPHS[name]()))["frames"] if frame["k"] != "forward"]
    complete: dict[str, int] = {}
    for k, frame in enumerate(frames):
        shown = {part["r"]: part for part in frame["p"] if isinstance(part, dict)}
        if "upstream" in shown:
            start = "∂L/∂L" if k == 1 else shown["upstream"]["c"]
            assert shown["upstream"]["a"] == complete.get(start, complete["∂L/∂L"]), "shown when it was complete"
        if frame["k"] == "broadcast":
            before = {part["r"]: part for part in frames[k - 1]["p"] if isinstance(part, dict)}
            assert shown["wide"]["a"] == before["contribution"]["a"]
        if "earlier" in shown:
            assert shown["earlier"]["c"] == f"{frame['g']} so far"
        if "r" in frame and frame["r"][0] == frame["r"][1]:
            complete[frame["g"]] = shown["accumulated"]["a"]


# -- the file ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["classifier", "residual", "large", "broadcasts"])
def test_a_page_is_small(name: str) -> None:
    made = stepper(GRAPHS[name]())
    numbers = sum(len(array["d"]) for array in data_of(made)["arrays"])
    assert len(made.html.encode()) <= 60_000 + 12 * numbers


def test_the_page_of_thirty_layers_and_of_an_unrolled_lstm_is_below_a_megabyte() -> None:
    for build in (deep, unrolled):
        assert len(stepper(build()).html.encode()) <= 1_000_000


def test_the_page_is_one_file_that_asks_for_no_other() -> None:
    html = stepper(classifier()).html
    addresses = set(re.findall(r"https?://[^\"'\s<)]*", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|@import|\bsrc=|url\(|import\(|fetch\(", html)


def test_the_page_is_the_same_each_time() -> None:
    assert stepper(classifier()).html == stepper(classifier()).html


def test_a_page_is_saved_where_one_says(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "backprop.html"
    assert stepper(classifier()).save(path) == str(path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_names_that_no_encoding_has_can_be_saved(tmp_path: Path) -> None:
    x = microbp.ones(2, requires_grad=True)
    x.name = "half a sign: \ud83d"
    stepper(x.sum()).save(tmp_path / "backprop.html")


def test_a_title_and_digits_of_ones_own() -> None:
    made = stepper(classifier(), title="a < b", precision=8)
    assert "<title>a &lt; b</title>" in made.html
    assert data_of(made)["precision"] == 8


@pytest.mark.parametrize("option", [{"max_elems": 0}, {"precision": 0}, {"precision": 2.5}])
def test_options_that_make_no_sense_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="positive whole number"):
        stepper(classifier(), **option)


def test_of_large_tensors_there_is_a_corner() -> None:
    made = stepper(large(), max_elems=20)
    arrays = data_of(made)["arrays"]
    assert max(len(array["d"]) for array in arrays) <= 20
    assert [array["w"] for array in arrays if array["s"] == [20, 30]] == [[4, 5]] * 2, "a weight and its gradient"


def test_the_page_shows_the_same_numbers_after_backward() -> None:
    loss = residual()
    before = stepper(loss)
    loss.backward()
    assert data_of(stepper(loss)) == data_of(before)
