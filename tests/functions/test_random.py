"""Random numbers: the right distributions, from the right generator, and the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import OptionError

DRAWS: dict[str, Callable[..., Any]] = {
    "rand": lambda **options: microbp.rand(4, 5, **options),
    "randn": lambda **options: microbp.randn((4, 5), **options),
    "randint": lambda **options: microbp.randint(0, 1000, (4, 5), **options),
    "randint from 0": lambda **options: microbp.randint(1000, (4, 5), **options),
    "randperm": lambda **options: microbp.randperm(20, **options),
    "normal": lambda **options: microbp.normal(2.0, 3.0, (4, 5), **options),
    "normal of means": lambda **options: microbp.normal(microbp.zeros(4, 5), 3.0, **options),
    "normal of both": lambda **options: microbp.normal(microbp.zeros(4, 1), microbp.ones(5), **options),
    "rand_like": lambda **options: microbp.rand_like(microbp.zeros(4, 5), **options),
    "randn_like": lambda **options: microbp.randn_like(microbp.zeros(4, 5), **options),
    "randint_like": lambda **options: microbp.randint_like(microbp.zeros(4, 5), 1000, **options),
    "bernoulli": lambda **options: microbp.bernoulli(microbp.full((4, 5), 0.5), **options),
}


@pytest.mark.parametrize("name", DRAWS)
def test_same_seed_same_numbers(name: str) -> None:
    draw = DRAWS[name]
    microbp.manual_seed(5)
    first, second = draw(), draw()
    microbp.manual_seed(5)
    assert (draw() == first).all()
    assert (draw() == second).all()
    assert not (first == second).all()
    generator = microbp.Generator().manual_seed(5)
    state = microbp.get_rng_state()
    assert (draw(generator=generator) == first).all()
    assert (microbp.get_rng_state() == state).all(), "the default generator was used"


@pytest.mark.parametrize("name", DRAWS)
def test_shapes_and_dtypes(name: str) -> None:
    t = DRAWS[name]()
    assert t.shape == ((20,) if name == "randperm" else (4, 5))
    assert t.dtype == (np.int64 if name in ("randint", "randint from 0", "randperm") else np.float32)
    assert not t.requires_grad
    with pytest.raises(TypeError, match="generator must be"):
        DRAWS[name](generator=np.random.default_rng())


def test_a_state_is_a_place_in_the_stream() -> None:
    generator = microbp.Generator()
    microbp.randint(0, 7, (3,), generator=generator, dtype=microbp.int32)
    state = generator.get_state()
    assert state.dtype == np.uint8
    a = microbp.randn(5, generator=generator)
    other = microbp.Generator().manual_seed(99)
    other.set_state(state)
    assert (microbp.randn(5, generator=other) == a).all()
    assert other.initial_seed() == generator.initial_seed()
    with pytest.raises(OptionError, match="what get_state"):
        other.set_state(microbp.zeros(3))


def test_seeds() -> None:
    assert microbp.Generator().initial_seed() == 67280421310721
    assert microbp.manual_seed(3) is microbp.default_generator()
    assert microbp.initial_seed() == 3
    assert microbp.Generator().manual_seed(-1).initial_seed() == 2**64 - 1
    found = {microbp.seed() for _ in range(5)}
    assert len(found) == 5
    assert microbp.initial_seed() in found
    generator = microbp.Generator()
    assert generator.seed() == generator.initial_seed() != 67280421310721


def test_uniform_numbers() -> None:
    t = microbp.rand(20000)
    assert 0 <= t.min().item() <= t.max().item() < 1
    assert t.mean().item() == pytest.approx(0.5, abs=0.02)
    assert microbp.rand(50000, dtype=microbp.float16).max().item() < 1


def test_normal_numbers() -> None:
    t = microbp.normal(2.0, 3.0, (20000,))
    assert t.mean().item() == pytest.approx(2, abs=0.1)
    assert t.std().item() == pytest.approx(3, abs=0.1)
    means = microbp.tensor([-100.0, 100.0])
    assert microbp.normal(means).sign().tolist() == [-1, 1]
    assert microbp.normal(0.0, microbp.tensor([0.0, 0.0])).tolist() == [0, 0]


def test_integers() -> None:
    t = microbp.randint(-2, 3, (2000,))
    assert sorted(set(t.tolist())) == [-2, -1, 0, 1, 2]
    assert sorted(microbp.randperm(100).tolist()) == list(range(100))
    assert microbp.randint(3, size=(2,), dtype=microbp.float32).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: microbp.randint(3, 3, (2,)), OptionError, "no integer from 3 to below 3"),
        (lambda: microbp.randint(3, 5, 2), TypeError, "size must be a tuple"),
        (lambda: microbp.rand(-1), RuntimeError, "rand: sizes must not be negative"),
        (lambda: microbp.randn(2, dtype=microbp.int64), OptionError, "draws floating-point numbers, not int64"),
        (lambda: microbp.normal(0.0, -1.0, (2,)), OptionError, "std must not be negative"),
        (lambda: microbp.normal(0.0, 1.0), TypeError, "takes a size if"),
        (lambda: microbp.normal(microbp.zeros(2), 1.0, (2,)), TypeError, "takes a size if"),
        (lambda: microbp.Generator("cuda"), NotImplementedError, "CPU only"),
    ],
)
def test_impossible_draws(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
