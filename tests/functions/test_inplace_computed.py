"""Methods in place of whole functions, and all the ways to change a tensor that programs use.

Values and gradients are compared with PyTorch in ``tests/parity``; here is what must hold of all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, nn
from tests.leaves import leaf
from tests.referee import compare
from tests.samples import normal, positive


def eye() -> Any:
    return microbp.eye(2, dtype=microbp.float64)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "addbmm": lambda t: t.addbmm_(eye()[None], eye()[None]),
    "addmm": lambda t: t.addmm_(eye(), eye()),
    "addr": lambda t: t.addr_(eye()[0], eye()[0]),
    "bitwise_not": lambda t: t.bitwise_not_(),
    "cumprod": lambda t: t.cumprod_(0),
    "cumsum": lambda t: t.cumsum_(1),
    "eq": lambda t: t.eq_(1),
    "float_power": lambda t: t.float_power_(2),
    "heaviside": lambda t: t.heaviside_(eye()),
    "logical_and": lambda t: t.logical_and_(eye()),
    "logit": lambda t: t.logit_(0.1),
    "nan_to_num": lambda t: t.nan_to_num_(),
    "true_divide": lambda t: t.true_divide_(3),
}
OF_NUMBERS = [name for name in CHANGES if not name.startswith("bitwise")]


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_leaf_is_refused_by_the_name_of_the_method_and_changed_inside_no_grad(name: str) -> None:
    w = microbp.tensor([[0.25, 0.5], [0.75, 1.0]], dtype=microbp.float64, requires_grad=True)
    before = w.tolist()
    with pytest.raises(errors.GraphError, match=rf"{name}_ in place on a leaf"):
        CHANGES[name](w)
    with pytest.raises(errors.GraphError, match=rf"{name}_ in place on a view of a leaf"):
        CHANGES[name](w.T)
    assert w.tolist() == before
    with microbp.no_grad():
        assert CHANGES[name](w) is w
    assert w.is_leaf
    assert w.requires_grad


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_change_of_a_view_is_a_change_of_its_base(name: str) -> None:
    base = microbp.tensor(positive(3, 2, 2), requires_grad=True) * 1
    whole = base[1]
    expected = CHANGES[name](whole.detach().clone()).tolist()
    changed = CHANGES[name](base[1])
    assert base[1].tolist() == changed.tolist() == whole.tolist() == expected
    assert base.grad_fn.op.name == "write_through"


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_value_that_was_kept_and_is_changed_is_refused(name: str) -> None:
    y = microbp.tensor(positive(2, 2) / 3, requires_grad=True) * 1
    kept = (y * y).sum()
    CHANGES[name](y)
    with pytest.raises(errors.MutationError, match="mul"):
        kept.backward()


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_memory_identity_and_dtype_stay(name: str) -> None:
    for requires_grad in (False, True):
        t = microbp.tensor(positive(2, 2).astype(np.float32), requires_grad=requires_grad) * 1
        array = t.array
        assert CHANGES[name](t) is t
        assert t.array is array
        assert t.dtype is microbp.float32
        assert t.requires_grad == requires_grad
        assert t.version >= 0


def test_writes_to_vectors_stacks_and_integers_are_counted() -> None:
    ones, whole = microbp.ones(2, 2), microbp.ones(1, 2, 2)
    for change, shape, dtype in (
        (lambda t: t.addmv_(ones, ones[0]), (2,), microbp.float32),
        (lambda t: t.baddbmm_(whole, whole), (1, 2, 2), microbp.float32),
        (lambda t: t.bitwise_and_(2), (2,), microbp.int64),
        (lambda t: t.bitwise_or_(3), (2,), microbp.int64),
        (lambda t: t.bitwise_xor_(3), (2,), microbp.int64),
        (lambda t: t.bitwise_not_(), (2,), microbp.int64),
    ):
        for of in (lambda t: t, lambda t: t[...], lambda t: t.data):
            t = microbp.ones(shape, dtype=dtype)
            before = t.version
            change(of(t))
            assert t.version > before
            assert not (t == 1).any()


@pytest.mark.parametrize("name", ["logit", "true_divide", "float_power", "addmm"])
def test_integers_cannot_hold_fractions(name: str) -> None:
    t = microbp.ones(2, 2, dtype=microbp.int64)
    with pytest.raises(errors.DtypeError, match=rf"{name}_ in place gives float\d\d, which cannot be stored in int64"):
        CHANGES[name](t)
    assert t.tolist() == [[1, 1], [1, 1]]


def test_a_target_that_would_have_to_grow_is_refused() -> None:
    for change in (
        lambda t: t.addmm_(microbp.ones(3, 2), microbp.ones(2, 2)),
        lambda t: t.eq_(microbp.ones(3, 2)),
        lambda t: t.logical_or_(microbp.ones(3, 2)),
        lambda t: t.addr_(microbp.ones(3), microbp.ones(2)),
    ):
        t = microbp.zeros(2)
        with pytest.raises(errors.ShapeError, match=r"_ in place gives shape \(3, 2\), which does not fit into"):
            change(t)
        assert t.tolist() == [0.0, 0.0]


def test_a_product_of_the_target_with_itself_is_refused_as_in_pytorch() -> None:
    y = microbp.tensor(normal(2, 2), requires_grad=True) * 1
    y.addmm_(y, y)
    with pytest.raises(errors.MutationError, match="matmul"):
        y.sum().backward()


def test_comparisons_leave_zeros_and_ones_of_the_tensors_dtype() -> None:
    for dtype in (microbp.float32, microbp.int64, microbp.bool):
        t = microbp.tensor([0, 1], dtype=dtype).eq_(1)
        assert t.dtype is dtype
        assert t.tolist() == [0, 1]
    assert microbp.tensor([6, 5]).bitwise_and_(3).tolist() == [2, 1]


# Every way in which programs change tensors


def test_augmented_assignment_to_parameters_of_a_module() -> None:
    layer = nn.Linear(2, 1)
    weight = layer.weight
    with pytest.raises(errors.GraphError, match="leaf"):
        layer.weight *= 2
    with microbp.no_grad():
        layer.weight *= 0
        layer.weight += 3
        layer.weight[0, 1] -= 1
    layer.weight.data -= 1
    layer.weight.data[0, 0] *= 5
    assert layer.weight is weight
    assert layer.weight.tolist() == [[10.0, 1.0]]
    assert dict(layer.named_parameters())["weight"] is weight
    assert weight.requires_grad
    layer(microbp.ones(1, 2)).sum().backward()
    assert weight.grad.tolist() == [[1.0, 1.0]]
    layer.weight.grad += 1
    layer.weight.grad[0, 0] *= 2
    layer.weight.grad.data.mul_(10)
    assert weight.grad.tolist() == [[40.0, 20.0]]


def test_augmented_assignment_at_an_index_is_recorded() -> None:
    def program(lib: Any, a: Any, b: Any) -> Any:
        y = a * 1
        y[0] += b
        y[:, 1] *= b[0]
        y[1:][0] -= 2
        y[y > 0] /= 3
        y[[0, 1], [1, 0]] = b[:2] * b[2]
        y[..., -1] **= 2
        return y * y

    compare(program, normal(3, 4), normal(4), second_order=True)


def test_assignment_through_data_is_not_recorded_but_seen() -> None:
    w = leaf(1.0, 2.0)
    y = (w * w).sum()
    w.data *= 3
    with pytest.raises(errors.MutationError):
        y.backward()
    w.data[0] = 7.0
    w.data = w.data + 1
    assert w.tolist() == [8.0, 7.0]
    assert w.is_leaf


def test_detach_in_place_cuts_off_and_requires_grad_in_place_begins() -> None:
    w = leaf(1.0, 2.0)
    y = w * 2
    assert y.detach_() is y
    assert y.is_leaf
    assert not y.requires_grad
    assert y.requires_grad_() is y
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]
    assert w.grad is None
    with pytest.raises(errors.GraphError, match="view"):
        (w * 2)[0].detach_()
    with pytest.raises(errors.GraphError, match="detach"):
        (w * 2).requires_grad_(False)


def test_an_array_is_never_changed_in_place_by_a_tensor() -> None:
    a = np.ones(2)
    for change in (
        lambda a: a.__iadd__(microbp.ones(2)),
        lambda a: a.__imul__(leaf(1.0, 2.0)),
        lambda a: np.add(a, microbp.ones(2), out=a),
        lambda a: np.add.at(a, [0], microbp.ones(1)),
    ):
        with pytest.raises(TypeError, match=r"np\.(add|multiply)"):
            change(a)
    assert a.tolist() == [1.0, 1.0]
    a[0] = microbp.tensor(5.0)  # as lists of losses are filled
    a[1] = leaf(6.0)[0]
    assert a.tolist() == [5.0, 6.0]
