"""Cross entropy and negative log-likelihood: stability, labels, and what is refused."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError, RangeError, ShapeError
from microbp.nn import functional as F
from tests.samples import normal

REDUCTIONS = ("mean", "sum", "none")


def labels(shape: tuple[int, ...]) -> Any:
    return np.asarray(np.random.default_rng(shape).integers(0, 4, size=shape))


def test_plain_cross_entropy_is_one_operation() -> None:
    x = microbp.tensor(normal(6, 4), requires_grad=True)
    for reduction in ("mean", "sum"):
        loss = F.cross_entropy(x, microbp.tensor(labels((6,))), reduction=reduction)
        assert loss.grad_fn.name() == "cross_entropy"
        assert loss.grad_fn.next_functions[0][0] is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_is_stable(dtype: Any, reduction: str) -> None:
    x = microbp.tensor(np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4], [0, -np.inf, 0]], dtype), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = F.cross_entropy(x, microbp.tensor([1, 1, 0]), reduction=reduction)
        loss.sum().backward()
    expected = np.array([2e4, np.log(2), np.log(2)])
    expected = {"mean": expected.mean(), "sum": expected.sum(), "none": expected}[reduction]
    np.testing.assert_allclose(loss.detach().array, expected, rtol=1e-6)
    gradient = np.array([[1, -1, 0], [0, -0.5, 0.5], [-0.5, 0, 0.5]]) / (3 if reduction == "mean" else 1)
    np.testing.assert_allclose(x.grad.array, gradient, atol=1e-7)


def test_ignored_samples_do_not_count_even_at_infinity() -> None:
    x = microbp.tensor([[-np.inf, 0.0], [1.0, 2.0]], requires_grad=True)
    for smoothing in (0.0, 0.1):
        loss = F.cross_entropy(x, microbp.tensor([-100, 1]), label_smoothing=smoothing)
        alone = F.cross_entropy(x[1:], microbp.tensor([1]), label_smoothing=smoothing)
        assert loss.item() == pytest.approx(alone.item(), rel=1e-6)
    F.cross_entropy(x, microbp.tensor([-100, 1])).backward()
    assert not x.grad.array[0].any()


def test_all_samples_ignored_is_nan_and_warns() -> None:
    with pytest.warns(UserWarning, match="the mean over an empty batch is nan"):
        loss = F.cross_entropy(microbp.ones(2, 3), microbp.tensor([-100, -100]))
    assert np.isnan(loss.item())


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_bad_labels_are_refused_with_value_and_position(name: str) -> None:
    function, x = getattr(F, name), microbp.zeros(4, 3)
    with pytest.raises(IndexError, match="label 3 at position 2 is out of range for 3 classes"):
        function(x, microbp.tensor([0, 1, 3, 0]))
    with pytest.raises(RangeError, match="label -1 at position 1 is out of range for 3 classes"):
        function(x, microbp.tensor([0, -1, 2, 0]))
    with pytest.raises(RangeError, match=re.escape("label 7 at position (1, 0) is out of range")):
        function(microbp.zeros(2, 3, 2), microbp.tensor([[0, 1], [7, 0]]))
    with pytest.raises(RangeError, match="label 3 is out of range"):
        function(microbp.zeros(3), microbp.tensor(3))
    for shape in ((5,), (4, 1), (3,)):
        with pytest.raises(
            ValueError, match=re.escape(f"expected class labels of shape (4,) for this input, got shape {shape}")
        ):
            function(x, microbp.zeros(shape, dtype=microbp.int64))
    with pytest.raises(DtypeError, match="must be integers, got bool"):
        function(x, microbp.zeros(4, dtype=microbp.bool))


def test_float_labels_are_refused() -> None:
    with pytest.raises(ShapeError, match=re.escape("must have the shape of the input (4, 3), got (4,); class labels")):
        F.cross_entropy(microbp.zeros(4, 3), microbp.zeros(4))
    with pytest.raises(DtypeError, match="must be integers, got float32"):
        F.nll_loss(microbp.zeros(4, 3), microbp.zeros(4))


def test_other_bad_arguments_of_cross_entropy() -> None:
    x, t = microbp.zeros(4, 3), microbp.zeros(4, dtype=microbp.int64)
    with pytest.raises(OptionError, match="label_smoothing must be between"):
        F.cross_entropy(x, t, label_smoothing=1.5)
    with pytest.raises(OptionError, match="ignore_index is not supported"):
        F.cross_entropy(x, microbp.zeros(4, 3), ignore_index=1)
    with pytest.raises(ShapeError, match="one entry for each of the 3 classes"):
        F.cross_entropy(x, t, weight=microbp.ones(4))
    with pytest.raises(DtypeError, match="weight must have the dtype of the input, float32, got float64"):
        F.cross_entropy(x, t, weight=microbp.ones(3, dtype=microbp.float64))
    with pytest.raises(NotImplementedError, match="no gradient for its weight"):
        F.cross_entropy(x, t, weight=microbp.ones(3, requires_grad=True))
    with pytest.raises(DtypeError, match="logits, floating point, got int64"):
        F.cross_entropy(microbp.zeros(4, 3, dtype=microbp.int64), t)
    with pytest.raises(ShapeError, match="dimension of classes"):
        F.cross_entropy(microbp.tensor(1.0), microbp.tensor(0))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64])
def test_labels_may_be_of_any_integer_dtype(kind: Any) -> None:
    x, t = microbp.tensor(normal(4, 3)), np.array([0, 2, 1, 0])
    assert F.cross_entropy(x, t.astype(kind)).item() == F.cross_entropy(x, t).item()


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_changing_the_labels_later_does_not_change_the_gradient(reduction: str) -> None:
    array = np.array([0, 2, 1, 0])
    gradients = []
    for change in (False, True):
        x, t = microbp.tensor(normal(4, 3), requires_grad=True), microbp.from_numpy(array.copy())
        loss = F.cross_entropy(x, t, reduction=reduction)
        if change:
            t.array[:] = 1
        loss.sum().backward()
        gradients.append(x.grad.array)
    np.testing.assert_array_equal(*gradients)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_class_probabilities_are_stable_too(reduction: str) -> None:
    x = microbp.tensor(np.array([[1e4, -1e4], [1e38, -1e38]], np.float32), requires_grad=True)
    loss = F.cross_entropy(x, microbp.tensor([[1.0, 0.0], [1.0, 0.0]]), reduction=reduction)
    loss.sum().backward()
    assert not loss.detach().array.any()
    assert not x.grad.array.any()


def test_inputs_and_labels_stay_as_they_are() -> None:
    values, target = normal(4, 3), np.array([0, -100, 1, 0])
    x, t = microbp.tensor(values, requires_grad=True), microbp.tensor(target)
    F.cross_entropy(x, t, label_smoothing=0.1).backward()
    np.testing.assert_array_equal(x.detach().array, values)
    np.testing.assert_array_equal(t.array, target)


def test_half_precision_does_not_overflow() -> None:
    x = microbp.zeros(4, 3, dtype=microbp.float16)
    assert F.cross_entropy(x, microbp.zeros(4, dtype=microbp.int64)).dtype == np.float16


def test_nll_loss_refuses_integers_as_log_probabilities() -> None:
    with pytest.raises(DtypeError, match="nll_loss needs a floating-point tensor, got int64"):
        F.nll_loss(microbp.zeros(2, 3, dtype=microbp.int64), microbp.tensor([0, 1]))
