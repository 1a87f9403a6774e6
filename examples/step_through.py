"""
One backward pass, step by step
===============================

A network with two inputs, four hidden units and three classes sees five points. One call
writes a page on which each number of each gradient can be followed back to the loss: click
it, and its sum is written out. The arrow keys go through the steps. The same lesson, for one
weight, is printed here.

Run it with ``python examples/step_through.py``, and open the file that it names in a browser.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import microbp
from microbp import nn, viz

# %%
# The network
# -----------
# Small enough to see every number, large enough to have everything: two layers, something that bends, a loss.


class Network(nn.Module):
    """2 inputs, 4 hidden units, 3 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(2, 4)
        self.act = nn.Tanh()
        self.fc2 = nn.Linear(4, 3)

    def forward(self, x: microbp.Tensor) -> microbp.Tensor:
        return self.fc2(self.act(self.fc1(x)))


# %%
# The page, and one way through it
# --------------------------------
# ``viz.stepper`` writes the page; ``viz.explain`` prints the way from the loss to one tensor, rule by rule.


def main(out: Path) -> viz.Stepper:
    """Write the page, and print how one weight comes by its gradient."""
    microbp.manual_seed(0)
    model = Network()
    x = microbp.randn(5, 2)
    x.name = "x"
    labels = microbp.tensor([0, 1, 2, 1, 0])
    loss = nn.functional.cross_entropy(model(x), labels)

    page = viz.stepper(loss, model=model, title="A 2-4-3 network learns: one backward pass")
    print(viz.explain(model.fc1.weight, loss, model=model))
    print()
    print(f"the page: {page.save(out / 'backprop.html')}")
    return page


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="One backward pass, step by step.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pages go (default: %(default)s)")
    main(parser.parse_args().out)
