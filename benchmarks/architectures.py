"""Training steps of a small convolutional network, an LSTM and an attention block, against PyTorch eager.

The networks are written once, in the names that microbp and PyTorch share, start from the same weights and must
compute the same losses. The optimizer is SGD.

    python -m benchmarks.architectures [--rounds N] [network ...]
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

import microbp
from benchmarks.harness import check_losses, take_turns
from benchmarks.peers import left_out, peer
from benchmarks.report import Goal, Report, Table, alone

TITLES = {
    "CNN": "CNN (LeNet on 28x28, batch 64)",
    "LSTM": "LSTM (32 steps, batch 32, width and hidden 64)",
    "attention": "attention block (batch 16, 64 tokens, width 64, 4 heads)",
}
INPUT_SHAPES = {"CNN": (64, 1, 28, 28), "LSTM": (32, 32, 64), "attention": (16, 64, 64)}
LEARNING_RATE = 0.05


def lenet(lib: Any) -> Any:
    """LeNet-5 with rectifiers (LeCun et al. 1998, with max pooling)."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def lstm(lib: Any) -> Any:
    """An LSTM that classifies a sequence by its last state."""
    nn = lib.nn

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(64, 64, batch_first=True)
            self.head = nn.Linear(64, 10)

        def forward(self, x: Any) -> Any:
            outputs, _ = self.lstm(x)
            return self.head(outputs[:, -1])

    return Classifier()


def attention(lib: Any) -> Any:
    """A block of a transformer (normalisation first), whose tokens are averaged."""
    nn = lib.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(64), nn.LayerNorm(64)
            self.attention = nn.MultiheadAttention(64, 4, batch_first=True)
            self.mlp = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64))
            self.head = nn.Linear(64, 10)

        def forward(self, x: Any) -> Any:
            h = self.norm1(x)
            x = x + self.attention(h, h, h, need_weights=False)[0]
            x = x + self.mlp(self.norm2(x))
            return self.head(x.mean(dim=1))

    return Block()


NETWORKS: dict[str, Callable[[Any], Any]] = {"CNN": lenet, "LSTM": lstm, "attention": attention}


def step_of(lib: Any, name: str) -> Callable[[], float]:
    """The training step of a network, in microbp or PyTorch."""
    rng = np.random.default_rng(0)
    model = NETWORKS[name](lib)
    with lib.no_grad():
        for p in model.parameters():
            fan_in = int(np.prod(p.shape[1:]))
            values = rng.normal(size=tuple(p.shape)) / np.sqrt(fan_in) if p.ndim > 1 else np.full(tuple(p.shape), 0.5)
            p.copy_(lib.tensor(values.astype(np.float32)))
    shape = INPUT_SHAPES[name]
    inputs = lib.tensor(rng.normal(size=shape).astype(np.float32))
    targets = lib.tensor(rng.integers(0, 10, size=shape[0]))
    criterion = lib.nn.CrossEntropyLoss()
    optimizer = lib.optim.SGD(model.parameters(), lr=LEARNING_RATE)

    def step() -> float:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(rounds: int, only: Collection[str]) -> Report:
    """The table."""
    torch = peer("torch")
    table = Table(
        "Whole training steps of other networks, with all cores, and the time as a multiple of PyTorch's:",
        ("network", "microbp, ms", "PyTorch, ms", "microbp / PyTorch"),
        note=left_out("PyTorch"),
    )
    report = Report([table])
    faster = 0
    for name in only:
        steps = {"microbp": step_of(microbp, name)}
        if torch is not None:
            steps["PyTorch"] = step_of(torch, name)
        check_losses(steps)
        times = take_turns(steps, rounds, least=0.05)
        milliseconds = [
            times.figure(lambda mine: mine * 1e3, who) if who in times else None for who in ("microbp", "PyTorch")
        ]
        if torch is None:
            table.rows.append((TITLES[name], *milliseconds, None))
            continue
        ratio = times.ratio("microbp", "PyTorch")
        faster += ratio.median < 1
        table.rows.append((TITLES[name], *milliseconds, ratio))
        report.goals.append(Goal(f"step of the {name} network, as a multiple of PyTorch's", ratio, 1.5))
    if len(report.goals) == len(NETWORKS):
        report.goals.append(Goal("of these networks, faster than PyTorch", faster, 2, from_above=False))
    return report


if __name__ == "__main__":
    alone(measure, __doc__, NETWORKS)
