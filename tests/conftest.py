"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

import microbp
import microbp.nn  # so that every row is in the registry
from microbp.functions.homes import FUNCTIONS, METHODS
from tests.parity.report import Report

# The tests look at all of the package, and so at what is loaded when it is first used.
for owner, homes in ((microbp, FUNCTIONS), (microbp.Tensor, METHODS)):
    for name in " ".join(homes.values()).split():
        getattr(owner, name)

# The same examples in every run, however busy the machine is.
settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")

collect_ignore_glob = ["scripts/*.py"]  # programs for PyTorch, which `tests/test_scripts.py` runs


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--overwrite") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Report())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--overwrite", action="store_true", help="write golden files anew instead of comparing with them")


@pytest.fixture
def overwrite(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew."""
    return bool(request.config.getoption("--overwrite"))


@pytest.fixture(autouse=True)
def same_random_numbers() -> Iterator[None]:
    """Every test starts from the same seed and the usual print options, and leaves the mode as it was."""
    microbp.manual_seed(0)
    assert microbp.is_grad_enabled()
    print_options = microbp.get_printoptions()
    yield
    microbp.set_printoptions(**print_options)
    assert microbp.is_grad_enabled()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """With MICROBP_NO_SKIPS set, a skipped test is a failed one, so that no comparison goes missing unnoticed."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("MICROBP_NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though MICROBP_NO_SKIPS is set: {report.longrepr}"
