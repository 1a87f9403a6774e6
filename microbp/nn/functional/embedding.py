"""Look-up of vectors by label, one by one or in bags, with PyTorch's signatures."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, RangeError, ShapeError
from microbp.mode import look_at_values, no_grad
from microbp.nn.functional.check import require_floating, tensor_for
from microbp.ops import elementwise, pooling
from microbp.ops import embedding as rows
from microbp.tensor import Tensor, apply, wrap

__all__ = ["embedding", "embedding_bag"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of a table that some labels name.

    Parameters
    ----------
    input : Tensor
        Labels of any shape: int64 or int32, from 0 to V - 1.
    weight : Tensor
        (V, D).
    padding_idx : int, optional
        The label of a row that gets no gradient; a negative one counts from the end.
    max_norm : float, optional
        Rows that are looked up and longer than that are first shortened to it, in place.
    norm_type : float
        The exponent of the norm that tells the length.
    scale_grad_by_freq : bool
        Divide the gradient of each row by how often it was looked up.
    sparse : bool
        Only False: gradients are dense.

    Returns
    -------
    Tensor
        ``(*input.shape, D)``.

    Raises
    ------
    RangeError
        If a label names no row; the text says where.
    DtypeError, ShapeError
        If the labels are not int64 or int32, or the weight is not (V, D).
    OptionError
        If `padding_idx` is no row.

    Examples
    --------
    >>> import microbp
    >>> table = microbp.tensor([[0.0, 0.0], [1.0, 10.0], [2.0, 20.0]], requires_grad=True)
    >>> vectors = embedding(microbp.tensor([1, 2, 1]), table)
    >>> vectors
    tensor([[ 1., 10.],
            [ 2., 20.],
            [ 1., 10.]], grad_fn=<embedding>)
    >>> vectors.sum().backward()
    >>> table.grad
    tensor([[0., 0.],
            [2., 2.],
            [1., 1.]])
    """
    weight = table_for("embedding", weight, sparse)
    labels = labels_for("embedding", input)
    padding = padding_for("embedding", padding_idx, weight)
    if max_norm is not None:
        require_floating("embedding", weight)
        shorten(weight, rows.labels_within(labels.array, len(weight.array), "embedding"), max_norm, norm_type)
    return look_up(weight, labels, padding, scale_grad_by_freq)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, the mean or the maximum of the rows that the labels of each bag name; 0 for an empty bag.

    Parameters
    ----------
    input : Tensor
        Labels: (B, n), for bags of one size, or (L,), for bags of any size one after the other.
    weight : Tensor
        (V, D).
    offsets : Tensor, optional
        (B,): where in labels (L,) each bag begins; the first one at 0.
    max_norm, norm_type, scale_grad_by_freq, sparse
        As for `embedding`; ``'max'`` has no `scale_grad_by_freq`.
    mode : {'sum', 'mean', 'max'}
        What to make of the rows.
    per_sample_weights : Tensor, optional
        A factor for each label, of the shape of `input`; for ``'sum'`` only.
    include_last_offset : bool
        The last of the offsets is not where a bag begins, but where the last one ends.
    padding_idx : int, optional
        A label that does not count.

    Returns
    -------
    Tensor
        (B, D).

    Raises
    ------
    ShapeError, RangeError, DtypeError, OptionError
        If shapes, labels or offsets do not fit each other, or options.

    Examples
    --------
    >>> import microbp
    >>> table = microbp.tensor([[0.0, 0.0], [1.0, 10.0], [2.0, 20.0]])
    >>> embedding_bag(microbp.tensor([1, 2, 2]), table, microbp.tensor([0, 2]), mode="sum")
    tensor([[ 3., 30.],
            [ 2., 20.]])
    """
    if mode not in ("sum", "mean", "max"):
        raise OptionError(f"embedding_bag: mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise OptionError("embedding_bag: max mode does not support scaling the gradient by the frequency")
    if mode != "sum" and per_sample_weights is not None:
        raise NotImplementedError(f"embedding_bag: per_sample_weights is only supported for mode='sum', got {mode!r}")
    weight = table_for("embedding_bag", weight, sparse)
    require_floating("embedding_bag", weight)
    labels = rows.labels_within(labels_for("embedding_bag", input).array, len(weight.array), "embedding_bag")
    look_at_values()
    bags, count = bags_for(labels, offsets, include_last_offset)
    factors = per_sample_weights
    if factors is not None:
        factors = tensor_for("embedding_bag", factors, "per_sample_weights")
        if factors.dtype != weight.dtype:
            raise DtypeError(
                f"embedding_bag: per_sample_weights of {factors.dtype} must have the dtype of weight, {weight.dtype}"
            )
        if factors.shape != labels.shape:
            raise ShapeError(
                f"embedding_bag: per_sample_weights of shape {factors.shape} must have the shape of the input "
                f"{labels.shape}"
            )
        factors = factors.reshape(-1)
    labels = labels.reshape(-1)
    if max_norm is not None:
        shorten(weight, labels, max_norm, norm_type)
    padding = padding_for("embedding_bag", padding_idx, weight)
    counted = np.flatnonzero((labels != padding) & (bags >= 0))
    if len(counted) < len(labels):
        labels, bags = labels[counted], bags[counted]
        factors = None if factors is None else factors[wrap(counted)]

    vectors = look_up(weight, wrap(labels), rows.NOTHING, scale_grad_by_freq)
    if mode == "max" and len(labels):
        return largest(vectors, bags, count)
    if factors is not None:
        vectors = vectors * factors.unsqueeze(1)
    total: Tensor = apply(rows.put_rows, vectors, wrap(bags), rows=count, padding_idx=rows.NOTHING)
    if mode != "mean":
        return total
    sizes = np.maximum(np.bincount(bags, minlength=count), 1).astype(weight.array.dtype)
    return total / wrap(sizes[:, None])


def table_for(name: str, weight: Any, sparse: bool) -> Tensor:
    """The weight, if it is a table of numbers."""
    if sparse:
        raise NotImplementedError(f"{name} has no sparse gradients; leave sparse=True out, the numbers are the same")
    table = tensor_for(name, weight, "weight")
    if table.ndim != 2:
        raise ShapeError(f"{name}: 'weight' must be 2-D, (V, D), got shape {table.shape}")
    return table


def labels_for(name: str, input: Any) -> Tensor:
    """The labels, if they are whole numbers."""
    labels = tensor_for(name, input)
    if labels.dtype not in (np.int64, np.int32):
        raise DtypeError(
            f"{name}: labels must be int64 or int32, got {labels.dtype}; convert them: input.long() (the labels come "
            "first, then the weight)"
        )
    return labels


def padding_for(name: str, padding_idx: int | None, weight: Tensor) -> int:
    """The label of padding, counted from the beginning."""
    if padding_idx is None:
        return rows.NOTHING
    count = len(weight.array)
    if not -count <= padding_idx < count:
        raise OptionError(f"{name}: padding_idx must be within num_embeddings ({count}), got {padding_idx}")
    return padding_idx % count


def look_up(weight: Tensor, labels: Tensor, padding_idx: int, by_frequency: bool) -> Tensor:
    """The rows of the table; if asked to, with gradients that are divided by how often each row occurs."""
    out: Tensor = apply(rows.embedding, weight, labels, padding_idx=padding_idx)
    if by_frequency and out.requires_grad:
        look_at_values()
        found = labels.array
        shares = 1 / np.bincount(found.reshape(-1), minlength=1)[found][..., None]
        out = apply(rows.temper, out, wrap(shares.astype(out.dtype)))
    return out


def shorten(weight: Tensor, labels: Any, max_norm: float, norm_type: float) -> None:
    """Bring the rows that are looked up, and are longer, to a norm, in place and unrecorded."""
    named = np.unique(labels)
    vectors = weight.array[named]
    lengths = np.linalg.norm(vectors, norm_type, axis=1)
    long = lengths > max_norm
    look_at_values()
    if long.any():
        shortened = vectors[long] * (max_norm / (lengths[long] + 1e-7))[:, None]
        with no_grad():
            weight[wrap(named[long])] = wrap(shortened.astype(weight.dtype))


def bags_for(labels: Any, offsets: Tensor | None, include_last_offset: bool) -> tuple[Any, int]:
    """For each label, in a row, the bag that it belongs to (-1 for none), and the number of bags."""
    if labels.ndim == 2:
        if offsets is not None:
            raise ShapeError("embedding_bag: if input is 2D, then offsets has to be None: all bags are of one size")
        return np.repeat(np.arange(len(labels)), labels.shape[1]), len(labels)
    if labels.ndim != 1:
        raise ShapeError(f"embedding_bag: input has to be (B, n), or (L,) with offsets, got shape {labels.shape}")
    if offsets is None:
        raise ShapeError("embedding_bag: offsets has to be a 1D Tensor but got None; it says where each bag begins")
    starts = tensor_for("embedding_bag", offsets, "offsets").array
    if starts.ndim != 1 or starts.dtype.kind not in "iu":
        raise ShapeError(
            f"embedding_bag: offsets has to be a 1D Tensor of integers, got shape {starts.shape} and {starts.dtype}"
        )
    if include_last_offset and not starts.size:
        raise ShapeError("embedding_bag: with include_last_offset, offsets must have at least one element")
    look_at_values()
    if starts.size and (starts[0] != 0 or starts.max() > len(labels) or (np.diff(starts) < 0).any()):
        raise RangeError(
            f"embedding_bag: offsets must begin with 0, not decrease, and not be larger than the number of labels "
            f"{len(labels)}, got {starts.tolist()}"
        )
    ends = starts[1:] if include_last_offset else np.append(starts[1:], [len(labels)] * bool(starts.size))
    sizes = ends - starts[: len(ends)]
    bags = np.full(len(labels), rows.NOTHING)
    inside = np.repeat(np.arange(len(sizes)), sizes)
    bags[: len(inside)] = inside
    return bags, len(sizes)


def largest(vectors: Tensor, bags: Any, count: int) -> Tensor:
    """The maximum over the rows of each bag, column by column, the first one if there are several; 0 without rows."""
    values = vectors.array
    height, width = values.shape
    empty = np.bincount(bags, minlength=count) == 0
    first = np.flatnonzero(np.diff(bags, prepend=-1))  # where each bag that is not empty begins
    peaks = np.zeros((count, width), values.dtype)
    peaks[~empty] = np.maximum.reduceat(values, first, axis=0)
    numbers = np.arange(height)[:, None]
    candidates = np.where((values == peaks[bags]) | (values != values), numbers, height)
    winners = np.zeros((count, width), np.intp)
    winners[~empty] = np.minimum.reduceat(candidates, first, axis=0)
    found: Tensor = apply(pooling.take_places, vectors, wrap(winners * width + np.arange(width)))
    if empty.any():
        found = apply(elementwise.zero_where, found, wrap(empty[:, None]))
    return found
