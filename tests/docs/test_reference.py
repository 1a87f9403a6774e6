"""The reference: every public name stands on one page and is documented, and every formula can be typeset."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import microbp
from microbp.ops.op import registry

ROOT = Path(microbp.__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import formulas  # noqa: E402
import public  # noqa: E402

NAMES = [name for module in public.PUBLIC for name in public.names(module).values()]
DOCUMENTED = [name for name in NAMES if name.kind != "data" and name.home.startswith("microbp")]  # not NumPy's finfo
RULES = [rule for row in registry.values() for rule in (*row.rules.values(), *row.letters.values())]


def named(module: str, listed: str) -> set[str]:
    """Names of a module, in full."""
    return {f"{module}.{name}" for name in listed.split()}


INSIDE = {"microbp.functions", "microbp.ops", "microbp.replay", "microbp.backends"}
"""Packages whose names are public under other modules, or are switches that scripts may set."""

MADE_BY_MICROBP = (
    named("microbp.viz", "Change Difference Explanation Graph MemoryTable Step Trace View look")
    | named("microbp.lab", "Finding Measured Recorder StructureReport Block")
    | named("microbp.ops", "op.Op op.op plan.Plan rule.Rule")
    | named("microbp.engine", "between collect propagate")
    | named("microbp.observer", "Observer Observers Step members together")
    | named("microbp", "errors.warn nn.RNNCellBase utils.ModelStatistics utils.data.Sampler")
    | named("microbp", "utils.checkpoint.noop_context_fn")
)
"""What users meet, but do not call: an example of it is that of the function which gives it, or the guides."""

DRAWN = named("microbp.lab", "compare plot_activations plot_decision_boundary plot_grad_flow plot_loss plot_weights")
"""What gives a picture or a page, which the gallery shows."""

NOT_THERE = {"microbp.func.vmap"} | named(
    "microbp.nn.utils.rnn",
    "PackedSequence pack_padded_sequence pack_sequence pad_packed_sequence unpack_sequence",
)
"""What only says that microbp has no such thing."""


def test_every_public_name_stands_on_one_page() -> None:
    pages = public.described()
    elsewhere = {name.full: pages.get(name.full, []) for name in NAMES if len(pages.get(name.full, [])) != 1}
    assert not elsewhere


def test_every_package_is_public_or_said_to_be_inside() -> None:
    packages = {module.name for module in pkgutil.walk_packages(microbp.__path__, "microbp.") if module.ispkg}
    assert packages - set(public.PUBLIC) == INSIDE


def test_every_public_module_has_a_place() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in public.PAGES.glob("*.rst"))
    assert sorted(re.findall(r"^\.\. py:module:: (\S+)$", pages, flags=re.MULTILINE)) == sorted(public.PUBLIC)


def test_every_home_of_public_names_lists_them() -> None:
    for module in {name.home for name in DOCUMENTED}:
        assert hasattr(importlib.import_module(module), "__all__"), module


def test_every_public_name_has_a_docstring_that_begins_with_a_sentence() -> None:
    first = {name.full: (name.value.__doc__ or "").strip().split("\n\n")[0] for name in DOCUMENTED}
    assert not [name for name, sentence in first.items() if not sentence.endswith((".", ":"))]


def referred_to(value: Any) -> Iterator[Any]:
    """What a docstring names in single quotes."""
    home = importlib.import_module(value.__module__)
    for path in re.findall(r"(?<!`)`([\w.]+)`(?!`)", value.__doc__ or ""):
        found: Any = microbp if path.startswith("microbp.") else home
        for part in path.removeprefix("microbp.").split("."):
            found = getattr(found, part, None)
        if callable(found) and found is not value:
            yield found


def has_example(value: Any, depth: int = 3) -> bool:
    """Whether there is an example in a docstring, or in that of something it refers to."""
    if ">>> " in (value.__doc__ or ""):
        return True
    return depth > 0 and any(has_example(other, depth - 1) for other in referred_to(value))


def test_every_public_function_and_class_has_an_example() -> None:
    without = {name.full for name in DOCUMENTED if name.kind != "exception" and not has_example(name.value)}
    assert without == MADE_BY_MICROBP | DRAWN | NOT_THERE


def test_every_row_is_in_the_table_of_derivatives() -> None:
    page = (public.PAGES / "derivatives.rst").read_text(encoding="utf-8")
    listed = re.findall(r"^\.\. derivatives:: (\S+)$", page, flags=re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == {row.__module__ for row in registry.values() if row.__module__.startswith("microbp.")}


def test_every_rule_is_typeset_unless_it_is_long() -> None:
    for rule in RULES:
        assert (formulas.latex(rule.formula) is None) == (len(rule.formula) > formulas.LONGEST), rule.formula


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("g * (1 - y * y)", r"g \cdot \left(1 - y \cdot y\right)"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("-g * y / b", r"\frac{-g \cdot y}{b}"),
        ("(a + b) ** 2", r"{\left(a + b\right)}^{2}"),
        ("a / 2**0.5", r"\frac{a}{\sqrt{2}}"),
        ("a.mT @ g", r"{a}^{\top} \, g"),
        ("exp(-abs(a))", r"e^{-\left|a\right|}"),
        ("(a >= b) | isnan(b)", r"a \ge b \lor \operatorname{isnan}\left(b\right)"),
        ("a & b", r"a \, \& \, b"),
        ("1e-12", r"10^{-12}"),
        ("1.0507009873554805", r"1.0507\ldots"),
        ("spread(g, shape=a_shape)", r"\operatorname{spread}\left(g, \text{shape}=\operatorname{shape}(a)\right)"),
        ("g.sum(axis=0)", r"\operatorname{sum}\left(g, \text{axis}=0\right)"),
        ("a[..., :-1]", r"a\left[\ldots, :-1\right]"),
        (
            "where(a == b, g / 2, where(a > b, g, 0))",
            r"\begin{cases} \frac{g}{2} & a = b \\ g & a > b \\ 0 & \text{otherwise} \end{cases}",
        ),
        ("the sum of all", None),
    ],
)
def test_formulas_become_latex(formula: str, latex: str | None) -> None:
    assert formulas.latex(formula) == latex


def test_a_name_that_is_not_public_is_refused() -> None:
    with pytest.raises(LookupError, match="microbp has no public name nothing"):
        public.selected("microbp", only=["nothing"])
    with pytest.raises(LookupError, match=r"microbp\.engine defines no public name of microbp\.nn"):
        public.selected("microbp.nn", homes=["microbp.engine"])
