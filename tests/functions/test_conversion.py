"""Conversions as PyTorch has them: recorded, and nothing at all where nothing changes."""

from __future__ import annotations

import numpy as np
import pytest

import microbp
from tests.referee import compare
from tests.samples import normal

METHODS = {
    "float": np.float32,
    "double": np.float64,
    "half": np.float16,
    "int": np.int32,
    "long": np.int64,
    "short": np.int16,
    "char": np.int8,
    "byte": np.uint8,
    "bool": np.bool_,
}


@pytest.mark.parametrize("name", METHODS)
def test_methods(name: str) -> None:
    values = np.array([0.0, 1.0, 2.7, 3.2])
    compare(lambda lib, a: getattr(a, name)(), values, rtol=1e-3)
    compare(lambda lib, a: getattr(a, name)(), np.array([0, 1, 2]))
    if name not in ("char", "byte"):  # which are methods only
        compare(lambda lib, a: a.to(getattr(lib, name)), np.array([0, 1, 2]))
    t = microbp.zeros(2, dtype=METHODS[name])
    assert getattr(t, name)() is t


def test_gradients_come_back_in_the_dtype_that_went_in() -> None:
    compare(lambda lib, a: a.float() * 3, normal(3, 4), rtol=1e-6)
    compare(lambda lib, a: (a.double() * a).exp(), normal(3).astype(np.float32), rtol=1e-6)
    compare(lambda lib, a: a.double() ** 3, normal(3).astype(np.float32), rtol=1e-5, second_order=True)
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    (x.double() * x.double()).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == np.float32


def test_integers_have_no_gradient() -> None:
    x = microbp.tensor([1.7], requires_grad=True)
    for y in (x.long(), x.bool(), x.to(microbp.int32), x.type(microbp.uint8)):
        assert not y.requires_grad
        assert y.is_leaf


def test_to() -> None:
    t = microbp.tensor([1.5, 2.5])
    other = microbp.tensor([1], dtype=microbp.float64)
    device = microbp.device("cpu")
    assert t.to("cpu") is t
    assert t.to(device) is t
    assert t.to(microbp.float32) is t
    assert t.to(device, microbp.float32) is t
    assert t.to(None, microbp.float32, True) is t
    for same in (
        t.to(microbp.float64),
        t.to("cpu", microbp.float64),
        t.to(dtype=microbp.float64),
        t.to(device="cpu", dtype=microbp.float64, non_blocking=True),
        t.to(other),
        t.to(other=other),
        t.to(microbp.float64, False, True),
        t.to(np.float64),
        t.to(float),
    ):
        assert same.dtype == np.float64
        assert same.tolist() == [1.5, 2.5]


def test_to_copies_when_told() -> None:
    t = microbp.tensor([1.5], requires_grad=True)
    for copied in (t.to("cpu", copy=True), t.to(microbp.float32, copy=True), t.to(microbp.float32, False, True)):
        assert copied is not t
        assert copied.requires_grad
        assert not np.shares_memory(copied.array, t.array)


def test_to_refuses_what_it_does_not_have() -> None:
    t = microbp.ones(2)
    with pytest.raises(NotImplementedError, match="cuda"):
        t.to("cuda")
    with pytest.raises(TypeError):
        t.to(microbp.float32, 1, 2, 3)
    with pytest.raises(TypeError, match="complex"):
        t.to(np.complex64)
    with pytest.raises(TypeError):
        t.to(memory_format=None)


def test_type() -> None:
    t = microbp.tensor([1.5])
    assert t.type() == "microbp.FloatTensor"
    assert microbp.tensor([True]).type() == "microbp.BoolTensor"
    assert t.type(microbp.int64).tolist() == [1]
    assert t.type_as(microbp.tensor([1])).dtype == np.int64
    with pytest.raises(TypeError, match=r"torch\.FloatTensor"):
        t.type("torch.FloatTensor")


def test_nan_becomes_an_integer_in_silence() -> None:
    assert microbp.tensor([float("nan"), float("inf")]).long().dtype == np.int64


def test_contiguous() -> None:
    compare(lambda lib, a: (a.t().contiguous() * 2, a.is_contiguous(), a.t().is_contiguous()), normal(3, 4))
    t = microbp.ones(2, 3)
    assert t.contiguous() is t
    assert t.t().contiguous().array.flags.c_contiguous
    assert t.cpu() is t


def test_facts() -> None:
    compare(
        lambda lib, a: (
            a.is_floating_point(),
            lib.is_floating_point(a.long()),
            a.element_size(),
            a.float().element_size(),
        ),
        normal(2),
    )


def test_clone_is_a_copy_in_the_graph() -> None:
    compare(lambda lib, a: (lib.clone(a) * 2, a.clone().exp()), normal(3, 4), second_order=True)
    t = microbp.ones(2)
    assert not np.shares_memory(t.clone().array, t.array)


def test_detach_() -> None:
    x = microbp.ones(2, requires_grad=True)
    y = x * 2
    assert y.detach_() is y
    assert y.is_leaf
    assert not y.requires_grad
    assert x.requires_grad
    with pytest.raises(RuntimeError, match="view"):
        (x * 2)[0].detach_()
