"""Activations."""

from __future__ import annotations

from tests.modules import Case
from tests.samples import away_from_zero, normal

x, kinked = normal(5, 4), away_from_zero(5, 4)

cases = [
    Case("ReLU").on(kinked),
    Case("ReLU6").on(5 * kinked),
    Case("LeakyReLU").on(kinked),
    Case("LeakyReLU", 0.2).on(kinked),
    Case("ELU").on(kinked),
    Case("ELU", 0.5).on(kinked),
    Case("CELU").on(kinked),
    Case("CELU", 0.5).on(kinked),
    Case("SELU").on(kinked),
    Case("GELU").on(x),
    Case("GELU", "tanh").on(x),
    Case("SiLU").on(x),
    Case("Mish").on(x),
    Case("Sigmoid").on(x),
    Case("Tanh").on(x),
    Case("Softplus").on(x),
    Case("Softplus", 2, 1.0).on(x),
    Case("Softsign").on(x),
    Case("Hardtanh").on(x),
    Case("Hardtanh", -0.5, 0.8).on(x),
    Case("Hardsigmoid").on(3 * x).rough(1e-7),  # PyTorch computes with a float32 constant
    Case("Hardswish").on(3 * x),
    Case("LogSigmoid").on(x),
    Case("Tanhshrink").on(x),
    Case("Hardshrink").on(x),
    Case("Hardshrink", 0.2).on(x),
    Case("Softshrink").on(x),
    Case("Softshrink", 0.2).on(x),
    Case("Threshold", 0.1, 20).on(x),
    Case("RReLU").on(kinked).random(),
    Case("RReLU", 0.2, 0.8).on(kinked).random(),
    Case("RReLU", 0.25, 0.25).on(kinked),
    Case("PReLU").on(kinked),
    Case("PReLU", 4, init=0.1).on(away_from_zero(5, 4, 2)),
    Case("Softmax", 1).on(x),
    Case("LogSoftmax", dim=0).on(x),
    Case("Softmin", dim=-1).on(x),
    Case("Softmax2d").on(normal(2, 3, 2, 2)),
    Case("Softmax2d").on(normal(3, 2, 2)),
    Case("GLU").on(x),
    Case("GLU", 0).on(normal(4, 3)),
]
# in place, they write into what was computed before
cases += [Case(kind, inplace=True).on(kinked) for kind in ("ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU")]
cases += [Case(kind, inplace=True).on(x) for kind in ("SiLU", "Mish", "Hardtanh", "Hardswish")]
cases += [
    Case("Hardsigmoid", inplace=True).on(3 * x).rough(1e-7),
    Case("Threshold", 0.1, 20, True).on(x),
    Case("RReLU", 0.2, 0.8, True).on(kinked).random(),
]
