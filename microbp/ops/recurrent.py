"""Rows for recurrent layers: a cell that goes through a whole sequence, as one operation.

A sequence of L steps makes a long graph of small operations, and most of the time goes into the
graph. Here all the steps are one row. What the input contributes to the gates comes in, for all
steps at once: `x` = W x + b. The matrix `u` takes the memory to the gates, at each step.

The gradient goes back through the sequence in one loop ("backpropagation through time"), which
finds what flows into the gates at each step. The gradients of `x`, of `u` and of the first memory
all follow from that, so their rules share it.

Source: Werbos, "Backpropagation Through Time: What It Does and How to Do It" (1990); for the
cells, see `microbp.nn.recurrent`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops.elementwise import sigmoid
from microbp.ops.formula import word
from microbp.ops.linalg import as_matrix
from microbp.ops.op import op

__all__: list[str] = []


def parts(a: Any, count: int) -> tuple[Any, ...]:
    """The last axis cut into equal parts, which are views."""
    size = a.shape[-1] // count
    return tuple([a[..., k * size : (k + 1) * size] for k in range(count)])


# Long short-term memory: gates i, f, g, o, memory h and cell c


@op("(h[0], ..., h[L - 1], c[L - 1]) of L steps of an LSTM", hands_on=("s",), broadcasts=False)
def lstm(x: Any, u: Any, h: Any, c: Any) -> Any:
    """An LSTM over a sequence: the memory `h` at every step, and at the end the cell `c`, (L + 1, N, H).

    `x` (L, N, 4 H) is what the input contributes to the gates i, f, g and o, `u` (4 H, H) takes the memory to them;
    the memory `h` and the cell `c` start as (N, H). Gates and cells are handed on: `s` is (i, f, g, o, c) at every
    step, (L, N, 5 H).
    """
    (length, samples, _), width = x.shape, u.shape[1]
    y: Any = np.empty((length + 1, samples, width), x.dtype)
    s: Any = np.empty((length, samples, 5 * width), x.dtype)
    from_memory = np.ascontiguousarray(u.T)
    for t in range(length):
        i, f, g, o, cell = parts(s[t], 5)
        gates = h.dot(from_memory)
        gates += x[t]
        np.tanh(gates[:, 2 * width : 3 * width], out=g)
        np.negative(gates, out=gates)
        np.exp(gates, out=gates)
        gates += 1
        np.reciprocal(gates[:, : 2 * width], out=s[t, :, : 2 * width])
        np.reciprocal(gates[:, 3 * width :], out=o)
        np.multiply(f, c, out=cell)
        cell += i * g
        c, h = cell, np.multiply(o, np.tanh(cell), out=y[t])
    y[length] = c
    return y, s


lstm.letter("s", "lstm_gates(x, u, h, c)")


@word
def lstm_gates(x: Any, u: Any, h: Any, c: Any) -> Any:
    """The gates and the cell of an LSTM at every step, (i, f, g, o, c)."""
    found = []
    for t in range(len(x)):
        i, f, g, o = parts(x[t] + h @ u.T, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        found.append(np.concatenate([i, f, g, o, c], axis=1))
    return np.stack(found)


@word
def lstm_flow(g: Any, s: Any, u: Any, c: Any) -> tuple[Any, Any]:
    """The gradients of what goes into the gates at every step, (L, N, 4 H), and of the first cell, (N, H)."""
    length = len(s)
    flow: list[Any] = [None] * length
    of_memory, of_cell = g[length - 1], g[length]
    for t in reversed(range(length)):
        i, f, new, o, cell = parts(s[t], 5)
        before = parts(s[t - 1], 5)[4] if t else c
        squashed = np.tanh(cell)
        of_cell = of_cell + of_memory * o * (1 - squashed * squashed)
        flow[t] = np.concatenate(
            [
                of_cell * new * i * (1 - i),
                of_cell * before * f * (1 - f),
                of_cell * i * (1 - new * new),
                of_memory * squashed * o * (1 - o),
            ],
            axis=1,
        )
        of_cell = of_cell * f
        if t:
            of_memory = g[t - 1] + flow[t] @ u
    return np.stack(flow), of_cell


@lstm.grad("x", "lstm_flow(g, s, u, c)[0]", shares=lstm_flow)
def _(flow: Any) -> Any:
    return flow[0]


@lstm.grad("u", "as_matrix(lstm_flow(g, s, u, c)[0]).T @ as_matrix(concatenate([h[None], y[:-2]]))", shares=lstm_flow)
def _(flow: Any, y: Any, h: Any) -> Any:
    return as_matrix(flow[0]).T @ as_matrix(np.concatenate([h[None], y[:-2]]))


@lstm.grad("h", "lstm_flow(g, s, u, c)[0][0] @ u", shares=lstm_flow)
def _(flow: Any, u: Any) -> Any:
    return flow[0][0] @ u


@lstm.grad("c", "lstm_flow(g, s, u, c)[1]", shares=lstm_flow)
def _(flow: Any) -> Any:
    return flow[1]


# Gated recurrent unit: gates r and z, new memory n


@op("(h[0], ..., h[L - 1]) of L steps of a GRU", hands_on=("s",), broadcasts=False)
def gru(x: Any, u: Any, d: Any, h: Any) -> Any:
    """A gated recurrent unit over a sequence: the memory `h` at every step, (L, N, H).

    `x` (L, N, 3 H) is what the input contributes to the gates r and z and to the new memory n, `u` (3 H, H) takes the
    memory to them, with `d` (3 H,) added, which may be None; the memory starts as `h` (N, H). Handed on is `s` (L, N,
    4 H), at every step (r, z, n, m), with the part m of the old memory in n.
    """
    (length, samples, _), width = x.shape, u.shape[1]
    y: Any = np.empty((length, samples, width), x.dtype)
    s: Any = np.empty((length, samples, 4 * width), x.dtype)
    from_memory = np.ascontiguousarray(u.T)
    for t in range(length):
        of_memory = h.dot(from_memory)
        if d is not None:
            of_memory += d
        r, z, n, m = parts(s[t], 4)
        m[...] = of_memory[:, 2 * width :]
        gates = of_memory[:, : 2 * width]
        gates += x[t, :, : 2 * width]
        np.negative(gates, out=gates)
        np.exp(gates, out=gates)
        gates += 1
        np.reciprocal(gates, out=s[t, :, : 2 * width])
        np.multiply(r, m, out=n)
        n += x[t, :, 2 * width :]
        np.tanh(n, out=n)
        new = np.subtract(h, n, out=y[t])
        new *= z
        new += n
        h = new
    return y, s


gru.letter("s", "gru_gates(x, u, d, h)")


@word
def gru_gates(x: Any, u: Any, d: Any, h: Any) -> Any:
    """The gates of a GRU, the new memory and the part of the old one in it, at every step: (r, z, n, m)."""
    found = []
    for t in range(len(x)):
        of_memory = h @ u.T if d is None else h @ u.T + d
        (x_r, x_z, x_n), (h_r, h_z, m) = parts(x[t], 3), parts(of_memory, 3)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        n = np.tanh(x_n + r * m)
        h = (1 - z) * n + z * h
        found.append(np.concatenate([r, z, n, m], axis=1))
    return np.stack(found)


@word
def gru_flow(g: Any, y: Any, s: Any, u: Any, h: Any) -> tuple[Any, Any, Any]:
    """The gradients of what the input and what the memory contributes at every step, and of the first memory.

    They are (L, N, 3 H) for both, and (N, H).
    """
    length = len(s)
    of_inputs: list[Any] = [None] * length
    of_memories: list[Any] = [None] * length
    of_memory = g[length - 1]
    for t in reversed(range(length)):
        r, z, n, m = parts(s[t], 4)
        before = y[t - 1] if t else h
        of_new = of_memory * (1 - z) * (1 - n * n)
        of_r, of_z = of_new * m * r * (1 - r), of_memory * (before - n) * z * (1 - z)
        of_inputs[t] = np.concatenate([of_r, of_z, of_new], axis=1)
        of_memories[t] = np.concatenate([of_r, of_z, of_new * r], axis=1)
        of_memory = of_memory * z + of_memories[t] @ u
        if t:
            of_memory = of_memory + g[t - 1]
    return np.stack(of_inputs), np.stack(of_memories), of_memory


@gru.grad("x", "gru_flow(g, y, s, u, h)[0]", shares=gru_flow)
def _(flow: Any) -> Any:
    return flow[0]


@gru.grad("u", "as_matrix(gru_flow(g, y, s, u, h)[1]).T @ as_matrix(concatenate([h[None], y[:-1]]))", shares=gru_flow)
def _(flow: Any, y: Any, h: Any) -> Any:
    return as_matrix(flow[1]).T @ as_matrix(np.concatenate([h[None], y[:-1]]))


@gru.grad("d", "as_matrix(gru_flow(g, y, s, u, h)[1]).sum(axis=0)", shares=gru_flow)
def _(flow: Any) -> Any:
    return as_matrix(flow[1]).sum(axis=0)


@gru.grad("h", "gru_flow(g, y, s, u, h)[2]", shares=gru_flow)
def _(flow: Any) -> Any:
    return flow[2]
