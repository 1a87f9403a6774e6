"""A small convolutional network reads handwritten digits."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

digits = load_digits()
images = torch.tensor(digits.images[:300] / 16).unsqueeze(1)
labels = torch.tensor(digits.target[:300])


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 8, 3, stride=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.avg_pool2d(F.relu(self.norm(self.conv2(x))), 2)
        return self.fc(torch.flatten(x, 1))


def build():
    return LeNet().double()


def train(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.2, total_steps=12)
    for k in range(12):
        batch = slice(25 * k, 25 * (k + 1))
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        scheduler.step() if k < 11 else None
        yield loss.item()
    model.eval()
    with torch.no_grad():
        yield (model(images).argmax(1) == labels).double().mean().item()
