"""Samples for the rows of `microbp.ops.activation`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.samples import Samples, away_from_zero, normal


def functional(lib: Any) -> Any:
    """PyTorch's functional namespace."""
    return lib.nn.functional


def inputs(**options: Any) -> list[Any]:
    """Typical, 0-d, empty, non-contiguous, all away from 0, where many activations have a kink."""
    arrays = (
        away_from_zero(3, 4),
        away_from_zero(),
        np.zeros((0, 3)),
        4 * away_from_zero(4, 6, seed=1)[::2, ::-2],
        np.asarray(away_from_zero(5, 3, seed=2).T),
    )
    return [((array,), options) for array in arrays]


def torch_masked_softmax(lib: Any, a: Any, m: Any) -> Any:
    """What PyTorch's attention gives for scores and values that are unit vectors."""
    size = a.shape[-1]
    if not a.numel():
        return a.softmax(-1)
    eye, zeros = lib.eye(size, dtype=a.dtype), lib.zeros(size, size, dtype=a.dtype)
    mask = a if m is None else lib.where(m, a, -lib.inf)
    return functional(lib).scaled_dot_product_attention(lib.zeros_like(a), zeros, eye, attn_mask=mask, scale=1.0)


FINITE = np.array([-800.0, -30.0, -6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0, 30.0, 800.0])

samples = {
    "leaky_relu": Samples(
        lambda lib, a, negative_slope: functional(lib).leaky_relu(a, negative_slope),
        [
            *inputs(negative_slope=0.01),
            *inputs(negative_slope=-0.5),
            ((np.array([0.7, -0.0001]),), {"negative_slope": 2}),
        ],
    ),
    "prelu": Samples(
        lambda lib, a, w: lib.where(a > 0, a, w * a),
        [
            (away_from_zero(3, 4), normal(1, 4)),
            (away_from_zero(3, 4, seed=1), normal(1, 1)),
            (away_from_zero(2, 3, 2), normal(1, 3, 1)),
            (away_from_zero(), normal()),
        ],
    ),
    "elu": Samples(lambda lib, a, alpha: functional(lib).elu(a, alpha), [*inputs(alpha=1.0), *inputs(alpha=0.5)]),
    "celu": Samples(lambda lib, a, alpha: functional(lib).celu(a, alpha), [*inputs(alpha=1.0), *inputs(alpha=0.5)]),
    "selu": Samples(lambda lib, a: functional(lib).selu(a), inputs()),
    "gelu": Samples(lambda lib, a: functional(lib).gelu(a), [*inputs(), (FINITE,)]),
    "gelu_tanh": Samples(lambda lib, a: functional(lib).gelu(a, approximate="tanh"), [*inputs(), (FINITE[1:-1],)]),
    "silu": Samples(lambda lib, a: functional(lib).silu(a), [*inputs(), (FINITE,)]),
    "mish": Samples(lambda lib, a: functional(lib).mish(a), [*inputs(), (FINITE[:-1],)]),
    "softplus": Samples(
        lambda lib, a, beta, threshold: functional(lib).softplus(a, beta, threshold),
        [
            *inputs(beta=1.0, threshold=20.0),
            *inputs(beta=3.0, threshold=40.0),
            ((FINITE,), {"beta": 1.0, "threshold": 20.0}),
        ],
    ),
    "logsigmoid": Samples(lambda lib, a: functional(lib).logsigmoid(a), [*inputs(), (FINITE,)]),
    "softsign": Samples(lambda lib, a: functional(lib).softsign(a), inputs()),
    "tanhshrink": Samples(lambda lib, a: functional(lib).tanhshrink(a), [*inputs(), (FINITE,)]),
    "hardtanh": Samples(
        lambda lib, a, min_val, max_val: functional(lib).hardtanh(a, min_val, max_val),
        [*inputs(min_val=-1.1, max_val=0.7), ((FINITE,), {"min_val": -1.0, "max_val": 6.0})],
        smooth=False,
    ),
    "hardsigmoid": Samples(
        lambda lib, a: (a + 3).clamp(0, 6) / 6,  # PyTorch's own has no second derivative
        [*inputs(), (np.array([-4.0, -2.9, 2.9, 4.0]),)],
        smooth=False,
    ),
    "hardswish": Samples(lambda lib, a: functional(lib).hardswish(a), [*inputs(), (FINITE,)], smooth=False),
    "threshold": Samples(
        lambda lib, a, threshold, value: functional(lib).threshold(a, threshold, value),
        [
            *inputs(threshold=0.1, value=20.0),
            ((FINITE,), {"threshold": 1.0, "value": 7}),
            ((np.array([-1, 5, 3]),), {"threshold": 3, "value": 7}),
        ],
        smooth=False,
    ),
    "hardshrink": Samples(
        lambda lib, a, lambd: functional(lib).hardshrink(a, lambd),
        [*inputs(lambd=0.7), ((FINITE,), {"lambd": 3.0}), ((FINITE,), {"lambd": -1.0})],
        smooth=False,
    ),
    "softshrink": Samples(
        lambda lib, a, lambd: functional(lib).softshrink(a, lambd),
        [*inputs(lambd=0.7), ((FINITE,), {"lambd": 3.0}), ((FINITE,), {"lambd": 0})],
        smooth=False,
    ),
    "masked_softmax": Samples(
        torch_masked_softmax,
        [
            (normal(3, 4), None),
            (normal(2, 3, 4), np.tri(3, 4, dtype=bool)),
            (normal(2, 3, 4), np.array([[True, False, True, True], [False] * 4, [False, False, True, False]])),
            (np.array([[-800.0, 800.0, 0.0], [0.0, 800.0, 800.0]]), None),
            (np.zeros((2, 0)), None),
            (np.zeros((0, 3)), np.ones(3, bool)),
            (np.asarray(normal(4, 6)[::2, ::-2]), None),
        ],
    ),
    "dropout": Samples(
        None,
        [
            (normal(3, 4), 2.0 * (normal(3, 4, seed=1) > 0)),
            (normal(), np.array(2.0)),
            (normal(0, 3), np.ones((0, 3))),
        ],
        why="PyTorch draws the mask itself",
    ),
}
