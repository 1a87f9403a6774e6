"""Tries in each framework what the README's table "Beside the others" says about gradients.

``python docs/compare_with_peers.py`` prints these rows of the table for the frameworks that are installed, and below
it what was raised on the way. All but one come with ``pip install -e ".[bench]"``. DeZero 0.0.13 can only be imported
with an older NumPy, so it is tried in an environment of its own:
``pip install dezero matplotlib "numpy<1.24"``. `tests/test_readme.py` compares the README with what is found.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


class LikePyTorch:
    """PyTorch, and microbp, which has its names."""

    def __init__(self, module: str) -> None:
        self.library = importlib.import_module(module)

    def leaf(self, values: Any) -> Any:
        return self.library.tensor(values, requires_grad=True)

    def arrays(self) -> Any:
        x, b = self.leaf([[1.0, 2.0], [3.0, 4.0]]), self.leaf([1.0, 1.0])
        (x @ x + b).sum().backward()
        return b.grad

    def second(self) -> Any:
        x = self.leaf(2.0)
        (g,) = self.library.autograd.grad(x**3, x, create_graph=True)
        return self.library.autograd.grad(g, x)[0]

    def loop(self) -> Any:
        x = y = self.leaf(3.0)
        while y < 100:
            y = y * 2
        y.backward()
        return x.grad

    def deep(self) -> Any:
        x = y = self.leaf(1.0)
        for _ in range(10_000):
            y = y + 1.0
        y.backward()
        return x.grad

    def write(self) -> Any:
        x = self.leaf([3.0, 2.0])
        h = x * 1
        h[0] = 0.0
        (h * h).sum().backward()
        return x.grad

    def changed(self) -> Any:
        x = self.leaf([3.0])
        before = h = x * 1
        y = h * h
        h += 1
        y.sum().backward()
        return x.grad if h is before else None

    def array(self) -> Any:
        x = self.leaf([3.0])
        y = x * x
        x.detach().numpy()[...] = 10.0
        y.sum().backward()
        return x.grad

    def twice(self) -> Any:
        x = self.leaf(3.0)
        h = x * x
        y = h * h
        y.backward()
        x.grad = None
        y.backward()
        return x.grad


class Micrograd:
    """Scalars: what needs an array is not there."""

    def __init__(self, module: str) -> None:
        self.leaf = importlib.import_module(f"{module}.engine").Value

    arrays = write = None

    def second(self) -> Any:
        x = self.leaf(2.0)
        (x**3).backward()
        return self.grad_of_grad(x)

    def grad_of_grad(self, x: Any) -> Any:
        if not isinstance(x.grad, self.leaf):
            return None  # a gradient is a number, which has none itself
        g, x.grad = x.grad, 0
        g.backward()
        return x.grad

    def loop(self) -> Any:
        x = y = self.leaf(3.0)
        while y.data < 100:
            y = y * 2
        y.backward()
        return x.grad

    def deep(self) -> Any:
        x = y = self.leaf(1.0)
        for _ in range(10_000):
            y = y + 1.0
        y.backward()
        return x.grad

    def changed(self) -> Any:
        x = self.leaf(3.0)
        before = h = x * 1
        y = h * h
        h += 1
        y.backward()
        return x.grad if h is before else None

    def array(self) -> Any:
        x = self.leaf(3.0)
        y = x * x
        x.data = 10.0
        y.backward()
        return x.grad

    def twice(self) -> Any:
        x = self.leaf(3.0)
        h = x * x
        y = h * h
        y.backward()
        x.grad = 0
        y.backward()
        return x.grad


class DeZero:
    """Variables around arrays, and functions of them."""

    def __init__(self, module: str) -> None:
        self.variable = importlib.import_module(module).Variable
        self.functions = importlib.import_module(f"{module}.functions")

    def leaf(self, values: Any) -> Any:
        return self.variable(np.array(values))

    def arrays(self) -> Any:
        x, b = self.leaf([[1.0, 2.0], [3.0, 4.0]]), self.leaf([1.0, 1.0])
        self.functions.sum(self.functions.matmul(x, x) + b).backward()
        return b.grad.data

    def second(self) -> Any:
        x = self.leaf(2.0)
        (x**3).backward(create_graph=True)
        g = x.grad
        x.cleargrad()
        g.backward()
        return x.grad.data

    def loop(self) -> Any:
        x = y = self.leaf(3.0)
        while y.data < 100:
            y = y * 2.0
        y.backward()
        return x.grad.data

    def deep(self) -> Any:
        x = y = self.leaf(1.0)
        for _ in range(10_000):
            y = y + 1.0
        y.backward()
        return x.grad.data

    def write(self) -> Any:
        x = self.leaf([3.0, 2.0])
        h = x * 1.0
        h[0] = 0.0
        self.functions.sum(h * h).backward()
        return x.grad.data

    def changed(self) -> Any:
        x = self.leaf([3.0])
        before = h = x * 1.0
        y = self.functions.sum(h * h)
        h += 1.0
        y.backward()
        return x.grad.data if h is before else None

    def array(self) -> Any:
        x = self.leaf([3.0])
        y = self.functions.sum(x * x)
        x.data[...] = 10.0
        y.backward()
        return x.grad.data

    def twice(self) -> Any:
        x = self.leaf(3.0)
        h = x * x
        y = h * h
        y.backward()
        x.cleargrad()
        y.backward()
        return x.grad.data


class MyGrad:
    """Tensors with NumPy's interface."""

    def __init__(self, module: str) -> None:
        self.leaf = importlib.import_module(module).tensor

    def arrays(self) -> Any:
        x, b = self.leaf([[1.0, 2.0], [3.0, 4.0]]), self.leaf([1.0, 1.0])
        (x @ x + b).sum().backward()
        return b.grad

    def second(self) -> Any:
        x = self.leaf(2.0)
        (x**3).backward()
        g = x.grad
        if not isinstance(g, type(x)):
            return None  # a gradient is an array, which has none itself
        g.backward()
        return x.grad

    def loop(self) -> Any:
        x = y = self.leaf(3.0)
        while y < 100:
            y = y * 2
        y.backward()
        return x.grad

    def deep(self) -> Any:
        x = y = self.leaf(1.0)
        for _ in range(10_000):
            y = y + 1.0
        y.backward()
        return x.grad

    def write(self) -> Any:
        x = self.leaf([3.0, 2.0])
        h = x * 1
        h[0] = 0.0
        (h * h).sum().backward()
        return x.grad

    def changed(self) -> Any:
        x = self.leaf([3.0])
        before = h = x * 1
        y = h * h
        h += 1
        y.sum().backward()
        return x.grad if h is before else None

    def array(self) -> Any:
        x = self.leaf([3.0])
        y = x * x
        x.data[...] = 10.0
        y.sum().backward()
        return x.grad

    def twice(self) -> Any:
        x = self.leaf(3.0)
        h = x * x
        y = h * h
        y.backward()
        x.null_grad()
        y.backward()
        return x.grad


class HIPSAutograd:
    """Gradients of functions of NumPy arrays."""

    def __init__(self, module: str) -> None:
        self.autograd = importlib.import_module(module)

    def arrays(self) -> Any:
        x = np.array([[1.0, 2.0], [3.0, 4.0]])
        return self.autograd.grad(lambda b: (x @ x + b).sum())(np.array([1.0, 1.0]))

    def second(self) -> Any:
        return self.autograd.grad(self.autograd.grad(lambda x: x**3))(2.0)

    def loop(self) -> Any:
        def doubled(x: Any) -> Any:
            while x < 100:
                x = x * 2
            return x

        return self.autograd.grad(doubled)(3.0)

    def deep(self) -> Any:
        def chain(x: Any) -> Any:
            for _ in range(10_000):
                x = x + 1.0
            return x

        return self.autograd.grad(chain)(1.0)

    def write(self) -> Any:
        def squares(x: Any) -> Any:
            h = x * 1
            h[0] = 0.0
            return (h * h).sum()

        return self.autograd.grad(squares)(np.array([3.0, 2.0]))

    def changed(self) -> Any:
        overwritten = []

        def square(x: Any) -> Any:
            before = h = x * 1
            y = h * h
            h += 1
            overwritten.append(h is before)
            return y.sum()

        gradient = self.autograd.grad(square)(np.array([3.0]))
        return gradient if all(overwritten) else None

    def array(self) -> Any:
        x = np.array([3.0])
        pull_back, _ = self.autograd.make_vjp(lambda x: (x * x).sum())(x)
        x[...] = 10.0
        return pull_back(1.0)

    def twice(self) -> Any:
        pull_back, _ = self.autograd.make_vjp(lambda x: (x * x) * (x * x))(3.0)
        pull_back(1.0)
        return pull_back(1.0)


# By the name in the table: the module, and how it is tried.
FRAMEWORKS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "microbp": ("microbp", LikePyTorch),
    "micrograd": ("micrograd", Micrograd),
    "DeZero": ("dezero", DeZero),
    "MyGrad": ("mygrad", MyGrad),
    "HIPS autograd": ("autograd", HIPSAutograd),
    "PyTorch": ("torch", LikePyTorch),
}


@dataclass(frozen=True)
class Row:
    """A row of the table: what is tried, which gradient is right, and what is said of each way it can end.

    A trial that gives None found nothing to try: there is no gradient to differentiate, nothing was overwritten.
    """

    title: str
    trial: str
    right: Any
    found_right: str = "yes"
    found_wrong: str = "silently wrong"
    raised: str = "no"
    missing: str = "no"


ROWS = (
    Row("arrays, with broadcasting", "arrays", [2.0, 2.0]),
    Row("loops that end when a value says so", "loop", 64.0),
    Row("second derivatives", "second", 12.0),
    Row("10,000 operations in a row", "deep", 1.0),
    Row("`h[0] = 0`", "write", [0.0, 4.0], found_right="recorded", raised="error", missing="–"),
    Row("`h += 1` after `y = h * h`", "changed", [6.0], found_right="right", raised="error", missing="new object"),
    Row("the array behind `x` overwritten", "array", [6.0], found_right="right", raised="error"),
    Row("`backward` once more", "twice", 108.0, found_right="right", raised="error", missing="nothing, silently"),
)


def usable(framework: str) -> bool:
    """Whether a framework is installed and can be imported."""
    try:
        importlib.import_module(FRAMEWORKS[framework][0])
    except (ImportError, AttributeError):  # the latter from DeZero, with a NumPy that no longer has np.int
        return False
    return True


def attempt(row: Row, framework: str) -> tuple[str, Exception | None]:
    """What the table says in a row about a framework, found by trying it, and what was raised."""
    module, kind = FRAMEWORKS[framework]
    trial = getattr(kind(module), row.trial)
    if trial is None:
        return row.missing, None
    try:
        found = trial()
    except Exception as error:
        return row.raised, error
    if found is None:
        return row.missing, None
    right = np.array_equal(np.asarray(found), row.right)
    return (row.found_right if right else row.found_wrong), None


if __name__ == "__main__":
    tried = [framework for framework in FRAMEWORKS if usable(framework)]
    print("| |", " | ".join(tried), "|")
    print("|---" * (len(tried) + 1) + "|")
    errors = []
    for row in ROWS:
        found = {framework: attempt(row, framework) for framework in tried}
        print(f"| {row.title} |", " | ".join(word for word, _ in found.values()), "|")
        errors += [(row, framework, error) for framework, (_, error) in found.items() if error is not None]
    for row, framework, error in errors:
        print(f"\n{framework}, {row.title}: {type(error).__name__}: {str(error).splitlines()[0]}")
