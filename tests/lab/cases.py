"""Networks, losses and the way to ask the doctor, which the tests of its findings share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import microbp
from microbp import Tensor, lab, nn
from microbp.nn import functional as F


def layered(depth: int, activation: Callable[[], nn.Module], gain: float | None = None, width: int = 16) -> Any:
    """Linear layers with an activation after each but the last; normal weights of deviation gain / sqrt(width)."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), activation()]
    model = nn.Sequential(*layers[:-1])
    if gain is not None:
        for p in model.parameters():
            nn.init.normal_(p, std=gain / width**0.5) if p.ndim == 2 else nn.init.zeros_(p)
    return model


def regression(model: Any, samples: int = 64, width: int = 16) -> Tensor:
    """The squared error on standard normal inputs and targets."""
    loss: Tensor = F.mse_loss(model(microbp.randn(samples, width)), microbp.randn(samples, width))
    return loss


def report(model: Any, loss: Tensor, optimizer: Any = None, **more: Any) -> list[str]:
    """The kinds that are found after a backward pass; every finding can be read."""
    loss.backward(retain_graph=True)
    findings = lab.doctor(model, loss, optimizer, **more)
    for finding in findings:
        assert finding.where
        assert finding.text.endswith(".")
        assert finding.remedy.endswith(".")
        assert finding.text in " ".join(str(findings).split())
    return findings.kinds


def classification(*after: nn.Module, classes: int = 5, samples: int = 64) -> tuple[Any, Tensor, Tensor]:
    """A classifier, its outputs and labels."""
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, classes), *after)
    return model, model(microbp.randn(samples, 8)), microbp.arange(samples) % classes


def one_output(samples: int = 16) -> tuple[Any, Tensor]:
    """A model with one output, and its predictions (N, 1)."""
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    return model, model(microbp.randn(samples, 3))
