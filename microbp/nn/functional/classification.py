"""Losses over classes, with PyTorch's signatures: negative log-likelihood and cross entropy.

For a batch, the input is (N, C) or (N, C, d1, ...), with the classes along dimension 1, and
the labels are (N,) or (N, d1, ...). A single sample may come as (C,) with a 0-d label.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, RangeError, ShapeError
from microbp.nn.functional.check import (
    both_tensors,
    check_reduction,
    class_labels,
    mean_over,
    reduced,
    require_floating,
    tensor_for,
)
from microbp.ops import arithmetic
from microbp.ops import loss as rows
from microbp.ops import reduction as reductions
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, wrap

__all__ = ["cross_entropy", "nll_loss"]


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(x)[t] for logits x and class labels t, or -Σ t log softmax(x) for class probabilities t.

    Parameters
    ----------
    input : Tensor
        Logits: (N, C), (N, C, d1, ...) or (C,).
    target : Tensor
        Class labels, integers from 0 to C - 1, of the input's shape without C; or class probabilities, floating point,
        of the input's shape.
    weight : Tensor, optional
        (C,): a factor for each class. The mean over labels is then over the sum of their weights.
    ignore_index : int
        Samples with this label do not count.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    label_smoothing : float
        The share of the target, from 0 to 1, that is spread evenly over the classes.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the labels' shape for ``'none'``.

    Raises
    ------
    RangeError, DtypeError, ShapeError
        If a label names no class, is no integer, or the shapes do not fit.
    OptionError
        If `label_smoothing` is not from 0 to 1.

    Examples
    --------
    >>> import microbp
    >>> logits = microbp.tensor([[2.0, 0.0], [0.0, 0.0]], requires_grad=True)
    >>> loss = cross_entropy(logits, microbp.tensor([0, 1]))
    >>> loss
    tensor(0.4100, grad_fn=<cross_entropy>)
    >>> loss.backward()
    >>> logits.grad  # (softmax - one_hot) / N
    tensor([[-0.0596,  0.0596],
            [ 0.2500, -0.2500]])
    """
    check_reduction("cross_entropy", reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise OptionError(f"cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    input, target = both_tensors("cross_entropy", input, target)
    x = input.array
    if x.dtype.kind != "f":
        raise DtypeError(f"cross_entropy: the input holds logits, floating point, got {x.dtype}")
    if x.ndim == 0:
        raise ShapeError("cross_entropy: the input must have a dimension of classes, got a 0-d tensor")
    if target.array.dtype.kind == "f":
        return soft_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
    if weight is None and label_smoothing == 0 and reduction != "none" and is_usual(x, target.array, ignore_index):
        try:
            return apply(rows.cross_entropy, input, target, n=len(x) if reduction == "mean" else 1)
        except RangeError:
            pass  # a label is to be ignored, or names no class: what follows tells
    axis = 0 if x.ndim == 1 else 1
    log_p = apply(reductions.log_softmax, input, dim=axis)
    return nll(log_p, target, weight, ignore_index, reduction, label_smoothing, "cross_entropy")


def is_usual(x: Any, labels: Any, ignore_index: int) -> bool:
    """Whether there is one label for each of several samples, and no class is ignored."""
    if x.ndim != 2 or labels.dtype.kind not in "iu" or labels.shape != x.shape[:1]:
        return False
    return labels.size > 0 and x.itemsize > 2 and not 0 <= ignore_index < x.shape[1]


def soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, label_smoothing: float
) -> Tensor:
    """Cross entropy against class probabilities."""
    if target.shape != input.shape:
        raise ShapeError(
            f"cross_entropy: a target of {target.dtype} holds class probabilities and must have the shape of the input "
            f"{input.shape}, got {target.shape}; class labels must be integers: target.long()"
        )
    if ignore_index >= 0:
        raise OptionError("cross_entropy: ignore_index is not supported for class probabilities")
    axis = 0 if input.ndim == 1 else 1
    classes = input.shape[axis]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    products = apply(reductions.log_softmax, input, dim=axis) * target
    if weight is not None:
        products = products * class_weights(weight, input, classes, "cross_entropy")
    losses = -products.sum(dim=axis)
    return reduced(losses, reduction, "cross_entropy")


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """-x[t] for log-probabilities x and class labels t.

    Parameters
    ----------
    input : Tensor
        Log-probabilities: (N, C), (N, C, d1, ...) or (C,).
    target, weight, ignore_index, reduction
        As for `cross_entropy`, with labels only.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the shape of the labels for ``'none'``.

    Raises
    ------
    ShapeError
        If the input has no dimension of classes.
    RangeError, DtypeError
        As for `cross_entropy`.

    Examples
    --------
    >>> import microbp
    >>> log_p = microbp.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
    >>> nll_loss(log_p, microbp.tensor([0, 1]), reduction="none")
    tensor([1.3863, 0.6931])
    """
    check_reduction("nll_loss", reduction, size_average, reduce)
    input, target = both_tensors("nll_loss", input, target)
    require_floating("nll_loss", input)
    if input.ndim == 0:
        raise ShapeError("nll_loss: the input must have a dimension of classes, got a 0-d tensor")
    return nll(input, target, weight, ignore_index, reduction, 0.0, "nll_loss")


def nll(
    log_p: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
    name: str,
) -> Tensor:
    """Negative log-likelihood of class labels, in all its variants."""
    single = log_p.ndim == 1
    axis = 0 if single else 1
    classes = log_p.shape[axis]
    shape = log_p.shape[:axis] + log_p.shape[axis + 1 :]
    labels, ignored = class_labels(target.array, shape, classes, ignore_index, name)
    if single:
        log_p, labels = log_p.reshape(1, classes), labels.reshape(1)

    losses = -apply(rows.take_class, log_p, wrap(labels))
    count: float = labels.size
    if weight is not None:
        factors = class_weights(weight, log_p, classes, name)
        each = np.where(labels < 0, 0, factors.array.reshape(-1)[labels]).astype(log_p.dtype)
        losses = losses * wrap(each)
        count = float(each.sum())
    elif ignored:
        count = int((labels >= 0).sum())
    if label_smoothing:
        spread = -(log_p if weight is None else log_p * factors).sum(dim=1)
        if ignored:
            spread = apply(arithmetic.where, wrap(labels < 0), 0.0, spread)
        losses = losses * (1 - label_smoothing) + spread * (label_smoothing / classes)
    if reduction == "none":
        return losses.reshape(()) if single else losses
    total: Tensor = losses.sum()
    return total if reduction == "sum" else mean_over(total, count, name)


def class_weights(weight: Any, input: Tensor, classes: int, name: str) -> Tensor:
    """The weights of the classes, in a shape that broadcasts along the class dimension of the input."""
    weight = tensor_for(name, weight, "weight")
    if weight.shape != (classes,):
        raise ShapeError(
            f"{name}: weight must have one entry for each of the {classes} classes, got shape {weight.shape}"
        )
    if weight.requires_grad:
        raise NotImplementedError(f"{name} has no gradient for its weight; pass weight.detach()")
    if weight.dtype != input.dtype:
        raise DtypeError(f"{name}: weight must have the dtype of the input, {input.dtype}, got {weight.dtype}")
    return apply(shaping.reshape, weight, shape=(classes,) + (1,) * (input.ndim - 2))  # a view, so that writes are seen
