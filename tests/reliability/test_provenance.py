"""Errors and drawings name the line of the user's program, wherever that stands and whatever it is called through."""

from __future__ import annotations

import os
import re
import traceback
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, label
from microbp.engine import collect
from microbp.viz.view import look
from tests.leaves import leaf

PROGRAMS = {
    "operator": """
y = w * 2.0
y = y.exp()  # <-
""",
    "method": """
y = w.exp()
y = y.sum()  # <-
""",
    "function": """
y = microbp.softmax(w, 0)  # <-
""",
    "functional": """
y = nn.functional.softplus(w)  # <-
""",
    "numpy": """
y = np.exp(w)  # <-
""",
    "reflected operator of an array": """
y = np.ones(2) - w  # <-
""",
    "matrix product of vectors": """
y = w @ w  # <-
""",
    "indexing": """
y = w[1:]  # <-
""",
    "in place": """
y = w * 1.0
y *= 3.0  # <-
""",
    "written into a view": """
y = w * 1.0
y[0] = w[1]  # <-
""",
    "over several lines": """
y = (
    w
    * 2.0
).exp(  # <-
)
""",
    "lambda": """
f = lambda a: a * 2.0  # <-
y = f(w)
""",
    "nested function": """
def outer(a):
    def inner(b):
        return b * 2.0  # <-
    return inner(a)
y = outer(w)
""",
    "comprehension": """
y = [
    w * k  # <-
    for k in (1.0, 2.0)
][-1]
""",
    "generator": """
def f():
    yield w * 2.0  # <-
y = next(f())
""",
    "method of a class": """
class Model:
    def __call__(self, a):
        return a * 2.0  # <-
y = Model()(w)
""",
    "called back by a library": """
import functools
y = functools.reduce(lambda a, b: a + b, [w, w])  # <-
""",
    "decorated": """
@microbp.enable_grad()
def f(a):
    return a * 2.0  # <-
y = f(w)
""",
    "code that is executed": """
namespace = {"w": w}
exec(compile("\\n\\n\\nout = w * 2.0", FILE, "exec"), namespace)  # 4 <-
y = namespace["out"]
""",
    "layer": """
m = nn.Linear(2, 3).double()
y = m(w)  # <-
""",
    "layers in layers": """
m = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 1))).double()
y = m(w)  # <-
""",
    "forward of a module": """
class Model(nn.Module):
    def forward(self, a):
        h = a * 2.0
        return h.exp()  # <-
y = Model()(w)
""",
    "layer in the forward of a module": """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 3).double()
    def forward(self, a):
        return self.inner(a)  # <-
y = Model()(w)
""",
    "module of the user's in a layer": """
class Swish(nn.Module):
    def forward(self, a):
        return a * a.sigmoid()  # <-
y = nn.Sequential(nn.Linear(2, 2), Swish()).double()(w)
""",
    "layer with hooks": """
m = nn.Linear(2, 3).double()
m.register_forward_hook(lambda module, args, output: None)
y = m(w)  # <-
""",
    "loss": """
y = nn.MSELoss()(w, microbp.zeros(2, dtype=microbp.float64))  # <-
""",
    "function of the user's": """
class Double(microbp.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a * 2.0
    @staticmethod
    def backward(ctx, g):
        return g * 2.0
y = Double.apply(w)  # <-
""",
}
NOTEBOOK = "<ipython-input-3-5f1d2a>"
FILES = ["program.py", "/tmp/ipykernel_71/1402.py", "<string>", "<stdin>", "a file: 'odd'.py", "microbp/mine.py"]


def marked(text: str) -> int:
    """The line of a program that is marked, or that the mark names."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.endswith("<-"):
            named = line.split("#")[-1].removesuffix("<-").strip()
            return int(named) if named else number
    raise AssertionError("no line is marked")


def run(text: str, filename: str = NOTEBOOK) -> dict[str, Any]:
    """The variables that a program leaves behind."""
    names = {"microbp": microbp, "nn": microbp.nn, "np": np, "w": leaf(1.0, 2.0), "FILE": filename}
    exec(compile(text, filename, "exec"), names)
    return names


def check(text: str, filename: str) -> None:
    """The note on the graph of a program's `y`, the error after a second pass, and the drawing name the marked line."""
    y = run(text, filename)["y"]
    node, line = y.grad_fn, marked(text)
    assert label.place(node, collect([node])) == (filename, line)
    assert look((y,)).operations[-1].place == (os.path.basename(filename), line)
    y.backward(microbp.ones_like(y))
    with pytest.raises(errors.GraphError, match=re.escape(f"(recorded at {filename}:{line})")):
        y.backward(microbp.ones_like(y))


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_a_graph_its_errors_and_its_drawing_name_the_line(text: str) -> None:
    check(text, NOTEBOOK)


@pytest.mark.parametrize("filename", FILES)
def test_whatever_the_file_is_called(filename: str) -> None:
    check(PROGRAMS["lambda"], filename)


def test_the_lines_of_a_whole_model_are_those_of_its_forward() -> None:
    text = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 4).double()
        self.rest = nn.Sequential(nn.Tanh(), nn.Linear(4, 1)).double()

    def forward(self, a):
        h = self.first(a)
        h = self.rest(h)
        return h * h
loss = Model()(w).sum()
"""
    graph = collect([run(text)["loss"].grad_fn])
    places = [label.place(node, graph) for node in graph]
    assert places == [(NOTEBOOK, line) for line in (12, 11, 10, 10, 9)]


CHANGED = {
    "operator": """
y = w * w  # <-
changed = w
""",
    "lambda": """
y = (lambda a: a * a)(w)  # <-
changed = w
""",
    "layer": """
m = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)).double()
y = m(w)  # <-
changed = m[1].weight
""",
    "layer in the forward of a module": """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 3).double()

    def forward(self, a):
        return self.inner(a)  # <-
m = Model()
y = m(w)
changed = m.inner.weight
""",
    "generator": """
def f():
    yield w.sin()  # <-
y = next(f())
changed = w
""",
}


@pytest.mark.parametrize("text", CHANGED.values(), ids=CHANGED)
def test_a_value_that_was_changed_names_the_line_that_needs_it(text: str) -> None:
    names = run(text)
    with microbp.no_grad():
        names["changed"].mul_(2.0)
    with pytest.raises(errors.MutationError, match=re.escape(f"(recorded at {NOTEBOOK}:{marked(text)})")):
        names["y"].sum().backward()


REFUSED = {
    "operator": """
w + microbp.ones(3)  # <-
""",
    "matrix product": """
microbp.ones(2, 3) @ microbp.ones(2, 3)  # <-
""",
    "numpy": """
np.add(w, microbp.ones(3))  # <-
""",
    "in place": """
a = microbp.ones(2)
a += microbp.ones(3)  # <-
""",
    "lambda": """
f = lambda a: a + microbp.ones(3)  # <-
f(w)
""",
    "layer": """
m = nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 1))
m(microbp.ones(2))  # <-
""",
    "layer in the forward of a module": """
class Model(nn.Module):
    def forward(self, a):
        return nn.Bilinear(2, 2, 1)(a, a) + microbp.ones(3, 3) @ a  # <-
Model()(microbp.ones(2))
""",
    "under no_grad": """
with microbp.no_grad():
    w + microbp.ones(3)  # <-
""",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_an_operation_that_cannot_be_done_names_the_line_that_asked_for_it(text: str) -> None:
    with pytest.raises(errors.ShapeError) as caught:
        run(text)
    lines = [frame.lineno for frame in traceback.extract_tb(caught.tb) if frame.filename == NOTEBOOK]
    assert lines[-1] == marked(text)
