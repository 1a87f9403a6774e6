"""Numerics: poles, kinks, ties, NaN and infinities as PyTorch has them; no overflow on the way."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.nn import functional as F
from tests.leaves import leaf
from tests.referee import compare

INF, NAN = float("inf"), float("nan")

# Name, function of (lib, leaves), values of the leaves.
POINTS: list[tuple[str, Callable[..., Any], list[list[float]]]] = [
    ("log at 0 and below", lambda lib, a: a.log(), [[0.0, -0.0, -1.0]]),
    ("log1p at -1", lambda lib, a: a.log1p(), [[-1.0, -2.0, 0.0]]),
    ("log2, log10 at 0", lambda lib, a: a.log2() + a.log10(), [[0.0, -1.0]]),
    ("sqrt at 0 and below", lambda lib, a: a.sqrt(), [[0.0, -0.0, -1.0]]),
    ("rsqrt at 0", lambda lib, a: a.rsqrt(), [[0.0, -1.0]]),
    ("reciprocal at 0", lambda lib, a: a.reciprocal(), [[0.0, -0.0]]),
    ("x**0 at 0", lambda lib, a: a**0, [[0.0, 1.0, INF, NAN]]),
    ("x**1, x**2 at 0", lambda lib, a: a**1 + a**2, [[0.0, 2.0]]),
    ("x**0.5 at 0", lambda lib, a: a**0.5, [[0.0, -1.0, 4.0]]),
    ("x**-1 at 0", lambda lib, a: a**-1, [[0.0, 2.0]]),
    ("x**2 at infinity", lambda lib, a: a**2, [[INF, NAN, -INF]]),
    ("x**y", lambda lib, a, b: a**b, [[0.0, 0.0, 0.0, -2.0, -2.0, 2.0, 0.0], [0.0, 1.0, 2.0, 2.0, 3.0, -1.0, -1.0]]),
    ("0**y", lambda lib, a: 0**a, [[0.0, 1.0, 2.0, 0.5, -1.0]]),
    ("(-2)**y", lambda lib, a: (-2.0) ** a, [[2.0, 3.0, 0.5]]),
    ("(-2)**2.0", lambda lib, a: a**2.0, [[-2.0]]),
    ("division by 0", lambda lib, a, b: a / b, [[1.0, 0.0, -1.0], [0.0, 0.0, -0.0]]),
    ("fmod by 0", lambda lib, a, b: a.fmod(b), [[1.0, 5.0], [0.0, -3.0]]),
    ("remainder by 0", lambda lib, a, b: a.remainder(b), [[1.0, 5.0], [0.0, -3.0]]),
    ("x log x at 0", lambda lib, a: a * a.log(), [[0.0]]),
    ("abs at 0", lambda lib, a: a.abs(), [[0.0, -0.0, NAN]]),
    ("sign", lambda lib, a: a.sign(), [[0.0, NAN]]),
    ("relu at 0", lambda lib, a: a.relu(), [[0.0, -0.0, NAN, INF, -INF]]),
    ("relu6, hardtanh at their edges", lambda lib, a: lib.nn.functional.relu6(a), [[0.0, 6.0, NAN, 7.0]]),
    ("hardtanh", lambda lib, a: lib.nn.functional.hardtanh(a), [[-1.0, 1.0, NAN, 2.0]]),
    ("leaky_relu", lambda lib, a: lib.nn.functional.leaky_relu(a), [[0.0, NAN, -1.0]]),
    ("elu", lambda lib, a: lib.nn.functional.elu(a), [[0.0, -INF, 1e4]]),
    ("silu", lambda lib, a: lib.nn.functional.silu(a), [[NAN, 1e4, -1e4]]),
    ("mish", lambda lib, a: lib.nn.functional.mish(a), [[NAN, 1e4, -1e4]]),
    ("softplus", lambda lib, a: lib.nn.functional.softplus(a), [[NAN, 1e4, -1e4]]),
    ("logsigmoid", lambda lib, a: lib.nn.functional.logsigmoid(a), [[NAN, 1e4, -1e4]]),
    ("clamp at its edges", lambda lib, a: a.clamp(-1, 1), [[-1.0, 1.0, NAN, 2.0, INF]]),
    ("clamp from below", lambda lib, a: a.clamp(min=0.0), [[0.0, NAN, -1.0]]),
    ("clamp with edges the wrong way round", lambda lib, a: a.clamp(1, -1), [[0.0, 2.0]]),
    ("max with ties", lambda lib, a: a.max(), [[1.0, 1.0, 0.0]]),
    ("max with NaN", lambda lib, a: a.max(), [[1.0, NAN, 0.0]]),
    ("max along an axis with ties", lambda lib, a: a.max(dim=0)[0], [[1.0, 1.0, 0.0]]),
    ("max along an axis with NaN", lambda lib, a: a.max(dim=0)[0], [[1.0, NAN, NAN]]),
    ("min along an axis with ties", lambda lib, a: a.min(dim=0)[0], [[0.0, 1.0, 0.0]]),
    ("amax, amin with ties", lambda lib, a: a.amax() + a.amin(0), [[1.0, 1.0, 0.0]]),
    ("maximum", lambda lib, a, b: lib.maximum(a, b), [[1.0, NAN, 0.0], [1.0, 0.0, NAN]]),
    ("minimum", lambda lib, a, b: lib.minimum(a, b), [[1.0, NAN, 0.0], [1.0, 0.0, NAN]]),
    ("median with NaN", lambda lib, a: a.median(), [[1.0, NAN, 3.0]]),
    ("sort with NaN", lambda lib, a: a.sort()[0] * lib.arange(3), [[2.0, NAN, 1.0]]),
    ("topk with NaN", lambda lib, a: a.topk(2)[0], [[1.0, NAN, 3.0]]),
    ("kthvalue with NaN", lambda lib, a: a.kthvalue(2)[0], [[NAN, 1.0, 2.0]]),
    ("cummax with NaN", lambda lib, a: a.cummax(0)[0], [[1.0, NAN, 3.0]]),
    ("max_pool with NaN", lambda lib, a: lib.nn.functional.max_pool1d(a[None], 2), [[1.0, NAN, 3.0, 4.0]]),
    ("norm at 0", lambda lib, a: a.norm(), [[0.0, 0.0]]),
    ("norms at 0", lambda lib, a: a.norm(1) + a.norm(3), [[0.0, 0.0]]),
    ("norm of infinite order with ties", lambda lib, a: a.norm(INF), [[2.0, 2.0, -2.0]]),
    ("std of equal values", lambda lib, a: a.std(), [[1.0, 1.0, 1.0]]),
    ("var of one value", lambda lib, a: a.var(), [[1.0]]),
    ("mean of nothing", lambda lib, a: a.mean(), [[]]),
    ("prod with a zero", lambda lib, a: a.prod(), [[0.0, 2.0, 3.0]]),
    ("prod with two zeros", lambda lib, a: a.prod(), [[0.0, 0.0, 3.0]]),
    ("prod with NaN", lambda lib, a: a.prod(), [[0.0, NAN, 3.0]]),
    ("cumprod with a zero", lambda lib, a: a.cumprod(0), [[2.0, 0.0, 3.0]]),
    ("hypot at 0", lambda lib, a, b: a.hypot(b), [[0.0], [0.0]]),
    ("atan2 at 0", lambda lib, a, b: a.atan2(b), [[0.0, -0.0], [0.0, -0.0]]),
    ("acos, asin at 1", lambda lib, a: a.acos() + a.asin(), [[1.0, -1.0, 2.0]]),
    ("atanh at 1", lambda lib, a: a.atanh(), [[1.0, -1.0, 2.0]]),
    ("acosh at 1", lambda lib, a: a.acosh(), [[1.0, 0.0]]),
    ("erfinv at 1", lambda lib, a: a.erfinv(), [[1.0, -1.0, 2.0]]),
    ("logit at 0 and 1", lambda lib, a: a.logit(), [[0.0, 1.0, 2.0]]),
    ("softmax of large numbers", lambda lib, a: a.softmax(0), [[1e4, -1e4, 0.0]]),
    ("softmax of -inf", lambda lib, a: a.softmax(0), [[-INF, 0.0]]),
    ("softmax of nothing but -inf", lambda lib, a: a.softmax(0), [[-INF, -INF]]),
    ("log_softmax of large numbers", lambda lib, a: a.log_softmax(0), [[1e4, 0.0, -1e4]]),
    ("logsumexp of large numbers", lambda lib, a: a.logsumexp(0), [[1e4, 1e4, -1e4]]),
    ("logsumexp of -inf", lambda lib, a: a.logsumexp(0), [[-INF, -INF]]),
    ("logsumexp of inf", lambda lib, a: a.logsumexp(0), [[INF, 1.0]]),
    ("logaddexp", lambda lib, a, b: a.logaddexp(b), [[-INF, 1e4, INF], [-INF, 0.0, INF]]),
    ("sigmoid and tanh of large numbers", lambda lib, a: a.sigmoid() + a.tanh(), [[1e4, -1e4, INF, -INF]]),
    ("exp of large numbers", lambda lib, a: a.exp() + a.expm1(), [[1e4, -1e4]]),
    ("sinh, cosh of large numbers", lambda lib, a: a.sinh() * a.cosh(), [[1e3]]),
    ("round halves", lambda lib, a: a.round(), [[0.5, 1.5, 2.5, -0.5]]),
    ("nan_to_num", lambda lib, a: a.nan_to_num(), [[NAN, INF, -INF]]),
    ("nansum, nanmean", lambda lib, a: a.nansum() + a.nanmean(), [[NAN, 1.0]]),
    ("lerp with infinity", lambda lib, a, b: a.lerp(b, 0.5), [[INF], [1.0]]),
    ("copysign of zeros", lambda lib, a, b: a.copysign(b), [[0.0, 1.0], [-0.0, -1.0]]),
    ("0 * inf", lambda lib, a, b: a * b, [[0.0, INF], [INF, 0.0]]),
    ("inf - inf", lambda lib, a, b: a - b, [[INF], [INF]]),
    ("a mask over a pole", lambda lib, a: lib.where(a > 0, a.log(), a * 0), [[0.0, 1.0]]),
    ("a mask under a pole", lambda lib, a: lib.where(a > 0, a, a * 0 + 1).log(), [[0.0, 1.0]]),
    ("masked_fill over a pole", lambda lib, a: a.sqrt().masked_fill(a == 0, 0.0), [[0.0, 4.0]]),
    (
        "cosine_similarity of zeros",
        lambda lib, a, b: lib.nn.functional.cosine_similarity(a[None], b[None]),
        [[0.0, 0.0], [0.0, 0.0]],
    ),
    ("normalize zeros", lambda lib, a: lib.nn.functional.normalize(a[None]), [[0.0, 0.0]]),
]


@pytest.mark.filterwarnings("ignore:(var|std).*degrees of freedom:UserWarning")
@pytest.mark.parametrize(("function", "values"), [pytest.param(f, v, id=name) for name, f, v in POINTS])
def test_poles_kinks_and_ties_are_those_of_pytorch(function: Callable[..., Any], values: list[list[float]]) -> None:
    compare(function, *map(np.array, values))


def one_hot(lib: Any) -> Any:
    return lib.tensor([[1.0, 0.0]], dtype=lib.float64)


LOSSES: list[tuple[str, Callable[..., Any], Any]] = [
    (
        "cross_entropy",
        lambda lib, a: lib.nn.functional.cross_entropy(a, lib.tensor([1, 1])),
        [[1e4, -1e4], [-1e4, 1e4]],
    ),
    (
        "cross_entropy, -inf elsewhere",
        lambda lib, a: lib.nn.functional.cross_entropy(a, lib.tensor([1])),
        [[-INF, 0.0]],
    ),
    (
        "cross_entropy, -inf at the label",
        lambda lib, a: lib.nn.functional.cross_entropy(a, lib.tensor([0])),
        [[-INF, 0.0]],
    ),
    ("cross_entropy with NaN", lambda lib, a: lib.nn.functional.cross_entropy(a, lib.tensor([1])), [[NAN, 0.0]]),
    ("cross_entropy of probabilities", lambda lib, a: lib.nn.functional.cross_entropy(a, one_hot(lib)), [[1e4, -1e4]]),
    (
        "binary_cross_entropy_with_logits",
        lambda lib, a: lib.nn.functional.binary_cross_entropy_with_logits(
            a, lib.tensor([0.0, 1.0, 1.0, 0.0], dtype=lib.float64), reduction="none"
        ),
        [1e4, -1e4, 1e4, -1e4],
    ),
    ("kl_div of -inf", lambda lib, a: lib.nn.functional.kl_div(a, one_hot(lib)[0], reduction="sum"), [0.0, -INF]),
    ("mse_loss of large numbers", lambda lib, a: lib.nn.functional.mse_loss(a, a.detach() * 0), [1e200, 1.0]),
    (
        "smooth_l1_loss at its joint",
        lambda lib, a: lib.nn.functional.smooth_l1_loss(a, a.detach() * 0),
        [1.0, -1.0, 0.0],
    ),
    ("huber_loss at its joint", lambda lib, a: lib.nn.functional.huber_loss(a, a.detach() * 0), [1.0, -1.0, 0.0]),
    ("l1_loss at 0", lambda lib, a: lib.nn.functional.l1_loss(a, a.detach()), [1.0, 2.0]),
]


@pytest.mark.parametrize(("function", "values"), [pytest.param(f, v, id=name) for name, f, v in LOSSES])
def test_losses_are_exact_where_numbers_are_extreme(function: Callable[..., Any], values: Any) -> None:
    compare(function, np.array(values))


def test_binary_cross_entropy_is_limited_at_0_and_1() -> None:
    def loss(lib: Any, a: Any) -> Any:
        return lib.nn.functional.binary_cross_entropy(a, lib.tensor([1.0, 0.0], dtype=lib.float64))

    compare(loss, np.array([0.0, 1.0]), rtol=1e-8)  # PyTorch's limit is a number of float32


@pytest.mark.parametrize("dtype", [microbp.float32, microbp.float64], ids=str)
def test_no_warning_of_numpy_comes_through(dtype: Any) -> None:
    """Warnings are errors in tests; here they are errors whatever the test runner thinks."""
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        x = microbp.tensor([1e30, -1e30, 0.0, NAN, INF, -INF], dtype=dtype, requires_grad=True)
        for y in (x.exp(), x.log(), x * x, x / x, x.sqrt(), x.softmax(0), x.logsumexp(0), x.sigmoid(), x**-3, x.std()):
            y.sum().backward()
        F.cross_entropy(x[None], microbp.tensor([0])).backward()
        assert np.geterr()["over"] == "warn"


def test_nan_is_never_laundered() -> None:
    x = microbp.tensor([1.0, NAN, 3.0])
    for y in (
        x.max(),
        x.min(),
        x.amax(),
        x.amin(),
        x.sum(),
        x.mean(),
        x.prod(),
        x.median(),
        x.var(),
        x.std(),
        x.norm(),
        x.norm(INF),
        x.logsumexp(0),
        x.softmax(0)[0],
        x.max(0).values,
        x.min(0).values,
        x.sort().values[-1],
        x.topk(1).values,
        x.cummax(0).values[-1],
        x.cumsum(0)[-1],
        x.clamp(0, 2)[1],
        x.clamp(min=0)[1],
        x.relu()[1],
        x.round()[1],
        F.hardtanh(x)[1],
        F.relu6(x)[1],
        F.gelu(x)[1],
        F.softplus(x)[1],
        F.max_pool1d(x[None], 3),
        F.avg_pool1d(x[None], 3),
        F.mse_loss(x, microbp.zeros(3)),
        F.l1_loss(x, microbp.zeros(3)),
        F.huber_loss(x, microbp.zeros(3)),
        F.cross_entropy(x[None], microbp.tensor([0])),
        microbp.maximum(x, microbp.tensor(5.0))[1],
        microbp.minimum(x, microbp.tensor(-5.0))[1],
        microbp.where(x > 0, x, x)[1],
        x @ microbp.ones(3),
        x * 0 @ microbp.ones(3),
    ):
        assert np.isnan(y.array).all()
    assert x.argmax().item() == x.argmin().item() == 1
    assert x.sort().indices[-1].item() == 1
    assert not (x == x)[1]
    assert not microbp.equal(x, x)


def test_a_value_that_is_masked_after_its_pole_poisons_the_gradient_as_in_pytorch_and_before_it_does_not() -> None:
    """The trap of ``where``: 0 * inf is NaN, whatever is masked later. `microbp.where` documents it."""
    after, before = leaf(0.0, 1.0), leaf(0.0, 1.0)
    microbp.where(after > 0, after.log(), 0.0).sum().backward()
    microbp.where(before > 0, microbp.where(before > 0, before, 1.0).log(), 0.0).sum().backward()
    assert np.isnan(after.grad.array).tolist() == [True, False]
    assert before.grad.tolist() == [0.0, 1.0]
    assert microbp.where.__doc__ is not None
    assert "0 * inf is NaN" in microbp.where.__doc__


def test_anomaly_mode_names_the_operation_that_made_the_nan() -> None:
    x = leaf(0.0, 1.0)
    with microbp.autograd.detect_anomaly(), pytest.raises(RuntimeError, match=r"log.*test_numerics"):
        microbp.where(x > 0, x.log(), 0.0).sum().backward()


@pytest.mark.parametrize(
    "divide", [lambda a, b: a // b, lambda a, b: a % b, lambda a, b: a.fmod(b)], ids=["//", "%", "fmod"]
)
def test_an_integer_divided_by_zero_is_an_error(divide: Any) -> None:
    with pytest.raises(ZeroDivisionError, match="integer"):
        divide(microbp.tensor([1]), microbp.tensor([0]))
