"""Checkpoints: the same gradients as without, with fewer values kept, and no second run that differs unnoticed."""

from __future__ import annotations

import gc
import random
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, nn
from microbp.engine import collect
from microbp.utils.checkpoint import checkpoint, checkpoint_sequential
from microbp.utils.recompute import Recomputed
from tests.leaves import leaf
from tests.referee import compare

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])
W = np.array([[0.1, 0.2, 0.3], [-0.4, 0.5, 0.6], [0.7, -0.8, 0.9]])


def checkpointed(lib: Any) -> Any:
    """The library's `checkpoint`, without reentrance."""
    return lambda *args, **kwargs: lib.utils.checkpoint.checkpoint(*args, use_reentrant=False, **kwargs)


@pytest.fixture(autouse=True, scope="module")
def pytorch_has_it_imported() -> None:
    """PyTorch does not bring `torch.utils.checkpoint` with `torch`."""
    with suppress(ImportError):
        import torch.utils.checkpoint  # noqa: F401


def small_net() -> nn.Sequential:
    """Two layers in float64."""
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def released(tensor: Any) -> int:
    """How many operations behind a tensor have given up what they kept."""
    return sum(isinstance(node.kept, Recomputed) for node in collect([tensor.grad_fn]))


# -- the same gradients --------------------------------------------------------------------


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_gradients_of_arguments_and_of_what_the_function_has_from_outside(use_reentrant: bool) -> None:
    def program(lib: Any, x: Any, w: Any) -> Any:
        h = x * 2.0
        scaled = w * 1.5  # no leaf, and no argument

        def block(a: Any) -> Any:
            return ((a @ scaled).tanh() @ w).exp()

        y = lib.utils.checkpoint.checkpoint(block, h, use_reentrant=use_reentrant)
        (y * h).sum().backward()
        return y, x.grad, w.grad

    def without_outputs_history(lib: Any, x: Any, w: Any) -> Any:
        return tuple(t.detach() for t in program(lib, x, w))

    compare(without_outputs_history, X, W)


def test_second_derivatives() -> None:
    def program(lib: Any, x: Any, w: Any) -> Any:
        def block(a: Any) -> Any:
            return ((a @ w).tanh() * a).exp() * a.softmax(-1)

        return checkpointed(lib)(block, x * 2.0)

    compare(program, X, W, second_order=True)


def test_keyword_arguments_nested_arguments_and_several_outputs() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        def block(pair: Any, *, factor: Any, name: str) -> Any:
            a, rest = pair
            assert name == "block"
            return {"sum": (a * rest["b"]).exp() + factor, "list": [a.sin() * factor, 3, None]}

        found = checkpointed(lib)(block, (x, {"b": y}), factor=x * 2.0, name="block")
        assert found["list"][1:] == [3, None]
        return found["sum"], found["list"][0]

    compare(program, X, X[::-1].copy(), second_order=True)


def test_a_part_of_the_outputs_and_a_part_of_the_inputs() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        first, second = checkpointed(lib)(lambda a, b: ((a * b).exp(), (a * a).tanh()), x, y)
        (g,) = lib.autograd.grad(second.sum(), x, retain_graph=True)
        (h,) = lib.autograd.grad(first.sum(), y, retain_graph=True)
        return g, h, first

    compare(program, X, X[::-1].copy())


def test_nested_checkpoints() -> None:
    def program(lib: Any, x: Any, w: Any) -> Any:
        again = checkpointed(lib)

        def inner(a: Any) -> Any:
            return (a @ w).tanh() * a

        def middle(a: Any) -> Any:
            return again(inner, a.exp()).sin() + again(inner, a)

        def outer(a: Any) -> Any:
            return again(middle, a * 0.5) * again(inner, a).cos()

        return again(outer, x)

    compare(program, X, W, second_order=True)


def test_runs_of_the_function() -> None:
    runs: list[str] = []

    def inner(a: Any) -> Any:
        runs.append("inner")
        return (a * a).exp()

    def outer(a: Any) -> Any:
        runs.append("outer")
        return checkpoint(inner, a.sin(), use_reentrant=False).tanh()

    y = checkpoint(outer, leaf(1.0, 2.0), use_reentrant=False).sum()
    assert runs == ["outer", "inner"]
    y.backward(retain_graph=True)
    assert runs == ["outer", "inner", "outer", "inner", "inner"]  # the last for what the inner one needs
    y.backward()
    assert runs == ["outer", "inner", *["outer", "inner", "inner"] * 2]


def test_backward_twice_and_a_freed_graph() -> None:
    x = leaf(1.0, 2.0)
    y = checkpoint(lambda a: (a * a).exp(), x, use_reentrant=False).sum()
    y.backward(retain_graph=True)
    once = x.grad.tolist()
    y.backward()
    assert x.grad.tolist() == [2.0 * g for g in once]
    with pytest.raises(errors.GraphError, match="second time"):
        y.backward()


def test_what_is_not_recorded_inside() -> None:
    def program(lib: Any, x: Any, w: Any) -> Any:
        def block(a: Any) -> Any:
            with lib.no_grad():
                scale = (a * a).sum() + w.exp()
            mask = (a > 0).to(a.dtype)
            return (a @ scale) * mask + a.detach() * a

        return checkpointed(lib)(block, x * 2.0)

    compare(program, X, W)


def test_writes_inside() -> None:
    def program(lib: Any, x: Any) -> Any:
        def block(a: Any) -> Any:
            h = (a * 2.0).exp()
            h = h * 1.0
            h.add_(a)
            h[0] = a[1] * a[0]
            return h.tanh()

        return checkpointed(lib)(block, x)

    compare(program, X)


def test_a_gradient_taken_inside() -> None:
    def program(lib: Any, x: Any) -> Any:
        def block(a: Any) -> Any:
            (g,) = lib.autograd.grad((a**3).sum(), a, create_graph=True)
            return g * a.exp()

        return checkpointed(lib)(block, x * 1.0)

    compare(program, X)


def test_functions_inside() -> None:
    def program(lib: Any, x: Any) -> Any:
        class Powers(lib.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                square = x * x
                ctx.save_for_backward(x, square)
                return square, square * x

            @staticmethod
            def backward(ctx: Any, a: Any, b: Any) -> Any:
                x, square = ctx.saved_tensors
                return a * 2.0 * x + b * 3.0 * square

        def block(a: Any) -> Any:
            square, cube = Powers.apply(a.tanh())
            return Powers.apply(square * cube)[1]

        return checkpointed(lib)(block, x)

    compare(program, X, second_order=True)


def test_hooks_and_retained_gradients_inside() -> None:
    def program(lib: Any, x: Any) -> Any:
        seen, kept = [], []

        def block(a: Any) -> Any:
            h = a.exp()
            if not kept:
                h.register_hook(lambda g: seen.append(g.sum().item()))
                h.retain_grad()
                kept.append(h)
            return h * h

        y = checkpointed(lib)(block, x)
        y.sum().backward()
        assert len(seen) == 1
        return x.grad, kept[0].grad

    compare(program, X)


def test_modules_train_as_without() -> None:
    def program(lib: Any, x: Any, reuse: bool) -> Any:
        net = lib.nn.Sequential(*(part for _ in range(4) for part in (lib.nn.Linear(3, 3), lib.nn.Tanh())))
        with lib.no_grad():
            for number, p in enumerate(net.parameters()):
                values = np.cos(np.arange(p.numel()) + number).reshape(tuple(p.shape)).astype(np.float32)
                p.copy_(lib.from_numpy(values))
        optimizer = lib.optim.SGD(net.parameters(), lr=0.1)
        found = []
        for _ in range(3):
            optimizer.zero_grad()
            given = x.detach().float()
            if reuse:
                out = lib.utils.checkpoint.checkpoint_sequential(net, 3, given, use_reentrant=False)
            else:
                out = net(given)
            loss = (out**2).mean()
            loss.backward()
            optimizer.step()
            found.append(loss.detach())
        return tuple(found)

    compare(program, X, True, rtol=1e-6)
    ours = [program(microbp, microbp.tensor(X), reuse) for reuse in (True, False)]
    assert [loss.item() for loss in ours[0]] == [loss.item() for loss in ours[1]]


def test_dropout_is_the_same_in_the_second_run_and_random_numbers_go_on_after_it() -> None:
    x = microbp.ones(64, 64, requires_grad=True)
    drop = nn.Dropout(0.5)
    results = []
    for wrapped in (True, False):
        microbp.manual_seed(7)
        x.grad = None
        y = checkpoint(drop, x * 1.0, use_reentrant=False) if wrapped else drop(x * 1.0)
        middle = microbp.rand(3)
        (y * y).sum().backward()
        results.append((y.tolist(), middle.tolist(), microbp.rand(3).tolist(), x.grad.tolist()))
    assert results[0] == results[1]


def test_layers_of_many_kinds_have_the_same_bits() -> None:
    F = nn.functional
    x, w = microbp.randn(2, 1, 8, 8), microbp.randn(2, 1, 3, 3, requires_grad=True)
    moments = microbp.zeros(2), microbp.ones(2)

    def block(a: Any) -> Any:
        h = F.batch_norm(F.conv2d(a, w), *moments, training=True)
        h = F.dropout(F.max_pool2d(F.relu(h), 2), 0.3)
        return F.log_softmax(F.layer_norm(h, h.shape[1:]).flatten(1), 1)

    found = []
    for wrapped in (True, False):
        microbp.manual_seed(3)
        y = checkpoint(block, x, use_reentrant=False) if wrapped else block(x)
        (g,) = microbp.autograd.grad(F.nll_loss(y, microbp.tensor([1, 2])), w)
        found.append((y.tolist(), g.tolist()))
    assert found[0] == found[1]


def test_a_checkpoint_for_each_step_of_a_long_recurrence() -> None:
    def program(lib: Any, w: Any, h: Any) -> Any:
        for k in range(50):
            h = checkpointed(lib)(lambda state, k=k: lib.tanh(w @ state) + 0.01 * k, h)
        return h

    compare(program, W, X[0].copy(), second_order=True)


def test_a_lambda_that_looks_up_a_loop_variable_too_late_is_refused() -> None:
    h = leaf(1.0, 2.0)
    for k in range(2):
        h = checkpoint(lambda a: a.exp() * k, h, use_reentrant=False)  # noqa: B023
    with pytest.raises(errors.CheckpointError, match="other values"):
        h.sum().backward()


def test_without_preserving_the_random_state_other_numbers_are_refused() -> None:
    x = microbp.ones(64, 64, requires_grad=True)
    y = checkpoint(nn.Dropout(0.5), x, use_reentrant=False, preserve_rng_state=False)
    with pytest.raises(errors.CheckpointError, match="output 0 has other values"):
        (y * y).sum().backward()


def test_inside_func_and_functional_call() -> None:
    net = small_net()

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Any, wrap: bool) -> Any:
            return checkpoint(self.net, x, use_reentrant=False) if wrap else self.net(x)

    module = Wrapped()
    parameters = {name: p.detach() for name, p in module.named_parameters()}

    def loss(parameters: Any, wrap: bool) -> Any:
        return (microbp.func.functional_call(module, parameters, (microbp.tensor(X), wrap)) ** 2).sum()

    with_it, without = (microbp.func.grad(loss)(parameters, wrap) for wrap in (True, False))
    for name, g in without.items():
        np.testing.assert_array_equal(with_it[name].array, g.array)


# -- memory --------------------------------------------------------------------------------


def deep(width: int, depth: int) -> nn.Sequential:
    """Layers that each keep an activation."""
    return nn.Sequential(*(part for _ in range(depth) for part in (nn.Linear(width, width), nn.Tanh())))


def alive_and_peak(call: Callable[[], Any]) -> tuple[int, int]:
    """The bytes alive after a forward, and the peak of forward and backward."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        loss = call()
        alive = tracemalloc.get_traced_memory()[0] - before
        loss.backward()
        return alive, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_fewer_bytes_are_alive_between_forward_and_backward_and_at_the_peak() -> None:
    net, x = deep(16, 16), microbp.randn(2048, 16, requires_grad=True)
    activation = x.nbytes
    for p in net.parameters():
        p.grad = microbp.zeros_like(p)
    alive, peak = alive_and_peak(lambda: net(x).sum())
    alive_with, peak_with = alive_and_peak(lambda: checkpoint_sequential(net, 4, x, use_reentrant=False).sum())
    assert alive > 16 * activation
    assert alive_with < 9 * activation  # three inputs of segments, and the last segment, which is not checkpointed
    assert peak_with < 0.75 * peak


def test_the_activations_die_with_the_call_and_after_the_second_run() -> None:
    arrays: list[Any] = []

    def block(a: Any) -> Any:
        mask = microbp.ones_like(a) * 0.5
        h = (a * 2.0).exp() * mask
        arrays.extend([weakref.ref(mask.array), weakref.ref(h.array)])
        return h.tanh().sum()

    gc.disable()
    try:
        y = checkpoint(block, leaf(1.0, 2.0), use_reentrant=False)
        assert [held() for held in arrays] == [None, None]
        y.backward(retain_graph=True)
        assert len(arrays) == 4
        assert [held() for held in arrays] == [None] * 4
        assert released(y) > 0
    finally:
        gc.enable()


def test_nothing_leaks_with_the_collector_off() -> None:
    net, x = small_net(), microbp.tensor(X, requires_grad=True)

    def step() -> None:
        y = checkpoint(lambda a: checkpoint(net, a, use_reentrant=False).exp(), x * 2.0, use_reentrant=False)
        y.sum().backward()
        checkpoint(net, x, use_reentrant=False)  # dropped

    for _ in range(5):
        step()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(300):
            step()
        grown = len(gc.get_objects()) - before
    finally:
        gc.enable()
    assert grown < 50, f"{grown} objects have leaked in 300 steps"


def test_nothing_is_recorded_or_kept_inside_no_grad() -> None:
    with microbp.no_grad():
        y = checkpoint(small_net(), microbp.tensor(X, requires_grad=True), use_reentrant=False)
    assert not y.requires_grad


def test_a_backward_inside_no_grad() -> None:
    x = leaf(1.0, 2.0)
    y = checkpoint(lambda a: a.exp(), x, use_reentrant=False).sum()
    with microbp.no_grad():
        y.backward()
    np.testing.assert_allclose(x.grad.array, np.exp([1.0, 2.0]))


def test_threads_on_one_retained_graph() -> None:
    x = leaf(1.0, 2.0)

    def block(a: Any) -> Any:
        for _ in range(30):
            a = (a * 1.1).sin()
        return a

    y = checkpoint(block, x, use_reentrant=False).sum()
    (expected,) = microbp.autograd.grad(y, x, retain_graph=True)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                (g,) = microbp.autograd.grad(y, x, retain_graph=True)
                assert g.tolist() == expected.tolist()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


# -- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda x, w, c: x.detach().mul_(2.0),
        lambda x, w, c: w.data.add_(1.0),
        lambda x, w, c: c.zero_(),
        lambda x, w, c: setattr(w, "data", microbp.ones_like(w)),
        lambda x, w, c: setattr(x, "data", microbp.ones_like(x)),
    ],
    ids=["argument", "parameter", "constant", "other data", "other data of an argument"],
)
def test_a_tensor_that_was_changed_since_is_refused(change: Any) -> None:
    x, w, c = leaf(1.0, 2.0), leaf(3.0, 4.0), microbp.tensor([5.0, 6.0], dtype=microbp.float64)
    y = checkpoint(lambda a: ((a + 1.0) * (w + 1.0) * c).exp(), x, use_reentrant=False).sum()
    with microbp.no_grad():
        change(x, w, c)
    with pytest.raises(errors.MutationError, match="changed since"):
        y.backward()
    assert x.grad is None


def test_a_constant_of_an_inner_checkpoint_that_was_changed_since_is_refused() -> None:
    c = microbp.tensor([5.0, 6.0], dtype=microbp.float64)

    def outer(a: Any) -> Any:
        return checkpoint(lambda b: (b * c).exp(), a.sin(), use_reentrant=False)

    y = checkpoint(outer, leaf(1.0, 2.0), use_reentrant=False).sum()
    c.zero_()
    with pytest.raises(errors.MutationError, match="changed since"):
        y.backward()


def test_an_optimizer_step_before_the_backward_is_refused_by_name() -> None:
    net = small_net()
    y = checkpoint(net, microbp.tensor(X), use_reentrant=False).sum()
    for p in net.parameters():
        p.grad = microbp.ones_like(p)
    microbp.optim.SGD(net.parameters(), lr=0.1).step()
    with pytest.raises(errors.MutationError, match=r"\(2, 4\) float64|linear"):
        y.backward()


def test_a_constant_overwritten_inside_is_refused_as_without() -> None:
    def block(a: Any) -> Any:
        mask = microbp.ones_like(a)
        out = a * mask
        mask.zero_()
        return out * 2.0

    for call in (block, lambda a: checkpoint(block, a, use_reentrant=False)):
        with pytest.raises(errors.MutationError, match="mul"):
            call(leaf(1.0, 2.0)).sum().backward()


def test_a_function_that_changes_its_argument_is_refused() -> None:
    def block(a: Any) -> Any:
        a.add_(1.0)
        return a.exp()

    y = checkpoint(block, leaf(1.0, 2.0) * 1.0, use_reentrant=False).sum()
    with pytest.raises(errors.MutationError, match="changed since"):
        y.backward()


def changing(*steps: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that does something else each time."""
    rest = list(steps)
    return lambda a: rest.pop(0)(a)


@pytest.mark.parametrize(
    ("second", "text"),
    [
        (lambda a: a.exp() * 2.0, r"operation 0 was sin \(keeps a: \(2,\) float64\) at .*, and now is exp"),
        (lambda a: a.sin(), r"operation 1 was mul .*, and now is none"),
        (lambda a: a.sin() * 2.0 + 1.0, r"operation 2 was none, and now is add"),
        (lambda a: a[:1].sin() * 2.0, r"operation 0 was sin .*now is getitem"),
        (lambda a: a.sin() * 3.0, "output 0 has other values"),
        (lambda a: (a.sin() * 2.0).detach(), "operation 0 was sin .*now is none"),
    ],
)
def test_a_second_run_that_differs_is_refused(second: Any, text: str) -> None:
    x = leaf(1.0, 2.0)
    y = checkpoint(changing(lambda a: a.sin() * 2.0, second), x, use_reentrant=False)
    with pytest.raises(errors.CheckpointError, match=text):
        y.sum().backward()
    assert x.grad is None


def test_noise_of_other_origin_is_refused_unless_the_check_is_off() -> None:
    def noisy(a: Any) -> Any:
        return a.exp() * random.random()

    y = checkpoint(noisy, leaf(1.0, 2.0), use_reentrant=False)
    with pytest.raises(errors.CheckpointError, match="determinism_check='none'"):
        y.sum().backward()
    checkpoint(noisy, leaf(1.0, 2.0), use_reentrant=False, determinism_check="none").sum().backward()


def test_debug_lists_both_runs() -> None:
    y = checkpoint(changing(lambda a: a.sin(), lambda a: a.cos()), leaf(1.0), use_reentrant=False, debug=True)
    with pytest.raises(errors.CheckpointError, match=r"(?s)The first run:\n  0: sin .*The second run:\n  0: cos"):
        y.backward()


def test_an_error_in_the_second_run_leaves_everything_whole() -> None:
    def broken(a: Any) -> Any:
        raise ValueError("broken on purpose")

    x = leaf(1.0, 2.0)
    y = checkpoint(changing(lambda a: a.sin(), broken, lambda a: a.sin()), x, use_reentrant=False).sum()
    state = microbp.get_rng_state().tolist()
    with pytest.raises(ValueError, match="on purpose"):
        y.backward(retain_graph=True)
    assert x.grad is None
    assert microbp.is_grad_enabled()
    assert microbp.get_rng_state().tolist() == state


def test_the_contexts_are_entered_in_the_first_and_the_second_run() -> None:
    seen: list[str] = []

    @contextmanager
    def noted(name: str) -> Any:
        seen.append(name)
        yield
        seen.append(f"{name} ends")

    y = checkpoint(
        lambda a: a.exp(), leaf(1.0), use_reentrant=False, context_fn=lambda: (noted("first"), noted("second"))
    )
    assert seen == ["first", "first ends"]
    y.backward()
    assert seen == ["first", "first ends", "second", "second ends"]
    with pytest.raises(errors.CheckpointError, match="suppressed"):
        checkpoint(
            lambda a: a @ 3.0 @ a,
            leaf(1.0),
            use_reentrant=False,
            context_fn=lambda: (suppress(Exception), suppress(Exception)),
        )


def test_reentrant_has_the_limits_that_it_has_in_pytorch() -> None:
    net, x = small_net(), microbp.tensor(X)
    with pytest.warns(UserWarning, match="none of the arguments requires grad"):
        assert not checkpoint(net, x, use_reentrant=True).requires_grad
    with pytest.warns(UserWarning, match="use_reentrant explicitly"):
        assert checkpoint(net, x.clone().requires_grad_()).requires_grad
    with pytest.warns(UserWarning, match="use_reentrant explicitly"):
        checkpoint_sequential(net, 2, x.clone().requires_grad_())
    for options in ({"name": 3}, {"debug": True}, {"context_fn": lambda: None}):
        with pytest.raises(ValueError, match="only with use_reentrant=False"):
            checkpoint(net, x, use_reentrant=True, **options)


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(abs, leaf(1.0), use_reentrant=False, determinism_check="all")
    for segments in (0, 4):
        with pytest.raises(ValueError, match="segments"):
            checkpoint_sequential(small_net(), segments, leaf(1.0), use_reentrant=False)


@pytest.mark.parametrize("segments", [1, 2, 3])
def test_sequential_takes_lists_and_any_number_of_segments(segments: int) -> None:
    def program(lib: Any, x: Any, segments: int) -> Any:
        functions = [lib.exp, lib.tanh, lib.sin]
        return lib.utils.checkpoint.checkpoint_sequential(functions, segments, x, use_reentrant=False)

    compare(program, X, segments)


def test_a_drawing_runs_nothing_again_and_shows_the_operations() -> None:
    runs: list[int] = []

    def block(a: Any) -> Any:
        runs.append(1)
        return (a * a).exp()

    y = checkpoint(block, leaf(1.0, 2.0), use_reentrant=False).sum()
    source = str(microbp.viz.make_dot(y, show_saved=True))
    assert len(runs) == 1
    assert "exp" in source
    assert "keeps nothing" in source
