"""The optimizers whose step is a formula for each element: against PyTorch, step for step."""

from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest

import microbp
from microbp import optim
from microbp.errors import DtypeError, MutationError, OptionError
from microbp.optim import elementwise
from tests.optim.training import assert_equal, give_gradients, start, train
from tests.referee import torch

OPTIONS = {
    "Adam": [
        {},
        {"lr": 0.05, "betas": (0.5, 0.8), "eps": 1e-3},
        {"amsgrad": True, "lr": 0.1, "betas": (0.9, 0.5)},
        {"weight_decay": 0.3},
        {"weight_decay": 0.3, "decoupled_weight_decay": True, "maximize": True},
        {"betas": (0.0, 0.0)},
    ],
    "AdamW": [{}, {"lr": 0.05, "weight_decay": 0.5, "amsgrad": True}, {"maximize": True, "weight_decay": 0}],
    "Adamax": [{}, {"lr": 0.05, "betas": (0.5, 0.8), "eps": 1e-3}, {"weight_decay": 0.3, "maximize": True}],
    "NAdam": [
        {},
        {"lr": 0.05, "betas": (0.5, 0.8), "eps": 1e-3, "momentum_decay": 0.1},
        {"weight_decay": 0.3, "maximize": True},
        {"weight_decay": 0.3, "decoupled_weight_decay": True},
    ],
    "RAdam": [
        {"lr": 0.05},
        {"lr": 0.05, "betas": (0.5, 0.8), "eps": 1e-3},
        {"betas": (0.9, 0.5), "weight_decay": 0.3, "maximize": True},
        {"weight_decay": 0.3, "decoupled_weight_decay": True},
    ],
    "RMSprop": [
        {},
        {"alpha": 0.5, "momentum": 0.7, "centered": True},
        {"centered": True, "eps": 1e-3},
        {"momentum": 0.9, "weight_decay": 0.3, "maximize": True},
    ],
    "Adagrad": [
        {},
        {"lr": 0.5, "lr_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-2},
        {"weight_decay": 0.3, "maximize": True},
    ],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.5, "eps": 1e-2}, {"weight_decay": 0.3, "maximize": True}, {"rho": 1.0}],
    "ASGD": [
        {},
        {"lr": 0.1, "lambd": 0.01, "alpha": 0.5, "t0": 5},
        {"weight_decay": 0.3, "maximize": True, "t0": 0},
    ],
    "Rprop": [{}, {"lr": 0.3, "etas": (0.2, 2.0), "step_sizes": (0.01, 0.5)}, {"maximize": True}],
}
CASES = [pytest.param(name, options, id=f"{name} {options}") for name, all in OPTIONS.items() for options in all]
ALGORITHMS = pytest.mark.parametrize("name", OPTIONS)
every_case = pytest.mark.parametrize(("name", "options"), CASES)


def of(lib, name, parameters, **options):
    return getattr(lib.optim, name)(parameters, **options)


@every_case
def test_fifty_steps_equal_pytorch(name, options):
    ours, theirs = start(microbp), start(torch())
    mine, yours = of(microbp, name, ours, **options), of(torch(), name, theirs, **options)
    for k in range(50):
        train(microbp, mine, ours, 1, first=k)
        train(torch(), yours, theirs, 1, first=k)
        assert_equal(ours, theirs)


@every_case
def test_gradients_that_come_and_go_equal_pytorch(name, options):
    ours, theirs = start(microbp), start(torch())
    mine, yours = of(microbp, name, ours, **options), of(torch(), name, theirs, **options)
    for k in range(12):
        for lib, optimizer, parameters in ((microbp, mine, ours), (torch(), yours, theirs)):
            optimizer.zero_grad()
            give_gradients(lib, parameters, k)
            parameters[k % 3].grad = None
            parameters[(k + 1) % 3].grad = lib.zeros_like(parameters[(k + 1) % 3])
            optimizer.step()
        assert_equal(ours, theirs)


@ALGORITHMS
def test_groups_have_their_own_options(name):
    ours, theirs = start(microbp), start(torch())
    first, second = OPTIONS[name][:2]
    second = {key: value for key, value in second.items() if key != "initial_accumulator_value"}  # PyTorch ignores it
    mine, yours = (
        of(
            lib,
            name,
            [{"params": p[:1], **first}, {"params": p[1:2], **second}, {"params": p[2:], "lr": 0.2}],
            lr=0.01,
        )
        for lib, p in ((microbp, ours), (torch(), theirs))
    )
    train(microbp, mine, ours, 10)
    train(torch(), yours, theirs, 10)
    assert_equal(ours, theirs)


@every_case
def test_resumed_from_a_state_dict_of_either_library(name, options):
    ours, theirs = start(microbp), start(torch())
    mine, yours = of(microbp, name, ours, **options), of(torch(), name, theirs, **options)
    train(microbp, mine, ours, 20)
    train(torch(), yours, theirs, 20)
    states = mine.state_dict(), copy.deepcopy(yours.state_dict())
    train(torch(), yours, theirs, 30, first=20)
    for state in states:
        resumed = [p.detach().clone().requires_grad_() for p in ours]
        optimizer = of(microbp, name, resumed, lr=7.0)
        optimizer.load_state_dict(state)
        train(microbp, optimizer, resumed, 30, first=20)
        assert_equal(resumed, theirs)


@every_case
def test_resuming_is_exact(name, options):
    through, first = start(microbp), start(microbp)
    train(microbp, of(microbp, name, through, **options), through, 9)
    before = of(microbp, name, first, **options)
    train(microbp, before, first, 4)
    resumed = [p.detach().clone().requires_grad_() for p in first]
    after = of(microbp, name, resumed)
    after.load_state_dict(before.state_dict())
    train(microbp, after, resumed, 5, first=4)
    for p, q in zip(through, resumed, strict=True):
        np.testing.assert_array_equal(p.array, q.array)


@every_case
def test_the_state_dict_has_the_form_of_pytorch(name, options):
    ours, theirs = start(microbp), start(torch())
    mine, yours = of(microbp, name, ours, **options), of(torch(), name, theirs, **options)
    for steps in (0, 2):
        train(microbp, mine, ours, steps)
        train(torch(), yours, theirs, steps)
        packed, expected = mine.state_dict(), yours.state_dict()
        assert packed["param_groups"] == expected["param_groups"]
        assert packed["state"].keys() == expected["state"].keys()
        for number, entries in expected["state"].items():
            assert packed["state"][number].keys() == entries.keys()
            for key, value in entries.items():
                mine_value = packed["state"][number][key]
                assert (str(mine_value.dtype), mine_value.shape) == (str(value.dtype).split(".")[1], tuple(value.shape))
                np.testing.assert_allclose(mine_value.numpy(), value.numpy(), rtol=1e-6, err_msg=key)


@every_case
def test_large_parameters_are_updated_in_blocks_to_the_same_values(name, options, monkeypatch):
    whole, pieces = start(microbp), start(microbp)
    train(microbp, of(microbp, name, whole, **options), whole, 5)
    monkeypatch.setattr(elementwise, "block", 3)
    train(microbp, of(microbp, name, pieces, **options), pieces, 5)
    for p, q in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(p.array, q.array)


@every_case
def test_float32_stays_float32(name, options):
    ours = start(microbp, np.float32)
    optimizer = of(microbp, name, ours, **{**options, "lr": np.float64(0.05)})
    train(microbp, optimizer, ours, 3)
    assert {p.dtype for p in ours} == {microbp.float32}
    assert {v.dtype for entries in optimizer.state.values() for v in entries.values()} == {microbp.float32}


@every_case
def test_gradients_are_left_as_they_are_and_memory_stays_where_it_is(name, options):
    ours = start(microbp)
    optimizer = of(microbp, name, ours, **options)
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
            for entry in optimizer.state[p].values():
                assert not np.may_share_memory(entry.array, g.array)


@ALGORITHMS
def test_options_have_the_names_order_and_defaults_of_pytorch(name):
    ours, theirs = (inspect.signature(getattr(lib.optim, name)).parameters.values() for lib in (microbp, torch()))
    assert [(p.name, p.kind, p.default) for p in ours] == [(p.name, p.kind, p.default) for p in theirs]


@ALGORITHMS
@pytest.mark.parametrize(
    "options",
    [
        {"lr": -1.0},
        {"lr": float("nan")},
        {"weight_decay": -0.1},
        {"eps": -1e-8},
        {"betas": (1.0, 0.9)},
        {"betas": (0.9, -0.1)},
        {"betas": (0.9, float("nan"))},
        {"betas": (0.9,)},
        {"betas": 0.9},
        {"alpha": float("nan")},
        {"momentum": -1.0},
        {"momentum_decay": -1.0},
        {"rho": 1.1},
        {"rho": -0.1},
        {"lr_decay": -1.0},
        {"initial_accumulator_value": -1.0},
        {"etas": (1.2, 1.5)},
        {"etas": (0.5, 0.9)},
        {"etas": (0.0, 1.2)},
        {"step_sizes": (float("nan"), 1.0)},
        {"t0": float("nan")},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused_by_name(name, options):
    (option,) = options
    if option not in inspect.signature(getattr(optim, name)).parameters:
        return
    p = microbp.zeros(2, requires_grad=True)
    with pytest.raises(OptionError, match=rf"{option}.* in the global options"):
        of(microbp, name, [p], **options)
    with pytest.raises(OptionError, match=rf"{option}.* in parameter group 0"):
        of(microbp, name, [{"params": [p], **options}])
    optimizer = of(microbp, name, [p])
    optimizer.param_groups[0].update(options)
    p.grad = microbp.ones(2)
    with pytest.raises(OptionError, match=rf"{option}.* in parameter group 0"):
        optimizer.step()
    assert p.tolist() == [0.0, 0.0]


@ALGORITHMS
@pytest.mark.parametrize("option", ["differentiable", "capturable"])
def test_what_is_not_supported_is_refused(name, option):
    if option in inspect.signature(getattr(optim, name)).parameters:
        with pytest.raises(NotImplementedError, match=option):
            of(microbp, name, [microbp.zeros(2)], **{option: True})


@ALGORITHMS
def test_a_refused_gradient_changes_nothing(name):
    p, q = (microbp.zeros(2, requires_grad=True) for _ in range(2))
    optimizer = of(microbp, name, [p, q])
    p.grad, q.grad = microbp.ones(2), microbp.ones(2)
    q.grad.array = np.ones(2)
    with pytest.raises(DtypeError, match="parameter 1"):
        optimizer.step()
    assert p.tolist() == [0.0, 0.0]
    assert all(entries["step"].item() == 0 for entries in optimizer.state.values())


@ALGORITHMS
def test_a_step_between_two_backward_passes_is_seen(name):
    w = microbp.tensor([2.0], requires_grad=True)
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    of(microbp, name, [w]).step()
    with pytest.raises(MutationError):
        loss.backward()


@ALGORITHMS
def test_huge_gradients_overflow_in_silence_as_pytorch_has_it(name):
    p = microbp.zeros(2, requires_grad=True)
    p.grad = microbp.tensor([3e38, 1.0])
    of(microbp, name, [p], weight_decay=0.1).step() if name != "Rprop" else of(microbp, name, [p]).step()


@ALGORITHMS
def test_a_closure_is_recorded_and_its_loss_returned(name):
    w = microbp.tensor([2.0], requires_grad=True)
    optimizer = of(microbp, name, [w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with microbp.no_grad():
        losses = [optimizer.step(closure).item() for _ in range(3)]
    assert losses[0] == 4.0
    assert losses[2] < losses[1] < losses[0]


@ALGORITHMS
def test_tensors_may_be_learning_rates(name):
    p = microbp.tensor([1.0], requires_grad=True)
    optimizer = of(microbp, name, [p], lr=microbp.tensor(0.5))
    p.grad = microbp.tensor([1.0])
    optimizer.step()
    assert p.item() != 1.0


def test_momentum_switched_on_later_starts_from_nothing():
    p = microbp.tensor([1.0], requires_grad=True)
    optimizer = optim.RMSprop([p])
    p.grad = microbp.tensor([1.0])
    optimizer.step()
    optimizer.param_groups[0].update(momentum=0.9, centered=True)
    optimizer.step()
    assert {"momentum_buffer", "grad_avg"} <= optimizer.state[p].keys()


def test_print():
    optimizer = optim.Adam([microbp.zeros(2)], lr=0.1)
    assert str(optimizer).splitlines()[:3] == [
        "Adam (",
        "Global options",
        "    lr: 0.1, betas: (0.9, 0.999), eps: 1e-08, weight_decay: 0, amsgrad: False, maximize: False, "
        "decoupled_weight_decay: False",
    ]
