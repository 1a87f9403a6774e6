"""A training script as a user who types everything writes it; `test_typing` has mypy --strict read it."""

from __future__ import annotations

import numpy as np

import microbp
from microbp import Tensor, nn
from microbp.nn import functional as F
from microbp.optim import SGD, layer_groups
from microbp.utils.data import DataLoader, Dataset, TensorDataset, random_split
from microbp.viz import make_dot


class Squares(Dataset[tuple[Tensor, Tensor]]):
    """A dataset of one's own."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x = microbp.tensor([float(index)])
        return x, x * x


class Classifier(nn.Module):
    """A network of one's own, with a layer, a parameter and a buffer."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, 8), nn.ReLU())
        self.head = nn.Linear(8, classes)
        self.scale = nn.Parameter(microbp.ones(1))
        self.register_buffer("seen", microbp.zeros(1))
        self.head.bias.data.zero_()
        nn.init.xavier_uniform_(self.head.weight)

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.body(x)
        logits: Tensor = self.head(hidden) * self.scale
        return logits


@microbp.no_grad()
def accuracy(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> float:
    """The share of right answers."""
    model.eval()
    right, total = 0, 0
    for x, labels in loader:
        right += int((model(x).argmax(dim=1) == labels).sum().item())
        total += len(labels)
    return right / total


@microbp.inference_mode()
def mean_of(x: Tensor) -> Tensor:
    """A function that keeps its type under a decorator."""
    return x.mean()


def softplus(x: Tensor) -> Tensor:
    """An activation of one's own."""
    return microbp.log1p(microbp.exp(-microbp.abs(x))) + microbp.maximum(x, 0)


def by_hand() -> Tensor:
    """Gradient descent without an optimizer."""
    w = microbp.zeros(2, requires_grad=True)
    x, y = microbp.tensor([[1.0, 2.0], [3.0, 4.0]]), microbp.tensor([1.0, 2.0])
    lr = 0.01
    for _ in range(3):
        loss = ((x @ w - y) ** 2).mean()
        (g,) = microbp.autograd.grad(loss, [w])
        assert g is not None
        with microbp.no_grad():
            w -= lr * g
            w[0] += 0.0
    return w


def train() -> float:
    """A training loop."""
    microbp.manual_seed(0)
    x = microbp.randn(32, 4)
    labels = (x.sum(dim=1) > 0).long()
    train_part, test_part = random_split(TensorDataset(x, labels), [24, 8])
    loader = DataLoader(train_part, batch_size=8, shuffle=True)
    model = Classifier(4, 2)
    optimizer = SGD(layer_groups(model, {"head": {"lr": 0.05, "momentum": 0.9}}), lr=0.1)
    other = SGD([{"params": model.body.parameters(), "lr": 0.01}, {"params": [model.scale]}], lr=0.1, momentum=0.5)
    for _ in range(2):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            other.zero_grad()
    for group in optimizer.param_groups:
        group["lr"] *= 0.5
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            print(name, parameter.shape, float(parameter.grad.norm()))
    picture = make_dot(F.cross_entropy(model(x), labels), params=dict(model.named_parameters()))
    print(picture.source[:10])
    return accuracy(model, DataLoader(test_part))


def main() -> None:
    """Everything once."""
    for inputs, targets in DataLoader(Squares(), batch_size=4):
        print(softplus(inputs).shape, targets.dtype)
    array: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.zeros(2)
    half: float = microbp.from_numpy(array).add_(0.5).mean().item()
    values, indices = microbp.eye(2).max(dim=1)
    print(by_hand(), mean_of(values), indices, half, train(), microbp.inf, microbp.is_grad_enabled())


if __name__ == "__main__":
    main()
