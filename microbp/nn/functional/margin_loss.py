"""Losses over classes that ask for a margin, with PyTorch's signatures.

They are 0, or nearly so, where the scores of the right classes are ahead of those of the wrong ones by the margin.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, RangeError, ShapeError
from microbp.mode import look_at_values
from microbp.nn.functional.check import (
    alike,
    both_tensors,
    check_reduction,
    class_labels,
    number,
    reduced,
    require_floating,
    rescaled,
    tensor_for,
)
from microbp.ops import activation, elementwise
from microbp.ops import loss as rows
from microbp.tensor import Tensor, apply, wrap

__all__ = ["multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "soft_margin_loss"]


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean"
) -> Tensor:
    """log(1 + exp(-t x)) for scores x and targets t of 1 or -1, for scores of any size.

    Parameters
    ----------
    input : Tensor
        Scores.
    target : Tensor
        1 or -1, of the same shape.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the shape of `input` for ``'none'``.

    Raises
    ------
    ShapeError
        If the shapes do not fit each other.

    Warns
    -----
    BroadcastWarning
        If the shapes differ.

    Examples
    --------
    >>> import microbp
    >>> soft_margin_loss(microbp.tensor([0.0, -1000.0]), microbp.tensor([1.0, 1.0]), reduction="none")
    tensor([6.9315e-01, 1.0000e+03])
    """
    check_reduction("soft_margin_loss", reduction, size_average, reduce)
    input, target = alike(*both_tensors("soft_margin_loss", input, target), "soft_margin_loss")
    require_floating("soft_margin_loss", input, target)
    return reduced(-apply(activation.logsigmoid, target * input), reduction, "soft_margin_loss")


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ max(0, margin - x[t] + x[i])^p / C over the wrong classes i, for scores x and class labels t.

    Source: Crammer & Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines" (2001).

    Parameters
    ----------
    input : Tensor
        Scores: (N, C) or (C,).
    target : Tensor
        Class labels from 0 to C - 1: (N,), or a single one.
    p : {1, 2}
        The exponent.
    margin : float
        How far the right class has to be ahead.
    weight : Tensor, optional
        (C,): a factor for each class.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of shape (N,) for ``'none'``.

    Raises
    ------
    ShapeError, DtypeError, RangeError
        If shapes do not fit, or a label is no integer or names no class.
    OptionError
        If `p` is neither 1 nor 2.

    Examples
    --------
    >>> import microbp
    >>> multi_margin_loss(microbp.tensor([[1.0, 0.5, 0.0]]), microbp.tensor([0]))
    tensor(0.1667)
    """
    name = "multi_margin_loss"
    check_reduction(name, reduction, size_average, reduce)
    if p not in (1, 2):
        raise OptionError(f"{name}: only p == 1 and p == 2 supported, got {p}")
    margin = number(name, "margin", margin)
    input, target = both_tensors(name, input, target)
    scores, labels = batch_of_labels(name, input, target)
    classes = scores.shape[1]
    right = apply(rows.take_class, scores, wrap(labels)).unsqueeze(1)
    short = apply(elementwise.relu, margin - right + scores)
    if p == 2:
        short = short.square()
    if weight is not None:
        weight = tensor_for(name, weight, "weight")
        if weight.shape != (classes,) or weight.dtype != scores.dtype:
            raise ShapeError(
                f"{name}: weight must have one entry of {scores.dtype} for each of {classes} classes, got shape "
                f"{weight.shape} of {weight.dtype}"
            )
        if weight.requires_grad:
            raise NotImplementedError(f"{name} has no gradient for its weight; pass weight.detach()")
        short = short * wrap(weight.array[labels][:, None])
    itself = labels[:, None] == np.arange(classes)
    losses = apply(elementwise.zero_where, short, wrap(itself)).sum(dim=1) / classes
    return reduced(losses if target.ndim else losses.reshape(()), reduction, name)


def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean"
) -> Tensor:
    """Σ max(0, 1 - x[t] + x[i]) / C over each right class t and each wrong class i, for scores x.

    Parameters
    ----------
    input : Tensor
        Scores: (N, C) or (C,).
    target : Tensor
        Of the same shape: the labels of the right classes come first in each row, then a -1.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of shape (N,) for ``'none'``.

    Raises
    ------
    ShapeError, DtypeError, RangeError
        If the shapes differ, or a label is no integer or names no class.

    Examples
    --------
    >>> import microbp
    >>> multilabel_margin_loss(microbp.tensor([[0.1, 0.2, 0.4, 0.8]]), microbp.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """
    name = "multilabel_margin_loss"
    check_reduction(name, reduction, size_average, reduce)
    input, target = both_tensors(name, input, target)
    require_floating(name, input)
    if input.shape != target.shape or input.ndim > 2:
        raise ShapeError(
            f"{name}: input must be (N, C) or (C,), and target of the same shape, filled up with -1, got "
            f"{input.shape} and {target.shape}"
        )
    require_integers(name, target)
    classes = input.shape[-1] if input.ndim else 1
    if not classes:
        raise ShapeError(f"{name}: the input must have at least one class, got shape {input.shape}")
    scores, labels = input.reshape(-1, classes), target.array.reshape(-1, classes)
    look_at_values()
    given = np.logical_and.accumulate(labels != -1, axis=1)  # what comes before the first -1
    if (given & ((labels < 0) | (labels >= classes))).any():
        wrong = labels[given & ((labels < 0) | (labels >= classes))][0]
        raise RangeError(f"{name}: label {wrong} is out of range for {classes} classes; -1 ends the labels of a sample")
    labels = np.where(given, labels, 0)
    right = np.zeros(labels.shape, bool)
    np.logical_or.at(right, (np.arange(len(labels))[:, None], labels), given)
    chosen = scores.gather(1, wrap(labels)).unsqueeze(2)
    short = apply(elementwise.relu, 1 - chosen + scores.unsqueeze(1))
    outside = ~given[:, :, None] | right[:, None, :]
    losses = apply(elementwise.zero_where, short, wrap(outside)).sum(dim=(1, 2)) / classes
    return reduced(losses if input.ndim == 2 else losses.reshape(()), reduction, name)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the classes of -(t log σ(x) + (1 - t) log σ(-x)), for scores x and targets t of 0 or 1.

    Parameters
    ----------
    input : Tensor
        Scores: (N, C) or (C,).
    target : Tensor
        0 or 1, of the same shape.
    weight : Tensor, optional
        (C,): a factor for each class.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of shape (N,) for ``'none'``.

    Raises
    ------
    ShapeError
        If the shapes do not fit each other.

    Warns
    -----
    BroadcastWarning
        If the shapes differ.

    Examples
    --------
    >>> import microbp
    >>> multilabel_soft_margin_loss(microbp.tensor([[0.0, 100.0]]), microbp.tensor([[1.0, 1.0]]))
    tensor(0.3466)
    """
    name = "multilabel_soft_margin_loss"
    check_reduction(name, reduction, size_average, reduce)
    input, target = both_tensors(name, input, target)
    require_floating(name, input, target)
    if not input.ndim:
        raise ShapeError(f"{name}: the input must have a dimension of classes, got a 0-d tensor")
    axis, classes = input.ndim - 1, input.shape[-1]
    losses = apply(rows.binary_cross_entropy_with_logits, *alike(input, target, name))
    if weight is not None:
        losses = rescaled(name, losses, weight)
    return reduced(losses.sum(dim=axis) / classes, reduction, name)


def require_integers(name: str, target: Tensor) -> None:
    """Refuse labels that are not integers."""
    if target.array.dtype.kind not in "iu":
        raise DtypeError(f"{name}: class labels must be integers, got {target.dtype}; convert them: target.long()")


def batch_of_labels(name: str, input: Tensor, target: Tensor) -> tuple[Tensor, Any]:
    """Scores (N, C) and checked labels (N,), also of a single sample."""
    require_floating(name, input)
    if input.ndim > 2 or input.shape[-1:] == (0,):
        raise ShapeError(f"{name}: input must be (N, C) or (C,), with at least one class, got shape {input.shape}")
    scores = input if input.ndim == 2 else input.reshape(1, -1)
    labels = target.array.reshape(1) if target.array.shape == () else target.array
    return scores, class_labels(labels, (len(scores),), scores.shape[1], None, name)[0]
