"""What losses check of their arguments, and how they reduce a loss per element to one number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.errors import BroadcastWarning, DtypeError, OptionError, RangeError, ShapeError, warn
from microbp.mode import look_at_values
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, as_operand

__all__ = [
    "alike",
    "both_tensors",
    "broadcast_shape",
    "check_reduction",
    "class_labels",
    "mean_over",
    "number",
    "ordered",
    "reduced",
    "require_floating",
    "rescaled",
    "tensor_for",
    "weighted",
]


def tensor_for(name: str, value: Any, argument: str = "input") -> Tensor:
    """A tensor, or an array as one.

    Raises
    ------
    TypeError
        For everything else; the text says what takes the argument and how to make a tensor.
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray):
        found: Tensor = as_operand(value)
        return found
    raise TypeError(
        f"{name}: {argument} must be a Tensor, got {type(value).__name__} {shortened(value)}; "
        "make a tensor of it first: microbp.tensor(...)"
    )


def shortened(value: Any) -> str:
    """A value in print, if it is long only its beginning."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def number(name: str, argument: str, value: Any) -> float:
    """A Python number, which an option must be; NumPy's scalars, and tensors of one element, are taken for one.

    Raises
    ------
    TypeError
        For everything else, and for a tensor that requires grad: it would get none.
    """
    if type(value) is float or type(value) is int:
        return value
    try:
        if isinstance(value, str | bytes) or getattr(value, "requires_grad", False):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"{name}: {argument} must be a number, got {type(value).__name__} {shortened(value)}")


def broadcast_shape(name: str, **tensors: Tensor) -> tuple[int, ...]:
    """The common shape of some tensors, by whose names an error calls them."""
    try:
        return np.broadcast_shapes(*(tensor.array.shape for tensor in tensors.values()))
    except ValueError:
        shapes = [f"{argument} {tensor.shape}" for argument, tensor in tensors.items()]
        raise ShapeError(f"{name}: {', '.join(shapes[:-1])} and {shapes[-1]} do not fit each other") from None


def both_tensors(name: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Input and target of a loss, as `tensor_for` has them."""
    if isinstance(input, Tensor) and isinstance(target, Tensor):
        return input, target
    return tensor_for(name, input), tensor_for(name, target, "target")


def ordered(name: str, input: Any) -> Tensor:
    """The input, if its elements can be large and small."""
    found = tensor_for(name, input)
    if found.array.dtype.kind == "b":
        raise DtypeError(f"{name} needs numbers, got bool; convert it first: t.float()")
    return found


def require_floating(name: str, *tensors: Tensor) -> None:
    """Refuse integers where there is no floating-point tensor beside them."""
    for tensor in tensors:
        if tensor.array.dtype.kind == "f":
            return
    found = " and ".join(str(tensor.dtype) for tensor in tensors)
    raise DtypeError(f"{name} needs a floating-point tensor, got {found}; convert it first: t.float()")


def check_reduction(name: str, reduction: str, size_average: Any, reduce: Any, more: tuple[str, ...] = ()) -> None:
    """Refuse a reduction that does not exist, and PyTorch's deprecated ways to ask for one."""
    if reduction not in ("mean", "sum", "none", *more):
        known = ", ".join(map(repr, ("mean", "sum", "none", *more)))
        raise OptionError(f"{name}: {reduction} is not a valid value for reduction, which is one of {known}")
    if size_average is not None or reduce is not None:
        raise OptionError(f"{name}: size_average and reduce are deprecated; use reduction='mean', 'sum' or 'none'")


def mean_over(total: Tensor, count: float | Tensor, name: str) -> Tensor:
    """A sum over a count, or over a sum of weights; if that is 0, NaN, and not in silence."""
    look_at_values()
    if float(count) == 0:
        warn(f"{name}: the mean over an empty batch is nan (nothing is left, or all weights are 0)")
        return total * math.nan
    return total / count


def reduced(losses: Tensor, reduction: str, name: str) -> Tensor:
    """The losses themselves, their sum or their mean."""
    if reduction == "none":
        return losses
    if reduction == "mean" and losses.array.size:
        mean: Tensor = losses.mean()
        return mean
    total: Tensor = losses.sum()
    return total if reduction == "sum" else mean_over(total, 0, name)


def rescaled(name: str, losses: Tensor, weight: Any, argument: str = "weight") -> Tensor:
    """Losses times weights that are broadcast."""
    weight = tensor_for(name, weight, argument)
    broadcast_shape(name, **{argument: weight, "losses": losses})
    product: Tensor = losses * weight
    return product


def weighted(losses: Tensor, weight: Any, reduction: str, name: str, over_weights: bool = True) -> Tensor:
    """Losses times weights of their shape; the mean is over the sum of the weights, or over the elements."""
    weight = tensor_for(name, weight, "weight")
    if weight.shape != losses.shape:
        raise ShapeError(f"{name}: weight of shape {weight.shape} and losses of shape {losses.shape} must be alike")
    losses = losses * weight
    if reduction == "mean" and over_weights:
        return mean_over(losses.sum(), weight.sum(), name)
    return reduced(losses, reduction, name)


def alike(input: Tensor, target: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Input and target in one shape, with a warning where they were not."""
    if input.array.shape == target.array.shape:
        return input, target
    shape = broadcast_shape(name, input=input, target=target)
    warn(
        f"{name}: input {input.shape} and target {target.shape} have different shapes and are broadcast to {shape}, "
        "which is most likely a mistake; bring them to one shape first, as with target.view_as(input)",
        BroadcastWarning,
    )
    return apply(shaping.expand, input, shape=shape), apply(shaping.expand, target, shape=shape)


def class_labels(
    target: Any, shape: tuple[int, ...], classes: int, ignore_index: int | None, name: str
) -> tuple[Any, bool]:
    """The labels as a checked array of their own, ignored ones as -1, and whether there are such.

    Parameters
    ----------
    target : array
        The labels.
    shape : tuple of int
        The shape that they must have.
    classes : int
        How many classes there are.
    ignore_index : int or None
        The label that is ignored, if there is one.
    name : str
        The loss, for the error.

    Raises
    ------
    DtypeError, ShapeError, RangeError
        If the labels are no integers, of another shape, or name no class.
    """
    if target.dtype.kind not in "iu":
        raise DtypeError(f"{name}: class labels must be integers, got {target.dtype}; convert them: target.long()")
    if target.shape != shape:
        raise ShapeError(f"{name}: expected class labels of shape {shape} for this input, got shape {target.shape}")
    labels = target.astype(np.intp)  # a copy: what happens to the target later does not matter
    if not labels.size:
        return labels, False
    look_at_values()
    unsigned = labels.view(np.uintp)  # so seen, negative labels are large ones
    if unsigned.item(unsigned.argmax()) < classes and (ignore_index is None or not 0 <= ignore_index < classes):
        return labels, False
    ignored = labels == ignore_index if ignore_index is not None else np.zeros(shape, bool)
    wrong = ((labels < 0) | (labels >= classes)) & ~ignored
    if wrong.any():
        place = tuple(map(int, np.argwhere(wrong)[0]))
        position = "" if not place else f" at position {place[0] if len(place) == 1 else place}"
        known = f"0 to {classes - 1}" + ("" if ignore_index is None else f"; {ignore_index} is ignored")
        raise RangeError(f"{name}: label {labels[place]}{position} is out of range for {classes} classes ({known})")
    return np.where(ignored, -1, labels), bool(ignored.any())
