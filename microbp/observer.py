"""Who is told of operations, as they are recorded and as their gradients are computed.

Anomaly mode, the guard of mutations and everything else that watches a program hang on this
one hook; `microbp.mode.observe` puts an observer in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

__all__ = ["Observer", "Observers", "Step", "members", "together"]


class Step(NamedTuple):
    """One step of a backward pass: a rule turned the gradient of a node's output into one for an input of it.

    The gradients are arrays, or tensors where the pass itself is recorded.
    """

    node: Any
    """The node whose rule ran; it still has what it kept."""

    position: int
    """Which of its inputs the step is for."""

    upstream: Any
    """The gradient of the output of the node, dL/dy."""

    product: Any
    """What the rule made of it."""

    contribution: Any
    """The product, summed over the axes along which the input was broadcast."""

    received: Any
    """What the input has received so far, this contribution included."""

    seeds: Any
    """Where the pass began: a mapping of edges to the gradients there."""


class Observer(Protocol):
    """What can be told of every operation, as it is recorded and as its gradient is computed.

    What it raises ends the operation, or the backward pass, which then has changed no gradient.
    """

    def forward(self, node: Any, output: Any) -> None:
        """An operation was recorded and gave this output.

        Parameters
        ----------
        node : Node
            What was recorded; it knows its row and its inputs.
        output : Tensor
            What it gave.
        """

    def backward(self, step: Step) -> None:
        """A rule gave the gradient of an input.

        Parameters
        ----------
        step : Step
            The node, the input and the gradients.
        """


class Observers:
    """Several observers as one, told in turn.

    Parameters
    ----------
    observers : tuple of Observer
        Those to tell.
    """

    def __init__(self, observers: tuple[Observer, ...]) -> None:
        self.observers = observers

    def forward(self, node: Any, output: Any) -> None:
        """Tell them of an operation.

        Parameters
        ----------
        node, output
            As for `Observer.forward`.
        """
        for observer in self.observers:
            observer.forward(node, output)

    def backward(self, step: Step) -> None:
        """Tell them of a step of the backward pass.

        Parameters
        ----------
        step
            As for `Observer.backward`.
        """
        for observer in self.observers:
            observer.backward(step)


def members(observer: Observer | None) -> tuple[Observer, ...]:
    """The observers that stand behind one.

    Parameters
    ----------
    observer : Observer or None
        One, several as one, or none.

    Returns
    -------
    tuple of Observer
    """
    if observer is None:
        return ()
    return observer.observers if isinstance(observer, Observers) else (observer,)


def together(observers: Iterable[Observer]) -> Observer | None:
    """One observer for any number of them, each told once.

    Parameters
    ----------
    observers : iterable of Observer
        Those that are named twice count once.

    Returns
    -------
    Observer or None
        None for none.
    """
    distinct = tuple(dict.fromkeys(observers))
    return Observers(distinct) if len(distinct) > 1 else next(iter(distinct), None)
