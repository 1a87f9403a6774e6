"""Samples for the rows of `microbp.ops.embedding`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.samples import Samples, normal, positive


def torch_embedding(lib: Any, w: Any, t: Any, padding_idx: int) -> Any:
    """PyTorch's own has no such thing as a label for no padding."""
    return lib.nn.functional.embedding(t, w, padding_idx=None if padding_idx < 0 else padding_idx)


def torch_put_rows(lib: Any, a: Any, t: Any, rows: int, padding_idx: int) -> Any:
    """With PyTorch's index_add, after the rows for padding became 0."""
    values = lib.where((t == padding_idx)[..., None], 0.0, a)
    zeros = lib.zeros((rows, a.shape[-1]), dtype=a.dtype)
    return zeros.index_add(0, t.reshape(-1), values.reshape(t.numel(), a.shape[-1]))


TWICE = np.array([[0, 2, 2], [4, 0, 2]])
NONE = np.zeros(0, int)

samples = {
    "embedding": Samples(
        torch_embedding,
        [
            ((normal(5, 3), TWICE), {"padding_idx": -1}),
            ((normal(5, 3), np.array([1, 3])), {"padding_idx": -1}),
            ((normal(5, 3), np.array(3)), {"padding_idx": -1}),
            ((np.asarray(normal(8, 6)[::2, ::-2]), np.array([3, 3, 0])), {"padding_idx": -1}),
            ((normal(5, 3), NONE), {"padding_idx": -1}),
            ((normal(5, 0), TWICE), {"padding_idx": -1}),
            ((normal(100, 2), np.array([99, 7, 99])), {"padding_idx": -1}),
        ],
    ),
    "put_rows": Samples(
        torch_put_rows,
        [
            ((normal(2, 3, 4), TWICE), {"rows": 5, "padding_idx": -1}),
            ((normal(2, 3, 4), TWICE), {"rows": 5, "padding_idx": 2}),
            ((normal(2, 3, 4), TWICE), {"rows": 100, "padding_idx": 2}),
            ((normal(4), np.array(1)), {"rows": 2, "padding_idx": -1}),
            ((np.zeros((0, 4)), NONE), {"rows": 3, "padding_idx": -1}),
            ((np.zeros((2, 3, 0)), TWICE), {"rows": 5, "padding_idx": 2}),
        ],
    ),
    "temper": Samples(
        None,
        [
            (normal(5, 3), positive(5, 1)),
            (normal(), np.array(0.5)),
            (np.zeros((0, 3)), np.ones((0, 1))),
        ],
        smooth=False,
        why="its gradient is not that of its values, on purpose",
    ),
}
