"""`why_no_grad`: each reason for a missing gradient is told from all others, with the line to blame and a way out."""

from __future__ import annotations

import copy
import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import microbp
from microbp import errors, nn, no_grad, why_no_grad
from microbp.ops import activation
from microbp.tensor import apply
from tests.leaves import leaf


def here(offset: int = 0) -> str:
    """This line, or one before or after it, as texts name it."""
    return f"{__file__}:{sys._getframe(1).f_lineno + offset}"


def says(answer: Any, *parts: str) -> None:
    """The answer, in print and on its own, has these parts in this order."""
    text = str(answer)
    assert text == repr(answer)
    position = 0
    for part in parts:
        found = text.find(part, position)
        assert found >= 0, f"{part!r} is not in {text[position:]!r}"
        position = found + len(part)


def test_it_is_a_function_of_the_package_and_of_autograd() -> None:
    assert microbp.why_no_grad is microbp.autograd.why_no_grad is why_no_grad


def test_a_gradient_that_is_there() -> None:
    w = leaf(1.0, 2.0)
    (w * 2.0).sum().backward()
    says(why_no_grad(w), "has a gradient", "(2,) float64")


@pytest.mark.parametrize("values", [[1, 2], [True, False]])
def test_numbers_that_are_not_floating_point(values: list[Any]) -> None:
    t = microbp.tensor(values)
    says(why_no_grad(t), f"has the dtype {t.dtype}", "only floating-point", "t.float()")


def test_a_leaf_that_does_not_require_grad() -> None:
    says(why_no_grad(microbp.ones(2)), "requires_grad=False", "Make it with requires_grad=True")


def test_a_frozen_parameter() -> None:
    layer = nn.Linear(2, 3).requires_grad_(False)
    says(why_no_grad(layer.weight), "a Parameter whose requires_grad was set to False", "frozen", "requires_grad_()")


CUTTING: list[tuple[str, Callable[[Any], Any]]] = [
    ("detach()", lambda w: w.detach()),
    ("detach_()", lambda w: (w * 1.0).detach_()),
    ("data", lambda w: w.data),
    ("tensor()", lambda w: microbp.tensor(w)),
]


@pytest.mark.parametrize(("how", "cut"), CUTTING, ids=[how for how, _ in CUTTING])
def test_a_detached_tensor_names_the_line_and_so_does_what_is_computed_from_it(how: str, cut: Any) -> None:
    line = cut.__code__.co_firstlineno
    d = cut(leaf(1.0, 2.0))
    expected = ("cut off from the graph", f"by {how} at {__file__}:{line}.", "requires_grad_()")
    says(why_no_grad(d), *expected)
    says(why_no_grad(3.0 - (d * 2.0).exp()), *expected)
    says(why_no_grad(d.reshape(2, 1)[0]), *expected)
    says(why_no_grad(d.detach()), *expected)
    says(why_no_grad(microbp.cat([microbp.ones(2, dtype=microbp.float64), d])), *expected)


def test_a_tensor_computed_inside_no_grad_names_the_block() -> None:
    w = leaf(1.0, 2.0)
    with no_grad():
        line = here(-1)
        y = w * 2.0
        z = (y + 1.0).mean()
    says(why_no_grad(y), f"computed inside no_grad() at {line}", "outside", "enable_grad()")
    says(why_no_grad(z), f"computed inside no_grad() at {line}")
    says(why_no_grad(z * 2.0), f"computed inside no_grad() at {line}")


def test_every_way_of_switching_recording_off_has_its_name() -> None:
    w = leaf(1.0)
    with microbp.inference_mode():
        line = here(-1)
        y = w * 2.0
    says(why_no_grad(y), f"inside inference_mode() at {line}")
    with microbp.set_grad_enabled(False):
        line = here(-1)
        y = w * 2.0
    says(why_no_grad(y), f"inside set_grad_enabled(False) at {line}")
    try:
        microbp.set_grad_enabled(False)
        line = here(-1)
        y = w * 2.0
    finally:
        microbp.set_grad_enabled(True)
    says(why_no_grad(y), f"inside set_grad_enabled(False) at {line}")

    @no_grad()
    def decorated() -> Any:
        return w * 2.0

    says(why_no_grad(decorated()), f"inside no_grad() as a decorator at {here(-4)}")

    def generator() -> Any:
        with no_grad():
            yield w * 2.0

    says(why_no_grad(next(generator())), f"inside no_grad() at {here(-3)}")
    with no_grad(), microbp.autograd.observe(object()):  # type: ignore[arg-type]
        line = here(-1)
        y = w * 2.0
    says(why_no_grad(y), f"inside no_grad() at {line}")


def test_a_total_that_was_summed_up_inside_no_grad() -> None:
    total, w = microbp.zeros(1, dtype=microbp.float64), leaf(1.0)
    with no_grad():
        line = here(-1)
        total += w * 2.0
    says(why_no_grad(total), f"inside no_grad() at {line}")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("argmax", lambda w: w.argmax(0)),
        ("gt", lambda w: w > 1.0),
        ("gt", lambda w: (w > 1.0).double() * 2.0),
        ("argmax", lambda w: microbp.nn.functional.one_hot(w.argmax(0), 3).double()),
    ],
)
def test_an_operation_without_a_gradient_is_named_with_its_line(name: str, function: Any) -> None:
    t = function(leaf(1.0, 2.0))
    says(why_no_grad(t), f"by {name}() at {__file__}:{function.__code__.co_firstlineno}", "no gradient", "softmax")


def test_data_that_never_had_a_history_is_not_said_to_have_lost_it() -> None:
    y = microbp.ones(3) * 2.0 + 1.0
    says(why_no_grad(y), "requires_grad=False", "is not known to come from one that requires grad")


def test_a_tensor_that_is_not_a_leaf_names_what_computed_it_before_and_after_backward() -> None:
    w = leaf(1.0, 2.0)
    h = w.exp() + 1.0
    line = here(-1)
    says(why_no_grad(h), f"computed by add (recorded at {line})", "not a leaf", "t.retain_grad() before backward()")
    assert "has run through it" not in str(why_no_grad(h))
    assert "name stood for" not in str(why_no_grad(h))
    h.sum().backward()
    says(why_no_grad(h), "computed by add", "A backward pass has run through it", "retain_grad()")


def test_a_name_that_was_bound_to_a_result() -> None:
    w = leaf(1.0)
    w = w * 2.0
    says(why_no_grad(w), f"computed by mul (recorded at {here(-1)})", "as in w = w * 2", "detach().requires_grad_()")
    w = leaf(1.0)
    w = w.to(microbp.float32)
    says(why_no_grad(w), f"computed by cast (recorded at {here(-1)})", "as in w = w.to(dtype)")


def test_a_leaf_that_no_pass_has_reached() -> None:
    says(why_no_grad(leaf(1.0)), "No backward pass has reached this tensor yet", "Call loss.backward()", "(t, loss)")
    says(why_no_grad(copy.deepcopy(leaf(1.0))), "No backward pass has reached this tensor yet")


@pytest.mark.parametrize("clear", ["t.grad = None", "Module.zero_grad", "Optimizer.zero_grad"])
def test_a_gradient_that_was_set_to_none(clear: str) -> None:
    layer = nn.Linear(2, 1)
    loss = layer(microbp.ones(1, 2)).sum()
    loss.backward()
    if clear == "t.grad = None":
        layer.weight.grad = None
    elif clear == "Module.zero_grad":
        layer.zero_grad()
    else:
        microbp.optim.SGD(layer.parameters(), lr=0.1).zero_grad()
    says(why_no_grad(layer.weight), "was set to None, by zero_grad() or t.grad = None", "no backward pass has reached")
    says(why_no_grad(layer.weight, loss), "depends on this tensor", "is freed", "was set to None", "before zero_grad()")


def test_retain_grad_that_came_too_late() -> None:
    w = leaf(1.0)
    h = w * 2.0
    loss = h.sum()
    h.retain_grad()
    says(why_no_grad(h), "No backward pass has reached")
    loss.backward()
    says(why_no_grad(h), "has a gradient")
    late = w * 2.0
    loss = late.sum()
    loss.backward()
    late.retain_grad()
    for answer in (why_no_grad(late), why_no_grad(late, loss)):
        says(answer, "retain_grad() was called on this tensor after the backward pass", "Call it before backward()")


# -- with a loss -----------------------------------------------------------------------------


def test_backward_not_called_on_the_loss() -> None:
    w = leaf(1.0)
    loss = (w * 2.0).sum()
    says(
        why_no_grad(w, loss), "depends on this tensor", "backward() has not been called on the loss.", "loss.backward()"
    )
    w.grad = None
    says(why_no_grad(w, loss), "backward() has not been called on the loss, or the gradient was set to None since")
    says(why_no_grad(w, w), "backward() has not been called on the loss")


def test_a_pass_that_was_limited_to_others_or_stored_nothing() -> None:
    w, v = leaf(1.0), leaf(2.0)
    loss = (w * v).sum()
    loss.backward(inputs=[v])
    says(why_no_grad(w, loss), "depends on this tensor", "is freed", "limited by inputs=", "autograd.grad()")


def test_a_loss_without_a_graph_is_explained_itself() -> None:
    w = leaf(1.0)
    with no_grad():
        line = here(-1)
        loss = (w * 2.0).sum()
    says(why_no_grad(w, loss), f"The loss was computed inside no_grad() at {line}", "no tensor gets a gradient from it")
    detached = (w * 2.0).sum().detach()
    says(why_no_grad(w, detached), "The loss", f"by detach() at {here(-1)}", "loss.requires_grad_()")


@pytest.mark.parametrize("after", [False, True], ids=["before backward", "after backward"])
def test_a_way_to_the_loss_that_was_cut_names_where(after: bool) -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    v.name = "v"

    def forward() -> Any:
        h = w * 2.0
        with no_grad():
            m = w.exp()
        return (h.detach() * v + m * v).sum()

    loss = forward()
    start = forward.__code__.co_firstlineno
    if after:
        loss.backward()
        gc.collect()
    answer = why_no_grad(w, loss)
    says(
        answer,
        "does not depend on this tensor. The graph of the loss begins at v.",
        "that is" if False else "lost there",
    )
    says(answer, f"(2,) float64 by detach() at {__file__}:{start + 4}")
    says(answer, f"(2,) float64 inside no_grad() at {__file__}:{start + 2}")


def test_a_tensor_that_was_computed_and_then_not_used() -> None:
    w = leaf(1.0, 2.0)
    h = w * 2.0
    line = here(-1)
    h.retain_grad()
    loss = w.sum()
    says(why_no_grad(h, loss), f"does not depend on this tensor, which was computed by mul (recorded at {line})")


def test_a_tensor_put_in_the_place_of_the_one_that_was_used() -> None:
    model = nn.Linear(2, 1)
    loss = model(microbp.ones(1, 2)).sum()
    model.weight = nn.Parameter(microbp.ones(1, 2))
    loss.backward()
    says(why_no_grad(model.weight, loss), "does not depend on this tensor", "has the same shape", "put in its place")
    other = leaf(1.0, 2.0, 3.0)
    says(why_no_grad(other, loss), "does not depend on this tensor", "Nothing on the way", "compute the loss from this")


def test_a_tensor_that_is_only_an_argument_without_a_gradient() -> None:
    mask = leaf(1.0, 0.0)
    loss = apply(activation.dropout, leaf(1.0, 2.0), mask).sum()
    line = here(-1)
    says(why_no_grad(mask, loss), f"only as the argument 'm' of dropout (recorded at {line}), which has no gradient")


def test_only_tensors_are_explained() -> None:
    with pytest.raises(TypeError, match=r"takes tensors, got float for t: 3\.0"):
        why_no_grad(3.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="got str for loss"):
        why_no_grad(leaf(1.0), "loss")  # type: ignore[arg-type]


def test_backward_on_a_tensor_without_a_graph_names_where_its_history_was_lost() -> None:
    w = leaf(1.0)
    with no_grad():
        line = here(-1)
        loss = (w * 2.0).sum()
    with pytest.raises(errors.GraphError, match=rf"inside no_grad\(\) at {line}") as caught:
        loss.backward()
    assert "requires_grad=True" in str(caught.value)


def test_the_notes_keep_nothing_alive_and_are_not_copied() -> None:
    gc.disable()
    try:
        w = leaf(1.0)
        h = w * 2.0
        d = h.detach()
        node, alive = weakref.ref(h.grad_fn), weakref.ref(h)
        del h
        assert node() is None
        assert alive() is None
        assert copy.deepcopy(d)._cut is None
        assert why_no_grad(d).reason
    finally:
        gc.enable()


def test_asking_changes_nothing() -> None:
    w = leaf(1.0, 2.0)
    h = w.detach() * w
    loss = h.sum()
    for t in (w, h, loss):
        why_no_grad(t)
        why_no_grad(t, loss)
    assert w.grad is None
    loss.backward()
    assert w.grad.tolist() == [1.0, 2.0]
