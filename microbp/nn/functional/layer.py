"""Linear and bilinear maps, and labels as vectors, with PyTorch's signatures."""

from __future__ import annotations

import math

from microbp.errors import DtypeError, RangeError, ShapeError
from microbp.mode import look_at_values
from microbp.nn.functional.check import tensor_for
from microbp.ops import linalg
from microbp.ops import loss as rows
from microbp.tensor import Tensor, apply

__all__ = ["bilinear", "linear", "one_hot"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Affine map of the last dimension, y = x Wᵀ + b.

    Parameters
    ----------
    input : Tensor
        (..., in_features).
    weight : Tensor
        (out_features, in_features), or (in_features,) for a single output without a dimension.
    bias : Tensor, optional
        (out_features,).

    Returns
    -------
    Tensor
        (..., out_features).

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> import microbp
    >>> linear(microbp.ones(2, 3), microbp.ones(1, 3), microbp.tensor([0.5]))
    tensor([[3.5000],
            [3.5000]])
    """
    weight = tensor_for("linear", weight, "weight")
    if weight.array.ndim == 1:
        product: Tensor = tensor_for("linear", input) @ weight
        return product if bias is None else product + bias
    if weight.array.ndim != 2:
        raise ShapeError(f"linear: weight must be (out_features, in_features), or (in_features,), got {weight.shape}")
    if bias is not None and not isinstance(bias, Tensor):
        bias = tensor_for("linear", bias, "bias")
    out: Tensor = apply(linalg.linear, tensor_for("linear", input), weight, bias)
    return out


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Bilinear map of the last dimensions, y_k = x1ᵀ W_k x2 + b_k.

    Parameters
    ----------
    input1 : Tensor
        (..., in1_features).
    input2 : Tensor
        (..., in2_features), with the same dimensions before the last.
    weight : Tensor
        (out_features, in1_features, in2_features).
    bias : Tensor, optional
        (out_features,).

    Returns
    -------
    Tensor
        (..., out_features).

    Raises
    ------
    ShapeError
        If the shapes do not fit each other.

    Examples
    --------
    >>> import microbp
    >>> bilinear(microbp.ones(5, 2), microbp.ones(5, 3), microbp.ones(4, 2, 3)).shape
    (5, 4)
    """
    input1, input2 = tensor_for("bilinear", input1, "input1"), tensor_for("bilinear", input2, "input2")
    weight = tensor_for("bilinear", weight, "weight")
    fits = weight.ndim == 3 and input1.ndim > 0 and input1.shape[:-1] == input2.shape[:-1]
    if not fits or (input1.shape[-1], input2.shape[-1]) != weight.shape[1:]:
        raise ShapeError(
            f"bilinear: inputs {input1.shape} and {input2.shape} do not fit weight {weight.shape}, which is "
            "(out_features, in1_features, in2_features)"
        )
    outputs, first, second = weight.shape
    if bias is not None and tensor_for("bilinear", bias, "bias").shape != (outputs,):
        raise ShapeError(
            f"bilinear: the bias must have shape ({outputs},), an entry for each row of weight {weight.shape}, got "
            f"{bias.shape}"
        )
    samples = math.prod(input1.shape[:-1])
    # W_k x2 for each sample and each k: one product with the matrices W_k stacked
    images = input2.reshape(samples, second) @ weight.reshape(outputs * first, second).T
    products = images.reshape(samples, outputs, first) * input1.reshape(samples, 1, first)
    y = products.sum(dim=-1).reshape((*input1.shape[:-1], outputs))
    result: Tensor = y if bias is None else y + bias
    return result


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Labels as rows of zeros with a single 1.

    Parameters
    ----------
    tensor : Tensor
        Labels, integers from 0 on, of any shape.
    num_classes : int
        The length of the rows; -1 stands for the largest label plus 1.

    Returns
    -------
    Tensor
        int64, one dimension more.

    Raises
    ------
    DtypeError
        If the labels are not integers.
    RangeError
        If a label is negative or names no class, or there is nothing to count the classes by.

    Examples
    --------
    >>> import microbp
    >>> one_hot(microbp.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    tensor = tensor_for("one_hot", tensor, "tensor")
    labels = tensor.array
    if labels.dtype.kind not in "iu":
        raise DtypeError(f"one_hot: labels must be integers, got {labels.dtype}")
    if num_classes == -1:
        if not labels.size:
            raise RangeError("one_hot: cannot tell the number of classes from no labels; pass num_classes")
        num_classes = int(labels.max()) + 1
    look_at_values()
    if labels.size and labels.min() < 0:
        raise RangeError(f"one_hot: class values must be non-negative, got {labels.min()}")
    if labels.size and labels.max() >= num_classes:
        raise RangeError(f"one_hot: class values must be smaller than num_classes {num_classes}, got {labels.max()}")
    out: Tensor = apply(rows.one_hot, tensor, classes=num_classes)
    return out
