"""A learning-rate finder, then transfer: frozen features, a new head, hooks that look inside, phases, a plateau."""

import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim import lr_scheduler


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, kernel_size=3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d((2, 2)),
        )
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = self.features(x)
        x = torch.flatten(x, 1)
        return self.fc(x)


def build():
    return Net().double()


def train(model):
    rng = np.random.default_rng(8)
    inputs = torch.from_numpy(rng.standard_normal((10, 3, 6, 6)))
    labels = torch.from_numpy(rng.integers(0, 5, 10))

    start = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=2)
    for _ in range(8):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
        yield loss.item()
        yield optimizer.param_groups[0]["lr"]
    model.load_state_dict(start)

    for param in model.parameters():
        param.requires_grad = False
    trained = model.fc
    model.fc = nn.Linear(trained.in_features, 5).double()
    result = model.fc.load_state_dict({"weight": trained.weight, "scale": trained.bias}, strict=False)
    yield from (len(result.missing_keys), len(result.unexpected_keys))
    nn.init.zeros_(model.fc.bias)
    yield sum(p.numel() for p in model.parameters() if p.requires_grad)

    activation = {}

    def get_activation(name):
        def hook(module, input, output):
            activation[name] = output.detach()

        return hook

    handle = model.features[2].register_forward_hook(get_activation("relu"))
    optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1, momentum=0.9)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, "min", patience=0, factor=0.5)
    best_acc = 0.0
    for _ in range(5):
        for phase in ["train", "val"]:
            if phase == "train":
                model.train()
            else:
                model.eval()
            with torch.set_grad_enabled(phase == "train"):
                outputs = model(inputs)
                _, preds = torch.max(outputs, 1)
                loss = nn.CrossEntropyLoss(label_smoothing=0.1)(outputs, labels)
                if phase == "train":
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
            epoch_acc = torch.sum(preds == labels.data).double() / len(labels)
            yield loss.item()
            yield epoch_acc.item()
            if phase == "val" and epoch_acc > best_acc:
                best_acc = epoch_acc
        scheduler.step(loss)
        yield activation["relu"].mean().item()
        yield optimizer.param_groups[0]["lr"]
    handle.remove()
    yield model.features[1].running_var.sum().item()
    yield model.features[1].num_batches_tracked.item()
