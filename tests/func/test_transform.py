"""Functions made of functions: gradients, Jacobians and Hessians against PyTorch, nested in each other."""

from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, func
from tests.leaves import leaf
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


# -- values against PyTorch ----------------------------------------------------------------


@pytest.mark.parametrize("argnums", [0, 1, -1, (0,), (1, 0)])
def test_grad_and_value_by_any_arguments(argnums: Any) -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        f = lambda a, b: number(lib, a, b)  # noqa: E731
        g = lib.func.grad(f, argnums=argnums)(x, y)
        both, value = lib.func.grad_and_value(f, argnums=argnums)(x, y)
        flat = (*g, *both) if isinstance(argnums, tuple) else (g, both)
        return (*flat, value)

    compare(program, X, Y, second_order=True)


def test_aux_and_keyword_arguments() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        def f(a: Any, *, b: Any, name: str) -> Any:
            assert name == "f"
            return number(lib, a, b), {"doubled": a * 2.0, "rest": [b.sin()]}

        g, aux = lib.func.grad(f, has_aux=True)(x, b=y, name="f")
        h, (value, again) = lib.func.grad_and_value(f, has_aux=True)(x, b=y, name="f")
        return g, aux["doubled"], aux["rest"][0], h, value, again["doubled"]

    compare(program, X, Y)


def test_nested_arguments() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        def f(parameters: Any) -> Any:
            return number(lib, parameters["layer"][0], parameters["layer"][1]) * parameters["scale"].sum()

        g = lib.func.grad(f)({"layer": (x, y), "scale": x * 2.0})
        return g["layer"][0], g["layer"][1], g["scale"]

    compare(program, X, Y)


def test_grad_of_grad_of_grad() -> None:
    def program(lib: Any, x: Any) -> Any:
        f = lambda a: (a**4).sum()  # noqa: E731
        first = lib.func.grad(f)
        second = lib.func.grad(lambda a: (first(a) * a).sum())
        third = lib.func.grad(lambda a: second(a).sin().sum())
        return first(x), second(x), third(x)

    compare(program, X, second_order=True)
    power = lambda a: a**5  # noqa: E731
    for order, factor in enumerate((5.0, 20.0, 60.0, 120.0), 1):
        power = func.grad(power)
        assert power(microbp.tensor(2.0)).item() == factor * 2.0 ** (5 - order)


def test_inner_transforms_that_use_what_the_outer_differentiates_by() -> None:
    """The classical test for a confusion of levels: d/dx (x d/dy (x + y)) = 1."""

    def program(lib: Any, x: Any) -> Any:
        grad = lib.func.grad
        one = grad(lambda a: a * grad(lambda b: a + b)(a))(x)
        deeper = grad(lambda a: grad(lambda b: (a * b).sin() * grad(lambda c: a * b * c * c)(b))(a))(x)
        return one, deeper

    compare(program, np.array(0.7), second_order=True)


def test_vjp_and_jvp() -> None:
    def program(lib: Any, x: Any, y: Any, v: Any) -> Any:
        f = lambda a, b: vector(lib, a, b)  # noqa: E731
        out, vjp_fn = lib.func.vjp(f, x, y)
        g, h = vjp_fn(v)
        again = vjp_fn(v * 2.0)[0]
        value, tangent = lib.func.jvp(f, (x, y), (x * 2.0, y.sin()))
        return out, g, h, again, value, tangent

    compare(program, X, Y, X[:2], second_order=True)


def test_vjp_and_jvp_of_nested_outputs_with_aux() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        def f(a: Any, b: Any) -> Any:
            return {"v": vector(lib, a, b), "n": (number(lib, a, b),)}, a * 3.0

        out, vjp_fn, aux = lib.func.vjp(f, x, y, has_aux=True)
        g, h = vjp_fn({"v": lib.ones_like(out["v"]), "n": (lib.ones_like(out["n"][0]) * 2.0,)})
        value, tangent, extra = lib.func.jvp(f, (x, y), (x, y), has_aux=True)
        return out["v"], aux, g, h, value["n"][0], tangent["v"], tangent["n"][0], extra

    compare(program, X, Y, second_order=True)


def test_the_trace_of_a_hessian_by_products() -> None:
    def program(lib: Any, x: Any, y: Any, v: Any) -> Any:
        f = lambda a: number(lib, a, y)  # noqa: E731
        _, hvp = lib.func.jvp(lib.func.grad(f), (x,), (v,))
        _, vjp_fn = lib.func.vjp(lib.func.grad(f), x)
        return hvp, vjp_fn(v)[0]

    compare(program, X, Y, X[::-1].copy())


def test_an_argument_that_nothing_depends_on_has_zeros() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        f = lambda a, b: (a * 2.0).sum()  # noqa: E731
        _, vjp_fn = lib.func.vjp(f, x, y)
        return (
            *lib.func.grad(f, argnums=(0, 1))(x, y),
            lib.func.grad(lib.func.grad(lambda a: a * 2.0))(x[0]),
            lib.func.jacrev(lambda a: lib.ones(2, dtype=lib.float64))(x),
            lib.func.jacfwd(lambda a: lib.ones(2, dtype=lib.float64))(x),
            lib.func.hessian(f)(x, y),
            *vjp_fn(lib.ones((), dtype=lib.float64)),
        )

    compare(program, X, Y)


# -- graphs, modes, memory -----------------------------------------------------------------


def test_results_have_no_graph_unless_they_depend_on_what_requires_grad() -> None:
    x, w = microbp.tensor(X), leaf(2.0)
    f = lambda a: (a**3).sum()  # noqa: E731
    for result in (
        func.grad(f)(x),
        func.jacrev(f)(x),
        func.hessian(f)(x),
        func.vjp(f, x)[0],
        func.jvp(f, (x,), (x,))[1],
    ):
        assert not result.requires_grad
    g = func.grad(lambda a: (a**3).sum() * w.sum())(x)
    g.sum().backward()
    np.testing.assert_allclose(w.grad.array, [(3.0 * X**2).sum()])
    assert x.grad is None


def test_the_arguments_of_the_user_are_left_alone() -> None:
    x = leaf(*X)
    func.grad(lambda a: (a * a).sum())(x)
    func.jacrev(lambda a: a * a)(x.detach())
    assert x.grad is None
    assert x.requires_grad
    y = x.detach()
    func.grad(lambda a: (a * a).sum())(y)
    assert not y.requires_grad


def test_no_grad_inside_counts_and_outside_does_not() -> None:
    def program(lib: Any, x: Any) -> Any:
        def f(a: Any) -> Any:
            with lib.no_grad():
                shift = a * a
            return (a**3 - shift).sum()

        inside = lib.func.grad(f)(x)
        with lib.no_grad():
            outside = lib.func.grad(lambda a: (a**3).sum())(x)
            twice = lib.func.hessian(lambda a: (a**3).sum())(x)
        assert not outside.requires_grad
        return inside, outside, twice

    compare(program, X)


def test_an_error_inside_leaves_no_state_behind() -> None:
    def broken(a: Any) -> Any:
        raise ValueError("broken on purpose")

    x = microbp.tensor(X)
    calls = [
        lambda: func.grad(broken)(x),
        lambda: func.grad(lambda a: func.grad(broken)(a).sum())(x),
        lambda: func.vjp(broken, x),
        lambda: func.jvp(broken, (x,), (x,)),
        lambda: func.jacrev(broken)(x),
        lambda: func.jacfwd(broken)(x),
        lambda: func.hessian(broken)(x),
    ]
    for call in calls:
        with microbp.no_grad():
            with pytest.raises(ValueError, match="on purpose"):
                call()
            assert not microbp.is_grad_enabled()
        assert microbp.is_grad_enabled()
    assert not x.requires_grad
    np.testing.assert_allclose(func.grad(lambda a: (a * a).sum())(x).array, 2.0 * X)


def test_nothing_leaks_with_the_collector_off() -> None:
    x = microbp.tensor(X)

    def step() -> None:
        func.grad(lambda a: func.grad(lambda b: (b * b * a).sum())(a).sum())(x)
        func.jacfwd(lambda a: a.exp())(x)
        func.vjp(lambda a: a.exp(), x)[1](x)

    for _ in range(5):
        step()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(200):
            step()
        grown = len(gc.get_objects()) - before
    finally:
        gc.enable()
    assert grown < 50, f"{grown} objects have leaked in 200 steps"


def test_transforms_in_threads() -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                x = microbp.tensor(X)
                np.testing.assert_allclose(func.hessian(lambda a: (a**3).sum())(x).array, np.diag(6.0 * X))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_a_function_keeps_its_name() -> None:
    def loss(x: Any) -> Any:
        """What is to be small."""
        return x.sum()

    assert func.grad(loss).__name__ == func.jacrev(loss).__name__ == "loss"
    assert func.grad(loss).__doc__ == "What is to be small."


# -- what is refused -----------------------------------------------------------------------


def test_what_does_not_fit_is_refused_by_name() -> None:
    x = microbp.tensor(X)
    with pytest.raises(errors.ShapeError, match=r"without dimensions, got shape \(3,\).*jacrev"):
        func.grad(lambda a: a)(x)
    with pytest.raises(TypeError, match="returns a Tensor, got float"):
        func.grad(lambda a: 3.0)(x)
    with pytest.raises(TypeError, match="pair"):
        func.grad(lambda a: a.sum(), has_aux=True)(x)
    with pytest.raises(TypeError, match="differentiates by tensors, got float"):
        func.grad(lambda a: a)(3.0)
    with pytest.raises(errors.DtypeError, match="int64"):
        func.grad(lambda a: a.sum())(microbp.arange(3))
    with pytest.raises(TypeError, match="jacrev needs a function that returns tensors, got int"):
        func.jacrev(lambda a: (a, 3))(x)


@pytest.mark.parametrize("argnums", [2, -3, (), (0, 0), (0, -2)])
def test_argnums_that_name_no_argument_or_one_twice(argnums: Any) -> None:
    x = microbp.tensor(X)
    for transform in (func.grad, func.grad_and_value, func.jacrev, func.jacfwd):
        with pytest.raises(errors.OptionError, match="arg"):
            transform(lambda a, b: (a * b).sum(), argnums=argnums)(x, x)


def test_vectors_that_do_not_fit() -> None:
    x = microbp.tensor(X)
    _, vjp_fn = func.vjp(lambda a: a * a, x)
    with pytest.raises(errors.ShapeError, match=r"vjp_fn got shape \(2,\) for output 0, which has shape \(3,\)"):
        vjp_fn(microbp.ones(2))
    with pytest.raises(errors.ShapeError, match="needs 1 tensors"):
        vjp_fn((x, x))
    with pytest.raises(errors.ShapeError, match="primal 0"):
        func.jvp(lambda a: a, (x,), (microbp.ones(2),))
    with pytest.raises(TypeError, match="tuple of primals"):
        func.jvp(lambda a: a, x, x)


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(NotImplementedError, match="vmap"):
        func.vmap(lambda a: a)
    with pytest.raises(NotImplementedError, match="strict"):
        func.jvp(lambda a: a, (microbp.ones(1),), (microbp.ones(1),), strict=True)
    for name in ("linearize", "functionalize", "stack_module_state"):
        with pytest.raises(AttributeError, match=name):
            getattr(func, name)
