"""
Attention: looking things up
============================

Here is a list of telephone numbers: *k 4, c 7, x 0, a 7, m 1*. What is the number of *x*? To answer, one has to find
the x, wherever it stands, and read what is beside it. Linear layers find that hard, since they give every input a
fixed weight. *Attention* lets what is asked decide where to look (Bahdanau, Cho & Bengio, *Neural Machine Translation
by Jointly Learning to Align and Translate*, 2015; Vaswani et al., *Attention Is All You Need*, 2017). We build the
smallest network that has it, and watch how it learns where to look.
"""

# %%

import argparse
import string
import sys
from pathlib import Path

import matplotlib
from tqdm import tqdm

import microbp
from microbp import nn, optim
from microbp.nn import functional as F

matplotlib.use("Agg")
from matplotlib import pyplot as plt

parser = argparse.ArgumentParser(description="Attention: looking things up.")
parser.add_argument("--steps", type=int, default=300, help="how long to train (default: %(default)s)")
parser.add_argument("--seed", type=int, default=0, help="of first weights and lists (default: %(default)s)")
parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

# %%
# Attention, in three lines
# -------------------------
# Attention is a dictionary that is looked up softly. Who asks has a *query* q; what can be found has a *key* k and a
# *value* v; all are vectors. How well a key fits a query is their scalar product. The softmax turns that into weights,
# which are positive and add up to 1, and the answer is the mean of the values with these weights:
#
# .. math:: \mathrm{answer} = \mathrm{softmax}\left(\frac{q k^T}{\sqrt{d}}\right) v
#
# The products grow with d, the length of the vectors. Dividing by its root keeps them of one size; else the softmax
# would be saturated from the start, and have no gradient.


def attend(
    queries: microbp.Tensor, keys: microbp.Tensor, values: microbp.Tensor
) -> tuple[microbp.Tensor, microbp.Tensor]:
    """Answers (..., M, d) to M queries from N keys and values, and the weights (..., M, N)."""
    fit = queries @ keys.mT / keys.shape[-1] ** 0.5
    weights = fit.softmax(dim=-1)
    return weights @ values, weights


# %%
# That is all of it. The library has the same as one function:

microbp.manual_seed(options.seed)
queries, keys, values = microbp.randn(3, 4, 16).unbind()
answers, weights = attend(queries, keys, values)
difference = (answers - F.scaled_dot_product_attention(queries, keys, values)).abs().max().item()
print(f"largest difference from scaled_dot_product_attention: {difference:.0e}")

# %%
# The task
# --------
# A list has eight different letters in random order, each with a random digit. Then all eight are asked for, in an
# order of their own.


def lists(count: int, pairs: int = 8) -> tuple[microbp.Tensor, microbp.Tensor, microbp.Tensor, microbp.Tensor]:
    """Letters and their digits, letters that are asked for, and the digits that answer; each (count, pairs)."""
    letters = microbp.rand(count, 26).argsort(dim=1)[:, :pairs]
    digits = microbp.randint(0, 10, (count, pairs))
    order = microbp.rand(count, pairs).argsort(dim=1)
    return letters, digits, letters.gather(1, order), digits.gather(1, order)


# %%
# Two networks
# ------------
# In the first, letters and digits are vectors that are learned, and a pair is their sum. Linear maps make queries, keys
# and values of them. What the maps have to learn is to make the key of a pair's letter, the value of its digit, and to
# leave out the other. The second network has three linear layers, and sixteen times as many parameters.


class LookUp(nn.Module):
    """Letters, digits and letters asked for, (N, pairs) each, to scores (N, pairs, 10) for the answers."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.letters, self.digits = nn.Embedding(26, width), nn.Embedding(10, width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.scores = nn.Linear(width, 10)

    def forward(self, letters: microbp.Tensor, digits: microbp.Tensor, asked: microbp.Tensor) -> microbp.Tensor:
        pairs = self.letters(letters) + self.digits(digits)
        answers, weights = attend(self.query(self.letters(asked)), self.key(pairs), self.value(pairs))
        self.weights = weights.detach()  # to be looked at
        return self.scores(answers)


class Layers(nn.Module):
    """The same for linear layers, which see the whole list, and one letter that is asked for."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(8 * (26 + 10) + 26, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
        )

    def forward(self, letters: microbp.Tensor, digits: microbp.Tensor, asked: microbp.Tensor) -> microbp.Tensor:
        seen = microbp.cat([F.one_hot(letters, 26), F.one_hot(digits, 10)], dim=-1).flatten(1)
        seen = seen[:, None].expand(-1, asked.shape[1], -1)
        return self.layers(microbp.cat([seen, F.one_hot(asked, 26)], dim=-1).float())


# %%
# Training
# --------
# Every step has new lists. There are more of them than could ever be learned by heart.


@microbp.no_grad()
def accuracy(model: nn.Module, pairs: int = 8) -> float:
    """The share of right answers, from 500 new lists."""
    *question, wanted = lists(500, pairs)
    return (model(*question).argmax(dim=-1) == wanted).float().mean().item()


example = lists(1)
models, found, stills = {"linear layers": Layers(), "attention": LookUp()}, {}, {}
progress = tqdm(total=len(models) * options.steps, unit="step", disable=not sys.stderr.isatty())
for name, model in models.items():
    optimizer = optim.Adam(model.parameters(), lr=0.02 if name == "attention" else 0.005)
    for step in range(options.steps):
        *question, wanted = lists(64)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(*question).transpose(1, 2), wanted)
        loss.backward()
        optimizer.step()
        progress.update()
        if name == "attention" and step in (0, options.steps // 15, options.steps - 1):
            model(*example[:3])
            stills[step + 1] = model.weights[0]
    found[name] = accuracy(model)
    size = sum(parameter.numel() for parameter in model.parameters())
    print(f"{name:14s}{size:7,} parameters, {100 * found[name]:5.1f} % of the answers right")
progress.close()

# %%
# The linear layers do no better than someone who always says the most frequent digit of the list. They would have to
# learn "if x is asked for, and x stands in third place, say the third digit" for every letter and every place.
# Attention learned one rule, and that holds everywhere. It holds for lists of a length that it has never seen, too:

longer = {pairs: accuracy(models["attention"], pairs) for pairs in (2, 8, 20)}
for pairs, share in longer.items():
    print(f"lists of {pairs:2d} pairs: {100 * share:5.1f} % right")

# %%
# Where it looks
# --------------
# A row of the picture says where one letter looked, and how much. At first everyone looks everywhere, and gets the
# mean of all values. Step by step the weights gather on one pair for each: the one with the same letter.

letters, digits, asked, _ = (values[0].tolist() for values in example)
figure, panels = plt.subplots(1, len(stills), figsize=(4 * len(stills), 3.8), layout="constrained")
for axes, (step, weights) in zip(panels.flat, stills.items(), strict=True):
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1)
    axes.set(title=f"after step {step}", xlabel="pairs of the list", ylabel="asked for")
    axes.set_xticks(
        range(8), [f"{string.ascii_lowercase[k]} {digit}" for k, digit in zip(letters, digits, strict=True)]
    )
    axes.set_yticks(range(8), [string.ascii_lowercase[k] for k in asked])
figure.colorbar(image, ax=panels, label="weight")
figure.savefig(options.out / "attention.png", dpi=100)
plt.close(figure)
print(f"the picture: {options.out / 'attention.png'}")

# %%
# In the end, how much of its weight does a letter give to the right pair?

match = microbp.tensor(asked)[:, None] == microbp.tensor(letters)
focus = stills[options.steps][match].mean().item()
print(f"on average {100 * focus:.1f} %")

# %%
# To try
# ------
# - Leave out the division by the root of d, and make the vectors wider: ``LookUp(256)``. What becomes of the loss in
#   the first steps?
# - Ask for letters that are not in the list. Where does the network look, and how sure is it of its answer?
# - Make the rule harder: what is wanted is the digit *after* that of the letter asked for. What does the network lack?
#   (Add to each pair a vector for its position.)
