"""The backward pass: exact, or an error that names the problem; gradients that belong to their leaves alone.

The rest of this promise is in ``tests/test_engine.py`` and ``tests/test_hooks.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors
from microbp.nn import functional as F
from tests.leaves import leaf
from tests.referee import compare
from tests.samples import normal


def zeros(*shape: int) -> Any:
    return microbp.zeros(*shape, dtype=microbp.float64)


def written(a: Any, b: Any) -> Any:
    """Both leaves written into one tensor."""
    y = zeros(4)
    y[:2] = a
    y[2:] = b
    return y


# Every way in which a gradient might be handed on without being computed.
HANDED_ON: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "broadcast": lambda a, b: a.expand(3, 2) + b.expand(3, 2),
    "cat": lambda a, b: microbp.cat([a, b]),
    "chunk": lambda a, b: a.chunk(1)[0] + b,
    "clamp": lambda a, b: a.clamp(-9, 9) + b.clamp(max=9),
    "clone": lambda a, b: a.clone() + b.clone(),
    "conversion": lambda a, b: a.to(microbp.float64) + b.float(),
    "copy_": lambda a, b: zeros(2).copy_(a) + zeros(2).copy_(b),
    "detach of one": lambda a, b: a + b.detach() + b,
    "diagonal": lambda a, b: microbp.diag(a).diagonal() + b,
    "dropout of nothing": lambda a, b: F.dropout(a, 0.0) + F.dropout(b, 0.5, training=False),
    "expand_as": lambda a, b: a.view_as(b) + b.expand_as(a),
    "flip": lambda a, b: a.flip(0) + b,
    "identity": lambda a, b: microbp.nn.Identity()(a) + b,
    "index": lambda a, b: a[:] + b[...],
    "linear's bias": lambda a, b: F.linear(zeros(1, 2), a.reshape(1, 2), b[:1]),
    "maximum": lambda a, b: microbp.maximum(a, b),
    "mean": lambda a, b: a.mean() + b.mean(),
    "meshgrid": lambda a, b: sum(microbp.meshgrid(a, b, indexing="ij")),
    "movedim": lambda a, b: a.reshape(1, 2).movedim(0, 1) + b.reshape(2, 1),
    "one element": lambda a, b: a[:1] + b[:1],
    "pos": lambda a, b: +a + +b,
    "relu": lambda a, b: a.relu() + b.relu(),
    "reshape": lambda a, b: a.reshape(2, 1) + b.reshape(2, 1),
    "roll": lambda a, b: a.roll(1) + b,
    "setitem": written,
    "sort": lambda a, b: a.sort()[0] + b.sort()[0],
    "split": lambda a, b: sum(microbp.cat([a, b]).split(2)),
    "squeeze": lambda a, b: a[None].squeeze(0) + b,
    "stack": lambda a, b: microbp.stack([a, b]),
    "subtract": lambda a, b: a - b,
    "sum": lambda a, b: a.sum() + b.sum(),
    "tile": lambda a, b: a.tile(1) + b.repeat(1),
    "transpose": lambda a, b: a.reshape(2, 1).T + b.reshape(1, 2),
    "unbind": lambda a, b: sum(microbp.stack([a, b]).unbind(0)),
    "unflatten": lambda a, b: a.unflatten(0, (2, 1)).flatten() + b,
    "where": lambda a, b: microbp.where(microbp.tensor([True, False]), a, b),
}


@pytest.mark.parametrize("name", HANDED_ON)
@pytest.mark.parametrize("reduced", [True, False], ids=["from a loss", "from a given gradient"])
def test_the_gradient_of_a_leaf_is_its_own_writable_memory(name: str, reduced: bool) -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = HANDED_ON[name](a, b)
    start = None if reduced else microbp.ones_like(y)
    root = y.sum() if reduced else y
    root.backward(start, retain_graph=True)
    owned = [a.grad.array, b.grad.array]
    others = [a.array, b.array, y.array, *([] if start is None else [start.array])]
    assert not np.shares_memory(*owned)
    for gradient in owned:
        assert gradient.flags.writeable
        assert not any(np.shares_memory(gradient, other) for other in others)
    first = [gradient.copy() for gradient in owned]
    for gradient in owned:
        gradient[...] = np.nan  # nothing that a second pass needs is changed by this
    a.grad = b.grad = None
    root.backward(start)
    np.testing.assert_array_equal(a.grad.array, first[0])
    np.testing.assert_array_equal(b.grad.array, first[1])


def test_the_array_that_the_caller_passes_is_neither_kept_nor_changed() -> None:
    given = np.array([1.0, 2.0])
    start = microbp.from_numpy(given)
    for program in (lambda x: x, lambda x: x + 0.0, lambda x: x.view(1, 2).view(2), lambda x: x.clone()):
        x = leaf(1.0, 1.0)
        y = program(x)
        y.backward(start, retain_graph=True)
        y.backward(start)
        assert x.grad.tolist() == [2.0, 4.0]
        x.grad.zero_()
        assert given.tolist() == [1.0, 2.0]


def test_both_operands_get_their_share_when_they_are_one_tensor() -> None:
    for function in (
        lambda lib, x: x * x,
        lambda lib, x: x @ x.T,
        lambda lib, x: x.T @ x,
        lambda lib, x: x - x,
        lambda lib, x: x / x,
        lambda lib, x: x**x,
        lambda lib, x: lib.cat([x, x, x]),
        lambda lib, x: lib.where(x > 1, x, x * 2),
        lambda lib, x: lib.maximum(x, x),
        lambda lib, x: lib.atan2(x, x),
        lambda lib, x: lib.addcmul(x, x, x),
        lambda lib, x: lib.nn.functional.linear(x, x, x[:, 0]),
        lambda lib, x: lib.einsum("ij,kj,il->kl", x, x, x),
    ):
        compare(function, np.abs(normal(3, 3)) + 0.5, second_order=True)


def test_accumulation_over_a_retained_graph_is_exact() -> None:
    x = leaf(3.0)
    y = x * x
    for times in range(1, 6):
        y.backward(retain_graph=True)
        assert x.grad.item() == 6.0 * times
    y.backward()
    with pytest.raises(errors.GraphError, match=r"second time.*retain_graph=True"):
        y.backward()
    assert x.grad.item() == 36.0


def test_a_second_backward_through_a_shared_part_is_refused_and_changes_nothing() -> None:
    x, w = leaf(2.0), leaf(5.0)
    shared = x.exp()
    (shared * w).backward()
    before = x.grad.item(), w.grad.item()
    with pytest.raises(errors.GraphError, match="exp"):
        (shared * w + w).backward()
    assert (x.grad.item(), w.grad.item()) == before


def test_a_state_that_was_not_detached_is_an_error_and_not_slow() -> None:
    w = leaf(0.5)
    state = microbp.zeros(1, dtype=microbp.float64)
    state = (state + w) * w
    state.sum().backward()
    state = (state + w) * w
    with pytest.raises(errors.GraphError, match="second time"):
        state.sum().backward()
    state = (state.detach() + w) * w
    state.sum().backward()


@pytest.mark.parametrize("start", [np.ones(2), [1.0, 1.0], 1.0, "ones", (np.ones(2),)], ids=str)
def test_a_starting_gradient_that_is_no_tensor_is_refused_by_type(start: Any) -> None:
    with pytest.raises(TypeError, match="Tensor"):
        (leaf(1.0, 2.0) * 2).backward(start)


def test_a_starting_gradient_of_integers_is_refused() -> None:
    with pytest.raises(errors.DtypeError, match="int64"):
        (leaf(1.0, 2.0) * 2).backward(microbp.tensor([1, 1]))


def test_a_starting_gradient_that_would_broadcast_is_refused() -> None:
    y = leaf(*range(6)).reshape(2, 3) * 2
    for shape in [(1, 3), (2, 1), (3,), (1, 1), (1,), (), (1, 2, 3), (6,)]:
        with pytest.raises(errors.ShapeError, match=r"starting gradient of shape .* for a tensor of shape \(2, 3\)"):
            y.backward(microbp.ones(shape, dtype=microbp.float64))
        with pytest.raises(errors.ShapeError, match="starting gradient"):
            microbp.autograd.grad(y, y, microbp.ones(shape, dtype=microbp.float64))


def test_what_was_not_recorded_is_an_error_that_says_so() -> None:
    with pytest.raises(errors.GraphError, match="requires_grad=True"):
        microbp.tensor([1, 2]).sum().backward()
    with pytest.raises(errors.GraphError, match="nothing was recorded"):
        leaf(1.0).detach().sum().backward()
    with pytest.raises(errors.GraphError, match="nothing was recorded"):
        (leaf(1.0) > 0).sum().backward()
    with pytest.raises(errors.GraphError, match="nothing was recorded"):
        leaf(1.0, 2.0).argmax().backward()
    with pytest.raises(errors.GraphError, match="does not appear in the graph"):
        microbp.autograd.grad(leaf(1.0).sum(), leaf(1.0))
    with pytest.raises(errors.GraphError, match="does not require grad"):
        microbp.autograd.grad(leaf(1.0).sum(), microbp.ones(1))


def test_a_hook_that_fails_leaves_all_gradients_as_they_were() -> None:
    a, b = leaf(2.0), leaf(3.0)
    (a + b).sum().backward()
    y = a * b
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (y + a * 5).sum().backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([1.0], [1.0])


def test_a_pass_that_was_interrupted_is_refused_when_it_is_tried_again_or_right_if_retained() -> None:
    for retain in (False, True):
        a, fail = leaf(2.0), [True]
        y = a * a

        def interrupt(g: Any, fail: list[bool] = fail) -> None:
            if fail.pop():
                raise KeyboardInterrupt

        fail.insert(0, False)
        y.register_hook(interrupt)
        loss = (y * y).sum()
        with pytest.raises(KeyboardInterrupt):
            loss.backward(retain_graph=retain)
        assert a.grad is None
        if retain:
            loss.backward()
            assert a.grad.tolist() == [32.0]
        else:
            with pytest.raises(errors.GraphError, match="interrupted"):
                loss.backward()
            assert a.grad is None


def test_backward_inside_a_hook_is_a_pass_of_its_own() -> None:
    a, b = leaf(2.0), leaf(3.0)
    y = a * a
    y.register_hook(lambda g: (b * b).sum().backward())
    y.sum().backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([4.0], [6.0])


def test_nan_and_infinity_in_a_starting_gradient_stay_what_they_are() -> None:
    x = leaf(1.0, 2.0, 3.0)
    (x * 2).backward(microbp.tensor([np.nan, np.inf, 1.0], dtype=microbp.float64))
    np.testing.assert_array_equal(x.grad.array, [np.nan, np.inf, 2.0])


def test_a_gradient_is_not_given_to_a_tensor_whose_data_has_another_shape_now() -> None:
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    x.data = zeros(3)
    with pytest.raises(errors.ShapeError, match="set its grad to None"):
        (x * x).sum().backward()
