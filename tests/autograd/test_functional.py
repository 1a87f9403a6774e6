"""Jacobians, Hessians and products with vectors against PyTorch, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors
from microbp.autograd import functional
from tests.leaves import leaf
from tests.referee import compare, torch

X = np.array([0.5, -1.0, 2.0])
Y = np.array([[1.5, 0.3, -0.7], [0.2, 0.4, 0.6]])
V = np.array([0.3, -0.2, 1.1])
NUMBER = np.array(0.7)

Program = Callable[..., Any]

VECTORS: dict[str, Program] = {
    "elementwise": lambda lib, x: x.exp() * x,
    "a number": lambda lib, x: (x**3).sum(),
    "a matrix": lambda lib, x: x.unsqueeze(0) * x.unsqueeze(1).sin(),
    "linear": lambda lib, x: x * 2.0 + 1.0,
    "constant": lambda lib, x: lib.ones(2, dtype=lib.float64),
    "a part": lambda lib, x: x[:2] ** 2,
}
SEVERAL: dict[str, Program] = {
    "one output": lambda lib, x, y: y.exp() @ x,
    "several outputs": lambda lib, x, y: ((y * x).sum(), x.sin(), (y**2).T),
    "one output that has no use for an input": lambda lib, x, y: x**2,
    "an output that has no use for any": lambda lib, x, y: (x * y, lib.zeros(2, dtype=lib.float64)),
}
NUMBERS: dict[str, Program] = {
    "cubic": lambda lib, x, y: ((y @ x) ** 3).sum(),
    "linear in one": lambda lib, x, y: (y @ x).exp().sum() + x.sum(),
    "of one only": lambda lib, x, y: (x**4).sum(),
    "linear": lambda lib, x, y: x.sum() + 2.0 * y.sum(),
    "constant": lambda lib, x, y: lib.ones((), dtype=lib.float64),
}


def flat(tree: Any) -> tuple[Any, ...]:
    """All tensors of nested tuples."""
    if isinstance(tree, tuple | list):
        return tuple(leaf for part in tree for leaf in flat(part))
    return (tree,)


def nesting(tree: Any) -> Any:
    """The nesting of tuples, without what is in it."""
    return tuple(nesting(part) for part in tree) if isinstance(tree, tuple | list) else None


def both(program: Callable[[Any, Any], Any], *arrays: Any) -> None:
    """Compare values, gradients and second gradients of a program, and how its results are nested."""
    nestings = []

    def flattened(lib: Any, *tensors: Any) -> Any:
        results = program(lib, *tensors)
        nestings.append(nesting(results))
        return flat(results)

    compare(flattened, *arrays, second_order=True)
    assert nestings[0] == nestings[1]


# -- values, nested as in PyTorch, and their derivatives -----------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", VECTORS)
def test_jacobian_of_one_input(name: str, create_graph: bool) -> None:
    f = VECTORS[name]
    both(lambda lib, x: lib.autograd.functional.jacobian(lambda a: f(lib, a), x, create_graph=create_graph), X)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", SEVERAL)
def test_jacobian_of_several_inputs(name: str, create_graph: bool) -> None:
    f = SEVERAL[name]
    both(
        lambda lib, x, y: lib.autograd.functional.jacobian(
            lambda a, b: f(lib, a, b), (x, y), create_graph=create_graph
        ),
        X,
        Y,
    )


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", NUMBERS)
def test_hessian(name: str, create_graph: bool) -> None:
    f = NUMBERS[name]
    both(
        lambda lib, x, y: lib.autograd.functional.hessian(lambda a, b: f(lib, a, b), (x, y), create_graph=create_graph),
        X,
        Y,
    )
    both(
        lambda lib, x, y: lib.autograd.functional.hessian(lambda a: f(lib, a, y), x, create_graph=create_graph),
        X,
        Y,
    )


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", SEVERAL)
def test_vjp_and_jvp_of_several_inputs(name: str, create_graph: bool) -> None:
    f = SEVERAL[name]

    def vjp(lib: Any, x: Any, y: Any) -> Any:
        outputs = f(lib, x, y)
        v = tuple(lib.ones_like(t) * 0.5 for t in flat(outputs))
        v = v if isinstance(outputs, tuple) else v[0]
        return lib.autograd.functional.vjp(lambda a, b: f(lib, a, b), (x, y), v, create_graph=create_graph)

    def jvp(lib: Any, x: Any, y: Any, v: Any) -> Any:
        vectors = (v, lib.outer(v[:2], v))
        return lib.autograd.functional.jvp(lambda a, b: f(lib, a, b), (x, y), vectors, create_graph=create_graph)

    both(vjp, X, Y)
    both(jvp, X, Y, V)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", VECTORS)
def test_vjp_and_jvp_of_one_input(name: str, create_graph: bool) -> None:
    f = VECTORS[name]

    def vjp(lib: Any, x: Any, v: Any) -> Any:
        shape = f(lib, x).shape
        vector = (v.sum() * lib.ones(*shape, dtype=lib.float64)).sin() if len(shape) else v.sum()
        return lib.autograd.functional.vjp(lambda a: f(lib, a), x, vector, create_graph=create_graph)

    both(vjp, X, V)
    both(
        lambda lib, x, v: lib.autograd.functional.jvp(lambda a: f(lib, a), x, v, create_graph=create_graph),
        X,
        V,
    )


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("product", ["vhp", "hvp"])
@pytest.mark.parametrize("name", NUMBERS)
def test_products_with_the_hessian(name: str, product: str, create_graph: bool) -> None:
    f = NUMBERS[name]

    def program(lib: Any, x: Any, y: Any, v: Any) -> Any:
        call = getattr(lib.autograd.functional, product)
        vectors = (v, lib.outer(v[:2], v))
        pair = call(lambda a, b: f(lib, a, b), (x, y), vectors, create_graph=create_graph)
        return pair, call(lambda a: f(lib, a, y), x, v, create_graph=create_graph)

    both(program, X, Y, V)


def test_vectors_may_be_left_out_for_one_number() -> None:
    both(
        lambda lib, x: (
            lib.autograd.functional.vjp(lambda a: (a**3).sum(), x),
            lib.autograd.functional.jvp(lambda a: a.exp() * x, x.sum()),
            lib.autograd.functional.hvp(lambda a: a.exp(), x.sum()),
            lib.autograd.functional.vhp(lambda a: a.exp(), x.sum()),
        ),
        X,
    )


def test_empty_inputs_and_outputs() -> None:
    none = microbp.zeros(0)
    assert functional.jacobian(lambda a: a * 2.0, none).shape == (0, 0)
    assert functional.jacobian(lambda a: a.sum(), none).shape == (0,)
    assert functional.jacobian(lambda a: a[:0], microbp.ones(3)).shape == (0, 3)
    mixed = functional.jacobian(lambda a: a[:0].double(), microbp.ones(3))
    assert mixed.dtype == microbp.float32


def test_results_have_no_graph_unless_one_is_asked_for() -> None:
    x = leaf(*X)
    w = leaf(2.0)

    def f(a: Any) -> Any:
        return (a * w).exp().sum()

    for create_graph in (False, True):
        results = (
            functional.jacobian(f, x, create_graph=create_graph),
            functional.hessian(f, x, create_graph=create_graph),
            *functional.vjp(f, x, create_graph=create_graph),
            *functional.jvp(f, x, microbp.ones_like(x), create_graph=create_graph),
            *functional.vhp(f, x, microbp.ones_like(x), create_graph=create_graph),
            *functional.hvp(f, x, microbp.ones_like(x), create_graph=create_graph),
        )
        assert [t.requires_grad for t in results] == [create_graph] * len(results)
    assert x.grad is w.grad is None


def test_inside_no_grad_as_outside() -> None:
    x = leaf(*X)
    with microbp.no_grad():
        found = functional.jacobian(lambda a: a * a, x)
        _, product = functional.vjp(lambda a: a * a, x, microbp.ones_like(x))
        hessian = functional.hessian(lambda a: (a**3).sum(), x)
        assert not microbp.is_grad_enabled()
    np.testing.assert_allclose(found.array, np.diag(2.0 * X))
    np.testing.assert_allclose(product.array, 2.0 * X)
    np.testing.assert_allclose(hessian.array, np.diag(6.0 * X))


def test_an_error_of_the_function_leaves_the_mode_alone() -> None:
    def broken(a: Any) -> Any:
        raise ValueError("broken on purpose")

    with microbp.no_grad():
        for call in (functional.jacobian, functional.hessian, functional.vjp, functional.jvp, functional.hvp):
            with pytest.raises(ValueError, match="on purpose"):
                call(broken, microbp.ones(1))
            assert not microbp.is_grad_enabled()


# -- strict --------------------------------------------------------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("call", ["jacobian", "vjp", "jvp"])
@pytest.mark.parametrize("name", SEVERAL | {"linear": lambda lib, x, y: 2.0 * x + 0.0 * y.sum()})
def test_strict_refuses_what_pytorch_refuses(name: str, call: str, create_graph: bool) -> None:
    f = (SEVERAL | {"linear": lambda lib, x, y: 2.0 * x + 0.0 * y.sum()})[name]

    def run(lib: Any) -> bool:
        x, y = (lib.tensor(array) for array in (X, Y))
        arguments = [lambda a, b: f(lib, a, b), (x, y)]
        if call == "vjp":
            outputs = f(lib, x, y)
            v = tuple(lib.ones_like(t) for t in flat(outputs))
            arguments.append(v if isinstance(outputs, tuple) else v[0])
        elif call == "jvp":
            arguments.append((lib.ones_like(x), lib.ones_like(y)))
        return refused(lib, call, arguments, create_graph)

    assert run(microbp) == run(torch())


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("call", ["hessian", "vhp", "hvp"])
@pytest.mark.parametrize("name", NUMBERS)
def test_strict_second_derivatives_refuse_what_pytorch_refuses(name: str, call: str, create_graph: bool) -> None:
    f = NUMBERS[name]

    def run(lib: Any) -> bool:
        x, y = (lib.tensor(array) for array in (X, Y))
        arguments = [lambda a, b: f(lib, a, b), (x, y)]
        if call != "hessian":
            arguments.append((lib.ones_like(x), lib.ones_like(y)))
        return refused(lib, call, arguments, create_graph)

    assert run(microbp) == run(torch())


def refused(lib: Any, call: str, arguments: list[Any], create_graph: bool) -> bool:
    """Whether a strict call raises."""
    error = errors.GraphError if lib is microbp else RuntimeError
    try:
        getattr(lib.autograd.functional, call)(*arguments, create_graph=create_graph, strict=True)
    except error:
        return True
    return False


# -- what is refused -----------------------------------------------------------------------


def test_wrong_vectors_are_refused_with_their_shapes() -> None:
    x = microbp.tensor(X)
    with pytest.raises(errors.ShapeError, match=r"entry 0 of v has shape \(2,\).*\(3,\)"):
        functional.jvp(lambda a: a, x, microbp.ones(2))
    with pytest.raises(errors.ShapeError, match="one tensor, as the input is, got 2"):
        functional.jvp(lambda a: a, x, (x, x))
    with pytest.raises(errors.ShapeError, match="tuple of 2 tensors, as the output"):
        functional.vjp(lambda a: (a, a), x, x)
    with pytest.raises(errors.ShapeError, match="vjp can do without v only if"):
        functional.vjp(lambda a: a, x)


def test_what_is_no_tensor_is_refused() -> None:
    x = microbp.tensor(X)
    with pytest.raises(TypeError, match="inputs given to jacobian"):
        functional.jacobian(lambda a: a, [x])
    with pytest.raises(TypeError, match="outputs of the function given to vjp"):
        functional.vjp(lambda a: [a], x)
    with pytest.raises(TypeError, match="hessian must return one Tensor, got tuple"):
        functional.hessian(lambda a: (a, a), x)
    with pytest.raises(errors.ShapeError, match=r"one element, got shape \(3,\)"):
        functional.hvp(lambda a: a, x, x)
    with pytest.raises(errors.DtypeError, match="int64"):
        functional.jacobian(lambda a: a, microbp.arange(3))


def test_vectorised_and_forward_mode_are_refused() -> None:
    x = microbp.tensor(X)
    with pytest.raises(NotImplementedError, match="vmap"):
        functional.jacobian(lambda a: a, x, vectorize=True)
    with pytest.raises(NotImplementedError, match="vmap"):
        functional.hessian(lambda a: a.sum(), x, vectorize=True)
    with pytest.raises(NotImplementedError, match="forward-mode"):
        functional.jacobian(lambda a: a, x, strategy="forward-mode")
    with pytest.raises(ValueError, match="sideways"):
        functional.hessian(lambda a: a.sum(), x, outer_jacobian_strategy="sideways")
