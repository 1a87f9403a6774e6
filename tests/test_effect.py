"""Methods that are told of as a whole: when, in which order, and that nothing changes for anybody else."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

import microbp
from microbp import nn, optim
from microbp.mode import observe


class Teller:
    """An observer that notes when effects begin and end."""

    def __init__(self):
        self.told = []

    def forward(self, node, output):
        self.told.append(node.op.name)

    def backward(self, step):
        self.told.append(f"d{step.node.op.name}")

    @contextmanager
    def effect(self, call):
        self.told.append(f"{call.func.__name__} {{")
        yield
        self.told.append("}")


def test_a_training_step_is_told_in_order():
    model = nn.Linear(2, 1, bias=False)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1)
    with observe(teller := Teller()):
        optimizer.zero_grad()
        model(microbp.ones(3, 2)).sum().backward()
        nn.utils.clip_grad_value_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        model.zero_grad()
    assert teller.told == [
        *("zero_grad {", "}"),
        *("linear", "sum", "backward {", "dsum", "dlinear", "}"),
        *("clip_grad_value_ {", "}"),
        *("step {", "}"),
        *("step {", "}"),
        *("zero_grad {", "}"),
    ]


def test_a_step_that_a_subclass_defines_is_told():
    class Still(optim.Optimizer):
        def step(self, closure=None):
            """Does nothing."""
            return "done"

    optimizer = Still([microbp.ones(1, requires_grad=True)], {})
    with observe(teller := Teller()):
        assert optimizer.step() == "done"
    assert teller.told == ["step {", "}"]
    assert Still.step.__doc__ == "Does nothing."


def test_a_generator_that_is_told_of_can_be_gone_through_again():
    w = microbp.tensor([3.0], requires_grad=True)
    w.grad = microbp.tensor([5.0])
    calls = []

    class Keeper(Teller):
        def effect(self, call):
            calls.append(call)
            return super().effect(call)

    for given, named in [(((p for p in [w]), 2.0), {}), ((iter([w]),), {"clip_value": 2.0})]:
        with observe(Keeper()):
            nn.utils.clip_grad_value_(*given, **named)
        assert w.grad.tolist() == [2.0]
        w.grad = microbp.tensor([7.0])
        calls.pop()()
        assert w.grad.tolist() == [2.0]
    with observe(Keeper()):
        nn.utils.clip_grad_value_(parameters=(p for p in [w]), clip_value=1.0)
    assert calls.pop().keywords["parameters"] == [w]


def test_a_generator_that_is_used_up_is_handed_on_as_it_is():
    with observe(Teller()), pytest.warns(UserWarning, match="empty generator"):
        nn.utils.clip_grad_norm_((p for p in []), 2.0)


def test_what_an_effect_returns_is_told_of():
    returned = []

    class Listening(Teller):
        @contextmanager
        def effect(self, call):
            yield returned.append

    w = microbp.tensor([3.0], requires_grad=True)
    w.grad = microbp.tensor([5.0])
    with observe(Teller()), observe(Listening()):
        norm = nn.utils.clip_grad_norm_([w], 2.0)
    assert returned[-1] is norm


def test_a_step_of_a_scheduler_that_a_subclass_defines_is_told():
    class Still(optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return self.base_lrs

        def step(self):
            super().step()

    optimizer = optim.SGD([microbp.ones(1, requires_grad=True)], lr=0.1)
    scheduler = Still(optimizer)
    optimizer.stepped = True
    with observe(teller := Teller()):
        scheduler.step()
    assert teller.told[0] == "step {"


def test_an_error_ends_the_effect():
    ended = []

    class Ending(Teller):
        @contextmanager
        def effect(self, call):
            try:
                yield
            finally:
                ended.append(call.func.__name__)

    optimizer = optim.SGD([microbp.ones(1, requires_grad=True)], lr=0.1)
    optimizer.param_groups[0]["lr"] = -1.0
    with observe(Ending()), pytest.raises(ValueError, match="lr"):
        optimizer.step()
    assert ended == ["step"]


def test_other_observers_are_not_asked():
    class Plain:
        def forward(self, node, output):
            pass

        def backward(self, step):
            pass

    w = microbp.ones(1, requires_grad=True)
    with observe(Plain()):
        (w * w).backward()
    assert w.grad.tolist() == [2.0]
