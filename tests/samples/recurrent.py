"""Samples for recurrent layers."""

from __future__ import annotations

from typing import Any

from tests.samples import Samples, normal


def unrolled_lstm(lib: Any, x: Any, u: Any, h: Any, c: Any) -> Any:
    """The steps of an LSTM, one after the other."""
    outputs = []
    for of_input in x:
        i, f, g, o = (of_input + h @ u.T).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(h)
    return lib.stack([*outputs, c])


def unrolled_gru(lib: Any, x: Any, u: Any, d: Any, h: Any) -> Any:
    """The steps of a GRU, one after the other."""
    outputs = []
    for of_input in x:
        of_memory = h @ u.T if d is None else h @ u.T + d
        (x_r, x_z, x_n), (h_r, h_z, h_n) = of_input.chunk(3, -1), of_memory.chunk(3, -1)
        r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
        n = (x_n + r * h_n).tanh()
        h = (1 - z) * n + z * h
        outputs.append(h)
    return lib.stack(outputs)


# steps, samples and the size of the memory
sizes = [(3, 2, 2), (1, 3, 1), (2, 1, 3), (2, 0, 2)]

samples = {
    "lstm": Samples(
        unrolled_lstm,
        [
            (normal(steps, count, 4 * size), normal(4 * size, size), normal(count, size), normal(count, size, seed=1))
            for steps, count, size in sizes
        ]
        + [(normal(8, 3, 2).T, normal(2, 8).T, normal(2, 3).T, normal(6, 4)[::2, ::-2])],
    ),
    "gru": Samples(
        unrolled_gru,
        [
            (normal(steps, count, 3 * size), normal(3 * size, size), d, normal(count, size))
            for steps, count, size in sizes
            for d in (None, normal(3 * size))
        ]
        + [(normal(6, 3, 2).T, normal(2, 6).T, normal(12)[::2], normal(6, 4)[::2, ::-2])],
    ),
}
