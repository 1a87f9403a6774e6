"""Rows for embeddings: rows of a table, looked up by label.

The gradient of a look-up adds rows up where they were taken from. A sum of rows by label is
also what makes a bag of embeddings, so that `put_rows` serves both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import RangeError
from microbp.ops.indexing import add_into
from microbp.ops.op import op

__all__: list[str] = []

NOTHING = -1
"""No label at all, where none is for padding."""


def labels_within(t: Any, count: int, name: str) -> Any:
    """A copy of the labels of some of `count` rows, as indices.

    Raises
    ------
    RangeError
        If one of them names no row.
    """
    labels = t.astype(np.intp)
    if labels.size and labels.view(np.uintp).max() >= count:  # so seen, negative labels are large ones
        place = tuple(map(int, np.argwhere((labels < 0) | (labels >= count))[0]))
        position = "" if not place else f" at position {place[0] if len(place) == 1 else place}"
        raise RangeError(
            f"{name}: label {labels[place]}{position} is out of range for a weight of {count} rows (0 to {count - 1})"
        )
    return labels


@op("w[t]", hands_on=("i",), promotes=False, broadcasts=False, plain={"padding_idx": NOTHING})
def embedding(w: Any, t: Any, *, padding_idx: int) -> Any:
    """The rows of the table `w` (V, D) that the labels `t` name; the row for padding gets no gradient.

    Labels that name no row raise `RangeError`. A copy of them, `i`, is handed on: whoever reads batches into one array
    may do so before the backward pass.
    """
    i = labels_within(t, len(w), "embedding")
    return w.take(i, axis=0), i


embedding.letter("i", "t")
embedding.grad("w", "put_rows(g, i, rows=w_shape[0], padding_idx=padding_idx)")


@op("add_at(zeros((rows, a.shape[-1])), t, a)", promotes=False, broadcasts=False)
def put_rows(a: Any, t: Any, *, rows: int, padding_idx: int) -> Any:
    """The sum of the rows of `a` (..., D) that have a label, for each label in `t` (...); 0 for that of padding."""
    width = a.shape[-1]
    labels, values = t.reshape(-1), a.reshape(t.size, width)
    if rows <= FEW and rows * len(labels) <= MANY:
        hits = np.zeros((rows, len(labels)), a.dtype)
        hits[labels, np.arange(len(labels))] = 1
        y = hits.dot(values)
    else:
        y = np.zeros((rows, width), a.dtype)
        add_into(y, labels, values)
    if padding_idx != NOTHING:
        y[padding_idx] = 0
    return y


put_rows.grad("a", "zero_where(embedding(g, t, padding_idx=padding_idx), (t == padding_idx)[..., None])")

FEW, MANY = 80, 1 << 22
"""For so few labels a product of matrices adds up faster (for 10 labels 5 times), if its one-hot matrix is not huge."""


@op("a", broadcasts=False, surrogate=True)
def temper(a: Any, f: Any) -> Any:
    """The values as they are; their gradient is multiplied by `f`."""
    return a.copy()


temper.grad("a", "g * f")
