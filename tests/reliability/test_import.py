"""Import: quiet, light, alone, and it leaves the process as it was."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

import microbp
from tests.reliability.alone import run

ROOT = Path(microbp.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def test_import_gives_no_warning_and_no_output() -> None:
    assert (
        run("import microbp, microbp.nn, microbp.optim, microbp.utils.data, microbp.viz", "-Werror", "-X", "dev") == ""
    )


def test_import_works_without_any_optional_package() -> None:
    program = """
    import sys
    for name in ("pygraphviz", "matplotlib", "IPython", "torch", "tqdm", "sklearn", "scipy", "graphviz", "pandas"):
        sys.modules[name] = None  # importing it raises ImportError
    import microbp
    model = microbp.nn.Linear(2, 1)
    optimizer = microbp.optim.SGD(model.parameters(), lr=0.1)
    model(microbp.ones(3, 2)).sum().backward()
    optimizer.step()
    print("trained")
    """
    assert run(program) == "trained"


def test_import_opens_no_connection_starts_no_process_and_writes_no_file() -> None:
    program = """
    import sys
    import numpy
    sys.dont_write_bytecode = True
    forbidden = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.mkdir", "os.remove",
                 "os.rename", "shutil.", "urllib.", "ftplib.", "ctypes.dlopen", "webbrowser.")
    seen = []
    def hook(event, args):
        if event.startswith(forbidden) or (event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")):
            seen.append((event, args))
    sys.addaudithook(hook)
    import microbp
    import microbp.viz
    print(seen)
    """
    assert run(program) == "[]"


def test_import_changes_no_setting_of_numpy_or_python() -> None:
    program = """
    import gc, locale, random, signal, sys, threading, warnings
    import numpy as np
    def state():
        return (np.geterr(), np.get_printoptions(), np.random.get_state()[1].tolist(), random.getstate(),
                warnings.filters[:], sys.getrecursionlimit(), gc.get_threshold(), gc.isenabled(),
                threading.active_count(), signal.getsignal(signal.SIGINT), sys.excepthook, sys.displayhook,
                locale.getlocale(), np.geterrcall(), sys.getswitchinterval())
    before = state()
    import microbp
    microbp.manual_seed(3)
    x = microbp.randn(3, requires_grad=True)
    x.log().sum().backward()
    x.softmax(0)
    np.testing.assert_equal(state(), before)
    print("same")
    """
    assert run(program) == "same"


def test_import_loads_nothing_but_the_standard_library_and_what_the_package_depends_on() -> None:
    program = """
    import sys
    import numpy
    before = set(sys.modules)
    import microbp
    new = {name.split(".")[0] for name in set(sys.modules) - before}
    foreign = {name for name in new if name not in sys.stdlib_module_names and "cython" not in name}
    print(*sorted(foreign - {"microbp"}))
    print(*sorted(new & {"asyncio", "http", "ssl", "multiprocessing", "unittest", "tkinter"}))
    """
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.match(r"[\w-]+", requirement)[0] for requirement in project["dependencies"]}  # type: ignore[index]
    foreign, heavy = (run(program) + "\n").split("\n")[:2]
    assert set(foreign.split()) <= needed
    assert heavy == ""


LIGHT = {"_heapq", "heapq", "threading", "copy", "org", "org.python", "org.python.core", "__future__", "contextvars"}
OURS = """
backward device dtypes effect engine errors handle label lazy methods mode node observer release stack tensor version
ops ops.arithmetic ops.comparison ops.docstring ops.elementwise ops.formula ops.indexing ops.op ops.plan ops.quiet
ops.rule ops.shape
functions functions.creation functions.dims functions.homes functions.joining functions.shape
"""


def test_import_loads_only_what_tensors_need() -> None:
    program = """
    import sys
    import numpy
    before = set(sys.modules)
    import microbp
    new = set(sys.modules) - before
    print(*sorted(name for name in new if not name.startswith("microbp")))
    print(*sorted(name.removeprefix("microbp.") for name in new if name.startswith("microbp.")))
    """
    others, ours = run(program).split("\n")
    assert set(others.split()) <= LIGHT
    assert set(ours.split()) <= set(OURS.split())


def test_what_is_loaded_when_it_is_used_is_there_after_a_bare_import() -> None:
    program = """
    import microbp
    lazy = set("autograd backends func lab linalg load nn optim save utils viz why_no_grad".split())
    assert lazy <= set(dir(microbp)) and not lazy & set(vars(microbp))
    for name in sorted(lazy):
        assert getattr(microbp, name) is getattr(microbp, name)
    from microbp import nn
    assert nn is microbp.nn and microbp.why_no_grad is microbp.autograd.why_no_grad
    try:
        microbp.no_such_thing
    except AttributeError as error:
        print(error)
    """
    assert run(program) == "module 'microbp' has no attribute 'no_such_thing'"


def test_every_function_and_method_is_there_after_a_bare_import() -> None:
    program = """
    import microbp
    from microbp.functions.homes import FUNCTIONS, METHODS
    functions, methods = (" ".join(homes.values()).split() for homes in (FUNCTIONS, METHODS))
    assert set(functions) <= set(dir(microbp)) and not set(functions) & set(vars(microbp))
    assert set(methods) <= set(dir(microbp.Tensor)) and len(methods) > len(functions) > 200
    x = microbp.ones(2)
    assert x.exp().tolist() == microbp.exp(x).tolist() and repr(x) == "tensor([1., 1.])"
    x += 1
    x[1] = 3
    assert x[0].item() == 2.0 and f"{x[1]:.1f}" == "3.0" and str(x) == "tensor([2., 3.])"
    assert microbp.Tensor([1, 2]).tolist() == [1.0, 2.0]
    for name in functions:
        assert getattr(microbp, name) is getattr(microbp, name)
    for name in methods:
        assert getattr(microbp.Tensor, name) is vars(microbp.methods.Methods)[name], name
    print(microbp.Tensor.sort is microbp.sort, microbp.Tensor.det is microbp.det)
    """
    assert run(program) == "True True"


def test_a_star_imports_what_is_loaded_when_it_is_used() -> None:
    assert run("from microbp import *; print(det(ones(1, 1)).item(), nn.Linear.__name__)") == "1.0 Linear"


@pytest.mark.parametrize("module", ["tensor", *(f"ops.{path.stem}" for path in (ROOT / "ops").glob("[a-z]*.py"))])
def test_every_formula_can_be_read_where_its_module_is_loaded_alone(module: str) -> None:
    program = f"""
    import microbp.{module}
    from microbp.ops.op import registry
    for row in list(registry.values()):
        for rule in (*row.rules.values(), *row.letters.values()):
            rule.from_formula()
    print(len(registry) > 50)
    """
    assert run(program) == "True"


def test_numpy_functions_are_known_before_the_rows_that_stand_for_them_are_loaded() -> None:
    program = """
    import microbp
    import microbp.functions.interop_all
    from microbp.ops.op import numpy_rows
    known = set(numpy_rows)
    import importlib, pkgutil
    for package in (microbp.functions, microbp.ops):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    print(len(known) > 100, set(numpy_rows) - known)
    """
    assert run(program) == "True set()"


def test_a_row_is_unpickled_before_its_module_is_loaded() -> None:
    program = """
    import pickle
    import microbp.nn
    print(pickle.dumps(microbp.ops.op.registry["gelu"]).hex())
    """
    again = f"""
    import pickle
    import microbp
    assert "gelu" not in microbp.ops.op.registry
    print(pickle.loads(bytes.fromhex({run(program)!r})).name)
    """
    assert run(again) == "gelu"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_runs_code_from_text_or_pickles(path: Path) -> None:
    """`eval` compiles the formulas of the rows, which are part of the source, `exec` the programs of `compile`.

    In those stand rows, variables and numbers: see `test_names_that_are_code_stay_names`.
    """
    exceptions = {"ops/formula.py": {"eval", "compile"}, "replay/program.py": {"exec", "compile"}}
    allowed = exceptions.get(str(path.relative_to(ROOT)), set())
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec", "compile", "__import__"} - allowed, node.lineno
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert not {"pickle", "marshal", "shelve", "socket", "urllib"} & {n.split(".")[0] for n in names}
