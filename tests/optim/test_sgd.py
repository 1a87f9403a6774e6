"""SGD against PyTorch's, step for step, and its steps as a user sees them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, MutationError, OptionError, ShapeError
from microbp.optim import SGD, sgd
from tests.optim.training import assert_equal, give_gradients, start, train
from tests.referee import torch

OPTIONS = [
    {},
    {"lr": 0.0},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.5, "nesterov": True},
    {"weight_decay": 0.1},
    {"weight_decay": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True},
    {"maximize": True},
    {"maximize": True, "momentum": 0.7, "dampening": 0.1, "weight_decay": 0.01},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_fifty_steps_equal_pytorch(options):
    ours, theirs = start(microbp), start(torch())
    options = {"lr": 0.05, **options}
    train(microbp, SGD(ours, **options), ours, 50)
    train(torch(), torch().optim.SGD(theirs, **options), theirs, 50)
    assert_equal(ours, theirs)


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(OPTIONS, 2)), ids=str)
def test_groups_have_their_own_options(first, second):
    ours, theirs = start(microbp), start(torch())
    mine, yours = (
        lib.optim.SGD([{"params": p[:1], **first}, {"params": p[1:2], **second}, {"params": p[2:], "lr": 0.2}], lr=0.01)
        for lib, p in ((microbp, ours), (torch(), theirs))
    )
    train(microbp, mine, ours, 10)
    train(torch(), yours, theirs, 10)
    assert_equal(ours, theirs)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_resumed_from_a_state_dict_of_either_library(options):
    ours, theirs = start(microbp), start(torch())
    options = {"lr": 0.05, **options}
    mine, yours = SGD(ours, **options), torch().optim.SGD(theirs, **options)
    train(microbp, mine, ours, 20)
    train(torch(), yours, theirs, 20)
    for state in (mine.state_dict(), yours.state_dict()):
        resumed = [microbp.tensor(p.detach().numpy()).requires_grad_() for p in ours]
        optimizer = SGD(resumed, lr=7.0)
        optimizer.load_state_dict(state)
        assert optimizer.param_groups[0]["lr"] == options["lr"]
        train(microbp, optimizer, resumed, 30, first=20)
        again = [torch().tensor(p.detach().numpy()).requires_grad_() for p in theirs]
        other = torch().optim.SGD(again, lr=7.0)
        other.load_state_dict(yours.state_dict())
        train(torch(), other, again, 30, first=20)
        assert_equal(resumed, again)


def test_the_state_dict_has_the_form_of_pytorch():
    ours, theirs = start(microbp), start(torch())
    mine, yours = SGD(ours, momentum=0.9), torch().optim.SGD(theirs, momentum=0.9)
    train(microbp, mine, ours, 2)
    train(torch(), yours, theirs, 2)
    packed, expected = mine.state_dict(), yours.state_dict()
    assert packed["param_groups"] == expected["param_groups"]
    assert packed["state"].keys() == expected["state"].keys()
    for number, entries in expected["state"].items():
        assert packed["state"][number].keys() == entries.keys()
        assert_equal(packed["state"][number].values(), entries.values())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_large_parameters_are_updated_in_blocks_to_the_same_values(options, monkeypatch):
    whole, pieces = start(microbp), start(microbp)
    options = {"lr": 0.05, **options}
    train(microbp, SGD(whole, **options), whole, 5)
    monkeypatch.setattr(sgd, "block", 3)
    train(microbp, SGD(pieces, **options), pieces, 5)
    for p, q in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(p.array, q.array)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_float32_stays_float32(options):
    ours = start(microbp, np.float32)
    optimizer = SGD(ours, **{"lr": np.float64(0.05), **options})
    train(microbp, optimizer, ours, 3)
    assert {p.dtype for p in ours} == {microbp.float32}
    assert {v.dtype for entries in optimizer.state.values() for v in entries.values()} <= {microbp.float32}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_gradients_are_left_as_they_are_and_memory_stays_where_it_is(options):
    ours = start(microbp)
    optimizer = SGD(ours, **options)
    give_gradients(microbp, ours, 0)
    gradients = [p.grad for p in ours]
    before = [None if g is None else g.array.copy() for g in gradients]
    arrays = [p.array for p in ours]
    optimizer.step()
    optimizer.step()
    for p, g, values, array in zip(ours, gradients, before, arrays, strict=True):
        assert p.grad is g
        assert p.array is array
        if g is not None:
            np.testing.assert_array_equal(g.array, values)
            for entry in optimizer.state.get(p, {}).values():
                assert not np.may_share_memory(entry.array, g.array)


def test_the_first_momentum_is_the_gradient():
    p = microbp.tensor([1.0, 2.0], requires_grad=True)
    optimizer = SGD([p], momentum=0.9, dampening=0.5)
    p.grad = microbp.tensor([3.0, 4.0])
    optimizer.step()
    np.testing.assert_array_equal(optimizer.state[p]["momentum_buffer"].array, [3.0, 4.0])


def test_a_parameter_without_gradient_is_left_alone():
    p = microbp.tensor([1.0], requires_grad=True)
    optimizer = SGD([p], momentum=0.9, weight_decay=1.0)
    optimizer.step()
    assert p.item() == 1.0
    assert not optimizer.state


def test_a_changed_learning_rate_counts_from_the_next_step():
    p = microbp.tensor([1.0], requires_grad=True)
    optimizer = SGD([p], lr=1.0)
    p.grad = microbp.tensor([1.0])
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()
    assert p.item() == 0.75


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "0.1", None, True])
def test_a_bad_rate_set_later_is_refused_before_anything_is_changed(value):
    p, q = (microbp.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = SGD([{"params": [p]}, {"params": [q]}], lr=1.0)
    p.grad, q.grad = microbp.tensor([1.0]), microbp.tensor([1.0])
    optimizer.param_groups[1]["lr"] = value
    with pytest.raises((OptionError, TypeError), match="lr in parameter group 1"):
        optimizer.step()
    assert p.item() == 1.0


def test_a_tensor_may_be_the_learning_rate():
    p = microbp.tensor([1.0], requires_grad=True)
    rate = microbp.tensor(0.5)
    optimizer = SGD([p], lr=rate)
    p.grad = microbp.tensor([1.0])
    optimizer.step()
    rate.array[...] = 0.25
    optimizer.step()
    assert p.item() == 0.25


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": -1.0}, "invalid lr in the global options: -1.0"),
        ({"lr": float("nan")}, "lr"),
        ({"momentum": -0.1}, "momentum"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"dampening": float("nan")}, "dampening"),
        ({"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "Nesterov"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(options, text):
    with pytest.raises(OptionError, match=text):
        SGD([microbp.zeros(2)], **options)
    with pytest.raises(OptionError, match=text.replace("the global options", "parameter group 0")):
        SGD([{"params": [microbp.zeros(2)], **options}])


@pytest.mark.parametrize("value", ["0.1", None, [0.1], True, 1j])
def test_a_rate_that_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match="lr in the global options must be a number"):
        SGD([microbp.zeros(2)], lr=value)


def test_differentiable_steps_are_refused():
    with pytest.raises(NotImplementedError, match="differentiable"):
        SGD([microbp.zeros(2)], differentiable=True)


def test_a_gradient_of_the_wrong_shape_is_refused_by_name_before_anything_is_changed():
    p, q = (microbp.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    optimizer = SGD([("layer.bias", p), ("layer.weight", q)])
    p.grad, q.grad = microbp.ones(2), microbp.ones(2)
    q.grad.array = np.ones((2, 1), np.float32)
    with pytest.raises(ShapeError, match=r"gradient of parameter 'layer.weight' has shape \(2, 1\)"):
        optimizer.step()
    assert p.tolist() == [1.0, 2.0]


def test_a_gradient_of_the_wrong_dtype_is_refused_by_name():
    p = microbp.tensor([1.0, 2.0], requires_grad=True)
    p.grad = microbp.ones(2)
    p.grad.array = np.ones(2)
    with pytest.raises(DtypeError, match="gradient of parameter 0 of parameter group 0 has dtype float64"):
        SGD([p]).step()


def test_a_step_between_two_backward_passes_is_seen():
    w = microbp.tensor([2.0], requires_grad=True)
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    SGD([w], lr=0.1).step()
    with pytest.raises(MutationError):
        loss.backward()


def test_a_closure_is_recorded_and_its_loss_returned():
    w = microbp.tensor([2.0], requires_grad=True)
    optimizer = SGD([w], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with microbp.no_grad():
        assert optimizer.step(closure).item() == 4.0
    assert w.item() == 1.0


def test_shared_parameters_are_stepped_once():
    w = microbp.tensor([2.0], requires_grad=True)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer = SGD([w, w], lr=1.0)
    w.grad = microbp.tensor([1.0])
    optimizer.step()
    assert w.item() == 1.0
