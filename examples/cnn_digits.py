"""
A convolutional network reads digits
====================================

An image is more than a list of numbers: pixels beside each other belong together, and a stroke is the same stroke
wherever it is. A linear layer knows neither. It has a weight for every pixel and every unit, and has to learn each
stroke anew at each place. A *convolution* has one small window of weights, 3 x 3 here, and lays it on every place
of the image (LeCun et al., *Backpropagation Applied to Handwritten Zip Code Recognition*, 1989).

What is that knowledge worth? We train a network of either kind, then move the images by a pixel or two, and see which
can still read them.
"""

# %%

import argparse
import sys
from pathlib import Path

import matplotlib
import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import microbp
from microbp import nn, optim
from microbp.nn import functional as F
from microbp.utils.data import DataLoader, TensorDataset

matplotlib.use("Agg")
from matplotlib import pyplot as plt

parser = argparse.ArgumentParser(description="A convolutional network reads digits.")
parser.add_argument("--epochs", type=int, default=12, help="how often every image is shown (default: %(default)s)")
parser.add_argument("--seed", type=int, default=0, help="of first weights, split and order (default: %(default)s)")
parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

# %%
# The images
# ----------
# 1,797 digits of 8 x 8 pixels, which come with scikit-learn (Alpaydin & Kaynak, *Optical Recognition of Handwritten
# Digits*, UCI 1998). A convolution takes images with *channels*, (N, C, height, width); a grey image has one. We lay
# each in the middle of an empty field of 16 x 16, so that there is room to move it.

microbp.manual_seed(options.seed)
digits = load_digits()
images = F.pad(microbp.tensor(digits.images[:, None] / 16, dtype=microbp.float32), (4, 4, 4, 4))
labels = microbp.tensor(digits.target, dtype=microbp.int64)
order = microbp.randperm(len(images))
training, testing = order[:1400], order[1400:]
print(f"images {tuple(images.shape)}: {len(training)} to learn from, {len(testing)} to be tested on")

# %%
# Two networks of one size
# ------------------------
# The first has linear layers. The second has three convolutions, each looking for patterns among the patterns that
# the one before has found. *Pooling* keeps the largest of every 2 x 2 values: what matters is that a stroke is
# there, not on which pixel. The last pooling keeps, of each pattern, only how clearly it is seen anywhere. Both have
# about 11,000 parameters: what differs is not how much they can learn, but what they take for granted.

models = {
    "linear layers": nn.Sequential(nn.Flatten(), nn.Linear(256, 40), nn.ReLU(), nn.Linear(40, 10)),
    "convolutions": nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 24, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(24, 32, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ),
}
for name, model in models.items():
    print(f"{name}: {sum(parameter.numel() for parameter in model.parameters()):,} parameters")

# %%
# What becomes of one image, layer by layer: ever more channels, ever fewer places.

statistics = microbp.utils.summary(models["convolutions"], images[:1])

# %%
# Training
# --------
# Both learn from the images as they are, in the middle.


@microbp.no_grad()
def accuracy(model: nn.Module, moved: tuple[int, int] = (0, 0)) -> float:
    """The share of the test images read correctly, after they were moved by so many pixels (down, right)."""
    read = model(images[testing].roll(moved, dims=(2, 3))).argmax(dim=1)
    return (read == labels[testing]).float().mean().item()


loader = DataLoader(TensorDataset(images[training], labels[training]), batch_size=32, shuffle=True)
progress = tqdm(total=len(models) * options.epochs, unit="epoch", disable=not sys.stderr.isatty())
for name, model in models.items():
    optimizer = optim.Adam(model.parameters(), lr=0.004)
    for _ in range(options.epochs):
        for batch, wanted in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(batch), wanted)
            loss.backward()
            optimizer.step()
        progress.update()
    print(f"{name}: {100 * accuracy(model):.1f} % of the test images read correctly")
progress.close()

# %%
# Moved images
# ------------
# Now the test images are moved: up, down, left and right, by one pixel or two. No network has ever seen an image off
# the middle.

found: dict[str, list[float]] = {name: [] for name in models}
for name, model in models.items():
    for distance in (0, 1, 2):
        moves = [(distance, 0), (-distance, 0), (0, distance), (0, -distance)]
        found[name].append(float(np.mean([accuracy(model, move) for move in moves])))

print(f"{'moved by':16s}" + "".join(f"{distance:6d} px" for distance in (0, 1, 2)))
for name, shares in found.items():
    print(f"{name:16s}" + "".join(f"{100 * share:7.1f} %" for share in shares))

# %%
# The linear layers are lost: to them, an image that moved by two pixels has nothing to do with what it was. To the
# convolutions it is almost the same. Why, then, does a move by *one* cost more than a move by two? The pooling takes
# pixels in fixed pairs: two steps keep the pairs together, one tears them apart (Zhang, *Making Convolutional
# Networks Shift-Invariant Again*, 2019).
#
# What it looks for
# -----------------
# On the left the shares from above. On the right eight of the first layer's windows (blue is negative, red
# positive), and below each what it makes of one image, before and after that was moved down: the answers move along.
# Some windows answer to edges of one direction, others to ink.

first, image = models["convolutions"][0], images[testing[:1]]
moved = image.roll((2, 0), dims=(2, 3))
with microbp.no_grad():
    answers = [F.relu(first(picture))[0] for picture in (image, moved)]
busiest = answers[0].amax(dim=(1, 2)).argsort(descending=True)[:8].tolist()

figure = plt.figure(figsize=(12, 4), layout="constrained")
chart, gallery = figure.subfigures(1, 2, width_ratios=(1, 2))
axes = chart.subplots()
for (name, shares), colour in zip(found.items(), ("#D55E00", "#0072B2"), strict=True):
    axes.plot((0, 1, 2), [100 * share for share in shares], "o-", color=colour, label=name)
axes.set(xlabel="moved by (pixels)", ylabel="% read correctly", ylim=(0, 102), xticks=(0, 1, 2))
axes.legend(frameon=False)
axes.grid(alpha=0.3)
panels = gallery.subplots(3, 9)
for panel, picture in zip(panels[:, 0], (None, image, moved), strict=True):
    if picture is not None:
        panel.imshow(picture[0, 0], cmap="gray_r")
for column, channel in enumerate(busiest, start=1):
    window = first.weight.detach()[channel, 0]
    limit = window.abs().max().item()
    panels[0, column].imshow(window, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for row in (1, 2):
        panels[row, column].imshow(answers[row - 1][channel], cmap="gray_r", vmin=0)
panels[0, 0].axis("off")
for panel in panels.flat:
    panel.set(xticks=(), yticks=())
for panel, name in zip(panels[:, 1], ("windows", "answers", "when moved"), strict=True):
    panel.set_title(name, loc="left", fontsize="medium")
figure.savefig(options.out / "cnn_digits.png", dpi=100)
plt.close(figure)
print(f"the picture: {options.out / 'cnn_digits.png'}")

# %%
# To try
# ------
# - Train on images that were moved by chance. Do the linear layers catch up? With how many more images?
# - Replace ``nn.MaxPool2d(2)`` by ``nn.AvgPool2d(2)``: what becomes of the drop at one pixel?
# - Leave the last pooling out (the linear layer then sees 32 channels at 16 places). What is lost?
