"""Dtypes: what has a gradient, what keeps its dtype, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import DtypeError, MicrobpError, RangeError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare

NOT_FLOATING = ["bool", "int8", "int16", "int32", "int64", "uint8"]


@pytest.mark.parametrize("name", NOT_FLOATING)
@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: microbp.tensor([0, 1], dtype=dtype, requires_grad=True),
        lambda dtype: microbp.zeros(2, dtype=dtype, requires_grad=True),
        lambda dtype: microbp.ones(2, dtype=dtype, requires_grad=True),
        lambda dtype: microbp.full((2,), 1, dtype=dtype, requires_grad=True),
        lambda dtype: microbp.zeros(2, dtype=dtype).requires_grad_(),
        lambda dtype: setattr(microbp.zeros(2, dtype=dtype), "requires_grad", True),
        lambda dtype: microbp.from_numpy(np.zeros(2, dtype)).requires_grad_(),
        lambda dtype: microbp.zeros_like(microbp.ones(2), dtype=dtype, requires_grad=True),
        lambda dtype: nn.Parameter(microbp.zeros(2, dtype=dtype)),
        lambda dtype: setattr(microbp.ones(2, requires_grad=True), "data", microbp.zeros(2, dtype=dtype)),
    ],
)
def test_integers_and_truth_values_cannot_require_grad(name: str, make: Callable[[Any], Any]) -> None:
    with pytest.raises(DtypeError, match=name):
        make(np.dtype(name))


@pytest.mark.parametrize("name", NOT_FLOATING)
def test_a_conversion_to_what_has_no_gradient_ends_the_graph(name: str) -> None:
    x = microbp.ones(2, requires_grad=True)
    dtype = np.dtype(name)
    assert not x.to(dtype).requires_grad
    for write in (
        lambda t: t.copy_(x),
        lambda t: t.__setitem__(0, x[0] * 1.5),
        lambda t: t[1:].copy_(x[1:]),
        lambda t: t.masked_fill_(microbp.tensor([True, False]), x[0]),
    ):
        t = microbp.zeros(2, dtype=dtype)
        write(t)
        assert not t.requires_grad
        assert t.grad_fn is None
        assert t.tolist() != [0, 0]


COMPLEX: list[Callable[[], Any]] = [
    lambda: microbp.tensor(1j),
    lambda: microbp.tensor([1j, 2]),
    lambda: microbp.tensor(np.array([1j])),
    lambda: microbp.as_tensor(np.array([1j])),
    lambda: microbp.from_numpy(np.array([1j])),
    lambda: microbp.from_numpy(np.array([1j], np.complex64)),
    lambda: microbp.tensor([1.0], dtype=np.complex128),
    lambda: microbp.zeros(2, dtype=complex),
    lambda: microbp.full((2,), 1j),
    lambda: microbp.ones(2).to(np.complex64),
    lambda: microbp.ones(2) * 1j,
    lambda: 1j * microbp.ones(2),
    lambda: microbp.ones(2) + np.complex64(1j),
    lambda: np.complex64(1j) + microbp.ones(2),
    lambda: microbp.ones(2) * np.array([1j, 2j]),
    lambda: np.array([1j, 2j]) * microbp.ones(2),
    lambda: microbp.ones(2) ** 1j,
    lambda: microbp.ones(2) == 1j,
    lambda: microbp.ones(2).fill_(1j),
    lambda: microbp.ones(2).add_(1j),
    lambda: microbp.ones(2).__setitem__(0, 1j),
    lambda: microbp.where(microbp.tensor([True]), microbp.ones(1), 1j),
    lambda: microbp.ones(2, 2) @ np.ones((2, 2), complex),
    lambda: F.mse_loss(microbp.ones(2), np.array([1j, 1j])),
    lambda: microbp.set_default_dtype(np.complex64),
    lambda: microbp.arange(3, dtype=np.complex64),
    lambda: np.add(microbp.ones(2), 1j),
]


@pytest.mark.parametrize("number", range(len(COMPLEX)))
def test_complex_numbers_are_refused_everywhere(number: int) -> None:
    with pytest.raises(TypeError, match=r"complex|1j"):
        COMPLEX[number]()


OTHERS: list[tuple[Any, str]] = [
    (None, "NoneType"),
    ([None, 1.0], "NoneType"),
    ("1.0", "str"),
    (["a"], "str"),
    (b"1", "bytes"),
    ({1, 2}, "set"),
    ({"a": 1}, "dict"),
    ((x for x in [1]), "generator"),
    (object(), "object"),
    ([object()], "object"),
    (Decimal("1.5"), "Decimal"),
    (Fraction(1, 2), "Fraction"),
    (np.array([object()]), "object"),
    (np.array(["a"]), "<U1"),
    (np.array([b"a"]), "S1"),
    (np.array(["2020-01-01"], "datetime64[D]"), "datetime64"),
    (np.array([1], "timedelta64[s]"), "timedelta64"),
    (np.zeros(1, [("x", "f4")]), "x"),
    (np.zeros(1, np.longdouble), "float128|longdouble|float96"),
    (np.ma.array([1.0, 2.0], mask=[True, False]), "masked"),
    ([np.ma.array([1.0], mask=[True])], "masked"),
    (2**70, "int"),
    ([1, 2**70], "list"),
    (float, "type"),
    (len, "builtin"),
]


@pytest.mark.parametrize("number", range(len(OTHERS)))
def test_what_is_no_number_is_refused_by_its_type(number: int) -> None:
    data, text = OTHERS[number]
    with pytest.raises((DtypeError, TypeError), match=text):
        microbp.tensor(data)


@pytest.mark.parametrize("data", [[[1, 2], [3]], [1, [2]], [[], [1]], [np.ones(2), np.ones(3)]], ids=str)
def test_ragged_lists_are_refused(data: Any) -> None:
    with pytest.raises((ShapeError, DtypeError), match=r"different shapes|list"):
        microbp.tensor(data)


NONE: list[Callable[[], Any]] = [
    lambda: microbp.ones(2) + None,
    lambda: None * microbp.ones(2),
    lambda: microbp.ones(2) @ None,
    lambda: microbp.ones(2) ** None,
    lambda: microbp.ones(2) > None,
    lambda: microbp.maximum(microbp.ones(2), None),
    lambda: microbp.atan2(microbp.ones(2), None),
    lambda: microbp.lerp(microbp.ones(2), microbp.ones(2), None),
    lambda: microbp.where(microbp.tensor([True]), microbp.ones(1), None),
    lambda: microbp.ones(2).add_(None),
    lambda: microbp.ones(2).fill_(None),
    lambda: microbp.ones(2).copy_(None),
    lambda: microbp.ones(2).__setitem__(0, None),
    lambda: microbp.ones(2).masked_fill(microbp.tensor([True, False]), None),
    lambda: microbp.ones(2).masked_fill_(microbp.tensor([True, False]), None),
    lambda: microbp.ones(2).index_fill(0, microbp.tensor([0]), None),
    lambda: microbp.ones(2).scatter(0, microbp.tensor([0]), None),
    lambda: microbp.full((2,), None),
    lambda: microbp.stack([None]),
    lambda: microbp.cat([microbp.ones(1), None]),
    lambda: F.mse_loss(microbp.ones(2), None),
    lambda: F.cross_entropy(microbp.ones(1, 2), None),
    lambda: nn.Linear(2, 2)(None),
    lambda: microbp.exp(None),
]


@pytest.mark.parametrize("number", range(len(NONE)))
def test_none_never_becomes_a_number(number: int) -> None:
    """NumPy makes NaN of it."""
    with pytest.raises(TypeError):
        NONE[number]()


@pytest.mark.parametrize("kind", [">f4", ">f8", ">i4", ">i8", ">f2", "<f8"])
def test_foreign_byte_order_is_converted(kind: str) -> None:
    a = np.array([1, 2, 3], kind)
    for t in (microbp.tensor(a), microbp.as_tensor(a), microbp.from_numpy(a)):
        assert t.tolist() == [1, 2, 3]
        assert t.dtype.isnative
        assert (t + t).dtype == np.dtype(kind).newbyteorder("=")
    assert (microbp.ones(3) * a).dtype.isnative
    assert a.dtype == np.dtype(kind)


@pytest.mark.parametrize("dtype", [microbp.float16, microbp.float32, microbp.float64], ids=str)
@pytest.mark.parametrize(
    "program",
    [
        lambda x: 2 * x + 1.5 - x / 3 + x**2 + 2**x,
        lambda x: x.sum() / x.numel() * np.float64(2.0),
        lambda x: x * np.pi + np.float64(1) - np.int64(3) + np.array(2.0),
        lambda x: x.mean() + x.std() + x.var() + x.norm() + x.softmax(0).max(),
        lambda x: F.mse_loss(x, x.detach() * 0) + F.smooth_l1_loss(x, x.detach() + 1),
        lambda x: F.cross_entropy(x[None], microbp.tensor([1])),
        lambda x: F.binary_cross_entropy_with_logits(x, (x.detach() > 0).to(x.dtype)),
        lambda x: F.layer_norm(x, x.shape) + F.gelu(x) + F.softplus(x) + F.dropout(x, 0.5),
        lambda x: microbp.where(x > 0, x, 0.0) + microbp.maximum(x, x * 0) + x.clamp(-1, 1.0),
        lambda x: x * (x.detach() > 0) + x * microbp.tensor([1, 2, 3]) + microbp.arange(3) * x,
        lambda x: x.cumsum(0) + x.cumprod(0) + x.sort()[0] + microbp.lerp(x, x, 0.5),
        lambda x: F.one_hot(microbp.tensor([0, 1, 2])).to(x.dtype) @ x,
    ],
)
def test_a_dtype_stays_what_it_is_through_scalars_losses_and_reductions(dtype: Any, program: Any) -> None:
    x = microbp.tensor([0.5, -0.25, 0.75], dtype=dtype, requires_grad=True)
    y = program(x)
    assert y.dtype is dtype
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype is dtype


def test_training_stays_in_float32() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = microbp.optim.SGD(model.parameters(), lr=np.float64(0.1), momentum=0.9, weight_decay=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(microbp.randn(5, 3)), microbp.randint(0, 2, (5,))) * np.float64(0.5)
        loss.backward()
        optimizer.step()
        assert loss.dtype is microbp.float32
    for p in model.parameters():
        assert p.dtype is microbp.float32
        assert p.grad.dtype is microbp.float32
        assert optimizer.state[p]["momentum_buffer"].dtype is microbp.float32


def test_a_gradient_has_the_dtype_of_its_leaf_whatever_the_loss_has() -> None:
    for mine in (microbp.float16, microbp.float32, microbp.float64):
        for other in (microbp.float16, microbp.float32, microbp.float64):
            x = microbp.ones(2, dtype=mine, requires_grad=True)
            (x * microbp.ones(2, dtype=other)).sum().backward()
            assert x.grad is not None
            assert x.grad.dtype is mine
            x.to(other).sum().backward()
            assert x.grad.dtype is mine


@pytest.mark.parametrize(
    ("program", "size", "value"),
    [
        (lambda lib, x: x.sum(), 4096, 0.1),
        (lambda lib, x: x.mean(), 70_000, 1.0),
        (lambda lib, x: x.nansum(), 4096, 1.0),
        (lambda lib, x: x.norm(), 10_000, 10.0),
        (lambda lib, x: x.var(), 3000, 2.0),
        (lambda lib, x: x.std(), 3000, 300.0),
        (lambda lib, x: (x * lib.arange(70_000).sign()).std() * 1000, 70_000, 1.0),
        (lambda lib, x: (x * lib.arange(70_000).sign()).var() * 1000, 70_000, 1.0),
        (lambda lib, x: x.cumsum(0)[-1], 3000, 1.0),
        (lambda lib, x: x.dot(x), 3000, 1.0),
        (lambda lib, x: x[None] @ x[:, None], 3000, 1.0),
        (lambda lib, x: x.logsumexp(0), 3000, 0.0),
        (lambda lib, x: x.detach().softmax(0).sum(), 5000, 0.0),
        (lambda lib, x: lib.nn.functional.mse_loss(x, x * 0), 3000, 200.0),
        (lambda lib, x: lib.nn.functional.layer_norm(x, (3000,)).sum(), 3000, 3.0),
        (lambda lib, x: lib.nn.functional.linear(x[None], x[None]), 4096, 1.0),
    ],
)
def test_reductions_of_float16_accumulate_wider(program: Any, size: int, value: float) -> None:
    compare(program, np.full(size, value, np.float16), rtol=2e-3)


def test_a_number_that_does_not_fit_is_refused_and_not_wrapped_around() -> None:
    small = microbp.tensor([200], dtype=microbp.uint8)
    for attempt in (
        lambda: small + 300,
        lambda: small * -1,
        lambda: small.__setitem__(0, 300),
        lambda: small.fill_(-1),
    ):
        with pytest.raises(RangeError, match="out of bounds for uint8"):
            attempt()
    assert small.tolist() == [200]
    with pytest.raises(RangeError, match="NaN"):
        microbp.tensor([1])[0:1].__setitem__(0, float("nan"))


def test_pickled_tensors_have_the_very_dtypes_of_others() -> None:
    """Equal dtypes that are other objects would make every later operation take the slow way."""
    import pickle

    for dtype in (microbp.float16, microbp.float32, microbp.float64, microbp.int64, microbp.bool):
        assert pickle.loads(pickle.dumps(microbp.ones(2, dtype=dtype))).dtype is dtype


def test_dtypes_that_do_not_exist_here_are_answered_with_those_that_do() -> None:
    for dtype in (np.uint16, np.uint64, np.longdouble):
        with pytest.raises(DtypeError, match="it has bool, float16, float32"):
            microbp.zeros(2, dtype=dtype)
    with pytest.raises((MicrobpError, TypeError)):
        microbp.zeros(2, dtype="floaty")
