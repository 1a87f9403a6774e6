"""A headless Chromium that opens the pages of the tests, or the reason why there is none."""

from __future__ import annotations

import importlib.util
import math
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

HANDLE = 16  # about the width of a slider's handle, in pixels
PATIENCE = 60  # seconds; a page answers in milliseconds, but not on a machine that has other work

WATCH = """
window.failures = [];
window.onerror = (message) => { window.failures.push(message); };
window.addEventListener("unhandledrejection", (event) => window.failures.push(String(event.reason)));
const request = (...what) => { window.failures.push("the page asked for " + what.join(" ")); };
window.fetch = request;
window.XMLHttpRequest = function () { this.open = request; };
"""


def found(*names: str) -> str | None:
    """Where a program is, by any of its names."""
    return next((path for path in map(shutil.which, names) if path), None)


def missing() -> str | None:
    """What is missing, if anything is."""
    if importlib.util.find_spec("selenium") is None:
        return "selenium is not installed: pip install selenium"
    if found("chromium", "chromium-browser", "google-chrome") is None or found("chromedriver") is None:
        return "no browser is installed: apt install chromium chromium-driver"
    return None


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def number(text: str) -> float:
    """A number as a page shows it."""
    known = {"–": math.nan, "∞": math.inf, "−∞": -math.inf}
    return known[text] if text in known else float(text.replace("−", "-"))


@contextmanager
def chromium() -> Iterator[Any]:
    """A driver of a new browser, which collects the script errors of every page."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = found("chromium", "chromium-browser", "google-chrome") or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(flag)
    # Tests go through the steps faster than a browser expects of a person, and would be slowed down.
    options.add_argument("--disable-ipc-flooding-protection")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(found("chromedriver")))
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """A page of the stepper in a browser.

    What a page does after an event, such as a click, a key, a timer or a change of the window or the scheme, it does in
    its own time. So tests ask `until` or `comes_to` for what they expect, and never for what is there at once.
    """

    word = "step"  # in the address

    def __init__(self, driver: Any, path: Path) -> None:
        self.driver = driver
        self.path = path

    def open(self, step: int | None = None) -> None:
        """Load the page anew, at a step."""
        self.driver.get("about:blank")
        self.driver.get(self.path.as_uri() + ("" if step is None else f"#{self.word}={step}"))

    def go(self, step: int) -> None:
        """Follow a link to a step of the page that is open."""
        self.run("window.location.hash = arguments[0]", f"#{self.word}={step}")
        self.comes_to(step)

    def scheme(self, name: str) -> None:
        """Light or dark."""
        feature = {"name": "prefers-color-scheme", "value": name}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        self.until("return window.matchMedia(arguments[0]).matches", f"(prefers-color-scheme: {name})")

    def resize(self, width: int, height: int) -> None:
        """Give the page another size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.until("return window.innerWidth === arguments[0] && window.innerHeight === arguments[1]", width, height)

    def until(self, script: str, *arguments: Any) -> Any:
        """What a script returns, once it is true."""
        from selenium.webdriver.support.ui import WebDriverWait

        waiting = WebDriverWait(self.driver, PATIENCE, poll_frequency=0.01)
        return waiting.until(lambda _: self.run(script, *arguments), f"never true: {script} {arguments}")

    def comes_to(self, step: int) -> None:
        """Wait until a step is shown."""
        from selenium.webdriver.support.ui import WebDriverWait

        waiting = WebDriverWait(self.driver, PATIENCE, poll_frequency=0.01)
        waiting.until(lambda _: self.step == step, f"never at {step}")

    def plays(self, expected: bool) -> None:
        """Wait until the page plays, or does not."""
        self.until(
            "return document.getElementById('go-play').getAttribute('aria-pressed') === arguments[0]",
            str(expected).lower(),
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def text(self, id: str) -> str:
        """The text of an element."""
        return str(self.run("return document.getElementById(arguments[0]).textContent", id))

    def click(self, selector: str) -> None:
        """Click an element."""
        self.driver.find_element("css selector", selector).click()

    def drag(self, selector: str, share: float) -> None:
        """Take the handle of a slider that is at its lowest value, and pull it along a share of the way."""
        from selenium.webdriver.common.action_chains import ActionChains

        slider = self.driver.find_element("css selector", selector)
        self.until("const it = document.querySelector(arguments[0]); return it.value === it.min", selector)
        way = slider.size["width"] - HANDLE
        start = ActionChains(self.driver).move_to_element_with_offset(slider, -way // 2, 0).click_and_hold()
        start.move_by_offset(round(way * share), 0).release().perform()

    def screenshot(self, path: Path) -> Any:
        """A picture of the window, shape (height, width, 3), values from 0 to 255; it is kept in a file."""
        from matplotlib import image

        self.driver.save_screenshot(str(path))
        return np.round(image.imread(path)[..., :3] * 255)

    def press(self, key: str) -> None:
        """Press a key, wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    @property
    def step(self) -> int:
        """The step that is shown."""
        return int(self.text("counter").split(" of ")[0])

    def matrices(self) -> list[dict[str, Any]]:
        """The matrices that are shown: role, caption, and of each cell place, text, exact value and colours."""
        found: list[dict[str, Any]] = self.run(
            """return [...document.querySelectorAll("#matrices figure")].map((figure) => ({
                role: figure.dataset.role,
                caption: figure.querySelector("figcaption span").textContent,
                cells: [...figure.querySelectorAll("td")].map((cell) => [
                    Number(cell.dataset.i), cell.textContent, cell.title,
                    getComputedStyle(cell).backgroundColor, getComputedStyle(cell).color]),
            }))"""
        )
        return found

    def failures(self) -> list[str]:
        """Script errors, requests, and what the browser complained about."""
        logged = [entry["message"] for entry in self.driver.get_log("browser")]
        return [*self.run("return window.failures"), *logged]
