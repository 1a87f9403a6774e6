"""Rows for embeddings: rows of a table, looked up by label.

The gradient of a look-up adds rows up where they were taken from. A sum of rows by label is
also what makes a bag of embeddings, so that `put_rows` serves both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops.indexing import add_into
from microbp.ops.op import op

__all__: list[str] = []

NOTHING = -1
"""No label at all, where none is for padding."""


@op("w[t]", promotes=False, broadcasts=False, plain={"padding_idx": NOTHING})
def embedding(w: Any, t: Any, *, padding_idx: int) -> Any:
    """The rows of the table `w` (V, D) that the labels `t` name; the row for padding gets no gradient."""
    return w.take(t, axis=0)


embedding.grad("w", "put_rows(g, t, rows=w_shape[0], padding_idx=padding_idx)")


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
