"""Look-up of vectors: bags against a definition, labels, norms, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.errors import DtypeError, OptionError, RangeError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare
from tests.samples import normal


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


def labels(*values: Any) -> microbp.Tensor:
    return microbp.tensor(values)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_bags_agree_with_pytorch(data: st.DataObject) -> None:
    draw = data.draw
    rows = draw(st.integers(1, 6))
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    t = np.array(draw(st.lists(st.integers(0, rows - 1), min_size=sum(sizes), max_size=sum(sizes))), np.int64)
    starts = np.cumsum([0, *sizes], dtype=np.int64)
    last = draw(st.booleans())
    options = {
        "mode": draw(st.sampled_from(["sum", "mean", "max"])),
        "include_last_offset": last,
        "padding_idx": draw(st.sampled_from([None, *range(-rows, rows)])),
    }
    compare(
        lambda lib, w: lib.nn.functional.embedding_bag(
            lib.tensor(t), w, lib.tensor(starts if last else starts[:-1]), **options
        ),
        normal(rows, 2),
    )


@pytest.mark.parametrize("name", ["embedding", "embedding_bag"])
def test_changing_the_labels_later_does_not_change_the_gradient(name: str) -> None:
    gradients = []
    for change in (False, True):
        t, w = microbp.from_numpy(np.array([[0, 2], [2, 1]])), microbp.tensor(normal(3, 2), requires_grad=True)
        loss = getattr(F, name)(t, w).square().sum()
        if change:
            t.array[:] = 0
        loss.backward()
        gradients.append(w.grad.array)
    np.testing.assert_array_equal(*gradients)


def test_labels_and_table_stay_as_they_are() -> None:
    t, w = labels(0, 2), microbp.tensor(normal(3, 2))
    F.embedding(t, w)
    F.embedding_bag(t, w, labels(0))
    assert t.tolist() == [0, 2]
    np.testing.assert_array_equal(w.array, normal(3, 2))


def test_a_row_looked_up_often_gets_the_sum_or_with_frequencies_the_mean() -> None:
    t = labels(*[1] * 5, 2)
    for by_frequency, expected in ((False, [0, 5, 1]), (True, [0, 1, 1])):
        w = ones(3, 1).requires_grad_()
        F.embedding(t, w, scale_grad_by_freq=by_frequency).sum().backward()
        assert w.grad.array.ravel().tolist() == expected


# -- norms ---------------------------------------------------------------------------------


def test_only_rows_that_are_looked_up_and_long_are_shortened() -> None:
    w = microbp.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]])
    F.embedding(labels(0, 1, 0), w, max_norm=1.0)
    np.testing.assert_allclose(w.array, [[0.6, 0.8], [0.3, 0.4], [6, 8]], rtol=1e-5)


def test_shortening_is_not_recorded_but_seen_by_graphs_that_kept_the_table() -> None:
    w = microbp.tensor([[3.0, 4.0]], requires_grad=True)
    kept = w.square().sum()
    y = F.embedding(labels(0), w, max_norm=1.0)
    y.sum().backward()
    assert w.grad.tolist() == [[1.0, 1.0]]
    with pytest.raises(RuntimeError, match="square"):
        kept.backward()


# -- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["embedding", "embedding_bag"])
def test_labels_out_of_range_are_refused_with_value_and_position(name: str) -> None:
    for bad in (5, -1):
        with pytest.raises(RangeError, match=rf"{name}: label {bad} at position \(1, 0\) .* 5 rows \(0 to 4\)"):
            getattr(F, name)(microbp.tensor([[0, 1], [bad, 2]]), ones(5, 3))
    with pytest.raises(IndexError, match="label 7 is out of range"):
        F.embedding(microbp.tensor(7), ones(5, 3))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: F.embedding(ones(2), ones(5, 3)), DtypeError, r"labels must be int64 or int32, got float32.*long\(\)"),
        (
            lambda: F.embedding(ones(5, 3), labels(0, 1)),
            ShapeError,
            r"'weight' must be 2-D, \(V, D\), got shape \(2,\)",
        ),
        (lambda: F.embedding(labels(0), ones(5, 3), padding_idx=5), OptionError, r"within num_embeddings \(5\), got 5"),
        (lambda: F.embedding(labels(0), ones(5, 3), padding_idx=-6), OptionError, "got -6"),
        (lambda: F.embedding(labels(0), ones(5, 3), sparse=True), NotImplementedError, "no sparse gradients"),
        (lambda: F.embedding(labels(0), ones(5, 3).long(), max_norm=1.0), DtypeError, "floating-point"),
        (lambda: F.embedding_bag(labels(0, 1), ones(5, 3)), ShapeError, "offsets has to be a 1D Tensor but got None"),
        (lambda: F.embedding_bag(labels(0, 1), ones(5, 3), labels(1)), RangeError, r"must begin with 0.* got \[1\]"),
        (
            lambda: F.embedding_bag(labels(0, 1), ones(5, 3), labels(0, 3)),
            RangeError,
            r"number of labels 2, got \[0, 3\]",
        ),
        (lambda: F.embedding_bag(labels(0, 1), ones(5, 3), labels(0, 2, 1)), RangeError, "not decrease"),
        (lambda: F.embedding_bag(labels(0, 1), ones(5, 3), ones(1)), ShapeError, "1D Tensor of integers.* float32"),
        (lambda: F.embedding_bag(labels([0, 1]), ones(5, 3), labels(0)), ShapeError, "offsets has to be None"),
        (lambda: F.embedding_bag(labels([[0]]), ones(5, 3)), ShapeError, r"got shape \(1, 1, 1\)"),
        (lambda: F.embedding_bag(labels([0]), ones(5, 3), mode="avg"), OptionError, "sum, mean or max, got 'avg'"),
        (lambda: F.embedding_bag(labels([0]), ones(5, 3).long()), DtypeError, "floating-point tensor, got int64"),
        (
            lambda: F.embedding_bag(labels([0]), ones(5, 3), mode="max", scale_grad_by_freq=True),
            OptionError,
            "max mode does not support scaling",
        ),
        (
            lambda: F.embedding_bag(labels([0]), ones(5, 3), per_sample_weights=ones(1, 1)),
            NotImplementedError,
            "only supported for mode='sum', got 'mean'",
        ),
        (
            lambda: F.embedding_bag(labels([0]), ones(5, 3), mode="sum", per_sample_weights=ones(1)),
            ShapeError,
            r"per_sample_weights of shape \(1,\) must have the shape of the input \(1, 1\)",
        ),
        (
            lambda: F.embedding_bag(labels([0]), ones(5, 3), mode="sum", per_sample_weights=ones(1, 1).double()),
            DtypeError,
            "per_sample_weights of float64 must have the dtype of weight, float32",
        ),
        (
            lambda: F.embedding_bag(labels(0), ones(5, 3), microbp.zeros(0).long(), include_last_offset=True),
            ShapeError,
            "offsets must have at least one element",
        ),
    ],
)
def test_refused_by_the_name_of_the_function(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=rf"^embedding(_bag)?.*{text}"):
        call()
