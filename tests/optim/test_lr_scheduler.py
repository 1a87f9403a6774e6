"""Schedulers against PyTorch's, epoch for epoch."""

from __future__ import annotations

import copy
import inspect
import math

import pytest

import microbp
from microbp.errors import OptionError
from microbp.optim import lr_scheduler
from tests.referee import torch

EPOCHS = 40

# Each makes a scheduler of either library for an optimizer with two groups.
SCHEDULERS = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda epoch: 0.95**epoch),
    "LambdaLR for each group": lambda s, o: s.LambdaLR(o, [lambda epoch: 0.95**epoch, lambda epoch: 1 / (1 + epoch)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda epoch: 0.9 + 0.01 * (epoch % 3)),
    "StepLR": lambda s, o: s.StepLR(o, 7, gamma=0.5),
    "StepLR default": lambda s, o: s.StepLR(o, 30),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [3, 9, 9, 30], gamma=0.3),
    "ConstantLR": lambda s, o: s.ConstantLR(o),
    "ConstantLR long": lambda s, o: s.ConstantLR(o, factor=0.1, total_iters=20),
    "LinearLR": lambda s, o: s.LinearLR(o),
    "LinearLR down": lambda s, o: s.LinearLR(o, start_factor=0.9, end_factor=0.1, total_iters=25),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, total_iters=30, power=2.5),
    "PolynomialLR default": lambda s, o: s.PolynomialLR(o),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, T_max=10),
    "CosineAnnealingLR least": lambda s, o: s.CosineAnnealingLR(o, T_max=7, eta_min=0.01),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=5, T_mult=2, eta_min=0.001),
    "CosineAnnealingWarmRestarts plain": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=6),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.3, step_size_up=5),
    "CyclicLR triangular2": lambda s, o: s.CyclicLR(
        o, [0.01, 0.02], [0.3, 0.2], step_size_up=4, step_size_down=6, mode="triangular2"
    ),
    "CyclicLR exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.3, 5, mode="exp_range", gamma=0.97, cycle_momentum=False),
    "CyclicLR own": lambda s, o: s.CyclicLR(
        o, 0.01, 0.3, 5, scale_fn=lambda x: 1 / x, base_momentum=0.5, max_momentum=0.6
    ),
    "CyclicLR own by step": lambda s, o: s.CyclicLR(
        o, 0.01, 0.3, 5, scale_fn=lambda x: 0.99**x, scale_mode="iterations"
    ),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=EPOCHS + 1),
    "OneCycleLR linear": lambda s, o: s.OneCycleLR(
        o, [0.5, 0.2], epochs=11, steps_per_epoch=4, pct_start=0.5, anneal_strategy="linear", div_factor=10
    ),
    "OneCycleLR three": lambda s, o: s.OneCycleLR(o, 0.5, 45, three_phase=True, final_div_factor=100),
    "OneCycleLR without momentum": lambda s, o: s.OneCycleLR(o, 0.5, 45, cycle_momentum=False),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=5), s.CosineAnnealingLR(o, 20), s.ExponentialLR(o, 0.9)], [5, 25]
    ),
    "SequentialLR of multiplicative": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.5, 4), s.MultiplicativeLR(o, lambda epoch: 0.9), s.StepLR(o, 3)], [4, 20]
    ),
    "SequentialLR of cycles": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=5), s.CosineAnnealingWarmRestarts(o, 5)], [5]
    ),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler(
        [s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9), s.LinearLR(o)]
    ),
}
every_scheduler = pytest.mark.parametrize("name", SCHEDULERS)


def optimizer_of(lib, algorithm="SGD"):
    """An optimizer with two groups, of which each has a rate of its own."""
    p, q = (lib.zeros(2, requires_grad=True) for _ in range(2))
    options = {"momentum": 0.9} if algorithm == "SGD" else {}
    optimizer = getattr(lib.optim, algorithm)([{"params": [p]}, {"params": [q], "lr": 0.2}], lr=0.1, **options)
    p.grad, q.grad = lib.ones(2), lib.ones(2)
    return optimizer


def path(lib, make, algorithm="SGD", epochs=EPOCHS):
    """The rates and momenta in each epoch."""
    optimizer = optimizer_of(lib, algorithm)
    scheduler = make(lib.optim.lr_scheduler, optimizer)
    found = []
    for _ in range(epochs):
        found.append(state_of(optimizer, scheduler))
        optimizer.step()
        scheduler.step()
    return [*found, state_of(optimizer, scheduler)]


def state_of(optimizer, scheduler):
    groups = optimizer.param_groups
    momenta = [group["betas"][0] if "betas" in group else group["momentum"] for group in groups]
    assert scheduler.get_last_lr() == [group["lr"] for group in groups]
    return [*(group["lr"] for group in groups), *momenta]


@every_scheduler
@pytest.mark.parametrize("algorithm", ["SGD", "Adam"])
def test_rates_equal_pytorch_epoch_for_epoch(name, algorithm):
    ours, theirs = (path(lib, SCHEDULERS[name], algorithm) for lib in (microbp, torch()))
    for epoch, (mine, yours) in enumerate(zip(ours, theirs, strict=True)):
        assert mine == pytest.approx(yours, rel=1e-10, abs=1e-14), f"epoch {epoch}"


@every_scheduler
def test_resumed_from_state_dicts(name):
    make = SCHEDULERS[name]
    whole = path(microbp, make)
    optimizer = optimizer_of(microbp)
    scheduler = make(lr_scheduler, optimizer)
    for _ in range(13):
        optimizer.step()
        scheduler.step()
    packed = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    optimizer.step()
    scheduler.step()  # no state dict changes with it
    again = optimizer_of(microbp)
    resumed = make(lr_scheduler, again)
    again.load_state_dict(packed[0])
    resumed.load_state_dict(packed[1])
    found = []
    for _ in range(EPOCHS - 13):
        found.append(state_of(again, resumed))
        again.step()
        resumed.step()
    assert [*found, state_of(again, resumed)] == whole[13:]


@pytest.mark.parametrize("name", [name for name in lr_scheduler.__all__ if name != "LRScheduler"])
def test_arguments_have_the_names_order_and_defaults_of_pytorch(name):
    ours, theirs = (
        inspect.signature(getattr(lib, name)).parameters.values() for lib in (lr_scheduler, torch().optim.lr_scheduler)
    )
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


PLATEAUS = [
    {},
    {"factor": 0.5, "patience": 1},
    {"mode": "max", "patience": 2, "cooldown": 3},
    {"mode": "max", "threshold_mode": "abs", "threshold": 0.05, "patience": 1},
    {"threshold_mode": "abs", "threshold": 0.1, "patience": 0, "min_lr": [0.01, 0.02]},
    {"patience": 0, "min_lr": 0.05, "eps": 0.03},
]


@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_plateaus_equal_pytorch(options):
    metrics = [1 / (1 + 0.3 * k) if k < 9 else 0.3 + 0.02 * (k % 4) for k in range(60)] + [math.nan, 0.1, 0.05]
    found = []
    for lib in (microbp, torch()):
        optimizer = optimizer_of(lib)
        scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        rates = []
        for k, metric in enumerate(metrics):
            optimizer.step()
            scheduler.step(lib.tensor(metric, dtype=lib.float64) if k % 2 else metric)
            rates.append(scheduler.get_last_lr())
        found.append(rates)
    assert [r == pytest.approx(s) for r, s in zip(*found, strict=True)] == [True] * len(metrics)


def test_fractions_of_epochs():
    found = []
    for lib in (microbp, torch()):
        optimizer = optimizer_of(lib)
        scheduler = lib.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=3, T_mult=2)
        rates = []
        for k in range(100):
            optimizer.step()
            scheduler.step(k / 7)
            rates += scheduler.get_last_lr()
        found.append(rates)
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_going_on_from_an_epoch():
    rates = []
    for lib in (microbp, torch()):
        optimizer = optimizer_of(lib)
        for group in optimizer.param_groups:
            group["initial_lr"] = 2 * group["lr"]
        scheduler = lib.optim.lr_scheduler.StepLR(optimizer, 3, gamma=0.5, last_epoch=4)
        rates.append(scheduler.get_last_lr())
        for _ in range(5):
            optimizer.step()
            scheduler.step()
            rates[-1] = rates[-1] + scheduler.get_last_lr()
    assert rates[0] == pytest.approx(rates[1])
    with pytest.raises(KeyError, match="group 0 has no 'initial_lr'"):
        lr_scheduler.StepLR(optimizer_of(microbp), 3, last_epoch=4)


def test_a_rate_set_by_hand_in_between_is_kept():
    found = []
    for lib in (microbp, torch()):
        optimizer = optimizer_of(lib)
        scheduler = lib.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        optimizer.step()
        scheduler.step()
        optimizer.param_groups[0]["lr"] = 8.0
        optimizer.step()
        scheduler.step()
        found.append(scheduler.get_last_lr())
    assert found[0] == found[1] == [4.0, 0.05]


def test_a_tensor_that_is_the_rate_keeps_its_place():
    rate = microbp.tensor(0.5)
    optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=rate)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25


def test_a_scheduler_that_is_stepped_too_early_warns():
    scheduler = lr_scheduler.StepLR(optimizer_of(microbp), 1)
    with pytest.warns(UserWarning, match=r"before optimizer\.step"):
        scheduler.step()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda o: lr_scheduler.StepLR(o, 0), "step_size of at least 1"),
        (lambda o: lr_scheduler.LambdaLR(o, [abs]), "one lr_lambda for each of the 2 parameter groups, got 1"),
        (lambda o: lr_scheduler.ConstantLR(o, factor=1.5), "factor from 0 to 1, got 1.5"),
        (lambda o: lr_scheduler.LinearLR(o, start_factor=0), "start_factor above 0"),
        (lambda o: lr_scheduler.LinearLR(o, end_factor=-1), "end_factor from 0"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), "positive integer T_0, got 0"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 5, 1.5), "positive integer T_mult"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 5).step(-1), "at least 0, got -1"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 0.2, mode="square"), "mode is 'triangular'"),
        (lambda o: lr_scheduler.CyclicLR(o, [0.1], 0.2), "one base_lr for each"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1), "needs total_steps, or both"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 0), "positive integer number of steps"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 9, pct_start=2), "pct_start from 0 to 1"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 9, anneal_strategy="step"), "anneal_strategy"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), "factor less than 1"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="least"), "mode is 'min'"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="x"), "threshold_mode is"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[0.1]), "one min_lr for each"),
        (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 1)], [1]), "one milestone less"),
        (lambda o: lr_scheduler.SequentialLR(o, [], []), "at least one scheduler"),
        (lambda o: lr_scheduler.ChainedScheduler([]), "at least one scheduler"),
        (lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(o)]), "needs a metric"),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(optimizer_of(microbp), 1)], []),
            "scheduler 0, a StepLR, is of another optimizer",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, text):
    with pytest.raises(OptionError, match=text):
        make(optimizer_of(microbp))


def test_what_is_no_optimizer_or_function_is_refused():
    with pytest.raises(TypeError, match="StepLR needs an Optimizer, got list"):
        lr_scheduler.StepLR([microbp.zeros(2)], 1)
    with pytest.raises(TypeError, match="ReduceLROnPlateau needs an Optimizer"):
        lr_scheduler.ReduceLROnPlateau(None)
    with pytest.raises(TypeError, match="lr_lambda must be a function of the epoch, got float"):
        lr_scheduler.LambdaLR(optimizer_of(microbp), 0.5)


def test_a_cycle_of_momentum_needs_one():
    optimizer = microbp.optim.Adagrad([microbp.zeros(2, requires_grad=True)])
    with pytest.raises(OptionError, match="Adagrad has none; pass cycle_momentum=False"):
        lr_scheduler.OneCycleLR(optimizer, 0.1, 10)
    lr_scheduler.OneCycleLR(optimizer, 0.1, 10, cycle_momentum=False)


def test_a_cycle_ends():
    optimizer = optimizer_of(microbp)
    scheduler = lr_scheduler.OneCycleLR(optimizer, 0.1, 2)
    optimizer.step()
    scheduler.step()
    with pytest.raises(OptionError, match="its cycle has 2 steps"):
        scheduler.step()


def test_chained_schedulers_in_a_sequence_begin_at_the_beginning():
    optimizer = optimizer_of(microbp)
    halves = lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(optimizer, 0.5, 2), lr_scheduler.ExponentialLR(optimizer, 0.5)]
    )
    scheduler = lr_scheduler.SequentialLR(optimizer, [halves, lr_scheduler.StepLR(optimizer, 1)], [3])
    rates = []
    for _ in range(5):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([0.05, 0.025, 0.025, 0.1, 0.01])


@pytest.mark.filterwarnings("ignore:Detected call of")
@every_scheduler
def test_resumed_from_the_state_of_pytorch(name):
    make = SCHEDULERS[name]
    theirs = optimizer_of(torch())
    saved = make(torch().optim.lr_scheduler, theirs)
    for _ in range(4):
        theirs.step()
        saved.step()
    ours = optimizer_of(microbp)
    resumed = make(lr_scheduler, ours)
    for group, other in zip(ours.param_groups, theirs.param_groups, strict=True):
        group.update({name: value for name, value in other.items() if name != "params"})
    resumed.load_state_dict(saved.state_dict())
    for _ in range(5):
        for optimizer, scheduler in ((ours, resumed), (theirs, saved)):
            optimizer.step()
            scheduler.step()
        assert resumed.get_last_lr() == pytest.approx(saved.get_last_lr(), rel=1e-10)
