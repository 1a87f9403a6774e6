"""Copies: deepcopy and pickle give the same values and relations, or refuse with the reason."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, nn
from tests.leaves import leaf
from tests.reliability.alone import run


def through_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


COPIES = [copy.deepcopy, through_pickle, *(lambda v, p=p: pickle.loads(pickle.dumps(v, p)) for p in (2, 3, 4, 5))]
IDS = ["deepcopy", "pickle", *(f"pickle protocol {p}" for p in (2, 3, 4, 5))]
both = pytest.mark.parametrize("copied", COPIES, ids=IDS)


@both
def test_a_leaf_keeps_values_gradient_and_name_and_shares_no_memory(copied: Callable[[Any], Any]) -> None:
    w = leaf(1.0, 2.0)
    w.name = "weight"
    (w * w).sum().backward()
    other = copied(w)
    assert (other.tolist(), other.requires_grad, other.is_leaf, other.name) == ([1.0, 2.0], True, True, "weight")
    assert other.grad.tolist() == [2.0, 4.0]
    assert not np.shares_memory(other.array, w.array)
    assert not np.shares_memory(other.grad.array, w.grad.array)
    with microbp.no_grad():
        other.mul_(5.0)
        other.grad.zero_()
    assert (w.tolist(), w.grad.tolist()) == ([1.0, 2.0], [2.0, 4.0])


@both
@pytest.mark.parametrize(
    "values",
    [
        np.array(True),
        np.array(3, np.int8),
        np.zeros((0, 3)),
        np.array([np.nan, np.inf, -0.0]),
        np.arange(6, dtype=np.float16).reshape(2, 3).T,
        np.arange(6.0)[::-2],
    ],
    ids=str,
)
def test_every_dtype_shape_and_layout(copied: Callable[[Any], Any], values: Any) -> None:
    other = copied(microbp.from_numpy(values))
    assert other.dtype is microbp.from_numpy(values).dtype
    np.testing.assert_array_equal(other.array, values)
    other.fill_(1)


@both
def test_shared_parameters_stay_shared(copied: Callable[[Any], Any]) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2, bias=False))
    model[1].weight = model[2].weight = model[0].weight
    model[1].bias = model[0].bias
    other = copied(model)
    assert other[0].weight is other[1].weight is other[2].weight
    assert other[0].bias is other[1].bias
    assert type(other[0].weight) is nn.Parameter
    assert len(list(other.parameters())) == 2
    before = model[0].weight.tolist()
    with microbp.no_grad():
        other[2].weight.zero_()
    assert other[0].weight.tolist() == [[0.0, 0.0]] * 2
    assert model[0].weight.tolist() == before


@both
def test_an_optimizer_copied_with_its_model_steps_the_copy(copied: Callable[[Any], Any]) -> None:
    model = nn.Linear(2, 1)
    optimizer = microbp.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(microbp.ones(1, 2)).sum().backward()
    optimizer.step()
    other, stepper = copied((model, optimizer))
    before = model.weight.tolist()
    for net, method in ((model, optimizer), (other, stepper)):
        method.zero_grad()
        net(microbp.ones(1, 2)).sum().backward()
        if net is other:
            assert model.weight.tolist() != before
        before = model.weight.tolist() if net is model else before
        method.step()
    assert stepper.param_groups[0]["params"][0] is other.weight
    np.testing.assert_allclose(other.weight.tolist(), model.weight.tolist())


@both
def test_the_mode_the_buffers_and_the_frozen_stay_so(copied: Callable[[Any], Any]) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).eval()
    model.register_buffer("steps", microbp.tensor(7))
    model[0].weight.requires_grad_(False)
    other = copied(model)
    assert not other.training
    assert not other[1].training
    assert other.steps.item() == 7
    assert [p.requires_grad for p in other.parameters()] == [False, True]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, through_pickle], ids=["copy", "deepcopy", "pickle"])
@pytest.mark.parametrize(
    "program",
    [lambda w: w * 2, lambda w: w[0], lambda w: (w * 2).view(2, 1), lambda w: (w * 1).add_(w)],
    ids=["an operation", "a view of a leaf", "a view", "in place"],
)
def test_what_was_computed_is_refused_with_the_operation_and_the_way_out(copied: Any, program: Any) -> None:
    with pytest.raises(
        errors.GraphError, match=r"only leaves.*computed by \w+ \(recorded at .*test_copies.*detach\(\)"
    ):
        copied(program(leaf(1.0, 2.0)))


def test_a_deep_graph_is_refused_and_not_recursed_into() -> None:
    program = """
    import copy, pickle, sys
    import microbp
    y = microbp.ones(1, requires_grad=True)
    for _ in range(100_000):
        y = y + 1.0
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps, lambda y: copy.deepcopy([{"loss": y}])):
        try:
            attempt(y)
        except microbp.errors.GraphError as error:
            assert "only leaves" in str(error)
        else:
            raise AssertionError
    print("refused")
    """
    assert run(program) == "refused"


def test_a_copied_leaf_starts_a_graph_of_its_own() -> None:
    w = leaf(2.0)
    loss = w * w
    other = copy.deepcopy(w)
    with microbp.no_grad():
        other.zero_()
    loss.backward()
    assert w.grad.item() == 4.0
    assert other.grad is None
    (other + 1.0).backward()
    assert other.grad.item() == 1.0


def test_a_hook_that_cannot_be_pickled_is_named_and_deepcopied_modules_keep_theirs() -> None:
    model = nn.Linear(1, 1)
    calls = []
    model.register_forward_hook(lambda *a: calls.append(1))
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model)
    copy.deepcopy(model)(microbp.ones(1, 1))
    assert calls


def test_a_generator_goes_on_where_it_was() -> None:
    for copied in (copy.deepcopy, through_pickle):
        generator = microbp.Generator().manual_seed(3)
        microbp.randn(5, generator=generator)
        other = copied(generator)
        assert microbp.randn(4, generator=other).tolist() == microbp.randn(4, generator=generator).tolist()
