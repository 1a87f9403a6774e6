"""L-BFGS against PyTorch's, step for step, and its line search by the conditions that define it."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import microbp
from microbp.errors import MutationError, OptionError
from microbp.optim import LBFGS
from microbp.optim.line_search import Point, strong_wolfe
from tests.optim.training import assert_equal
from tests.referee import torch


def rosenbrock(lib, x, y):
    return ((1 - x) ** 2).sum() + 10 * ((y - x * x) ** 2).sum()


def bowl(lib, x, y):
    return (x * x * lib.tensor([1.0, 5.0, 25.0], dtype=lib.float64)).sum() + (y - x.sum()).square().sum()


def wavy(lib, x, y):
    return (x * x + 0.3 * (5 * x).sin()).sum() + (y.square() + 1).log().sum()


PROBLEMS = [rosenbrock, bowl, wavy]
OPTIONS = [
    {},
    {"lr": 0.1},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 5},
    {"line_search_fn": "strong_wolfe", "max_iter": 30, "max_eval": 7},
    {"lr": 0.5, "history_size": 1, "tolerance_change": 1e-4},
    {"max_iter": 1, "lr": 0.01},
    {"line_search_fn": "strong_wolfe", "lr": 50.0, "max_iter": 4},
]


def start(lib):
    values = np.array([-0.7, 0.4, 1.3]), np.array([[0.2, -1.1, 0.8]])
    return [lib.tensor(v).requires_grad_() for v in values]


def closure_of(lib, optimizer, problem, parameters):
    def closure():
        optimizer.zero_grad()
        loss = problem(lib, *parameters)
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_evaluations_equal_pytorch(problem, options):
    """The first ones: curvatures learnt from small differences make ten of one in the last digit each time."""
    found = []
    for lib in (microbp, torch()):
        parameters = start(lib)
        optimizer = lib.optim.LBFGS(parameters, **options)
        losses = []

        def closure(lib=lib, parameters=parameters, optimizer=optimizer, losses=losses):
            optimizer.zero_grad()
            loss = problem(lib, *parameters)
            loss.backward()
            losses.append(loss.item())
            return loss

        for _ in range(6):
            optimizer.step(closure)
        found.append(losses)
    count = min(12, len(found[1]))
    assert count >= 6
    assert found[0][:count] == pytest.approx(found[1][:count], rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_counts_equal_pytorch(options):
    counts = []
    for lib in (microbp, torch()):
        parameters = start(lib)
        optimizer = lib.optim.LBFGS(parameters, **{**options, "max_iter": 3})
        optimizer.step(closure_of(lib, optimizer, bowl, parameters))
        state = optimizer.state_dict()["state"][0]
        counts.append((state["func_evals"], state["n_iter"]))
    assert counts[0] == counts[1]


def test_a_bowl_is_solved():
    parameters = start(microbp)
    optimizer = LBFGS(parameters, line_search_fn="strong_wolfe", max_iter=100)
    optimizer.step(closure_of(microbp, optimizer, bowl, parameters))
    assert bowl(microbp, *parameters).item() < 1e-9


@pytest.mark.parametrize("options", [{"lr": 0.1}, {"line_search_fn": "strong_wolfe"}], ids=str)
def test_resumed_from_a_state_dict(options):
    options = {**options, "max_iter": 3}
    through = start(microbp)
    optimizer = LBFGS(through, **options)
    closure = closure_of(microbp, optimizer, bowl, through)
    optimizer.step(closure)
    saved, state = [p.detach().clone() for p in through], copy.deepcopy(optimizer.state_dict())
    optimizer.step(closure)
    resumed = [p.requires_grad_() for p in saved]
    again = LBFGS(resumed)
    again.load_state_dict(state)
    again.step(closure_of(microbp, again, bowl, resumed))
    assert_equal(resumed, through)


def test_a_parameter_without_gradient_stays():
    x, y = start(microbp)
    optimizer = LBFGS([x, y])
    before = y.tolist()

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert y.tolist() == before
    assert abs(x.array).max() < 1e-6


def test_steps_are_seen_by_graphs():
    x, y = start(microbp)
    loss = bowl(microbp, x, y)
    optimizer = LBFGS([x, y])
    optimizer.step(closure_of(microbp, optimizer, bowl, [x, y]))
    with pytest.raises(MutationError):
        loss.backward()


def test_what_makes_no_sense_is_refused():
    x, y = start(microbp)
    with pytest.raises(OptionError, match="one parameter group only"):
        LBFGS([{"params": [x]}, {"params": [y]}])
    with pytest.raises(OptionError, match="'strong_wolfe' or None, got 'weak'"):
        LBFGS([x], line_search_fn="weak")
    with pytest.raises(OptionError, match="invalid lr"):
        LBFGS([x], lr=-1)
    with pytest.raises(TypeError, match="needs a closure"):
        LBFGS([x]).step()


@pytest.mark.parametrize(
    "function",
    [
        lambda t: ((t - 3) ** 2, 2 * (t - 3)),
        lambda t: (-t / (t * t + 2), (t * t - 2) / (t * t + 2) ** 2),
        lambda t: ((t + 0.004) ** 5 - 2 * (t + 0.004) ** 4, 5 * (t + 0.004) ** 4 - 8 * (t + 0.004) ** 3),
        lambda t: (-np.sin(t) + 0.1 * t, -np.cos(t) + 0.1),
    ],
)
@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0])
def test_the_line_search_finds_a_step_that_satisfies_the_strong_wolfe_conditions(function, first):
    def evaluate(t):
        loss, slope = function(t)
        return Point(t, loss, np.array([slope]), slope)

    origin = evaluate(0.0)
    point, evaluations = strong_wolfe(evaluate, origin, first, 1.0)
    assert evaluations <= 26
    assert point.loss <= origin.loss + 1e-4 * point.t * origin.slope
    assert abs(point.slope) <= -0.9 * origin.slope
