"""Small networks and expressions that the tests of the drawing share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import microbp
from microbp import Tensor, nn


class Perceptron(nn.Module):
    """Two layers with names of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(3, 4)
        self.act = nn.Tanh()
        self.fc2 = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Any:
        return self.fc2(self.act(self.fc1(x)))


class Residual(nn.Module):
    """A skip connection."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.inner = nn.Linear(features, features)

    def forward(self, x: Tensor) -> Any:
        return x + self.inner(x).relu()


class Recurrent(nn.Module):
    """One layer, called several times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.shared = nn.Linear(2, 2)
        self.times = times

    def forward(self, x: Tensor) -> Any:
        for _ in range(self.times):
            x = self.shared(x).tanh()
        return x


KEPT: list[Any] = []
"""What a user would hold in variables while drawing: a graph keeps neither its modules nor its constants alive."""


def alive(thing: Any) -> Any:
    """Keep a module or tensor alive."""
    KEPT.append(thing)
    return thing


def counting(*shape: int) -> Any:
    """A tensor of small numbers that differ."""
    size = 1
    for length in shape:
        size *= length
    return alive(((microbp.arange(size, dtype=microbp.float32) - size / 3) / size).reshape(*shape))


def settle(model: nn.Module) -> nn.Module:
    """Give parameters values that depend on no random generator, and keep the model alive."""
    for parameter in model.parameters():
        parameter.data = counting(*parameter.shape)
    return alive(model)


def expression() -> Tensor:
    """A scalar expression in which one leaf is used twice."""
    a, b, c = (microbp.tensor(value, requires_grad=True) for value in (2.0, -3.0, 10.0))
    a.name, b.name, c.name = "a", "b", "c"
    return (a * b + c) * a**2


def perceptron() -> Tensor:
    """A classifier and its loss."""
    x = counting(4, 3)
    x.name = "x"
    return alive(nn.CrossEntropyLoss())(settle(Perceptron())(x), alive(microbp.tensor([0, 1, 1, 0])))


def trained_perceptron() -> Tensor:
    """The same, after ``backward()``."""
    loss = perceptron()
    loss.backward()
    return loss


def temporary_criterion() -> Tensor:
    """The same with a criterion that nothing keeps alive."""
    loss = nn.CrossEntropyLoss()(settle(Perceptron())(counting(4, 3)), alive(microbp.tensor([0, 1, 1, 0])))
    loss.backward(retain_graph=True)
    return loss


def residual() -> Tensor:
    """Two residual blocks, after ``backward()``."""
    y = settle(nn.Sequential(Residual(2), Residual(2)))(counting(3, 2)).sum()
    y.backward()
    return y


def recurrent() -> Tensor:
    """One layer called three times."""
    return settle(Recurrent(3))(counting(1, 2)).sum()


def broadcast() -> Tensor:
    """A bias that is added to every row, and one that is stretched along the columns."""
    b = microbp.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    s = microbp.ones(5, 1, requires_grad=True)
    y = ((counting(5, 4) + b) * s).sum()
    y.backward()
    return y


def leaf() -> Tensor:
    """A leaf alone."""
    return microbp.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


examples: dict[str, Callable[[], Tensor]] = {
    "broadcast": broadcast,
    "expression": expression,
    "leaf": leaf,
    "perceptron": perceptron,
    "recurrent": recurrent,
    "residual": residual,
    "temporary_criterion": temporary_criterion,
    "trained_perceptron": trained_perceptron,
}
