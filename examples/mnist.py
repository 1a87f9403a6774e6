"""
MNIST: real data, fetched
=========================

70,000 digits of 28 x 28 pixels, written by census workers and by pupils (LeCun, Cortes & Burges, *The MNIST Database of
Handwritten Digits*, 1998): for twenty years, every new idea had to read these first. scikit-learn fetches them from
OpenML, some 15 MB, once, and keeps them on disk. The network is nothing new. This page is about what surrounds
one: data that have to come from somewhere, and may not come; batches; and a look at the mistakes that are left.
"""

# %%
# Run it with ``python examples/mnist.py``. By default it learns from a sixth of the images, which takes seconds;
# ``--images 60000 --epochs 3`` takes all of them, and minutes.

import argparse
import sys
from pathlib import Path

import matplotlib
import numpy as np
from sklearn.datasets import fetch_openml
from tqdm import tqdm

import microbp
from microbp import nn, optim
from microbp.nn import functional as F
from microbp.utils.data import DataLoader, TensorDataset

matplotlib.use("Agg")
from matplotlib import pyplot as plt

parser = argparse.ArgumentParser(description="MNIST: real data, fetched.")
for name, kind, default, meaning in (
    ("--images", int, 10_000, "how many of the 60,000 images to learn from"),
    ("--epochs", int, 1, "how often each is shown"),
    ("--seed", int, 0, "of the first weights and the order"),
    ("--data", Path, None, "where scikit-learn keeps data sets"),
    ("--out", Path, Path("runs"), "where pictures go"),
):
    parser.add_argument(name, type=kind, default=default, help=f"{meaning} (default: %(default)s)")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

# %%
# Fetching
# --------
# What comes over a network may not come. A program that needs it should say what it tried, why that failed, and what
# can be done instead, and end with an exit code that scripts understand. (``sys.exit`` with a text prints that, and
# ends with code 1.) What did come is looked at before it is trusted.


def fetch() -> tuple[np.ndarray, np.ndarray]:
    """All images (N, 784), with values 0 to 255, and their labels (N,), which OpenML gives as text."""
    try:
        found = fetch_openml("mnist_784", version=1, as_frame=False, parser="liac-arff", data_home=options.data)
    except OSError as error:  # no connection, no answer, no room on the disk
        sys.exit(
            f"MNIST could not be fetched from OpenML: {error}\n"
            "It needs a connection the first time, and is kept on disk then (see --data). "
            "Without one, examples/digits.py and examples/cnn_digits.py read digits that come with scikit-learn."
        )
    if found.data.shape[1:] != (784,) or len(found.data) != len(found.target):
        sys.exit(f"OpenML sent something else than MNIST: data {found.data.shape}, labels {found.target.shape}")
    return found.data, found.target.astype(int)


data, target = fetch()

# %%
# The images come as rows of numbers from 0 to 255. A network likes numbers around 0 of size about 1, and
# convolutions want (N, channels, height, width). The last seventh has been the test set since 1998: the writers of
# these are not among those before.

images = microbp.tensor(data.reshape(-1, 1, 28, 28) / 255 * 2 - 1, dtype=microbp.float32)
labels = microbp.tensor(target, dtype=microbp.int64)
border = len(images) * 6 // 7
count = min(options.images, border)
training = TensorDataset(images[:count], labels[:count])
testing = TensorDataset(images[border:], labels[border:])
print(f"{len(images):,} images, {count:,} to learn from, {len(testing):,} to be tested on")

# %%
# Learning
# --------
# Two convolutions with pooling, and two linear layers: a smaller LeNet.

microbp.manual_seed(options.seed)
model = nn.Sequential(
    nn.Conv2d(1, 8, 5, stride=2, padding=2),
    nn.ReLU(),
    nn.Conv2d(8, 16, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(16 * 7 * 7, 64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
optimizer = optim.Adam(model.parameters(), lr=0.003)
loader = DataLoader(training, batch_size=32, shuffle=True)
losses = []
for epoch in range(options.epochs):
    model.train()
    for batch, wanted in tqdm(loader, desc=f"epoch {epoch + 1}", unit="batch", disable=not sys.stderr.isatty()):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(batch), wanted)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch + 1}: mean loss of the last 50 batches {np.mean(losses[-50:]):.3f}")

# %%
# Reading
# -------
# The test images go through in large batches, without a graph.

model.eval()
with microbp.no_grad():
    scores = microbp.cat([model(batch) for batch, _ in DataLoader(testing, batch_size=500)])
read, truth = scores.argmax(dim=1), labels[border:]
accuracy = (read == truth).float().mean().item()
print(f"{100 * accuracy:.2f} % of {len(testing):,} test images read correctly")

# %%
# The mistakes
# ------------
# One number says how many are wrong. It does not say what they look like. These are the ones of which the network was
# most sure. Of some you may think that the network is right; of others, that it has not understood what a digit is.

sure = microbp.where(read == truth, 0.0, scores.softmax(dim=1).amax(dim=1))
worst = sure.argsort(descending=True)[:16].tolist()
figure, panels = plt.subplots(2, 8, figsize=(12, 3.6), layout="constrained")
for axes, k in zip(panels.flat, worst, strict=False):
    axes.imshow(images[border + k, 0], cmap="gray_r")
    axes.set_title(f"a {truth[k].item()}, read as {read[k].item()}" if sure[k] > 0 else "right", fontsize="small")
    axes.axis("off")
figure.savefig(options.out / "mnist.png", dpi=100)
plt.close(figure)
print(f"the picture: {options.out / 'mnist.png'}")

# %%
# To try
# ------
# - ``--images 1000``, ``10000``, ``60000``: how does the share of mistakes fall with the number of images?
# - Add ``nn.Dropout(0.3)`` before the last layer, and train for three epochs. Does it help?
# - ``microbp.save({"model": model.state_dict()}, "mnist.safetensors")`` keeps what was learned.
