"""Linear and bilinear maps and labels as vectors: what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, RangeError, ShapeError
from microbp.nn import functional as F


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: F.linear(ones(2, 3), ones(4, 2)), r"linear: input \(2, 3\) and weight \(4, 2\): .*the 2 columns"),
        (lambda: F.linear(ones(2, 3), ones(4, 3), ones(3)), r"bias \(3,\): the bias must have one entry for each row"),
        (lambda: F.linear(ones(2, 3), ones(4, 3, 1)), r"linear: weight must be .*, got \(4, 3, 1\)"),
        (lambda: F.linear(microbp.tensor(1.0), ones(4, 3)), r"linear: input \(\) and weight \(4, 3\)"),
        (lambda: F.linear(ones(2, 3), ones(2)), r"\(2, 3\).*\(2,\)"),
        (
            lambda: F.bilinear(ones(5, 3), ones(5, 4), ones(2, 4, 3)),
            r"bilinear: inputs \(5, 3\) and \(5, 4\) do not fit weight \(2, 4, 3\)",
        ),
        (lambda: F.bilinear(ones(5, 3), ones(4, 4), ones(2, 3, 4)), r"inputs \(5, 3\) and \(4, 4\)"),
        (
            lambda: F.bilinear(ones(5, 3), ones(5, 4), ones(2, 3, 4), ones(3)),
            r"bias must have shape \(2,\).*got \(3,\)",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call: Any, text: str) -> None:
    with pytest.raises(ShapeError, match=text):
        call()


def test_maps_without_features_have_second_derivatives() -> None:
    x, w, b = (microbp.zeros(shape, requires_grad=True) for shape in ((2, 5, 0), (3, 0), (3,)))
    (slope,) = microbp.autograd.grad(F.linear(x, w, b).square().sum(), b, create_graph=True)
    gradients = microbp.autograd.grad(slope.sum(), (x, w, b))
    assert [g.shape for g in gradients] == [(2, 5, 0), (3, 0), (3,)]
    y = F.bilinear(microbp.ones(4, 0), microbp.ones(4, 2), microbp.ones(3, 0, 2))
    np.testing.assert_array_equal(y.array, np.zeros((4, 3)))


def test_what_is_no_tensor_is_refused_by_its_name() -> None:
    with pytest.raises(TypeError, match="bilinear: weight must be a Tensor, got list"):
        F.bilinear(ones(2), ones(2), [[[1.0]]])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bilinear: bias must be a Tensor, got float"):
        F.bilinear(ones(2), ones(2), ones(1, 2, 2), 1.0)  # type: ignore[arg-type]


def test_one_hot_refuses_bad_labels_with_their_value() -> None:
    with pytest.raises(RangeError, match="one_hot: class values must be non-negative, got -1"):
        F.one_hot(microbp.tensor([0, -1]), 3)
    with pytest.raises(RangeError, match="one_hot: class values must be smaller than num_classes 3, got 3"):
        F.one_hot(microbp.tensor([0, 3]), 3)
    with pytest.raises(DtypeError, match="one_hot: labels must be integers, got float32"):
        F.one_hot(microbp.tensor([0.0]), 3)
    with pytest.raises(RangeError, match="one_hot: cannot tell the number of classes from no labels; pass num_classes"):
        F.one_hot(microbp.zeros(0, dtype=microbp.int64))
