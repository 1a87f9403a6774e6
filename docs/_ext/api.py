"""What the reference adds to Sphinx: names by the module that defines them, methods of tensors, derivatives.

``.. api:: microbp`` with ``:from: microbp.functions.creation`` describes what that module contributes to `microbp`:
first in a table, then each by its docstring. Rows, which are no functions of Python, get their formulas as well.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from formulas import forward_of, gradient_of, letters_of
from public import PUBLIC, Name, described, main_names, names, other_name, selected
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.intersphinx import InventoryAdapter
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import microbp
from microbp.label import numpy_name
from microbp.methods import Methods
from microbp.ops.docstring import formulas
from microbp.ops.op import Op, registry
from microbp.ops.rule import Rule

logger = logging.getLogger(__name__)


class Written(SphinxDirective):
    """A directive that stands for reST which it writes."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        container = nodes.section()
        container.document = self.state.document
        lines = StringList(list(self.lines()), source=f"<{self.name}>")
        self.state.nested_parse(lines, self.content_offset, container, match_titles=True)
        return container.children

    def lines(self) -> Iterator[str]:
        """The reST."""
        raise NotImplementedError


class Api(Written):
    """The names of a module, or of a part of it, with their docstrings."""

    required_arguments = 1
    option_spec = {"from": directives.unchanged, "names": directives.unchanged}

    def lines(self) -> Iterator[str]:
        module = self.arguments[0]
        chosen = selected(module, self.options.get("from", "").split(), self.options.get("names", "").split())
        yield from (f".. py:currentmodule:: {module}", "")
        yield from table((f":py:obj:`~{name.full}`", said_of(name)) for name in chosen)
        for name in chosen:
            yield from entry(name)


def table(rows: Iterable[tuple[str, ...]], *, widths: str = "30 70", kind: str = "names") -> Iterator[str]:
    """A table without a head, each cell in one line of reST."""
    yield from (".. list-table::", f"   :widths: {widths}", f"   :class: {kind}", "")
    for row in rows:
        for start, cell in zip(("* -", *("  -" for _ in row[1:])), row, strict=True):
            yield f"   {start} {cell}".rstrip()
    yield ""


def said_of(name: Name) -> str:
    """What the table says of a name."""
    other = other_name(name)
    if other is not None:
        return f"The same as :py:obj:`{other.full}`."
    return comment_of(name) or f"``{name.value!r}``" if name.kind == "data" else name.summary


def comment_of(name: Name) -> str:
    """What the source says below the definition of a constant."""
    lines = ModuleAnalyzer.for_module(name.module).find_attr_docs().get(("", name.name), ())
    return " ".join(line for line in lines if line)


def entry(name: Name) -> Iterator[str]:
    """The description of a name."""
    other = other_name(name)
    if other is not None:
        arguments = "" if name.kind in {"class", "exception"} else signature(name.value)
        yield f".. py:{name.kind}:: {name.full}{arguments}"
        if name.kind == "exception":
            yield "   :no-index:"  # docstrings name exceptions without their module: there must be one of each name
        yield from ("", f"   The same as :py:obj:`{other.full}`.", "")
    elif name.kind == "data":
        yield from (f".. py:data:: {name.full}", "", f"   {said_of(name)}", "")
    else:
        yield f".. auto{name.kind}:: {name.full}"
        if name.kind == "class":
            yield "   :members:"
        yield ""


def signature(function: Any) -> str:
    """The arguments of a function, as a page shows them."""
    try:
        found = inspect.signature(function)
    except ValueError:
        return "()"
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in found.parameters.values()]
    return str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))


class TensorMethods(Written):
    """The methods that tensors have from elsewhere: those that are functions too, those in place, and the others."""

    def lines(self) -> Iterator[str]:
        functions, in_place, others = methods()
        yield from heading("Methods that are functions too")
        yield from ("``x.exp()`` is ``microbp.exp(x)``: the same function, with the tensor as its first argument.", "")
        links = (f":py:obj:`x.{method}() <{function}>`" for method, function in functions.items())
        yield from (", ".join(links), "")
        yield from heading("Operations in place")
        yield from (
            "Each writes its result into the tensor and returns the tensor. The graph is told: what needs the old "
            "values for its gradient is refused, with the place of the write.",
            "",
        )
        links = (f":py:obj:`x.{method}() <{function}>`" for method, function in in_place.items())
        yield from (", ".join(links), "")
        yield from heading("Further methods")
        for method in others:
            yield from (f".. automethod:: microbp.Tensor.{method}", "")


def heading(text: str) -> tuple[str, ...]:
    """The heading of a section."""
    return text, "-" * len(text), ""


def methods() -> tuple[dict[str, str], dict[str, str], list[str]]:
    """The methods of tensors: by name the function that each is, the function whose result it writes, and the rest."""
    main = {number: name.full for number, name in main_names().items()}
    functions, in_place, others = {}, {}, []
    for method in sorted(name for name in vars(Methods) if not name.startswith("_")):
        plain = names("microbp").get(method.removesuffix("_"))
        if id(getattr(Methods, method)) in main:
            functions[method] = main[id(getattr(Methods, method))]
        elif method.endswith("_") and plain is not None:
            in_place[method] = main.get(id(plain.value), plain.full)
        else:
            others.append(method)
    return functions, in_place, others


class Derivatives(Written):
    """The rows of a module of `microbp.ops`: the forward of each, and the rule of each argument."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        module = self.arguments[0]
        importlib.import_module(module)
        rows = [row for row in registry.values() if row.__module__ == module]
        if not rows:
            raise self.error(f"{module} has no rows")
        cells = ((called(row), line_block(forward(row)), line_block(rules(row))) for row in rows)
        yield from (".. list-table::", "   :widths: 16 34 50", "   :class: derivatives", "   :header-rows: 1", "")
        for row in (("operation", "forward", "gradient"), *cells):
            for start, cell in zip(("* -", "  -", "  -"), row, strict=True):
                first, *more = cell.split("\n")
                yield f"   {start} {first}"
                yield from (f"       {line}" for line in more)
        yield ""


def line_block(lines: list[str]) -> str:
    """Lines, each kept as one."""
    return "\n".join(f"| {line}" for line in lines)


def called(row: Op) -> str:
    """A row by its name, linked to where it is described, if it is public, or else the function that calls it."""
    namesakes = [names(module).get(row.name) for module in ("microbp", "microbp.nn.functional", "microbp.linalg")]
    public = [main_names().get(id(row)), *namesakes]
    link = next((name.full for name in public if name is not None), None)
    return f"``{row.name}``" if link is None else f":py:obj:`{row.name} <{link}>`"


def typeset(latex: str | None, text: str) -> str:
    """A formula; as it stands in the source, if it cannot be typeset."""
    return f"``{text}``" if latex is None else f":math:`{latex}`"


def forward(row: Op) -> list[str]:
    """The forward of a row, and the letters of its rules that stand for more."""
    letters = [typeset(latex, formula) for formula, latex in letters_of(row)]
    return [typeset(forward_of(row), row.formula), *(f"with {letter}" for letter in letters)]


def rules(row: Op) -> list[str]:
    """The rules of a row."""
    return [rule_line(rule) for rule in row.rules.values()] or ["no gradient"]


def rule_line(rule: Rule) -> str:
    """The rule of one argument."""
    return typeset(gradient_of(rule), f"dL/d{rule.argument} = {rule.formula}")


def add_formulas(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Typeset the formulas of a row, below its first lines, and put links to the other libraries' twins at the end."""
    if isinstance(obj, Op):
        as_text = set(formulas(obj))
        lines[:] = [line for line in lines if line.strip() not in as_text]
        end = next((k for k, line in enumerate(lines) if line.startswith((":", ".. "))), len(lines))
        block = ["", *(f"| {line}" for line in [*forward(obj), *rules(obj)]), ""]
        lines[end:end] = block
    twins = [twin for twin in (numpy_twin(obj), torch_twin(app.env, name)) if twin]
    if twins:
        lines += ["", f"See also {' and '.join(twins)}.", ""]


def numpy_twin(obj: Any) -> str | None:
    """A link to the NumPy function for which a row stands."""
    if not isinstance(obj, Op) or obj.numpy is None:
        return None
    return f":external+numpy:py:obj:`{numpy_name(obj.numpy).replace('np.', 'numpy.', 1)}`"


def torch_twin(env: BuildEnvironment, name: str) -> str | None:
    """A link to what has this name in PyTorch."""
    twin = name.replace("microbp", "torch", 1)
    known = InventoryAdapter(env).named_inventory.get("torch", {})
    return f":external+torch:py:obj:`{twin}`" if any(twin in kind for kind in known.values()) else None


def check_names(app: Sphinx, env: BuildEnvironment) -> None:
    """Every public name stands on one page."""
    pages = described()
    for module in PUBLIC:
        for name in names(module).values():
            if len(pages.get(name.full, ())) != 1:
                logger.warning("%s is described on %s", name.full, pages.get(name.full) or "no page")


def check_reference(app: Sphinx, env: BuildEnvironment, node: nodes.Element, content: nodes.Node) -> None:
    """A docstring or page that speaks of ``microbp.something`` which is not there is wrong."""
    target = node.get("reftarget", "")
    if target.startswith("microbp.") and not exists(target):
        logger.warning("there is no %s", target, location=node)


def exists(path: str) -> bool:
    """Whether a dotted name leads to something."""
    value: Any = microbp
    for part in path.removesuffix("()").split(".")[1:]:
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


def name_attributes(app: Sphinx, domain: str, kind: str, content: nodes.Element) -> None:
    """Call attributes so; Sphinx calls them variables."""
    for field in content.findall(nodes.field_name):
        if field.astext() == "Variables":
            field[0] = nodes.Text("Attributes")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("api", Api)
    app.add_directive("tensor-methods", TensorMethods)
    app.add_directive("derivatives", Derivatives)
    app.connect("autodoc-process-docstring", add_formulas, priority=600)  # after napoleon
    app.connect("object-description-transform", name_attributes)
    app.connect("env-check-consistency", check_names)
    app.connect("missing-reference", check_reference, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
