"""
Sonnets, letter by letter
=========================

What comes after "Shall I compare thee to a summer's da"? Whoever wants to guess the next letter of a text has to know
letters, words, and where in the line we are. A recurrent network reads one letter after the other, and keeps what it
wants to remember in a vector, its *state*. Nobody tells it what a word is, or a line. It learns by guessing, and from
nothing else (Elman, *Finding Structure in Time*, 1990; Karpathy, *The Unreasonable Effectiveness of Recurrent Neural
Networks*, 2015).
"""

# %%

import argparse
import sys
from pathlib import Path

import matplotlib
import numpy as np
from tqdm import tqdm

import microbp
from microbp import nn, optim
from microbp.nn import functional as F

matplotlib.use("Agg")
from matplotlib import pyplot as plt

SONNETS = Path(sys.argv[0]).parent / "data" / "sonnets.txt"  # beside this program
parser = argparse.ArgumentParser(description="Sonnets, letter by letter.")
parser.add_argument("--epochs", type=int, default=8, help="how often the text is read (default: %(default)s)")
parser.add_argument("--text", type=Path, default=SONNETS, help="a text to learn (default: Shakespeare's sonnets)")
parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

# %%
# The text
# --------
# The first sixty of Shakespeare's sonnets, from Project Gutenberg. Letters become numbers: their places in the
# alphabet of this text. The last tenth is kept apart, to see how well the network guesses what it has never read.

microbp.manual_seed(0)
text = options.text.read_text(encoding="utf-8")
alphabet = sorted(set(text))
number = {letter: k for k, letter in enumerate(alphabet)}
codes = microbp.tensor([number[letter] for letter in text])
reading, unread = codes[: len(codes) * 9 // 10], codes[len(codes) * 9 // 10 :]
print(f"{len(text):,} letters, {len(alphabet)} different ones; the first of them:\n")
print(text[:180])

# %%
# Guessing without a memory
# -------------------------
# How good is a guess? We measure it in *bits*: who gives the right letter a probability of 1/2 pays one bit, of 1/4
# two, and of p in general -log2 p. Counting gives us two guesses to beat: one knows how frequent each letter is, the
# other also which letter came just before.


def bits(probability: np.ndarray) -> float:
    """The mean price of letters that were given these probabilities."""
    return float(-np.log2(probability).mean())


pairs = np.ones((len(alphabet), len(alphabet)))  # nothing is impossible: every pair counts once to begin with
np.add.at(pairs, (reading[:-1].numpy(), reading[1:].numpy()), 1)
frequency = pairs.sum(axis=0) / pairs.sum()
following = pairs / pairs.sum(axis=1, keepdims=True)
baselines = {
    "any letter": float(np.log2(len(alphabet))),
    "its frequency": bits(frequency[unread[1:].numpy()]),
    "the letter before": bits(following[unread[:-1].numpy(), unread[1:].numpy()]),
}
for name, price in baselines.items():
    print(f"{name:18s} {price:.2f} bits a letter")

# %%
# The network
# -----------
# Each letter gets a vector of its own (an *embedding*), a gated recurrent unit (Cho et al., *Learning Phrase
# Representations using RNN Encoder-Decoder*, 2014) mixes it into the state, and a linear layer turns the state into a
# score for every letter that might follow. What makes the network *recurrent* is the loop in ``forward``: the same
# unit, with the same weights, for every letter. (``nn.GRU`` has this loop inside.)
#
# The unit's gates decide, number by number, what is kept and what is overwritten. Where a gate keeps a number, its
# gradient passes unchanged, as over a skip connection: that is what lets it learn from letters long past.


class Reader(nn.Module):
    """Letters (N, T) and a state (N, width) to scores (N, T, letters) for the letter after each, and the last state."""

    def __init__(self, letters: int, width: int = 128) -> None:
        super().__init__()
        self.embedding = nn.Embedding(letters, 32)
        self.unit = nn.GRUCell(32, width)
        self.scores = nn.Linear(width, letters)

    def forward(
        self, letters: microbp.Tensor, state: microbp.Tensor | None = None
    ) -> tuple[microbp.Tensor, microbp.Tensor]:
        states = []
        for letter in letters.unbind(dim=1):
            state = self.unit(self.embedding(letter), state)
            states.append(state)
        return self.scores(microbp.stack(states, dim=1)), state


model = Reader(len(alphabet))
print(model)

# %%
# Reading
# -------
# The text is cut into 32 long strips, which are read side by side, 32 letters at a time. The gradient goes back through
# these 32 letters and no further; the *state* is handed on, so that the network can remember more than one gradient
# has seen (*truncated* backpropagation through time, Williams & Peng, 1990). ``detach()`` is where it is cut.


def strips(codes: microbp.Tensor, count: int) -> tuple[microbp.Tensor, microbp.Tensor]:
    """A text as so many strips side by side, (count, length), and for each letter the one that comes after it."""
    length = (len(codes) - 1) // count
    here, after = (codes[start : start + count * length].reshape(count, length) for start in (0, 1))
    return here, after


@microbp.no_grad()
def price(model: Reader, codes: microbp.Tensor) -> float:
    """What a text costs the network, in bits a letter."""
    here, after = strips(codes, 16)
    scores, _ = model(here)
    return F.cross_entropy(scores.transpose(1, 2), after).item() / np.log(2)


SPAN = 32
here, after = strips(reading, 32)
optimizer = optim.Adam(model.parameters(), lr=0.01)
schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=options.epochs)
curve = []
for _ in tqdm(range(options.epochs), unit="epoch", disable=not sys.stderr.isatty()):
    state, paid = None, []
    for letters, wanted in zip(here.split(SPAN, dim=1), after.split(SPAN, dim=1), strict=True):
        optimizer.zero_grad()
        scores, state = model(letters, state)
        loss = F.cross_entropy(scores.transpose(1, 2), wanted)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # against the rare step that is far too long
        optimizer.step()
        state = state.detach()
        paid.append(loss.item() / np.log(2))
    schedule.step()
    curve.append((float(np.mean(paid)), price(model, unread)))

print(f"what it has read: {curve[-1][0]:.2f} bits a letter; what it has not: {curve[-1][1]:.2f}")

# %%
# Writing
# -------
# To write, we draw a letter from the network's guess, and give it back as the next one to read. Scores divided by a
# *temperature* below 1 make it more careful. Thirty thousand letters are very little to learn a language from: what it
# writes has lines, words and a certain tone, and no sense at all.


@microbp.no_grad()
def write(model: Reader, beginning: str, count: int, temperature: float = 0.5) -> str:
    """Go on with a text for so many letters."""
    written, state = beginning, None
    letters = microbp.tensor([[number[letter] for letter in beginning]])
    for _ in range(count):
        scores, state = model(letters, state)
        letters = microbp.multinomial((scores[:, -1] / temperature).softmax(dim=1), 1)
        written += alphabet[letters.item()]
    return written


microbp.manual_seed(1)
written = write(model, text[:43], 350)
print(written)

# %%
# What it remembers
# -----------------
# Does the network know how far into a line it is? Nobody told it what a line is, but who guesses line ends had better
# count. We let it read pages that it has never seen, and look for the number in its state that goes along with the
# place in the line. In the picture, each letter has the colour of that number.


@microbp.no_grad()
def states_of(codes: microbp.Tensor) -> np.ndarray:
    """The state after each letter, (letters, width)."""
    state, states = None, []
    for letter in codes:
        state = model.unit(model.embedding(letter[None]), state)
        states.append(state[0].numpy())
    return np.array(states)


pages = "".join(alphabet[code] for code in unread.tolist())
columns, column = [], 0
for letter in pages:
    columns.append(column)
    column = 0 if letter == "\n" else column + 1
states = states_of(unread)
correlations = np.array([np.corrcoef(track, columns)[0, 1] for track in states.T])
counter = int(np.abs(correlations).argmax())
print(f"number {counter} of the state and the place in the line: correlation {correlations[counter]:.2f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained", width_ratios=(2, 3))
for k, (name, colour) in enumerate((("what it has read", "#0072B2"), ("what it has not", "#D55E00"))):
    left.plot(range(1, len(curve) + 1), [prices[k] for prices in curve], "o-", color=colour, label=name, markersize=4)
for name, line in zip(baselines, (":", "-.", "--"), strict=True):
    left.axhline(baselines[name], linestyle=line, color="black", linewidth=1, label=name)
left.set(xlabel="epoch", ylabel="bits a letter", ylim=(0, 6.2))
left.legend(frameon=False, fontsize="small", ncols=2)

begin = pages.find("\n\n") + 2  # the first sonnet that is whole
low, high = np.quantile(states[:, counter], (0.02, 0.98))
style = {"family": "monospace", "fontsize": 9, "ha": "center", "va": "center", "clip_on": True}
row = 0
for place in range(begin, len(pages)):
    if pages[place] == "\n":
        row += 1
        if row == 14:
            break
        continue
    shade = (states[place, counter] - low) / (high - low)
    box = {"facecolor": plt.cm.RdBu_r(0.1 + 0.8 * shade), "edgecolor": "none", "pad": 1.5}
    right.text(columns[place], -row, pages[place], bbox=box, **style)
right.set(xlim=(-1, 56), ylim=(-13.7, 0.7), title=f"number {counter} of the state, letter by letter")
right.axis("off")
figure.savefig(options.out / "char_gru.png", dpi=110)
plt.close(figure)
print(f"the picture: {options.out / 'char_gru.png'}")

# %%
# To try
# ------
# - ``--text`` reads any text of yours. How far does it get with the source of this program, and what would it need?
# - Set ``SPAN`` to 4. What can be learned from gradients that short, and what not?
# - Replace ``nn.GRUCell`` by ``nn.RNNCell``, which has no gates. How much do they save?
