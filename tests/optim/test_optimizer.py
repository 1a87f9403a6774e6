"""What all optimizers share: groups, checks, saving, printing."""

from __future__ import annotations

import copy
from collections import OrderedDict

import numpy as np
import pytest

import microbp
from microbp.errors import OptionError, ShapeError
from microbp.optim import SGD, Adam, Optimizer


def parameter(*shape):
    return microbp.zeros(*shape, requires_grad=True)


def with_momentum(**options):
    """An optimizer of two parameters that has made a step."""
    p, q = parameter(2), parameter(3, 2)
    p.grad, q.grad = microbp.ones(2), microbp.ones(3, 2)
    optimizer = SGD([p, q], momentum=0.9, **options)
    optimizer.step()
    return optimizer


def test_groups_take_from_the_constructor_what_they_leave_out():
    optimizer = SGD([{"params": [parameter(2)], "lr": 0.5}, {"params": parameter(3), "momentum": 0.1}], lr=0.2)
    assert [(group["lr"], group["momentum"]) for group in optimizer.param_groups] == [(0.5, 0), (0.2, 0.1)]


def test_groups_given_are_not_changed_and_can_be_used_again():
    groups = [{"params": [parameter(2)]}]
    assert SGD(groups, lr=0.1).param_groups[0]["lr"] == 0.1
    assert SGD(groups, lr=0.2).param_groups[0]["lr"] == 0.2


def test_params_may_be_any_ordered_iterable():
    p, q = parameter(2), parameter(3)
    for params in (iter([p, q]), (p, q), OrderedDict(a=p, b=q).values(), filter(lambda t: t.requires_grad, [p, q])):
        found = SGD(params).param_groups[0]["params"]
        assert [id(t) for t in found] == [id(p), id(q)]


def test_named_parameters_keep_their_names():
    optimizer = SGD([("a", parameter(2)), ("b", parameter(3))])
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]


def refusals():
    p = parameter(2)
    leafless = p * 2
    return {
        "a tensor": (p, TypeError, "single Tensor"),
        "a dict": ({"params": [p]}, TypeError, "put the group in a list"),
        "a set": ({p}, TypeError, "order"),
        "a set in a group": ([{"params": {p}}], TypeError, "order"),
        "nothing": ([], ValueError, "optimizer got an empty parameter list"),
        "a spent iterator": (iter(()), ValueError, "optimizer got an empty parameter list"),
        "an empty group": ([{"params": [p]}, {"params": []}], OptionError, "parameter group 1 has no parameters"),
        "no params": ([{"lr": 0.1}], OptionError, "has no \"params\"; it has 'lr'"),
        "a number": ([p, 3.0], TypeError, "parameter 1 of parameter group 0 is a float"),
        "an array": ([np.zeros(2)], TypeError, "only optimize tensors"),
        "a mixture": ([{"params": [p]}, p], TypeError, "must be a dict, got Tensor"),
        "a non-leaf": ([("twice", leafless)], ValueError, "non-leaf tensor: parameter 'twice'"),
        "in two groups": ([{"params": [p]}, {"params": [p]}], ValueError, "appear in more than one parameter group"),
        "some names": ([("p", p), parameter(1)], ValueError, "some names are missing"),
        "groups with and without names": (
            [{"params": [("p", p)]}, {"params": [parameter(1)]}],
            ValueError,
            "with names, or all without",
        ),
        "an unknown option": (
            [{"params": [p], "learning_rate": 1}],
            OptionError,
            "'learning_rate'; SGD knows lr, momentum",
        ),
        "a bad option": ([{"params": [p], "lr": -1}], OptionError, "invalid lr in parameter group 0"),
    }


@pytest.mark.parametrize("case", refusals())
def test_bad_parameters_are_refused(case):
    params, error, text = refusals()[case]
    with pytest.raises(error, match=text):
        SGD(params)


def test_a_model_instead_of_its_parameters_is_refused():
    class Model:
        def parameters(self):
            return iter([parameter(2)])

    with pytest.raises(TypeError, match=r"pass its parameters\(\)"):
        SGD(Model())


def test_read_only_memory_is_refused():
    p = parameter(2)
    p.array.flags.writeable = False
    with pytest.raises(OptionError, match="read-only"):
        SGD([p])


def test_a_group_that_is_refused_leaves_the_optimizer_as_it_was():
    optimizer = SGD([parameter(2)])
    with pytest.raises(OptionError):
        optimizer.add_param_group({"params": [parameter(2)], "lr": -1.0})
    assert len(optimizer.param_groups) == 1


def test_a_group_added_later_is_stepped():
    optimizer = SGD([parameter(2)])
    p = microbp.tensor([1.0], requires_grad=True)
    optimizer.add_param_group({"params": p, "lr": 0.5})
    p.grad = microbp.ones(1)
    optimizer.step()
    assert p.item() == 0.5


def test_what_is_twice_in_a_group_warns():
    p = parameter(2)
    with pytest.warns(UserWarning, match=r"duplicate parameters: parameter 'b' of parameter group 0") as caught:
        optimizer = SGD([("a", p), ("b", p), ("c", parameter(1))])
    assert caught[0].filename == __file__
    assert optimizer.param_groups[0]["param_names"] == ["a", "c"]


def test_a_tensor_that_retains_its_gradient_can_be_optimized():
    t = parameter(2) * 2
    t.retain_grad()
    assert SGD([t]).param_groups[0]["params"][0] is t


# -- zero_grad -----------------------------------------------------------------------------


def test_zero_grad_forgets_gradients():
    p = parameter(2)
    p.grad = microbp.ones(2)
    SGD([p]).zero_grad()
    assert p.grad is None


def test_zero_grad_can_fill_with_zeros_in_place():
    p, q = parameter(2), parameter(2)
    held = p.grad = microbp.ones(2)
    SGD([p, q]).zero_grad(set_to_none=False)
    assert p.grad is held
    assert held.tolist() == [0.0, 0.0]
    assert held.version > -1
    assert q.grad is None


def test_zero_grad_does_not_overwrite_a_recorded_gradient():
    p = microbp.tensor([3.0], requires_grad=True)
    (p * p).sum().backward(create_graph=True)
    recorded = p.grad
    SGD([p]).zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0]
    assert not p.grad.requires_grad
    assert recorded.tolist() == [6.0]


# -- saving and loading ----------------------------------------------------------------------


def test_later_steps_do_not_change_a_state_dict():
    optimizer = with_momentum()
    saved = optimizer.state_dict()
    before = copy.deepcopy([entries["momentum_buffer"].tolist() for entries in saved["state"].values()])
    optimizer.param_groups[0]["lr"] = 5.0
    optimizer.step()
    assert [entries["momentum_buffer"].tolist() for entries in saved["state"].values()] == before
    assert saved["param_groups"][0]["lr"] == 1e-3


def test_a_loaded_state_dict_is_copied():
    first, second = with_momentum(), with_momentum()
    saved = first.state_dict()
    second.load_state_dict(saved)
    second.step()
    assert saved["state"][0]["momentum_buffer"].tolist() == [1.0, 1.0]


def test_numpy_arrays_may_stand_for_tensors_and_get_the_parameters_dtype():
    optimizer = with_momentum()
    saved = optimizer.state_dict()
    for entries in saved["state"].values():
        entries["momentum_buffer"] = entries["momentum_buffer"].numpy().astype(np.float64) * 2
    optimizer.load_state_dict(saved)
    (buffer, _) = (entries["momentum_buffer"] for entries in optimizer.state.values())
    assert buffer.tolist() == [2.0, 2.0]
    assert buffer.dtype == microbp.float32


def no_groups(saved):
    del saved["param_groups"]


def another_group(saved):
    saved["param_groups"].append(saved["param_groups"][0])


def fewer_parameters(saved):
    saved["param_groups"][0]["params"].pop()


def negative_rate(saved):
    saved["param_groups"][0]["lr"] = -1.0


def another_optimizer(saved):
    del saved["param_groups"][0]["momentum"]


def misshapen(saved):
    saved["state"][1]["momentum_buffer"] = microbp.zeros(2, 3)


def unknown_parameter(saved):
    saved["state"][7] = saved["state"][0]


def not_an_array(saved):
    saved["state"][0]["momentum_buffer"] = "many"


@pytest.mark.parametrize(
    ("damage", "error", "text"),
    [
        (no_groups, OptionError, "param_groups"),
        (another_group, ValueError, "has 2 parameter groups, the optimizer has 1"),
        (fewer_parameters, ValueError, "has 1 parameters in group 0, the optimizer has 2"),
        (negative_rate, OptionError, "invalid lr in parameter group 0 of the state dict"),
        (another_optimizer, OptionError, "no 'momentum' in group 0"),
        (misshapen, ShapeError, r"momentum_buffer of parameter 1 has shape \(2, 3\), the parameter \(3, 2\)"),
        (unknown_parameter, OptionError, "state for parameter 7"),
        (not_an_array, ShapeError, "momentum_buffer of parameter 0"),
    ],
)
def test_a_state_dict_that_does_not_fit_is_refused_and_changes_nothing(damage, error, text):
    optimizer = with_momentum()
    state, group = optimizer.state, dict(optimizer.param_groups[0])
    saved = optimizer.state_dict()
    saved["param_groups"][0]["lr"] = 0.7
    damage(saved)
    with pytest.raises(error, match=text):
        optimizer.load_state_dict(saved)
    assert optimizer.state is state
    assert optimizer.param_groups[0] == group


def test_switches_that_an_older_file_does_not_have_keep_their_default():
    optimizer = with_momentum()
    saved = optimizer.state_dict()
    del saved["param_groups"][0]["fused"], saved["param_groups"][0]["maximize"]
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["maximize"] is False


def test_other_names_in_a_state_dict_warn():
    saved = SGD([("fc1", parameter(2)), ("fc2", parameter(2))]).state_dict()
    optimizer = SGD([("fc2", parameter(2)), ("fc1", parameter(2))])
    with pytest.warns(UserWarning, match="matched by their order") as caught:
        optimizer.load_state_dict(saved)
    assert caught[0].filename == __file__
    assert optimizer.param_groups[0]["param_names"] == ["fc2", "fc1"]


# -- printing and subclassing ----------------------------------------------------------------


def test_printing_shows_the_global_options_once_and_what_differs_in_each_group():
    groups = [
        {"name": "head", "params": [("fc.weight", parameter(3, 2)), ("fc.bias", parameter(3))], "lr": 0.5},
        {"params": [("w", parameter(1))]},
    ]
    optimizer = SGD(groups, lr=0.1, momentum=0.9)
    text = (
        "SGD (\n"
        "Global options\n"
        "    lr: 0.1, momentum: 0.9, dampening: 0, weight_decay: 0, nesterov: False, maximize: False\n"
        "Parameter Group 0: head (2 tensors, 9 numbers)\n"
        "    lr: 0.5\n"
        "        fc.weight (3, 2)\n"
        "        fc.bias   (3,)\n"
        "Parameter Group 1 (1 tensor, 1 number)\n"
        "        w (1,)\n"
        ")"
    )
    assert repr(optimizer) == text
    optimizer.param_groups[1]["momentum"] = 0.5  # set afterwards: no longer the global one
    assert repr(optimizer) == text.replace("        w (1,)", "    momentum: 0.5\n        w (1,)")


def test_printing_names_a_switch_that_only_one_group_turns_off():
    optimizer = SGD([{"params": [parameter(1)], "foreach": False}, {"params": [parameter(1)]}], lr=0.1, foreach=True)
    assert repr(optimizer).count("foreach: True") == 1
    assert repr(optimizer).count("    foreach: False\n") == 1
    assert "foreach" not in repr(SGD([parameter(1)]))


def test_printing_an_optimizer_without_options():
    assert "Global" not in repr(Optimizer([parameter(2)], {}))


def test_printing_shows_a_long_group_by_its_ends():
    text = repr(SGD([parameter(k + 1) for k in range(20)]))
    assert "Parameter Group 0 (20 tensors, 210 numbers)" in text
    assert "(4,)\n        ... 12 more ...\n        (17,)" in text


def test_an_optimizer_of_ones_own_is_a_step():
    class Halving(Optimizer):
        def __init__(self, params):
            super().__init__(params, {})

        def step(self, closure=None):
            for _, parameters in self.ready():
                for p, _ in parameters:
                    p.array *= 0.5

    p, q = microbp.tensor([4.0], requires_grad=True), microbp.tensor([4.0], requires_grad=True)
    p.grad = microbp.ones(1)
    Halving([p, q]).step()
    assert (p.item(), q.item()) == (2.0, 4.0)


def test_without_a_step_an_optimizer_says_so():
    with pytest.raises(NotImplementedError, match=r"Optimizer has no step\(\)"):
        Optimizer([parameter(1)], {}).step()


@pytest.mark.parametrize(
    ("make", "spoil"),
    [
        (SGD, lambda group: group.update(lr=-1.0)),
        (SGD, lambda group: group.update(momentum="much")),
        (SGD, lambda group: group.update(nesterov=True)),
        (Adam, lambda group: group.update(betas=(0.9, 1.0))),
        (Adam, lambda group: group["betas"].__setitem__(1, 1.0)),
    ],
)
def test_options_are_checked_before_every_step_also_after_good_ones(make, spoil):
    p = parameter(2)
    p.grad = microbp.ones(2)
    optimizer = make([p], **({"betas": [0.9, 0.999]} if make is Adam else {}))
    for _ in range(2):
        optimizer.step()
    before = p.tolist()
    spoil(optimizer.param_groups[0])
    with pytest.raises((OptionError, TypeError), match=r"parameter group 0|Nesterov"):
        optimizer.step()
    assert p.tolist() == before


def test_an_optimizer_checks_unchanged_options_once(monkeypatch):
    p = parameter(2)
    p.grad = microbp.ones(2)
    optimizer = SGD([p], lr=0.5)
    optimizer.step()
    checked = []
    monkeypatch.setattr(SGD, "validate", lambda self, options, place: checked.append(options["lr"]))
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()
    optimizer.step()
    assert checked == [0.25]
