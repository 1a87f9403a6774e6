"""Operations of the user's own: what they compute against PyTorch, and what is refused."""

from __future__ import annotations

import copy
import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, nn
from microbp.autograd import Function
from microbp.autograd.function import once_differentiable
from tests.leaves import leaf
from tests.referee import compare

X = np.array([0.5, -1.0, 2.0])
Y = np.array([1.5, 0.3, -0.7])


class Cube(Function):
    """x^3."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 3.0 * x * x


class Product(Function):
    """x * y, with a backward that subclasses replace."""

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        return x * y


def with_backward(backward: Any) -> type[Function]:
    """`Product` with another backward."""
    return type("Product", (Product,), {"backward": staticmethod(backward)})


# -- what is computed ----------------------------------------------------------------------


def test_saved_arguments_and_outputs() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        class Expression(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any, y: Any) -> Any:
                out = (x * y).exp()
                ctx.save_for_backward(x, None, y, out)
                return out

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                x, nothing, y, out = ctx.saved_tensors
                assert nothing is None
                return g * out * y, g * out * x

        return Expression.apply(x, y) * x

    compare(program, X, Y, second_order=True)


def test_second_derivatives_reach_what_was_saved_from_outside() -> None:
    def program(lib: Any, x: Any, weight: Any) -> Any:
        scaled = weight * 2.0

        class Scale(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(weight, scaled)
                return x * weight * scaled

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                weight, scaled = ctx.saved_tensors
                return g * weight * scaled

        (g,) = lib.autograd.grad(Scale.apply(x).sum(), x, create_graph=True)
        return g

    compare(program, X, Y)


def test_other_arguments_and_attributes_of_the_context() -> None:
    def program(lib: Any, x: Any) -> Any:
        class Power(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any, exponent: int, name: str, options: Any) -> Any:
                ctx.save_for_backward(x)
                ctx.exponent, ctx.below = exponent, x ** (exponent - 1)
                assert (name, options) == ("power", {"a": [1]})
                return ctx.below * x

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g * ctx.exponent * ctx.below, None, None, None

        return Power.apply(x, 4, "power", {"a": [1]})

    compare(program, X)


def test_needs_input_grad_says_who_needs_a_gradient() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        seen = []

        class Both(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any, y: Any, factor: float) -> Any:
                seen.append(ctx.needs_input_grad)
                ctx.save_for_backward(x, y)
                return x * y * factor

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                x, y = ctx.saved_tensors
                seen.append(ctx.needs_input_grad)
                return (
                    g * y * 2.0 if ctx.needs_input_grad[0] else None,
                    g * x * 2.0 if ctx.needs_input_grad[1] else None,
                    None,
                )

        out = Both.apply(x, y.detach(), 2.0)
        lib.autograd.grad(out.sum(), x, retain_graph=True)
        with lib.no_grad():
            Both.apply(x, y, 2.0)
        return out, str(seen)

    compare(program, X, Y)


def test_several_outputs_add_up_in_one_run_of_the_backward() -> None:
    def program(lib: Any, x: Any) -> Any:
        runs = []

        class Powers(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                square = x * x
                ctx.save_for_backward(x, square)
                return square, square * x

            @staticmethod
            def backward(ctx: Any, a: Any, b: Any) -> Any:
                runs.append(1)
                x, square = ctx.saved_tensors
                return a * 2.0 * x + b * 3.0 * square

        square, cube = Powers.apply(x)
        (g,) = lib.autograd.grad((square * cube + cube * cube).sum(), x, create_graph=True)
        assert len(runs) == 1
        return g, square, cube

    compare(program, X, second_order=True)


@pytest.mark.parametrize("materialize", [True, False])
def test_an_output_that_is_not_used(materialize: bool) -> None:
    def program(lib: Any, x: Any) -> Any:
        seen = []

        class Pair(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.set_materialize_grads(materialize)
                return x * 2.0, x.sum()

            @staticmethod
            def backward(ctx: Any, a: Any, b: Any) -> Any:
                seen.append(None if b is None else (tuple(b.shape), b.item()))
                return a * 2.0

        first, _ = Pair.apply(x)
        (g,) = lib.autograd.grad(first.sum(), x)
        return g, str(seen)

    compare(program, X)


def test_outputs_that_have_no_gradient() -> None:
    def program(lib: Any, x: Any) -> Any:
        class Sorted(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                values, order = x.sort()
                rank = order * 1.0
                ctx.mark_non_differentiable(order, rank)
                ctx.save_for_backward(order)
                return values, order, rank, "sorted", None

            @staticmethod
            def backward(ctx: Any, g: Any, *others: Any) -> Any:
                (order,) = ctx.saved_tensors
                assert others[0].sum() == 0
                assert others[1].shape == g.shape
                assert others[2:] == (None, None)
                return lib.zeros_like(g).index_add(0, order, g)

        values, order, rank, name, nothing = Sorted.apply(x)
        assert not order.requires_grad
        assert not rank.requires_grad
        return values * rank, order, name, nothing

    compare(program, X)


def test_no_gradient_at_all() -> None:
    def program(lib: Any, x: Any) -> Any:
        class Stop(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x.clone()

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return None

        Stop.apply(x).sum().backward()
        assert x.grad is None
        return Stop.apply(x) * x

    compare(program, X)


def test_a_gradient_is_summed_back_to_the_shape_and_brought_to_the_dtype_of_its_argument() -> None:
    def program(lib: Any, x: Any, row: Any) -> Any:
        class Outer(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any, row: Any) -> Any:
                ctx.save_for_backward(x, row)
                return x * row

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                x, row = ctx.saved_tensors
                return (g * row).float(), g * x

        return Outer.apply(x, row)

    compare(program, X.reshape(3, 1), np.array([[1.0, 2.0]]), rtol=1e-6)  # rounded to float32 on its way


def test_the_split_form_with_defaults_and_keywords() -> None:
    def program(lib: Any, x: Any) -> Any:
        class Power(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(x: Any, exponent: int = 3, factor: float = 1.0) -> Any:
                return x**exponent * factor, x**exponent

            @staticmethod
            def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
                x, ctx.exponent, ctx.factor = inputs
                ctx.mark_non_differentiable(output[1])
                ctx.save_for_backward(x)

            @staticmethod
            def backward(ctx: Any, g: Any, _: Any) -> Any:
                (x,) = ctx.saved_tensors
                return g * ctx.exponent * x ** (ctx.exponent - 1) * ctx.factor, None, None

        return Power.apply(x)[0], Power.apply(x, 4)[0], Power.apply(x, factor=2.0, exponent=2)[0]

    compare(program, X, second_order=True)
    with pytest.raises(TypeError, match="keyword"):
        Cube.apply(x=leaf(1.0))


def test_an_argument_changed_in_place_is_moved_on() -> None:
    def program(lib: Any, x: Any) -> Any:
        class Double(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                x.mul_(2.0)
                ctx.mark_dirty(x)
                ctx.save_for_backward(x)
                return x

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                ctx.saved_tensors  # noqa: B018
                return g * 2.0

        h = x * 3.0
        assert Double.apply(h) is h
        with lib.no_grad():
            buffer = lib.ones_like(x)
            assert Double.apply(buffer) is buffer
        return h * h, buffer

    compare(program, X, second_order=True)


def test_an_argument_changed_in_place_is_seen_by_the_guard() -> None:
    class Double(Cube):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            x.mul_(2.0)
            ctx.mark_dirty(x)
            return x

    h = leaf(1.0, 2.0) * 1.0
    square = h * h
    Double.apply(h)
    with pytest.raises(errors.MutationError, match="mul"):
        square.sum().backward()
    with pytest.raises(errors.GraphError, match=r"Double\.forward changed its argument 'x' in place, which is a leaf"):
        Double.apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="view"):
        Double.apply((leaf(1.0, 2.0) * 1.0)[:1])


@pytest.mark.parametrize("shared", ["argument", "view"])
def test_an_output_shares_no_memory_with_an_argument(shared: str) -> None:
    class Same(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x if shared == "argument" else x[:2]

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return -microbp.cat([g, g[:1]])[:3]

    x = leaf(1.0, 2.0, 3.0)
    y = Same.apply(x)
    assert y is not x
    assert not np.shares_memory(y.array, x.array)
    y.add_(1.0)  # which PyTorch refuses, its output being a view
    (y * y).sum().backward()
    assert x.tolist() == [1.0, 2.0, 3.0]
    assert x.grad.tolist()[:2] == [-4.0, -6.0]


def test_one_tensor_returned_twice_counts_twice() -> None:
    class Twice(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x * 1.0
            return y, y

        @staticmethod
        def backward(ctx: Any, a: Any, b: Any) -> Any:
            return a * 2.0 + b * 3.0

    x = leaf(1.0)
    a, b = Twice.apply(x)
    (a + 10.0 * b).backward()
    assert x.grad.item() == 32.0


def test_what_is_not_recorded_has_no_history() -> None:
    x = leaf(1.0, 2.0)
    with microbp.no_grad():
        assert not Cube.apply(x).requires_grad
    assert not Cube.apply(x.detach()).requires_grad

    class Sign(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x > 1.0

    assert not Sign.apply(x).requires_grad


def test_the_forward_sees_arguments_as_they_are_and_records_nothing() -> None:
    def program(lib: Any, x: Any) -> Any:
        class Look(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                assert x.requires_grad
                assert not lib.is_grad_enabled()
                assert not (x * 2.0).requires_grad
                return lib.from_numpy(x.numpy() * 2.0)

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                assert not lib.is_grad_enabled()
                return g * 2.0

        Look.apply(x).sum().backward()
        return x.grad

    compare(program, X)


def test_gradients_pass_the_checkers() -> None:
    assert microbp.autograd.gradcheck(Cube.apply, leaf(*X))
    assert microbp.autograd.gradgradcheck(Cube.apply, leaf(*X))


# -- the graph -----------------------------------------------------------------------------


def test_backward_twice_needs_retain_graph() -> None:
    x = leaf(2.0)
    y = Cube.apply(x)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 24.0
    with pytest.raises(errors.GraphError, match="Cube"):
        y.backward()


def test_a_context_that_was_kept_has_nothing_left_after_the_backward() -> None:
    kept = []

    class Keep(Cube):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            kept.append(ctx)
            return Cube.backward(ctx, g)

    x = leaf(2.0)
    Keep.apply(x).backward()
    with pytest.raises(errors.GraphError, match="freed"):
        _ = kept[0].saved_tensors


def test_hooks_and_retained_gradients_of_outputs() -> None:
    def program(lib: Any, x: Any) -> Any:
        seen = []

        class Pair(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x * 2.0, x * 3.0

            @staticmethod
            def backward(ctx: Any, a: Any, b: Any) -> Any:
                return a * 2.0 + b * 3.0

        a, b = Pair.apply(x)
        a.register_hook(lambda g: seen.append(g.sum().item()))
        b.register_hook(lambda g: g * 10.0)
        a.retain_grad()
        b.retain_grad()
        (a * b).sum().backward()
        return a.grad, b.grad, x.grad, str(seen)

    compare(program, X)


def test_gradients_with_respect_to_outputs() -> None:
    def program(lib: Any, x: Any) -> Any:
        class Pair(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x * 2.0, x * 3.0

            @staticmethod
            def backward(ctx: Any, a: Any, b: Any) -> Any:
                return a * 2.0 + b * 3.0

        a, b = Pair.apply(x)
        return lib.autograd.grad((a * a * b).sum(), (a, b, x))

    compare(program, X)


def test_a_module_with_a_function_of_its_own_is_trained() -> None:
    def program(lib: Any, x: Any, weight: Any) -> Any:
        class Swish(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x * x.sigmoid()

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                (x,) = ctx.saved_tensors
                s = x.sigmoid()
                return g * (s + x * s * (1.0 - s))

        class Net(lib.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.weight = lib.nn.Parameter(weight.detach().clone())

            def forward(self, x: Any) -> Any:
                return Swish.apply(x @ self.weight)

        net = Net()
        optimizer = lib.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        losses = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = ((net(x.detach()) - 1.0) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return (*losses, copy.deepcopy(net).weight.detach())

    compare(program, np.outer(X, Y), np.outer(Y, X))


def test_a_drawing_names_functions_and_their_outputs() -> None:
    class MinMax(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.min(), x.max()

    x = leaf(1.0, 2.0)
    low, high = MinMax.apply(Cube.apply(x))
    source = str(microbp.viz.make_dot(low * high))
    for text in ("Cube", "MinMax", "MinMax[0]", "MinMax[1]"):
        assert text in source
    assert low.grad_fn.next_functions[0][0] is high.grad_fn.next_functions[0][0]


def test_an_output_is_not_copied_with_its_graph() -> None:
    with pytest.raises(errors.GraphError, match="Cube"):
        copy.deepcopy(Cube.apply(leaf(1.0)))


# -- memory, threads, failures -------------------------------------------------------------


def test_nothing_leaks_with_the_collector_off() -> None:
    class Pair(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            ctx.z = x * 2.0
            total = x + y
            ctx.save_for_backward(x, total)
            return total, ctx.z * y

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, a: Any, b: Any) -> Any:
            _ = ctx.saved_tensors
            return a, b * ctx.z

    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    refused = with_backward(lambda ctx, g: g)

    def step() -> None:
        total, product = Pair.apply(x, y)
        (Cube.apply(total) * product).sum().backward()
        microbp.autograd.grad((Cube.apply(total.detach() * x) * 2.0).sum(), x, create_graph=True)
        Pair.apply(x, y)  # dropped
        with pytest.raises(errors.GraphError):
            refused.apply(x, y).sum().backward()

    for _ in range(5):
        step()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(1000):
            step()
        grown = len(gc.get_objects()) - before
    finally:
        gc.enable()
    assert grown < 50, f"{grown} objects have leaked in 1000 calls"


def test_a_dropped_call_frees_what_it_saved() -> None:
    gc.disable()
    try:
        x = leaf(1.0, 2.0) * 1.0
        y = Cube.apply(x)
        saved = weakref.ref(x.array)
        del x
        assert saved() is not None
        del y
        assert saved() is None
    finally:
        gc.enable()


def test_independent_calls_in_threads() -> None:
    failed: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for _ in range(50):
                x = leaf(float(seed), 2.0)
                Cube.apply(Cube.apply(x)).sum().backward()
                assert x.grad.tolist() == [9.0 * seed**8, 9.0 * 2.0**8]
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_an_exception_inside_the_backward_leaves_everything_whole() -> None:
    def broken(ctx: Any, g: Any) -> Any:
        raise ValueError("broken on purpose")

    x, y = leaf(1.0), leaf(2.0)
    loss = (with_backward(broken).apply(x, y) * y).sum() + (x * 2.0).sum()
    for _ in range(2):
        with pytest.raises(ValueError, match="on purpose"):
            loss.backward(retain_graph=True)
        assert x.grad is y.grad is None
        assert microbp.is_grad_enabled()
    (x * y).backward()
    assert (x.grad.item(), y.grad.item()) == (2.0, 1.0)


def test_an_exception_inside_the_forward_leaves_the_mode_alone() -> None:
    class Broken(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            raise ValueError("broken on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        Broken.apply(leaf(1.0))
    assert microbp.is_grad_enabled()


# -- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.data.add_(1.0),
        lambda t: t.detach().zero_(),
        lambda t: microbp.optim.SGD([t.requires_grad_()], lr=0.1).step() if t.is_leaf else t.mul_(2.0),
    ],
)
@pytest.mark.parametrize("which", ["argument", "output", "between"])
def test_a_saved_tensor_changed_before_the_backward_is_refused(change: Any, which: str) -> None:
    between = []

    class Keep(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            middle = x * 2.0
            out = middle.exp()
            between.append(middle)
            ctx.save_for_backward({"argument": x, "output": out, "between": middle}[which])
            return out

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.saved_tensors[0]

    x = leaf(1.0, 2.0)
    x.grad = microbp.ones_like(x)
    out = Keep.apply(x)
    changed = {"argument": x, "output": out, "between": between[0]}[which]
    changed.grad = microbp.ones_like(changed)
    change(changed)
    named = {"argument": "its argument 'x'", "output": "its output", "between": "neither argument nor output"}[which]
    with pytest.raises(errors.MutationError, match=rf"Keep.*test_function.*{named}.*version \d+.*version \d+"):
        out.sum().backward()


def test_a_saved_leaf_that_was_given_other_data_keeps_its_values() -> None:
    x = leaf(2.0)
    y = Cube.apply(x)
    x.data = microbp.tensor([5.0], dtype=microbp.float64)
    y.backward(retain_graph=True)
    assert x.grad.item() == 12.0
    with pytest.raises(errors.MutationError, match="given other data"):
        y.backward(create_graph=True)


@pytest.mark.parametrize(
    ("backward", "error", "text"),
    [
        (lambda ctx, g: g, errors.GraphError, r"returned 1 gradients.*2 arguments \(x, y\)"),
        (lambda ctx, g: (g, g, g), errors.GraphError, r"returned 3 gradients.*2 arguments"),
        (lambda ctx, g: (g, g), errors.GraphError, "gradient of 'y', returned a tensor.*is no tensor; return None"),
        (lambda ctx, g: (3.0, None), TypeError, r"gradient of 'x', returned float: 3.0; return a Tensor or None"),
        (lambda ctx, g: (g[:2], None), errors.ShapeError, r"gradient of 'x'.*shape \(2,\).*shape \(3,\)"),
        (lambda ctx, g: (g.sum(), None), errors.ShapeError, r"gradient of 'x'.*shape \(\).*shape \(3,\)"),
    ],
)
def test_wrong_gradients_are_refused_by_name(backward: Any, error: type[Exception], text: str) -> None:
    out = with_backward(backward).apply(leaf(*X), 2.0)
    with pytest.raises(error, match=rf"Product\.backward.*{text}"):
        out.sum().backward()


def test_further_gradients_may_be_none() -> None:
    x = leaf(*X)
    with_backward(lambda ctx, g: (g * 2.0, None, None)).apply(x, 2.0).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_a_gradient_must_not_be_written_to() -> None:
    def backward(ctx: Any, g: Any) -> Any:
        return g.mul_(2.0), None

    with pytest.raises(errors.MutationError, match=r"read-only.*clone"):
        with_backward(backward).apply(leaf(*X), 2.0).sum().backward()


def test_the_gradient_of_a_leaf_is_its_own_memory() -> None:
    shared = microbp.ones(3, dtype=microbp.float64)
    x, y = leaf(*X), leaf(*Y)
    with_backward(lambda ctx, g: (shared, shared)).apply(x, y).sum().backward()
    x.grad.zero_()
    assert y.grad.tolist() == shared.tolist() == [1.0, 1.0, 1.0]


def test_once_differentiable_refuses_second_derivatives_only() -> None:
    class Square(Cube):
        @staticmethod
        @once_differentiable
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            assert not microbp.is_grad_enabled()
            return microbp.from_numpy(g.numpy() * 3.0 * x.numpy() ** 2)

    x = leaf(2.0)
    Square.apply(x).backward()
    (g,) = microbp.autograd.grad(Square.apply(x), x, create_graph=True)
    assert x.grad.item() == g.item() == 12.0
    with pytest.raises(errors.GraphError, match=r"Square.*once_differentiable"):
        g.backward()


def test_changes_in_place_that_are_not_declared_are_refused() -> None:
    class Silent(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            x.add_(1.0)
            return x * 1.0

    class Vain(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x * 1.0

    with pytest.raises(errors.MutationError, match=r"Silent.*'x'.*mark_dirty"):
        Silent.apply(leaf(1.0) * 1.0)
    with pytest.raises(errors.GraphError, match=r"Vain.*dirty"):
        Vain.apply(leaf(1.0) * 1.0)


def test_other_misuse_is_refused() -> None:
    class Listed(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return [x * 2.0]

    class Number(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x, 3)
            return x * 2.0

    class NoBackward(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2.0

    class Split(Function):
        @staticmethod
        def forward(x: Any, *, factor: float = 2.0) -> Any:
            return x * factor

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

    x = leaf(1.0)
    with pytest.raises(TypeError, match="tuple"):
        Listed.apply(x)
    with pytest.raises(TypeError, match=r"Number.*argument 1 is int"):
        Number.apply(x)
    with pytest.raises(NotImplementedError, match="backward"):
        NoBackward.apply(x).backward()
    with pytest.raises(NotImplementedError, match="forward"):
        Function.apply(x)
    with pytest.raises(TypeError, match=r"Split.apply\(\)"):
        Split.apply()
    with pytest.raises(TypeError, match="keyword-only"):
        Split.apply(x, factor=3.0)
    with pytest.raises(errors.GraphError, match=r"NoBackward\.apply"):
        NoBackward()


def test_a_function_in_a_module_has_its_place_in_the_drawing() -> None:
    class Net(nn.Module):
        def forward(self, x: Any) -> Any:
            return Cube.apply(x)

    y = Net()(leaf(1.0))
    assert y.grad_fn.calls is not None
    assert "Net" in str(microbp.viz.make_dot(y))
