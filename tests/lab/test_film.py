"""The film of a training, in a real browser: every frame shows the numbers of its step, every control works."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, lab, nn, optim
from microbp.errors import OptionError
from microbp.lab import Recorder
from microbp.lab.film import Looks, outputs, packed, plane, regions, spread
from microbp.lab.stacking import stack
from microbp.nn import functional as F
from tests.lab.training import checkpoint, network, ring, train
from tests.viz.browser import Page, chromium, contrast, missing, number

reason = missing()
in_browser = pytest.mark.skipif(reason is not None, reason=reason or "")

NASTY = """</script><script>window.onerror('x')</script>"'&<b>\\ {{data}} ∂"""


class Film(Page):
    """A film in a browser."""

    word = "frame"

    @property
    def step(self) -> int:
        """The frame that is shown."""
        return int(re.match(r"frame (\d+) of", self.text("counter"))[1])  # type: ignore[index]

    def cells(self, selector: str, column: int = 0) -> list[list[str]]:
        """What is in the cells of some grids of a column: text, what a click says, fill and ink."""
        found: list[list[str]] = self.run(
            """const column = document.querySelectorAll(".column")[arguments[1]];
            const detail = document.getElementById("detail");
            return [...column.querySelectorAll(arguments[0])].map((cell) => {
                cell.click();
                const style = getComputedStyle(cell);
                return [cell.textContent, detail.textContent, style.backgroundColor, style.color];
            })""",
            selector,
            column,
        )
        return found

    def numbers(self, selector: str, column: int = 0) -> list[float]:
        """The numbers behind cells, in eight digits."""
        return [number(cell[1].split(" = ")[1]) for cell in self.cells(selector, column)]

    def boundary(self, column: int = 0) -> Any:
        """The colours of the picture of the boundary, shape (grid, grid, 4), the lowest row first."""
        size, data = self.run(
            """const canvas = document.querySelectorAll(".column")[arguments[0]].querySelector("canvas");
            const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return [canvas.width, [...image.data]]""",
            column,
        )
        return np.array(data).reshape(size, size, 4)[::-1]


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with chromium() as driver:
        yield driver


@pytest.fixture
def opened(driver: Any) -> Iterator[Callable[..., Film]]:
    pages: list[Film] = []

    def open_page(path: str | Path, frame: int | None = None) -> Film:
        page = Film(driver, Path(path))
        page.scheme("light")
        page.open(frame)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        assert page.failures() == []


def recorded(steps: int = 5, **options: Any) -> tuple[Recorder, list[dict[str, Any]]]:
    """A short training with a checkpoint at each step."""
    model = network()
    optimizer = optim.SGD(optim.layer_groups(model, {"0": 0.5}), lr=0.25)
    rec = lab.watch(model, optimizer, data=ring(), **options)
    kept: list[dict[str, Any]] = []
    train(model, optimizer, steps, rec, lambda: kept.append(checkpoint(model)))
    rec.close()
    return rec, kept


@in_browser
def test_every_frame_shows_the_checkpoint_taken_at_its_step(opened: Any, tmp_path: Path) -> None:
    rec, kept = recorded()
    history = rec.history
    page = opened(rec.film(tmp_path / "film.html"))
    for k in range(5):
        page.open(k + 1)
        assert page.text("counter") == f"frame {k + 1} of 5, step {k}"
        assert f"step {k}, loss {history['loss'][k]:.5g}" in page.run(
            "return document.querySelector('.summary').textContent"
        )
        for name, array in kept[k].items():
            where = f'[data-parameter="{name}"]'
            shown = page.cells(f'{where} [data-role="weights"] td')
            flat = array.reshape(-1)
            for (text, detail, *_), value in zip(shown, flat, strict=True):
                assert number(detail.split(" = ")[1]) == pytest.approx(float(value), rel=1e-7)
                assert number(text) == pytest.approx(float(value), abs=0.00051)
            assert shown[0][1].startswith(f"{name}[0")
            before = kept[max(k - 1, 0)][name].reshape(-1)
            change = page.numbers(f'{where} [data-role="change"] td')
            np.testing.assert_allclose(change, flat.astype(float) - before, rtol=1e-6, atol=1e-12)
            grads = page.numbers(f'{where} [data-role="grads"] td')
            np.testing.assert_allclose(grads, history[f"grads/{name}"][k].reshape(-1), rtol=2e-5)
        for name in ("0", "1", "4"):
            outputs = page.numbers(f'[data-output="{name}"] td')
            np.testing.assert_allclose(outputs, history[f"acts/{name}"][k][:8].reshape(-1), rtol=2e-5)


@in_browser
def test_the_boundary_is_coloured_by_the_side_that_the_output_is_on(opened: Any, tmp_path: Path) -> None:
    rec, _ = recorded(12, grid=16)
    page = opened(rec.film(tmp_path / "film.html"))
    sides = set()
    for k in (0, 5, 11):
        page.open(k + 1)
        picture = page.boundary()
        above = rec.history["boundary"][k] > 0
        np.testing.assert_array_equal(picture[..., 0] > picture[..., 2], above)  # more red than blue
        sides.add(above.tobytes())
        line = page.run("return document.querySelector('.edge').getAttribute('d')")
        assert bool(line) == (0 < above.sum() < above.size)
    assert len(sides) > 1
    assert page.run("return document.querySelectorAll('.boundary circle').length") == int(
        (ring()[1].numpy() == 0).sum()
    )
    assert page.run("return document.querySelectorAll('.boundary polygon').length") == int(ring()[1].numpy().sum())


@in_browser
def test_three_classes_have_three_colours(opened: Any, tmp_path: Path) -> None:
    model = nn.Linear(2, 3)
    x = ring()[0]
    labels = microbp.arange(20) % 3
    rec = lab.watch(model, data=(x, labels), grid=8)
    rec.step(F.cross_entropy(model(x), labels))
    page = opened(rec.film(tmp_path / "film.html"))
    winners = rec.history["boundary"][0].argmax(-1)
    picture = page.boundary()[..., :3].astype(float)
    hues = np.array([[0, 114, 178], [213, 94, 0], [0, 158, 115]])
    away = np.array([246, 248, 250]) - picture
    nearest = [
        [np.argmin([np.linalg.norm(a / np.linalg.norm(a) - b / np.linalg.norm(b)) for b in 250 - hues]) for a in row]
        for row in away
    ]
    assert len(set(winners.reshape(-1).tolist())) > 1
    np.testing.assert_array_equal(nearest, winners)


def test_a_class_without_points_keeps_its_number() -> None:
    model = nn.Linear(2, 3)
    labels = microbp.arange(20) % 2 + 1
    rec = lab.watch(model, data=(ring()[0], labels), grid=8)
    rec.step(1.0)
    assert rec.history["boundary"].shape == (1, 8, 8, 3)
    assert plane(rec.run.plane, rec.run.records, None)["classes"] == labels.tolist()


@in_browser
def test_the_keys_the_buttons_and_the_slider_go_through_the_frames(opened: Any, tmp_path: Path) -> None:
    rec, _ = recorded()
    page = opened(rec.film(tmp_path / "film.html"))
    assert page.step == 1
    right, left, home, end, space = "\ue014", "\ue012", "\ue011", "\ue010", " "
    for key, expected in ((right, 2), (right, 3), (left, 2), (end, 5), (right, 5), (home, 1), (left, 1)):
        page.press(key)
        page.comes_to(expected)
    for button, expected in (("next", 2), ("next", 3), ("back", 2), ("last", 5), ("first", 1)):
        page.click(f"#go-{button}")
        page.comes_to(expected)
    page.run("""const slider = document.getElementById("slider"); slider.value = 3;
        slider.dispatchEvent(new Event("input"))""")
    assert page.step == 3
    assert page.run("return window.location.hash") == "#frame=3"
    page.run("document.getElementById('slider').focus()")
    page.press(right)
    page.comes_to(4)  # the slider's own keys move by one frame, not by two
    page.run("document.getElementById('slider').blur(); window.setInterval = () => 1")
    for playing in (True, False):
        page.press(space)
        page.plays(playing)
    assert page.step == 4


@in_browser
def test_the_overview_stays_in_view_while_the_matrices_scroll(opened: Any, tmp_path: Path) -> None:
    rec, _ = recorded()
    page = opened(rec.film(tmp_path / "film.html"))
    for scrolled in (0, 100):
        page.run("window.scrollTo(0, arguments[0])", scrolled)
        assert page.run("return window.scrollY") == scrolled
        assert 40 <= page.run("return document.querySelector('.summary').getBoundingClientRect().top") < 80


@in_browser
def test_play_goes_on_by_itself_and_stops_at_the_end(opened: Any, tmp_path: Path) -> None:
    rec, _ = recorded()
    page = opened(rec.film(tmp_path / "film.html"))
    page.run("const later = window.setInterval; window.setInterval = (f, ms) => later(f, ms / 60)")
    page.click("#go-play")
    page.comes_to(5)
    page.plays(False)


@in_browser
@pytest.mark.parametrize(("address", "expected"), [(1, 1), (4, 4), (9999, 5), (0, 1)])
def test_a_link_to_a_frame_is_shown_at_once(address: int, expected: int, opened: Any, tmp_path: Path) -> None:
    rec, _ = recorded()
    assert opened(rec.film(tmp_path / "film.html"), address).step == expected


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_number_can_be_read_on_its_colour(scheme: str, opened: Any, tmp_path: Path) -> None:
    rec, _ = recorded()
    page = opened(rec.film(tmp_path / "film.html"))
    page.scheme(scheme)
    page.click("#numbers")
    page.until("return document.querySelectorAll('table:not(.wide)').length === 0")
    for frame in (1, 3, 5):
        page.go(frame)
        for text, _, fill, ink in page.cells("td"):
            assert text
            assert contrast(fill, ink) >= 4.5
    paper = page.run("return getComputedStyle(document.body).backgroundColor")
    for selector in (".summary", ".rates", ".note", "figcaption", "th", "#counter", "#detail", ".legend"):
        ink = page.run("return getComputedStyle(document.querySelector(arguments[0])).color", selector)
        assert contrast(paper, ink) >= 4.5, selector


@in_browser
@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_is_no_wider_than_its_window_and_every_control_is_in_it(
    width: int, columns: int, opened: Any, tmp_path: Path
) -> None:
    rec, _ = recorded()
    page = opened(lab.compare({f"training {k}": rec for k in range(columns)}, tmp_path / "page.html"))
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.open(3)
        assert page.run("return document.documentElement.scrollWidth") <= width
        for selector in ("button", "#slider", "#counter", "#numbers"):
            edges = page.run(
                """return [...document.querySelectorAll(arguments[0])].map((part) => part.getBoundingClientRect())
                    .flatMap((box) => [box.left, box.right])""",
                selector,
            )
            assert 0 <= min(edges) < max(edges) <= width, selector
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@in_browser
def test_columns_of_a_comparison_share_one_slider(opened: Any, tmp_path: Path) -> None:
    every, _ = recorded(6)
    second, _ = recorded(6, log_freq=2)
    page = opened(lab.compare({"every step": every, NASTY: second}, tmp_path / "compare.html"))
    assert page.run("return [...document.querySelectorAll('h2')].map((h) => h.textContent)") == ["every step", NASTY]
    assert page.run("return document.querySelectorAll('input[type=range]').length") == 1
    for frame in range(1, 7):
        page.open(frame)
        steps = page.run(
            "return [...document.querySelectorAll('.summary')].map((p) => parseInt(p.textContent.slice(5)))"
        )
        assert steps == [frame - 1, 2 * ((frame - 1) // 2)]
        for column, rec in enumerate((every, second)):
            shown = page.numbers('[data-parameter="2.weight"] [data-role="weights"] td', column)
            at = rec.run.latest(steps[column])
            np.testing.assert_allclose(shown, rec.history["weights/2.weight"][at].reshape(-1), rtol=1e-6)
    assert page.run("return document.querySelectorAll('.column:first-child polyline').length") == 2


class Odd(nn.Module):
    """Parameters without dimensions and with three, a name that is markup, an output without dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.scalar = nn.Parameter(microbp.tensor(2.0))
        self.cube = nn.Parameter(microbp.arange(24).reshape(2, 3, 4) / 10)
        self.register_parameter("<b>&{{data}}", nn.Parameter(microbp.ones(2)))
        self.wide = nn.Linear(60, 50)

    def forward(self, x: Tensor) -> Tensor:
        return self.wide(x).sum() * self.scalar + self.cube.sum()


@in_browser
def test_odd_shapes_large_matrices_and_names_are_shown(opened: Any, tmp_path: Path) -> None:
    model = Odd()
    rec = lab.watch(model)
    loss = model(microbp.ones(3, 60))
    loss.backward()
    rec.step(loss)
    page = opened(rec.film(tmp_path / "film.html", title=NASTY))
    assert page.run("return document.title") == NASTY
    assert page.run("return document.scripts.length") == 2
    assert page.run("return document.querySelectorAll('b').length") == 0
    headings = page.run("return [...document.querySelectorAll('h3')].map((h) => h.textContent)")
    assert headings[:5] == [
        "scalar (1)",
        "cube (2 × 3 × 4)",
        "<b>&{{data}} (2)",
        "wide.weight (50 × 60)",
        "wide.bias (50)",
    ]
    assert page.numbers('[data-parameter="scalar"] [data-role="weights"] td') == [2.0]
    np.testing.assert_allclose(
        page.numbers('[data-parameter="cube"] [data-role="weights"] td'), np.arange(24) / 10, rtol=1e-7
    )
    large = page.cells('[data-parameter="wide.weight"] [data-role="weights"] td')
    assert len(large) == 32 * 32
    assert "its first 32 × 32" in page.run(
        "return document.querySelector('[data-parameter=\"wide.weight\"] figcaption').textContent"
    )
    np.testing.assert_allclose(
        [number(cell[1].split(" = ")[1]) for cell in large],
        rec.history["weights/wide.weight"][0, :32, :32].reshape(-1),
        rtol=1e-6,
    )
    assert {cell[0] for cell in page.cells('[data-parameter="<b>&{{data}}"] [data-role="weights"] td')} == {"1.000"}
    assert not page.cells('[data-parameter="<b>&{{data}}"] [data-role="grads"] td'), "it has no gradient"


@in_browser
def test_arrays_without_elements_are_shown_as_empty(opened: Any, tmp_path: Path) -> None:
    model = nn.Linear(2, 3)
    model.rows = nn.Parameter(microbp.zeros(0, 3))
    model.columns = nn.Parameter(microbp.zeros(3, 0))
    rec = lab.watch(model)
    for count in (0, 2):
        loss = model(microbp.ones(count, 2)).sum()
        loss.backward()
        rec.step(loss)
    page = opened(rec.film(tmp_path / "film.html"), 1)
    headings = page.run("return [...document.querySelectorAll('h3')].map((h) => h.textContent)")
    assert {"rows (0 × 3)", "columns (3 × 0)"} <= set(headings)
    assert not page.cells('[data-parameter="rows"] td')
    assert len(page.cells('[data-parameter="weight"] [data-role="weights"] td')) == 6


@in_browser
def test_every_cell_says_its_place_in_an_array_of_any_number_of_dimensions(opened: Any, tmp_path: Path) -> None:
    model = nn.Conv2d(2, 3, 2)
    rec = lab.watch(model)
    loss = model(microbp.randn(2, 2, 3, 3)).sum()
    loss.backward()
    rec.step(loss)
    page = opened(rec.film(tmp_path / "film.html"))
    weight = rec.history["weights/weight"][0]
    cells = page.cells('[data-parameter="weight"] [data-role="weights"] td')
    for (_, detail, *_), (index, value) in zip(cells, np.ndenumerate(weight), strict=True):
        place, _, shown = detail.partition(" = ")
        assert place == f"weight[{','.join(map(str, index))}]"
        assert number(shown) == pytest.approx(float(value), rel=1e-7)
    heads = page.run(
        """return [...document.querySelectorAll('[data-parameter="weight"] [data-role="weights"] tr')]
            .map((row) => [row.firstChild.textContent, row.className])"""
    )
    assert [head for head, _ in heads[1:]] == [",".join(map(str, index)) for index in np.ndindex(3, 2, 2)]
    assert [name for _, name in heads[1:]] == ["", "", *["apart", ""] * 5], "each kernel stands for itself"
    tops = page.run(
        """return [...document.querySelectorAll('[data-parameter="weight"] table')].map((table) =>
            [...table.rows].slice(1).map((row) => row.getBoundingClientRect().top))"""
    )
    for other in tops[1:]:
        np.testing.assert_allclose(other, tops[0], atol=1, err_msg="what stands side by side stands on one line")
    cells = page.cells('[data-output="Conv2d"] td')
    for (_, detail, *_), (index, _) in zip(cells, np.ndenumerate(rec.history["acts/Conv2d"][0]), strict=True):
        sample, *unit = index
        assert detail.startswith(f"output [{','.join(map(str, unit))}] of Conv2d for sample {sample} = ")


@in_browser
def test_a_matrix_without_a_number_is_not_called_0(opened: Any, tmp_path: Path) -> None:
    model = nn.Linear(2, 1, bias=False)
    rec = lab.watch(model)
    for gradient in ([0.0, 0.0], [math.nan, math.nan], [math.inf, 0.0], [1.0, 0.0]):
        model.weight.grad = microbp.tensor([gradient])
        rec.step(1.0)
    page = opened(rec.film(tmp_path / "film.html"))
    for frame, expected in enumerate(("all 0", "no numbers", "infinite", "±1"), 1):
        page.open(frame)
        caption = page.run("return document.querySelector('[data-role=\"grads\"] figcaption').textContent")
        assert caption == f"gradient · {expected}"


@in_browser
@pytest.mark.parametrize(
    ("outputs", "expected"),
    [(1, "the line: output 0"), (2, "the line: both outputs are equal"), (3, "the class with the largest output")],
)
def test_the_caption_of_the_boundary_says_where_it_runs(
    outputs: int, expected: str, opened: Any, tmp_path: Path
) -> None:
    model = nn.Linear(2, outputs)
    with microbp.no_grad():
        model.weight.copy_(microbp.tensor([[1.0, 2.0], [2.0, -1.0], [-3.0, 1.0]])[:outputs])
    rec = lab.watch(model, data=ring(), grid=8)
    rec.step(1.0)
    page = opened(rec.film(tmp_path / "film.html"))
    assert page.run("return document.querySelector('.boundary figcaption').textContent").endswith(f"; {expected}")


@in_browser
def test_numbers_that_are_not_finite_are_shown_as_such(opened: Any, tmp_path: Path) -> None:
    model = nn.Linear(2, 2, bias=False)
    rec = lab.watch(model, data=ring()[0])
    with microbp.no_grad():
        for values in ([[1.0, 2.0], [3.0, 4.0]], [[math.inf, -math.inf], [math.nan, 1e-30]]):
            model.weight.copy_(microbp.tensor(values))
            rec.step(values[0][0])
    page = opened(rec.film(tmp_path / "film.html"), 2)
    assert [cell[0] for cell in page.cells('[data-role="weights"] td')] == ["∞", "−∞", "–", "1e−30"]
    assert "loss ∞" in page.run("return document.querySelector('.summary').textContent")


@in_browser
def test_a_loss_that_is_nan_is_called_so_and_drawn_nowhere(opened: Any, tmp_path: Path) -> None:
    rec = lab.watch(nn.Linear(2, 1))
    for loss in (0.5, math.nan):
        rec.step(loss)
    lost = lab.watch(nn.Linear(2, 1))
    lost.step(math.nan)
    page = opened(rec.film(tmp_path / "film.html"), 2)
    assert page.run("return document.querySelector('.summary').textContent") == "step 1, loss NaN"
    visible = "return getComputedStyle(document.querySelector('.loss circle')).visibility"
    assert page.run(visible) == "hidden"
    page.press("\ue012")
    assert page.run(visible) == "visible"
    page = opened(lost.film(tmp_path / "lost.html"))
    assert page.run("return [...document.querySelectorAll('.loss text')].map((text) => text.textContent)") == [
        "step 0",
        "1",
    ]


# -- without a browser -----------------------------------------------------------------------


def test_a_hundred_frames_of_a_small_network_take_less_than_a_megabyte(tmp_path: Path) -> None:
    model = network(16)
    optimizer = optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    rec = lab.watch(model, optimizer, data=ring())
    train(model, optimizer, 300, rec)
    path = Path(rec.film(tmp_path / "film.html"))
    assert path.stat().st_size <= 1_000_000
    assert '"steps":[0,3,6,' in path.read_text(encoding="utf-8")


def test_the_page_asks_for_nothing_outside_itself(tmp_path: Path) -> None:
    rec, _ = recorded(2)
    page = Path(rec.film(tmp_path / "new" / "film.html")).read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\s\"'<]+", page) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<link|<img|<iframe|@import|url\(|import\(|fetch\(|\bsrc=", page)


def test_frames_are_spread_evenly_from_the_first_record_to_the_last() -> None:
    assert spread(5, 10).tolist() == [0, 1, 2, 3, 4]
    assert spread(101, 11).tolist() == list(range(0, 101, 10))
    assert spread(7, 1).tolist() == [0]


def test_packed_numbers_are_exact_in_four_bytes_and_right_to_four_digits_in_three() -> None:
    values = np.array([[0.1, -1e-30, 3e38, 1.9999999, np.inf, -np.inf, 0.0]], dtype=np.float32)
    for width, tolerance in ((4, 0.0), (3, 1.6e-5)):
        raw = np.frombuffer(base64.b64decode(packed([values, None], 1, 7, width) or ""), np.uint8).reshape(-1, width)
        whole = np.pad(raw, ((0, 0), (0, 4 - width))).copy().view(">f4").astype(np.float32).reshape(2, 7)
        np.testing.assert_allclose(whole[0], values[0], rtol=tolerance)
        assert np.isnan(whole[1]).all()
    assert packed([None, None], 1, 7, 4) is None


@pytest.mark.parametrize(
    ("outputs", "threshold", "middle"),
    [([0.1, 0.9], None, 0.5), ([-3.0, 4.0], None, 0.0), ([-3.0, 4.0], 1.5, 1.5), ([0.1, 0.9], 0.2, 0.2)],
)
def test_the_boundary_runs_at_the_threshold(outputs: list[float], threshold: float | None, middle: float) -> None:
    found = regions(np.array(outputs).reshape(1, 1, 2), threshold)
    levels = list(base64.b64decode(found["levels"]))
    assert found["middle"] == middle
    assert [level > 127 for level in levels] == [value > middle for value in outputs]


def test_outputs_of_several_sizes_have_each_number_at_its_place() -> None:
    arrays = [np.arange(12.0).reshape(2, 3, 2), np.arange(8.0).reshape(1, 2, 4), np.arange(4.0).reshape(2, 2), None]
    records = [{} if array is None else {"acts/0": array} for array in arrays]
    found = outputs("0", records, Looks(frames=4, max_elems=1000, samples=2, threshold=None, title=""))
    assert (found["shape"], found["corner"], found["of"]) == ((2, 3, 4), [2, 12], [3, 4])
    raw = np.frombuffer(base64.b64decode(found["values"]), np.uint8).reshape(-1, 3)
    values = np.pad(raw, ((0, 0), (0, 1))).copy().view(">f4").reshape(4, 2, 3, 4)
    np.testing.assert_array_equal(values, stack([*arrays[:3], np.full((2, 3, 4), np.nan)]))


def test_of_two_outputs_the_larger_one_wins() -> None:
    found = regions(np.array([[[[1.0, 3.0], [2.0, 1.0]]]]), None)
    assert [level > 127 for level in base64.b64decode(found["levels"])] == [True, False]


def test_films_of_nothing_and_senseless_options_are_refused(tmp_path: Path) -> None:
    rec, _ = recorded(1)
    empty = lab.watch(network())
    with pytest.raises(OptionError, match=r"nothing was recorded; call rec.step\(loss\)"):
        empty.film(tmp_path / "film.html")
    with pytest.raises(OptionError, match="nothing was recorded of 'b'"):
        lab.compare({"a": rec, "b": empty}, tmp_path / "compare.html")
    with pytest.raises(OptionError, match="at least one recorder"):
        lab.compare({}, tmp_path / "compare.html")
    for given in ([rec], {1: rec}, {"model": nn.Linear(2, 1)}):
        with pytest.raises(OptionError, match="takes recorders by their names"):
            lab.compare(given, tmp_path / "compare.html")
    for name in ("frames", "max_elems", "samples"):
        with pytest.raises(OptionError, match=f"positive whole number as {name}, got 0"):
            rec.film(tmp_path / "film.html", **{name: 0})  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
