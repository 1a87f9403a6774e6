"""Methods in place: the same tensor afterwards, the right gradient or a refusal, never a wrong gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.methods import Methods
from tests.referee import compare
from tests.samples import normal, positive

DIFFERENT_NAMES = {"absolute": "abs", "negative": "neg"}
UNARY = [
    *("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "exp", "expm1", "floor"),
    *("frac", "log", "log10", "log1p", "log2", "neg", "reciprocal", "relu", "round", "rsqrt", "sigmoid", "sign", "sin"),
    *("sinh", "sqrt", "square", "tan", "tanh", "trunc", *DIFFERENT_NAMES),
]
INSIDE = np.array([0.1, 0.35, 0.7, 0.9])


@pytest.mark.parametrize("name", UNARY)
def test_unary_methods(name: str) -> None:
    values = INSIDE + 1 if name == "acosh" else INSIDE

    def run(lib: Any, a: Any) -> Any:
        y = a * 1
        assert getattr(y, f"{name}_")() is y
        return y, y * 2

    if name not in ("acosh", "asinh", "atanh"):  # PyTorch has no gradients for these
        compare(run, values)
    compare(lambda lib, a: getattr(a.detach().clone(), f"{name}_")(), values)
    x = microbp.tensor(values, requires_grad=True)
    gradient = microbp.autograd.grad(getattr(x * 1, f"{name}_")().sum(), x)[0]
    assert gradient is not None
    expected = microbp.autograd.grad(getattr(x, DIFFERENT_NAMES.get(name, name))().sum(), x)[0]
    assert expected is not None
    assert gradient.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "change",
    [
        lambda y, b: y.add_(b),
        lambda y, b: y.add_(b, alpha=0.3),
        lambda y, b: y.sub_(b),
        lambda y, b: y.sub_(2, alpha=3),
        lambda y, b: y.subtract_(b),
        lambda y, b: y.mul_(b),
        lambda y, b: y.mul_(3),
        lambda y, b: y.multiply_(b),
        lambda y, b: y.div_(b),
        lambda y, b: y.div_(b, rounding_mode="floor"),
        lambda y, b: y.div_(b, rounding_mode="trunc"),
        lambda y, b: y.divide_(2),
        lambda y, b: y.pow_(b),
        lambda y, b: y.pow_(2),
        lambda y, b: y.fmod_(b),
        lambda y, b: y.remainder_(b),
        lambda y, b: y.lerp_(b, 0.25),
        lambda y, b: y.clamp_(0.5, 1.0),
        lambda y, b: y.clamp_(min=0.5),
        lambda y, b: y.clip_(max=b),
        lambda y, b: y.clamp_min_(0.5),
        lambda y, b: y.clamp_max_(0.5),
        lambda y, b: y.addcmul_(b, b, value=0.5),
        lambda y, b: y.addcdiv_(b, b + 1),
        lambda y, b: y.round_(decimals=1),
        lambda y, b: y.copy_(b),
        lambda y, b: y.fill_(3),
        lambda y, b: y.fill_(b.sum()),
        lambda y, b: y.zero_(),
        lambda y, b: y.__iadd__(b),
        lambda y, b: y.__isub__(b),
        lambda y, b: y.__imul__(b),
        lambda y, b: y.__itruediv__(b),
        lambda y, b: y.__ipow__(2),
        lambda y, b: y.__imod__(b),
    ],
)
def test_methods_with_arguments(change: Callable[..., Any]) -> None:
    def run(lib: Any, a: Any, b: Any) -> Any:
        y = a * 1
        assert change(y, b) is y
        return y.exp()

    compare(run, positive(3, 4), positive(4))
    compare(run, positive(3, 4).astype(np.float32), positive(4).astype(np.float32), rtol=1e-5)
    compare(lambda lib, a, b: change(a.detach().clone(), b.detach()), positive(3, 4), positive(3, 4, seed=1))

    def onto_a_constant(lib: Any, a: Any, b: Any) -> Any:
        y = a.detach().clone()
        change(y, b)
        return y * 2

    compare(onto_a_constant, positive(3, 4), positive(4))


def test_second_derivatives() -> None:
    def run(lib: Any, a: Any, b: Any) -> Any:
        y = a * 2
        y.mul_(b).sin_().pow_(3)
        y += b
        return y

    compare(run, normal(3, 4), normal(4), second_order=True)


def test_operators_keep_the_tensor() -> None:
    t = kept = microbp.tensor([7.0, 8.0])
    t += 1
    t -= 2
    t *= 3
    t /= 2
    t **= 2
    t //= 4
    t %= 5
    assert t is kept
    expected = ((np.array([7.0, 8.0]) + 1 - 2) * 3 / 2) ** 2 // 4 % 5
    assert t.tolist() == expected.tolist()
    n = held = microbp.tensor([6, 5])
    n &= 3
    n |= 8
    n ^= 1
    assert n is held
    assert n.tolist() == [((6 & 3) | 8) ^ 1, ((5 & 3) | 8) ^ 1]


def test_a_training_step_by_hand() -> None:
    w = microbp.tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    before = id(w)
    assert w.grad is not None
    with microbp.no_grad():
        w -= 0.1 * w.grad
        w.grad.zero_()
    assert id(w) == before
    assert w.requires_grad
    assert w.is_leaf
    np.testing.assert_allclose(w.tolist(), [0.8, 1.6], rtol=1e-6)
    w.data.add_(microbp.ones(2), alpha=-1)
    w.data += 0.5
    np.testing.assert_allclose(w.tolist(), [0.3, 1.1], rtol=1e-6)


@pytest.mark.parametrize("name", ["add_", "mul_", "copy_", "fill_"])
def test_a_leaf_that_requires_grad_is_refused(name: str) -> None:
    w = microbp.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        getattr(w, name)(2)
    assert w.tolist() == [1.0, 1.0]


def test_an_overwritten_value_is_refused_or_right() -> None:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="changed in"):
        z.sum().backward()

    def run(lib: Any, a: Any) -> Any:
        y = a * 2
        z = y + 1  # keeps nothing of y
        y.exp_()
        return z, y

    compare(run, normal(3))


def test_zero_and_fill_cut_the_gradient_off() -> None:
    def run(lib: Any, a: Any, b: Any) -> Any:
        y = a * 2
        y.zero_()
        y += b
        z = a * 3
        z.fill_(0)
        return y, z.sqrt()  # an infinite gradient

    compare(run, normal(3), normal(3))


def test_copy_converts_and_broadcasts() -> None:
    compare(lambda lib, a: lib.zeros(2, 3).copy_(a), normal(3), rtol=1e-6)
    compare(lambda lib, a: lib.zeros(3, dtype=lib.int64).copy_(a.detach()), np.array([1.7, -2.7, 0.0]))
    compare(lambda lib, a: lib.zeros(3, dtype=lib.int64).fill_(2.7), normal(3))
    t = microbp.arange(4).reshape(2, 2)
    t.copy_(t.t())
    assert t.tolist() == [[0, 2], [1, 3]]
    with pytest.raises(RuntimeError, match="copy"):
        microbp.zeros(2).copy_(microbp.zeros(3))
    with pytest.raises(RuntimeError, match="0-d"):
        microbp.zeros(2).fill_(microbp.zeros(2))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.mul_(1.5),
        lambda t: t.exp_(),
        lambda t: t.div_(2),
        lambda t: t.add_(microbp.tensor(0.5)),
    ],
)
def test_integers_cannot_hold_fractions(change: Callable[..., Any]) -> None:
    t = microbp.tensor([1, 2])
    with pytest.raises(RuntimeError, match="cannot be stored"):
        change(t)
    assert t.tolist() == [1, 2]


def test_truth_values_cannot_hold_numbers() -> None:
    with pytest.raises(RuntimeError, match="cannot be stored"):
        microbp.tensor([True]).add_(1)


def test_results_must_fit() -> None:
    with pytest.raises(RuntimeError, match=r"\(2,\).*\(1,\)"):
        microbp.ones(1).add_(microbp.ones(2))
    with pytest.raises(RuntimeError, match="add"):
        microbp.ones(3).add_(microbp.ones(2))
    with pytest.raises(RuntimeError, match="read-only"):
        microbp.ones(1).expand(3).add_(1)


def test_a_mixed_dtype_keeps_the_target() -> None:
    def run(lib: Any, a: Any, b: Any) -> Any:
        y = a * 1
        y.mul_(b)
        return y

    compare(run, positive(3).astype(np.float32), positive(3), rtol=1e-6)


def test_uniform_and_normal() -> None:
    microbp.manual_seed(0)
    t = microbp.zeros(10_000)
    assert t.uniform_(-1, 3) is t
    assert t.dtype == np.float32
    assert -1 <= t.array.min() < -0.99
    assert 2.99 < t.array.max() < 3
    assert abs(t.array.mean() - 1) < 0.05
    assert t.normal_(2, 0.5) is t
    assert abs(t.array.mean() - 2) < 0.05
    assert abs(t.array.std() - 0.5) < 0.05
    again = microbp.zeros(10_000)
    microbp.manual_seed(0)
    again.uniform_(-1, 3)
    again.normal_(2, 0.5)
    assert again.tolist() == t.tolist()


def test_random_numbers_come_from_the_generator() -> None:
    first, second = (microbp.zeros(5).normal_(generator=microbp.Generator().manual_seed(3)) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert microbp.zeros(3, dtype=microbp.float64).uniform_().dtype == np.float64
    assert microbp.zeros(3, dtype=microbp.float16).normal_().dtype == np.float16


def test_random_numbers_refuse_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="from_=2"):
        microbp.zeros(1).uniform_(2, 1)
    with pytest.raises(ValueError, match="std=-1"):
        microbp.zeros(1).normal_(0, -1)
    with pytest.raises(RuntimeError, match="int64"):
        microbp.tensor([1]).uniform_()


def test_random_numbers_cut_the_gradient_off() -> None:
    x = microbp.ones(2, requires_grad=True)
    y = x * 2
    y.normal_()
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 0.0]


def test_every_method_in_place_is_documented() -> None:
    for name in dir(Methods):
        if name.endswith("_") and not name.startswith("_"):
            assert getattr(Methods, name).__doc__, name
