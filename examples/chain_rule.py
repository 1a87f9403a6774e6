"""The chain rule by hand: the gradients of a small expression, worked out and then computed.

    L = (a * b + c) ** 2

With p = a * b and s = p + c, the chain rule walks from L back to a:

    dL/ds = 2 s,    dL/dp = dL/ds * 1,    dL/da = dL/dp * b

Run it with ``python examples/chain_rule.py``; it ends with a drawing of the graph.
"""

from __future__ import annotations

import sys
from pathlib import Path

import microbp
from microbp import viz


def main(out: Path) -> dict[str, float]:
    """Compute the gradients both ways, compare them, and draw the graph."""
    a = microbp.tensor(2.0, requires_grad=True)
    b = microbp.tensor(-3.0, requires_grad=True)
    c = microbp.tensor(10.0, requires_grad=True)

    p = a * b
    s = p + c
    loss = s**2
    loss.backward(retain_graph=True)  # retained, so that the drawing can show the values in between

    ds = 2 * (2.0 * -3.0 + 10.0)
    by_hand = {"a": ds * -3.0, "b": ds * 2.0, "c": ds}
    computed = {"a": a.grad.item(), "b": b.grad.item(), "c": c.grad.item()}
    for name in by_hand:
        print(f"dL/d{name}: by hand {by_hand[name]:6.1f}, by backward() {computed[name]:6.1f}")

    for name, tensor in {"a": a, "b": b, "c": c}.items():
        tensor.name = name
    out.mkdir(parents=True, exist_ok=True)
    viz.make_dot(loss).render(outfile=out / "chain_rule.svg", cleanup=True)
    print(f"the graph: {out / 'chain_rule.svg'}")
    return computed


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
