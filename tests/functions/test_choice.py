"""Random choices: the right shares, from the right generator, and nothing that cannot be chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import OptionError


def test_truths() -> None:
    p = microbp.tensor([0.0, 0.3, 1.0]).expand(5000, 3)
    mean = p.bernoulli().mean(0)
    assert mean[[0, 2]].tolist() == [0, 1]
    assert mean[1].item() == pytest.approx(0.3, abs=0.03)


def test_truths_in_place() -> None:
    t = microbp.zeros(5000, 3)
    assert t.bernoulli_(microbp.tensor([0.0, 0.3, 1.0])) is t
    assert t.mean(0)[[0, 2]].tolist() == [0, 1]
    assert t.mean(0)[1].item() == pytest.approx(0.3, abs=0.03)
    assert microbp.zeros(5000).bernoulli_().mean().item() == pytest.approx(0.5, abs=0.05)
    assert microbp.zeros(4, dtype=microbp.int64).bernoulli_(1).tolist() == [1, 1, 1, 1]
    assert microbp.bernoulli(microbp.zeros(3), 1.0).tolist() == [1, 1, 1]
    a, b = (microbp.zeros(50).bernoulli_(generator=microbp.Generator().manual_seed(3)) for _ in range(2))
    assert (a == b).all()
    x = microbp.ones(3, requires_grad=True)
    y = x * 2
    y.bernoulli_(1.0)
    y.sum().backward()
    assert x.grad.tolist() == [0, 0, 0]


def test_drawn_indices_with_replacement() -> None:
    weights = microbp.tensor([[0.0, 1.0, 3.0, 0.0], [2.0, 2.0, 0.0, 4.0]])
    drawn = microbp.multinomial(weights, 8000, replacement=True)
    assert drawn.shape == (2, 8000)
    assert drawn.dtype == np.int64
    shares = np.stack([np.bincount(row, minlength=4) / 8000 for row in drawn.numpy()])
    np.testing.assert_allclose(shares, [[0, 0.25, 0.75, 0], [0.25, 0.25, 0, 0.5]], atol=0.03)
    assert (shares[weights.numpy() == 0] == 0).all()


def test_drawn_indices_without_replacement() -> None:
    weights = microbp.tensor([1.0, 0.0, 2.0, 5.0]).expand(6000, 4)
    drawn = microbp.multinomial(weights, 3).numpy()
    assert (np.sort(drawn, axis=1) == [0, 2, 3]).all()
    np.testing.assert_allclose(np.bincount(drawn[:, 0], minlength=4) / 6000, [1 / 8, 0, 2 / 8, 5 / 8], atol=0.03)
    second = drawn[drawn[:, 0] == 3][:, 1]
    np.testing.assert_allclose(np.bincount(second, minlength=3) / len(second), [1 / 3, 0, 2 / 3], atol=0.03)
    a, b = (weights.multinomial(2, generator=microbp.Generator().manual_seed(3)) for _ in range(2))
    assert (a == b).all()
    assert microbp.multinomial(microbp.tensor([0.0, 1e-300, 0.0], dtype=microbp.float64), 1).tolist() == [1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: microbp.bernoulli(microbp.tensor([1.5])), OptionError, "from 0 to 1"),
        (lambda: microbp.bernoulli(microbp.tensor([1])), OptionError, "floating-point"),
        (lambda: microbp.zeros(2).bernoulli_(-0.5), OptionError, "bernoulli_: probabilities must be from 0 to 1"),
        (lambda: microbp.multinomial(microbp.ones(2), 3), OptionError, "cannot draw 3 indices without replacement"),
        (lambda: microbp.multinomial(microbp.tensor([1.0, 0.0]), 2), OptionError, "1 of 2 weights are not 0"),
        (lambda: microbp.multinomial(microbp.zeros(2), 1, True), OptionError, "0 of 2 weights are not 0"),
        (lambda: microbp.multinomial(microbp.tensor([-1.0, 2.0]), 1), OptionError, "not negative"),
        (lambda: microbp.multinomial(microbp.tensor([float("inf")]), 1), OptionError, "finite"),
        (lambda: microbp.multinomial(microbp.tensor([float("nan")]), 1), OptionError, "finite"),
        (lambda: microbp.multinomial(microbp.ones(2), 0), OptionError, "must be positive"),
        (lambda: microbp.multinomial(microbp.ones(2, 2, 2), 1), RuntimeError, "shape"),
        (lambda: microbp.multinomial(microbp.tensor([1, 2]), 1), OptionError, "floating-point"),
    ],
)
def test_impossible_choices(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
