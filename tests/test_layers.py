"""The layers of the package: each file imports only from those above it, and never inside a function."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import microbp

ROOT = Path(microbp.__file__).parent
LAYERS = [
    ["errors", "device", "backends", "handle", "lazy", "methods"],
    ["ops.docstring", "ops.formula", "ops.rule", "ops.plan", "ops.op"],
    ["ops"],
    ["dtypes", "label", "observer", "stack", "mode", "effect", "version", "release"],
    ["node"],
    ["engine"],
    ["tensor"],
    ["inplace", "backward"],
    ["functions", "autograd", "display"],
    ["nn"],
    ["replay"],
    ["optim"],
    ["utils", "serialization"],
    ["viz"],
    ["lab"],
    [""],
]
FILES = sorted(ROOT.rglob("*.py"))


def module_of(path: Path) -> str:
    """The dotted name of a file inside the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> int:
    """The number of the layer that a module belongs to, by the longest prefix."""
    best = max(
        (name for layer in LAYERS for name in layer if module == name or module.startswith(f"{name}.") or not name),
        key=len,
    )
    return next(number for number, layer in enumerate(LAYERS) if best in layer)


def imports_of(tree: ast.AST) -> list[tuple[ast.stmt, str]]:
    """The modules of the package that a file imports, as (statement, dotted name)."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "microbp":
            base = (node.module or "").removeprefix("microbp").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".strip(".")
                is_module = (ROOT / inner.replace(".", "/")).is_dir() or (
                    ROOT / f"{inner.replace('.', '/')}.py"
                ).exists()
                found.append((node, inner if is_module else base))
        elif isinstance(node, ast.Import):
            found += [
                (node, a.name.removeprefix("microbp").strip("."))
                for a in node.names
                if a.name.split(".")[0] == "microbp"
            ]
    return found


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_only_from_layers_above(path: Path) -> None:
    here = layer_of(module_of(path))
    for _, module in imports_of(ast.parse(path.read_text(encoding="utf-8"))):
        assert layer_of(module) <= here, f"{module_of(path)} imports {module or 'the whole package'}, which is below it"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_no_import_inside_a_function(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            hidden = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not hidden, (
                f"{module_of(path)}:{hidden[0].lineno}: an import inside {getattr(function, 'name', 'a lambda')}()"
            )


def test_no_circles() -> None:
    graph = {module_of(path): {m for _, m in imports_of(ast.parse(path.read_text(encoding="utf-8")))} for path in FILES}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"imports in a circle: {' -> '.join((*trail, module))}"
        if module not in done:
            for imported in graph.get(module, ()):
                if imported and imported != module:
                    visit(imported, (*trail, module))
            done.add(module)

    for module in graph:
        if module:
            visit(module, ())


def test_optional_packages_are_not_imported() -> None:
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top_level = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        for node in top_level:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in {"pygraphviz", "matplotlib", "IPython", "torch", "tqdm", "sklearn"}, (
                    path
                )
