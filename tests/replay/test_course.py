"""What a training step does in its course that could be told from the replay, were it not noticed."""

from __future__ import annotations

import collections
import itertools
import random
import sys
import types

import numpy as np
import pytest

import microbp
from microbp import nn, optim
from microbp.errors import MutationError

rng = np.random.default_rng(0)
x = rng.normal(size=(6, 4)).astype(np.float32)
labels = microbp.tensor([0, 1, 2, 0, 1, 2])
STEPS = 8


class Trainer:
    """A network with an optimizer; `course` is a training step."""

    def __init__(self, course, make=optim.SGD):
        microbp.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
        self.weight = self.model[0].weight
        self.optimizer = make(self.model.parameters(), lr=0.1)
        self.scheduler = optim.lr_scheduler.StepLR(self.optimizer, 4)
        self.extra = microbp.ones(3, requires_grad=True)
        self.others = [*self.model.parameters(), self.extra]
        self.course = course

    def loss(self, batch):
        return nn.functional.cross_entropy(self.model(batch), labels)

    def go(self, step, change, batches):
        """What each of some steps returns or raises, and leaves behind."""
        found = []
        for number in range(STEPS):
            change(number, self)
            batch = microbp.tensor(batches(number))
            try:
                output = outcome(step(batch))
            except (RuntimeError, MutationError) as error:
                output = (type(error), str(error).partition("version")[0])
            found.append((output, [outcome([p, p.grad]) for p in self.others], repr(self.optimizer.state_dict())))
        return found


def outcome(value):
    """Values and traits of what is in a tree."""
    if isinstance(value, microbp.Tensor):
        return str(value.array.tolist()), value.dtype, value.requires_grad, value.name
    if isinstance(value, dict):
        return type(value), [(key, outcome(part)) for key, part in value.items()]
    return (type(value), list(map(outcome, value))) if isinstance(value, list | tuple) else value


def followed(course, change=lambda number, trainer: None, batches=lambda number: x * (number + 1), make=optim.SGD):
    """The compiled form of a training step that was found to be like the step itself; one step of a trainer."""
    mine, theirs = Trainer(course, make), Trainer(course, make)

    def bound(trainer):
        return lambda batch: course(trainer, batch)

    compiled = microbp.compile(bound(mine))
    found = mine.go(compiled, change, batches)
    for number, (one, other) in enumerate(zip(found, theirs.go(bound(theirs), change, batches), strict=True)):
        assert one == other, f"step {number}"
    return compiled


def plain(trainer, batch):
    trainer.optimizer.zero_grad()
    loss = trainer.loss(batch)
    loss.backward()
    trainer.optimizer.step()
    return loss


# -- arrays and gradients that Python looks at -----------------------------------------------------


def test_a_write_to_the_array_of_a_parameter_is_done_each_time():
    def course(trainer, batch):
        loss = plain(trainer, batch)
        trainer.weight.array[...] -= 0.1 * trainer.weight.grad.array
        return loss

    assert "(t.array)" in followed(course).reason


def test_a_branch_on_the_array_of_a_tensor_is_taken_anew_each_time():
    def course(trainer, batch):
        trainer.optimizer.zero_grad()
        loss = trainer.loss(batch)
        loss = loss * (2.0 if loss.array > 3 else 1.0)
        loss.backward()
        return loss

    assert "(t.array)" in followed(course).reason


def test_to_make_an_array_with_numpy_is_no_look_at_a_tensor():
    def course(trainer, batch):
        trainer.optimizer.zero_grad()
        loss = trainer.loss(batch) * float(np.array([1, 2]).sum())
        loss.backward()
        return loss

    compiled = followed(course)
    assert compiled.replayed == STEPS - 2, compiled.reason


def test_a_branch_on_whether_there_is_a_gradient_is_that_of_now():
    def change(number, trainer):
        if number == 5:
            trainer.optimizer.zero_grad()

    def course(trainer, batch):
        loss = trainer.loss(batch) * (1.0 if trainer.weight.grad is None else 2.0)
        loss.backward()
        trainer.optimizer.step()
        return loss

    assert followed(course, change).replayed == 4


def test_gradients_that_are_clipped_because_they_are_there_are_those_of_now():
    def change(number, trainer):
        if number == 5:
            trainer.extra.grad = microbp.full((3,), 50.0)
        if number == 7:
            trainer.extra.grad = None

    def course(trainer, batch):
        trainer.optimizer.zero_grad()
        loss = trainer.loss(batch)
        loss.backward()
        nn.utils.clip_grad_norm_([p for p in trainer.others if p.grad is not None], 0.1)
        trainer.optimizer.step()
        return loss

    assert followed(course, change).replayed == 4


# -- methods that do or tell something ---------------------------------------------------------------


def test_a_learning_rate_that_is_returned_is_that_of_now():
    def course(trainer, batch):
        loss = plain(trainer, batch)
        trainer.scheduler.step()
        return loss, trainer.scheduler.get_last_lr()[0]

    assert followed(course).replayed == 0


def test_a_state_that_is_asked_for_is_that_of_now():
    def change(number, trainer):
        trainer.optimizer.param_groups[0]["lr"] = 0.1 if number < 5 else 0.2

    def course(trainer, batch):
        return plain(trainer, batch), trainer.optimizer.state_dict()["param_groups"][0]["lr"]

    assert followed(course, change).replayed == 2


def test_a_learning_rate_that_the_step_sets_is_set_each_time():
    def change(number, trainer):
        trainer.is_large = number % 2 == 0

    def course(trainer, batch):
        trainer.optimizer.param_groups[0]["lr"] = 0.5 if trainer.is_large else 0.1
        return plain(trainer, batch)

    assert followed(course, change).reason == "it changes what it finds elsewhere, in variables or objects"


def test_a_flag_that_is_set_once_is_set():
    def course(trainer, batch):
        trainer.seen = True
        return plain(trainer, batch)

    def change(number, trainer):
        assert number == 0 or trainer.seen
        trainer.seen = number > 0

    compiled = followed(course, change)
    assert compiled.replayed == STEPS - 3, compiled.reason


def test_a_step_of_ones_own_that_returns_a_number_is_not_replayed():
    class Counting(optim.SGD):
        number = 0

        def step(self, closure=None):
            self.number += 1
            if self.number % 3:
                super().step()
            return self.number

    def course(trainer, batch):
        trainer.optimizer.zero_grad()
        loss = trainer.loss(batch)
        loss.backward()
        number = trainer.optimizer.step()
        return loss, number

    assert "it calls Counting.step(), which returns int" in followed(course, make=Counting).reason


@pytest.mark.parametrize("base", [optim.lr_scheduler.LRScheduler, optim.lr_scheduler.StepLR])
def test_a_scheduler_may_have_a_step_of_its_own(base):
    class Halving(base):
        def __init__(self, optimizer):
            super().__init__(*(optimizer, 4)[: 1 + (base is not optim.lr_scheduler.LRScheduler)])
            self.calls = 0

        def get_lr(self):
            return [rate * 0.9 for rate in self.base_lrs]

        def step(self):
            super().step()
            self.calls += 1
            for group in self.optimizer.param_groups:
                group["lr"] *= 0.5

    def change(number, trainer):
        if number == 0:
            trainer.scheduler = Halving(trainer.optimizer)
        assert number == 0 or trainer.scheduler.calls == number

    def course(trainer, batch):
        loss = plain(trainer, batch)
        trainer.scheduler.step()
        return loss

    assert followed(course, change).replayed == STEPS - 2


def test_a_step_inside_no_grad_is_taken_there():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            for group, parameters in self.ready():
                for p, g in parameters:
                    p -= group["lr"] * np.sign(g)

    def course(trainer, batch):
        trainer.optimizer.zero_grad()
        loss = trainer.loss(batch)
        loss.backward()
        with microbp.no_grad():
            trainer.optimizer.step()
        return loss

    assert "it calls Signs.step() inside a with or try block" in followed(course, make=Signs).reason


def test_an_error_that_is_caught_is_caught_each_time():
    def course(trainer, batch):
        trainer.optimizer.zero_grad()
        loss = trainer.loss(batch)
        loss.backward()
        try:
            nn.utils.clip_grad_norm_(trainer.model.parameters(), 1.0, error_if_nonfinite=True)
        except RuntimeError:
            return loss
        trainer.optimizer.step()
        return loss

    compiled = followed(course, batches=lambda number: x * (np.nan if number == 5 else 1.0))
    assert "it calls clip_grad_norm_() inside a with or try block" in compiled.reason


def test_blocks_around_the_compiled_step_do_not_count():
    trainer = Trainer(plain)
    compiled = microbp.compile(lambda batch: plain(trainer, batch))
    for _ in range(4):
        with microbp.enable_grad():
            compiled(microbp.tensor(x))
    assert compiled.replayed == 2


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("around", [iter, list, lambda parameters: itertools.chain(parameters, [])])
def test_any_iterator_of_parameters_can_be_clipped(around, by_name):
    def course(trainer, batch):
        trainer.optimizer.zero_grad()
        loss = trainer.loss(batch)
        loss.backward()
        if by_name:
            nn.utils.clip_grad_norm_(parameters=around(trainer.model.parameters()), max_norm=0.1)
        else:
            nn.utils.clip_grad_norm_(around(trainer.model.parameters()), 0.1)
        trainer.optimizer.step()
        return loss

    compiled = followed(course)
    assert compiled.replayed == STEPS - 2, compiled.reason


def test_a_used_up_generator_of_parameters_is_warned_of_while_it_is_recorded():
    trainer = Trainer(plain)
    used_up = (p for p in [])
    compiled = microbp.compile(lambda batch: (plain(trainer, batch), nn.utils.clip_grad_norm_(used_up, 1.0))[0])
    for _ in range(3):
        with pytest.warns(UserWarning, match="empty generator"):
            compiled(microbp.tensor(x))


def test_a_model_in_training_mode_may_be_put_into_it():
    def change(number, trainer):
        trainer.model.train(number != 5)

    def course(trainer, batch):
        trainer.model.train()
        return plain(trainer, batch)

    assert followed(course, change).replayed == 5


# -- the order of things -----------------------------------------------------------------------------


def test_gradients_that_are_overwritten_on_the_way_may_be_what_the_backward_needs():
    w, given = microbp.ones(3, requires_grad=True), microbp.full((3,), 3.0)
    optimizer = optim.SGD([w], lr=0.1)

    def step(given):
        loss = (w * given).sum()
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        return loss

    compiled = microbp.compile(step)
    for _ in range(3):
        compiled(given)
    assert "set_to_none=False on the way to the loss" in compiled.reason
    w.grad = given
    with pytest.raises(MutationError):
        compiled(given)


def test_an_argument_on_the_memory_of_a_parameter_is_used_as_it_is_then():
    w = microbp.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)

    def step(given):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
        return (given * 2.0).sum()

    compiled = microbp.compile(step)
    for _ in range(3):
        compiled(microbp.ones(2))
    assert compiled.replayed == 1
    assert compiled(w.detach()).item() == (w * 2.0).sum().item()
    assert compiled(w.detach()[:]).item() == (w * 2.0).sum().item()


# -- what is returned ----------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [lambda loss: loss, lambda loss: loss.detach()])
def test_the_name_that_a_returned_tensor_gets_is_there(of):
    def course(trainer, batch):
        loss = of(plain(trainer, batch))
        loss.name = "loss"
        return loss

    assert "sets attributes of a tensor that it returns" in followed(course).reason


@pytest.mark.parametrize("kind", [collections.OrderedDict, lambda pairs: collections.defaultdict(list, pairs)])
def test_containers_of_other_kinds_are_those_of_the_function(kind):
    def course(trainer, batch):
        return kind([("loss", plain(trainer, batch))]), kind([("number", 1)])

    assert "not tensors and numbers" in followed(course).reason


def test_a_list_of_numbers_is_another_list_each_time():
    trainer = Trainer(plain)
    compiled = microbp.compile(lambda batch: (plain(trainer, batch), [1, [2]])[1])
    for _ in range(4):
        found = compiled(microbp.tensor(x))
        assert found == [1, [2]]
        found[1].append(3)
    assert compiled.replayed == 2


# -- what changes unnoticed ------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: np.random.default_rng(3), lambda: random.Random(1), microbp.Generator])
def test_makers_of_random_numbers_are_noticed(make):
    numbers = make()

    def course(trainer, batch):
        _ = numbers
        return plain(trainer, batch)

    assert "may change unnoticed" in followed(course).reason


def test_a_branch_on_chance_is_taken_anew_each_time():
    def course(trainer, batch):
        factor = 3.0 if trainer.chance.random() > 0.8 else 1.0
        loss = trainer.loss(batch) * factor
        loss.backward()
        return loss

    def change(number, trainer):
        if number == 0:
            trainer.chance = np.random.default_rng(3)  # of its first numbers, only the third is so large

    assert "Generator, which may change unnoticed" in followed(course, change).reason


def test_an_iterator_goes_on():
    def course(trainer, batch):
        loss = trainer.loss(batch) * next(trainer.factors)
        loss.backward()
        return loss

    def change(number, trainer):
        if number == 0:
            trainer.factors = iter([1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])

    assert "list_iterator, which may change unnoticed" in followed(course, change).reason


def test_the_numbers_in_an_array_are_those_of_now():
    def course(trainer, batch):
        loss = trainer.loss(batch) * trainer.factors[0]
        loss.backward()
        return loss

    def change(number, trainer):
        if number == 0:
            trainer.factors = np.array([1.0, 2.0])
        if number == 5:
            trainer.factors[0] = 3.0

    assert followed(course, change).replayed == 4


def test_what_is_imported_inside_is_compared(monkeypatch):
    monkeypatch.setitem(sys.modules, "settings_of_the_test", types.SimpleNamespace(factor=1.0))

    def course(trainer, batch):
        import settings_of_the_test

        loss = trainer.loss(batch) * settings_of_the_test.factor
        loss.backward()
        return loss

    def change(number, trainer):
        sys.modules["settings_of_the_test"].factor = 1.0 if number < 5 else 3.0

    assert followed(course, change).replayed == 4
