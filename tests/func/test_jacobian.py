"""Jacobians and Hessians as functions made of functions, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import func
from tests.referee import compare

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # PyTorch's own

X = np.array([0.5, -1.0, 2.0])
Y = np.array([[1.5, 0.3, -0.7], [0.2, 0.4, 0.6]])


def number(lib: Any, x: Any, y: Any) -> Any:
    """A number of two tensors."""
    return ((y @ x) ** 3).sum() + x.exp().sum()


def vector(lib: Any, x: Any, y: Any) -> Any:
    """A vector of two tensors."""
    return (y @ x).sin() * x[0]


@pytest.mark.parametrize("transform", ["jacrev", "jacfwd"])
@pytest.mark.parametrize("argnums", [0, 1, (0, 1)])
def test_jacobians(transform: str, argnums: Any) -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        make = getattr(lib.func, transform)
        found = make(lambda a, b: vector(lib, a, b), argnums=argnums)(x, y)
        nested = make(lambda a, b: {"v": vector(lib, a, b), "n": number(lib, a, b)}, argnums=argnums)(x, y)
        parts = (found, nested["v"], nested["n"])
        return tuple(part for pair in parts for part in pair) if isinstance(argnums, tuple) else parts

    compare(program, X, Y, second_order=True)


@pytest.mark.parametrize("transform", ["jacrev", "jacfwd"])
def test_jacobians_with_aux_and_nested_arguments(transform: str) -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        def f(parameters: Any) -> Any:
            return vector(lib, parameters["x"], parameters["y"]), parameters["x"].exp()

        jacobian, aux = getattr(lib.func, transform)(f, has_aux=True)({"x": x, "y": y})
        return jacobian["x"], jacobian["y"], aux

    compare(program, X, Y)


def test_hessians_and_jacobians_of_jacobians() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        f = lambda a, b: number(lib, a, b)  # noqa: E731
        whole = lib.func.hessian(f, argnums=(0, 1))(x, y)
        one = lib.func.hessian(lambda a: vector(lib, a, y))(x)
        forward = lib.func.jacfwd(lib.func.jacrev(lambda a: vector(lib, a, y)))(x)
        back = lib.func.jacrev(lib.func.jacfwd(lambda a: vector(lib, a, y)))(x)
        return (*(part for row in whole for part in row), one, forward, back)

    compare(program, X, Y)


@pytest.mark.parametrize("transform", [func.jacrev, func.jacfwd])
def test_empty_arguments_and_outputs(transform: Any) -> None:
    assert transform(lambda a: a * 2.0)(microbp.zeros(0)).shape == (0, 0)
    assert transform(lambda a: a.sum())(microbp.zeros(0)).shape == (0,)
    assert transform(lambda a: a[:0])(microbp.ones(3)).shape == (0, 3)


def test_a_column_costs_one_walk_and_a_row_another() -> None:
    """`jacfwd` walks the graph once for its slopes, then once for each column; `jacrev` once for each row."""
    walks = []

    def f(a: Any) -> Any:
        wide = a.exp()
        wide.register_hook(lambda g: walks.append(1))
        return wide

    func.jacrev(f)(microbp.tensor(X))
    assert len(walks) == X.size
    walks.clear()
    func.jacfwd(f)(microbp.tensor(X))
    assert len(walks) == 1
