"""Backward hooks of modules: what they see and replace is what PyTorch's see and replace."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import MutationError, ShapeError
from tests.referee import to_array, torch

Pair = collections.namedtuple("Pair", "u v")


class Story:
    """What happened, for comparison with the same under the other library."""

    def __init__(self, lib: Any) -> None:
        self.lib = lib
        self.events: list[Any] = []

    def note(self, title: str, *values: Any) -> None:
        self.events.append((title, plain(values)))

    def watch(self, module: Any) -> Any:
        """Note all that hooks of both kinds are called with."""
        module.register_full_backward_pre_hook(lambda m, grad_output: self.note("before", grad_output))
        module.register_full_backward_hook(
            lambda m, grad_input, grad_output: self.note("after", grad_input, grad_output)
        )
        return module

    def leaf(self, *values: float) -> Any:
        return self.lib.tensor(list(values), dtype=self.lib.float64, requires_grad=True)

    def module(self, function: Callable[..., Any], *parameters: Any) -> Any:
        """A module whose forward is a function."""

        class Made(self.lib.nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.parts = self.lib.nn.ParameterList(parameters)

            lib = self.lib

            def forward(self, *args: Any, **kwargs: Any) -> Any:
                return function(*self.parts, *args, **kwargs)

        return self.watch(Made())


def plain(value: Any) -> Any:
    """Tensors as rounded numbers, containers by their kind."""
    if isinstance(value, tuple | list):
        return type(value).__name__, [plain(part) for part in value]
    array = to_array(value)
    return (array.dtype.name, array.round(12).tolist()) if isinstance(array, np.ndarray) else array


def unused_output(story: Story) -> None:
    a, b = story.leaf(1, 2), story.leaf(3, 4)
    out = story.module(lambda a, b: (a * 2, b * 3, "text"))(a, b)
    (out[0] * out[0]).sum().backward()
    story.note("end", a.grad, b.grad, out[2])


def unused_input(story: Story) -> None:
    a, b = story.leaf(1, 2), story.leaf(3, 4)
    story.module(lambda a, b: a * 2)(a, b).sum().backward()
    story.note("end", a.grad, b.grad)


def inputs_without_gradient(story: Story) -> None:
    a, b, k = story.leaf(1, 2), story.leaf(3, 4).detach(), story.lib.tensor([1, 0])
    out = story.module(lambda a, b, k, flag: (a[k] * b, k))(a, b, k, False)
    out[0].sum().backward()
    story.note("end", a.grad, b.grad, out[1])


def keywords(story: Story) -> None:
    a, b = story.leaf(1, 2), story.leaf(3, 4)
    story.module(lambda a, b: a * b)(a, b=b).sum().backward()
    story.note("end", a.grad, b.grad)


def no_input_with_gradient(story: Story) -> None:
    w = story.lib.nn.Parameter(story.leaf(1, 2).detach())
    story.module(lambda w, x: w * x, w)(story.leaf(5, 6).detach()).sum().backward()
    story.module(lambda w: w * 2, w)().sum().backward()
    story.module(lambda w, xs: w * xs[0], w)([story.leaf(1, 1)]).sum().backward()
    story.note("end", w.grad)


def replaced_gradients(story: Story) -> None:
    a = story.leaf(1, 2)
    module = story.module(lambda a: a * 2)
    module.register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] * 10,))
    story.watch(module)
    module.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 3,))
    story.watch(module)
    module.register_full_backward_hook(lambda m, gi, go: story.note("first", gi, go), prepend=True)
    module.register_full_backward_pre_hook(lambda m, go: story.note("first", go), prepend=True)
    module(a).sum().backward()
    story.note("end", a.grad)


def gradient_taken_away(story: Story) -> None:
    a, b = story.leaf(1, 2), story.leaf(3, 4)
    module = story.module(lambda a, b: a * b)
    module.register_full_backward_hook(lambda m, grad_input, grad_output: (None, grad_input[1] + 1))
    module(a * 2, b).sum().backward()
    story.note("end", a.grad, b.grad)


def other_outputs(story: Story) -> None:
    for function in (lambda a: {"a": a * 2}, lambda a: [a * 2]):
        a = story.leaf(1, 2)
        out = story.module(function)(a)
        (out["a"] if isinstance(out, dict) else out[0]).sum().backward()
        story.note("end", a.grad)


def named_tuple(story: Story) -> None:
    a = story.leaf(1, 2)
    out = story.module(lambda a: Pair(a * 2, a * 3))(a)
    story.note("kind", out)
    (out.u + out.v).sum().backward()
    story.note("end", a.grad)


def second_order(story: Story) -> None:
    a = story.leaf(1, 2)
    (g,) = story.lib.autograd.grad(story.module(lambda a: a**3)(a).sum(), a, create_graph=True)
    story.note("first", g)
    g.sum().backward()
    story.note("end", a.grad)


def gradients_of_parameters_only(story: Story) -> None:
    w, a = story.lib.nn.Parameter(story.leaf(1, 2).detach()), story.leaf(3, 4)
    loss = story.module(lambda w, a: w * a, w)(a).sum()
    story.note("w", story.lib.autograd.grad(loss, w, retain_graph=True))
    story.note("a", story.lib.autograd.grad(loss, a))


def twice(story: Story) -> None:
    a = story.leaf(1, 2)
    module = story.module(lambda a: a * a)
    loss = module(module(a)).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    story.note("end", a.grad)


def with_forward_hook(story: Story) -> None:
    a = story.leaf(1, 2)
    module = story.module(lambda a: a * a)
    module.register_forward_hook(lambda m, args, output: output * 2)
    module.register_forward_pre_hook(lambda m, args: (args[0] * 3,))
    module(a).sum().backward()
    story.note("end", a.grad)


def without_recording(story: Story) -> None:
    module = story.module(lambda a: a * a)
    with story.lib.no_grad():
        story.note("inside", module(story.leaf(1, 2)).requires_grad)
    story.note("constant", module(story.leaf(1, 2).detach()).requires_grad)


def removed(story: Story) -> None:
    a = story.leaf(1, 2)
    module = story.lib.nn.Tanh()
    with module.register_full_backward_hook(lambda m, gi, go: story.note("inside", gi, go)):
        module(a).sum().backward()
    module(a).sum().backward()
    story.note("end", a.grad)


def in_a_network(story: Story) -> None:
    net = story.lib.nn.Sequential(*[story.lib.nn.Linear(2, 2).double() for _ in range(3)])
    with story.lib.no_grad():
        for parameter in net.parameters():
            parameter.fill_(0.5)
    for module in net:
        story.watch(module)
    net(story.leaf(1, 2).reshape(1, 2)).sum().backward()
    story.note("end", [parameter.grad for parameter in net.parameters()])


STORIES = [
    unused_output,
    unused_input,
    inputs_without_gradient,
    keywords,
    no_input_with_gradient,
    replaced_gradients,
    gradient_taken_away,
    other_outputs,
    named_tuple,
    second_order,
    gradients_of_parameters_only,
    twice,
    with_forward_hook,
    without_recording,
    removed,
    in_a_network,
]


@pytest.mark.parametrize("tell", STORIES, ids=lambda tell: tell.__name__)
def test_hooks_see_what_those_of_pytorch_see(tell: Callable[[Story], None]) -> None:
    told = []
    for lib in (microbp, torch()):
        story = Story(lib)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tell(story)
        told.append((story.events, len(caught)))
        assert story.events
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("hook", "error", "text"),
    [
        (lambda m, gi, go: (gi[0], 1), ShapeError, "hook of Tanh returned an invalid number of gradients, got 2"),
        (lambda m, gi, go: gi[0], TypeError, "hook of Tanh returned Tensor; it must return None or a tuple of 1"),
        (lambda m, gi, go: (gi[0][:1],), ShapeError, r"returned gradient 0 of shape \(1,\), but expected \(2,\)"),
        (lambda m, gi, go: (3.0,), TypeError, "returned float as gradient 0; return a Tensor or None"),
    ],
)
def test_what_a_hook_may_not_return_is_named(hook: Any, error: type[Exception], text: str) -> None:
    module = nn.Tanh()
    module.register_full_backward_hook(hook)
    with pytest.raises(error, match=text):
        module(microbp.ones(2, requires_grad=True)).sum().backward()
    module = nn.Tanh()
    module.register_full_backward_pre_hook(lambda m, go: hook(m, go, None))
    with pytest.raises(error, match=text.replace("hook of", "pre-hook of")):
        module(microbp.ones(2, requires_grad=True)).sum().backward()


def test_a_hook_may_not_return_gradients_where_no_input_has_one() -> None:
    module = nn.Linear(2, 2)
    module.register_full_backward_hook(lambda m, gi, go: (microbp.ones(1, 2),))
    with (
        pytest.warns(UserWarning, match="no inputs require gradients"),
        pytest.raises(RuntimeError, match="returned gradients for inputs of which none requires grad"),
    ):
        module(microbp.ones(1, 2)).sum().backward()


def test_inputs_and_outputs_cannot_be_changed_in_place() -> None:
    x = microbp.ones(2, requires_grad=True) * 1
    module = nn.ReLU(inplace=True)
    module.register_full_backward_hook(lambda m, gi, go: None)
    with pytest.raises(MutationError, match="a module with backward hooks"):
        module(x)
    module = nn.Tanh()
    module.register_full_backward_hook(lambda m, gi, go: None)
    y = module(x)
    with pytest.raises(MutationError, match="a module with backward hooks"):
        y += 1


def test_the_operations_of_the_hooks_belong_to_the_call() -> None:
    module = nn.Tanh()
    module.register_full_backward_hook(lambda m, gi, go: None)
    x = microbp.ones(2, requires_grad=True) * 1
    y = module(x)
    reference, start, _, _, caller = y.node.calls
    assert reference() is module
    assert x.node.number < start < y.node.inputs[1].inputs[0].number
    assert caller[0].co_name == "test_the_operations_of_the_hooks_belong_to_the_call"


def test_a_graph_with_hooks_is_freed_without_the_collector() -> None:
    module = nn.Tanh()
    module.register_full_backward_hook(lambda m, gi, go: None)
    x = microbp.ones(2, requires_grad=True)
    loss = module(x).sum()
    gates = [loss.node.inputs[0], loss.node.inputs[0].inputs[1].inputs[0]]
    assert [gate.op.name for gate in gates] == ["Gate", "Gate"]
    loss.backward()
    assert [gate.kept for gate in gates] == [None, None]
