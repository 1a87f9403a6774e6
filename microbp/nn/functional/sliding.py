"""What is checked of the arguments of all that slides over dimensions, and where the windows of pooling are."""

from __future__ import annotations

from operator import index
from typing import Any

from microbp.errors import OptionError, ShapeError
from microbp.tensor import Tensor, apply

__all__ = ["check_dims", "integers", "not_negative", "positive", "sliding", "unbatched"]


def integers(name: str, argument: str, value: Any, dims: int = 1) -> tuple[int, ...]:
    """An integer for each of some dimensions, given one by one or as one for all of them."""
    try:
        given = tuple(map(index, value)) if isinstance(value, tuple | list) else (index(value),)
    except TypeError:
        raise TypeError(f"{name}: {argument} must be an integer or a tuple of integers, got {value!r}") from None
    if len(given) not in (1, dims):
        raise OptionError(f"{name}: {argument} must be one integer or one for each of {dims} dimensions, got {given}")
    return given * dims if len(given) == 1 else given


def positive(name: str, argument: str, value: Any, dims: int) -> tuple[int, ...]:
    """An integer from 1 on for each dimension."""
    found = integers(name, argument, value, dims)
    if min(found) < 1:
        raise OptionError(f"{name}: {argument} must be positive, got {value}")
    return found


def not_negative(name: str, argument: str, value: Any, dims: int) -> tuple[int, ...]:
    """An integer from 0 on for each dimension."""
    found = integers(name, argument, value, dims)
    if min(found) < 0:
        raise OptionError(f"{name}: {argument} must not be negative, got {value}")
    return found


def check_dims(name: str, dims: int, input: Tensor) -> None:
    """Refuse an input that has too few or too many dimensions, or is empty but for the batch."""
    shape = input.array.shape
    if len(shape) not in (dims + 1, dims + 2):
        layout = "C, " + ", ".join("LHWDHW"[dims * (dims - 1) // 2 :][:dims])
        raise ShapeError(
            f"{name}: input must have shape (N, {layout}) or ({layout}), got {shape}; unsqueeze() adds a dimension"
        )
    if 0 in shape[-dims - 1 :]:
        raise ShapeError(f"{name}: only the batch may be empty, got an input of shape {shape}")


def unbatched(row: Any, dims: int, input: Tensor, *others: Any, **options: Any) -> Tensor:
    """Apply a row for batches, which have so many dimensions, to a batch or to a single sample."""
    batch = input if input.ndim == dims else input.unsqueeze(0)
    out: Tensor = apply(row, batch, *others, **options)
    return out if input is batch else out.squeeze(0)


def sliding(
    name: str, dims: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> list[tuple[int, int, int, int, int]]:
    """The windows along each dimension: their size, stride, padding, dilation, and how many there are."""
    kernels = positive(name, "kernel_size", kernel_size, dims)
    strides = kernels if stride is None or stride in ((), []) else positive(name, "stride", stride, dims)
    paddings = integers(name, "padding", padding, dims)
    dilations = positive(name, "dilation", dilation, dims)
    for kernel, margin in zip(kernels, paddings, strict=True):
        if not 0 <= 2 * margin <= kernel:
            raise OptionError(
                f"{name}: padding must be from 0 to half of kernel_size, got padding {margin} for a window "
                f"of {kernel}; F.pad() makes larger margins"
            )
    check_dims(name, dims, input)
    found = []
    for axis, (kernel, step, margin, spread) in enumerate(zip(kernels, strides, paddings, dilations, strict=True)):
        size = input.array.shape[axis - dims]
        reach = (kernel - 1) * spread + 1
        count = (size + 2 * margin - reach + (step - 1 if ceil_mode else 0)) // step + 1
        if ceil_mode and (count - 1) * step >= size + margin:
            count -= 1  # a window that would start in the margin
        if count < 1:
            raise ShapeError(
                f"{name}: a window that reaches over {reach} elements does not fit into dimension {axis - dims} of an "
                f"input of shape {input.array.shape} with padding {margin}; use a smaller kernel_size or more padding"
            )
        found.append((kernel, step, margin, spread, count))
    return found
