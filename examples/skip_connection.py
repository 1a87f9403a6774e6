"""
Skip connections
================

A skip connection, x + f(x): what does it do to the gradients of a deep network?

Going back through a block f multiplies the gradient by f's derivative; with tanh and many
blocks that shrinks it to nothing. Going back through x + f(x) adds the gradient itself::

    dL/dx = dL/dy * (1 + f'(x))

So there is always a way through (He et al., *Deep Residual Learning*, 2016).

Run it with ``python examples/skip_connection.py``. It prints how large the gradient of the
first block is beside that of the last: without skip connections it falls to nothing as blocks
are added, with them it stays near 1. The drawing shows one block: two arrows leave x, and what
they contribute to its gradient is added up; the one that goes straight to the plus sign
brings the whole gradient, whatever the layer does.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import microbp
from microbp import nn, viz


class Block(nn.Module):
    """tanh of a linear layer, added to its own input if `skip`."""

    def __init__(self, width: int, skip: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.skip = skip

    def forward(self, x: microbp.Tensor) -> microbp.Tensor:
        y = microbp.tanh(self.linear(x))
        return x + y if self.skip else y


# %%
# How much arrives
# ----------------
# The gradient of the first block, beside that of the last.


def first_gradient(depth: int, skip: bool, width: int = 16) -> float:
    """The norm of the first block's weight gradient, relative to that of the last block."""
    microbp.manual_seed(0)
    blocks = nn.Sequential(*(Block(width, skip) for _ in range(depth)))
    blocks(microbp.randn(32, width)).square().mean().backward()
    return (blocks[0].linear.weight.grad.norm() / blocks[-1].linear.weight.grad.norm()).item()


def main(out: Path) -> dict[str, float]:
    """Compare gradients with and without skips at several depths, and draw a block."""
    print("gradient of the first layer, relative to the last:")
    found = {}
    for depth in (2, 10, 30):
        for skip in (False, True):
            name = f"{depth} blocks {'with' if skip else 'without'} skip connections"
            found[name] = first_gradient(depth, skip)
            print(f"  {name:38s} {found[name]:.2e}")

    microbp.manual_seed(0)
    block = Block(3, skip=True)
    x = microbp.randn(2, 3, requires_grad=True)  # as if another block came before
    x.name = "x"
    loss = block(x).square().mean()
    loss.backward(retain_graph=True)
    out.mkdir(parents=True, exist_ok=True)
    viz.make_dot(loss, model=block).render(outfile=out / "skip_connection.svg", cleanup=True)
    print(f"the graph: {out / 'skip_connection.svg'}")
    without, through = (found[f"30 blocks {how} skip connections"] for how in ("without", "with"))
    print(f"after 30 blocks {without:.0e} of the gradient is left; with skip connections, {through:.2g}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Skip connections.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
    main(parser.parse_args().out)
