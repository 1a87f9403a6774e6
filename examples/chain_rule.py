"""
The chain rule by hand
======================

The gradients of a small expression, worked out and then computed::

    L = (a * b + c) * a

With p = a * b and s = p + c, the chain rule walks from L = s * a back to a. It gets there on
two ways, since a is used twice, and the gradient is the sum over both::

    dL/ds = a,    dL/dp = dL/ds * 1,    dL/da = dL/dp * b + s

Run it with ``python examples/chain_rule.py``; it ends with a drawing of the graph. Read that
from right to left: every operation has the formula that turns the gradient of its output, g,
into those of its inputs, and both arrows from a say what they contribute.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import microbp
from microbp import viz

# %%
# The same twice
# --------------
# On the way forward the names are those of the formula. ``backward()`` does the rest; below it stands what the chain
# rule says, number by number, and both are printed side by side.


def main(out: Path) -> dict[str, float]:
    """Compute the gradients both ways, compare them, and draw the graph."""
    a = microbp.tensor(2.0, requires_grad=True)
    b = microbp.tensor(-3.0, requires_grad=True)
    c = microbp.tensor(10.0, requires_grad=True)

    p = a * b
    s = p + c
    loss = s * a
    loss.backward(retain_graph=True)  # retained, so that the drawing can show the values in between

    ds = 2.0
    dp = ds * 1
    by_hand = {"a": dp * -3.0 + (2.0 * -3.0 + 10.0), "b": dp * 2.0, "c": ds * 1}
    computed = {"a": a.grad.item(), "b": b.grad.item(), "c": c.grad.item()}
    for name in by_hand:
        print(f"dL/d{name}: by hand {by_hand[name]:6.1f}, by backward() {computed[name]:6.1f}")

    out.mkdir(parents=True, exist_ok=True)
    a.name, b.name, c.name = "a", "b", "c"
    graph = viz.make_dot(loss, {"p": p, "s": s, "L": loss}, show_formulas=True)
    graph.render(outfile=out / "chain_rule.svg", cleanup=True)
    print(f"the graph: {out / 'chain_rule.svg'}")
    return computed


# %%
# The numbers, and the graph
# --------------------------
# Find the two arrows that leave a, and what they add up to: -6 from the product, +4 from the last multiplication.


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The chain rule by hand.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
    main(parser.parse_args().out)
