"""What the structure of a network does to its gradients and to what it learns: `structure_report`.

Every structure is trained on the same data, with the same batches in the same order, once
for each seed. What is measured is measured on the step itself: gradients as the optimizer
gets them, and the change that it makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError
from microbp.functions.generator import get_rng_state, manual_seed, set_rng_state
from microbp.lab.evidence import Evidence, norm, size_of
from microbp.lab.report import Measured, StructureReport, stacked
from microbp.lab.unit_checks import activations
from microbp.mode import no_grad
from microbp.nn import Module
from microbp.nn.functional import cross_entropy, mse_loss
from microbp.optim import SGD, Optimizer, layer_groups
from microbp.tensor import Tensor, as_operand

__all__ = ["Structure", "structure_report"]

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Structure:
    """A structure to be compared: how to build it, and what is special about its training.

    Attributes
    ----------
    build : callable
        Makes a fresh model.
    lr : float, optional
        Its global learning rate; by default that of the report.
    layers : dict
        Learning rates, or other options, of some layers by name, as for `microbp.optim.layer_groups`.
    optimizer : callable, optional
        Makes the optimizer of parameter groups and ``lr=``; by default that of the report.
    """

    build: Callable[[], Module]
    lr: float | None = None
    layers: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Callable[..., Optimizer] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.build, Module) or not callable(self.build):
            got = type(self.build).__name__
            raise TypeError(
                f"a structure is a callable that builds a fresh model for each seed, got {got}: lambda: ..."
            )


def structure_report(
    structures: Mapping[str, Callable[[], Module] | Structure],
    data: tuple[Any, Any],
    *,
    loss: Loss | None = None,
    seeds: Iterable[int] = range(3),
    epochs: int = 20,
    batch_size: int | None = None,
    lr: float = 0.1,
    optimizer: Callable[..., Optimizer] = SGD,
    progress: Callable[[list[tuple[str, int]]], Iterable[tuple[str, int]]] = list,
) -> StructureReport:
    """Train several structures on the same data, from the same seeds, and measure what happens inside.

    Parameters
    ----------
    structures : dict of str to callable or Structure
        What to call each, and how to build it; a `Structure` can have learning rates and an optimizer of its own.
    data : (inputs, targets)
        Tensors or arrays, the samples along the first dimension.
    loss : callable, optional
        ``loss(outputs, targets)``; by default cross entropy for integer targets, else the squared error.
    seeds : iterable of int
        One training for each.
    epochs : int
        How often all samples are shown.
    batch_size : int, optional
        Samples in a step; by default all.
    lr : float
        The learning rate.
    optimizer : callable
        Makes the optimizer of parameter groups and ``lr=``.
    progress : callable
        Goes through the trainings, a list of (structure, seed), and may show how far it is: ``progress=tqdm``.

    Returns
    -------
    StructureReport
        Printed, it is a table; ``report.plot()`` draws it, ``report.to_dict()`` gives plain numbers.

    Raises
    ------
    OptionError
        If there are no structures, seeds, epochs or samples, or the data are no pair.
    ShapeError
        If there are not as many targets as inputs.
    TypeError
        If a structure is a model, and nothing that builds one.

    Notes
    -----
    The generator of random numbers is seeded for each training, and afterwards as it was before.

    Examples
    --------
    >>> import microbp
    >>> from microbp import lab, nn
    >>> x = microbp.linspace(-1, 1, 32).reshape(32, 1)
    >>> report = lab.structure_report(
    ...     {
    ...         "linear": lambda: lab.layered_network(2, 8, inputs=1, outputs=1),
    ...         "tanh": lambda: lab.layered_network(2, 8, inputs=1, outputs=1, activation=nn.Tanh),
    ...     },
    ...     (x, (3 * x).sin()),
    ...     epochs=50,
    ... )
    >>> report["tanh"].final.shape
    (3,)
    >>> bool(report["tanh"].final.mean() < report["linear"].final.mean())
    True
    """
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise OptionError("structure_report() takes the data as a pair: (inputs, targets)")
    inputs, targets = (as_operand(values) for values in data)
    chosen = {name: made if isinstance(made, Structure) else Structure(made) for name, made in structures.items()}
    tried = list(seeds)
    if not chosen or not tried or epochs < 1:
        raise OptionError(
            f"structure_report() needs structures, seeds and epochs, got {len(chosen)}, {len(tried)} and {epochs}"
        )
    if len(inputs) != len(targets):
        raise ShapeError(f"structure_report() got {len(inputs)} inputs and {len(targets)} targets")
    if not len(inputs) or (batch_size is not None and batch_size < 1):
        raise OptionError(
            f"structure_report() needs samples, and at least one in a batch, got {len(inputs)} samples and "
            f"batch_size={batch_size}"
        )
    criterion = loss or (mse_loss if targets.array.dtype.kind == "f" else cross_entropy)
    state = get_rng_state()
    try:
        trainings: dict[str, list[Measured]] = {name: [] for name in chosen}
        for name, seed in progress([(name, seed) for name in chosen for seed in tried]):
            structure = chosen[name]
            manual_seed(seed)
            model = structure.build()
            groups = layer_groups(model, structure.layers)
            steps = (structure.optimizer or optimizer)(groups, lr=lr if structure.lr is None else structure.lr)
            order = np.random.default_rng(seed)
            trainings[name].append(Training(model, steps, criterion).run(inputs, targets, epochs, batch_size, order))
    finally:
        set_rng_state(state)
    return StructureReport({name: stacked(found) for name, found in trainings.items()})


class Training:
    """One training of one model, and what is measured in it: at the first step of every epoch."""

    def __init__(self, model: Module, optimizer: Optimizer, loss: Loss) -> None:
        self.model = model
        self.optimizer = optimizer
        self.loss = loss

    def run(
        self, inputs: Tensor, targets: Tensor, epochs: int, batch_size: int | None, order: np.random.Generator
    ) -> Measured:
        """Train; every array in the result has an entry for each epoch, but that of the final loss."""
        samples = len(inputs)
        size = batch_size or samples
        losses: list[float] = []
        steps: list[Step] = []
        for _ in range(epochs):
            places = order.permutation(samples) if size < samples else np.arange(samples)
            lost = 0.0
            for start in range(0, samples, size):
                batch = places[start : start + size]
                self.optimizer.zero_grad()
                loss = self.loss(self.model(inputs[batch]), targets[batch])
                if start == 0:
                    steps.append(self.measured_step(loss))
                else:
                    loss.backward()
                    self.optimizer.step()
                lost += loss.item() * len(batch)
            losses.append(lost / samples)
        return Measured(
            layers=steps[0].layers,
            activations=steps[0].activations,
            parameters=sum(p.array.size for p in self.model.parameters() if p.requires_grad),
            loss=np.array(losses),
            gradients=np.array([step.gradients for step in steps]),
            updates=np.array([step.updates for step in steps]),
            dead=np.array([step.dead for step in steps]),
            saturated=np.array([step.saturated for step in steps]),
            final=np.array(self.evaluated(inputs, targets)),
        )

    def measured_step(self, loss: Tensor) -> Step:
        """A backward pass and a step, looked at from inside."""
        loss.backward(retain_graph=True)
        evidence = Evidence(self.model, loss)
        units = activations(evidence)
        weights = [list(layer.weights.values()) for layer in evidence.layers]
        before = [[p.array.copy() for p in layer] for layer in weights]
        gradients = [total(0.0 if p.grad is None else norm(p.grad.array) for p in layer) for layer in weights]
        self.optimizer.step()
        changes = [
            total(norm(p.array - old) for p, old in zip(layer, olds, strict=True)) / total(map(size_of, olds))
            for layer, olds in zip(weights, before, strict=True)
        ]
        return Step(
            tuple(layer.name for layer in evidence.layers),
            tuple(found.where for found in units),
            gradients,
            changes,
            [found.dead / len(found.slopes) if found.is_rectifier else np.nan for found in units],
            [np.nan if found.is_rectifier else found.saturated / len(found.slopes) for found in units],
        )

    @no_grad()
    def evaluated(self, inputs: Tensor, targets: Tensor) -> float:
        """The loss on all samples, in evaluation mode."""
        self.model.eval()
        return float(self.loss(self.model(inputs), targets).item())


@dataclass(frozen=True, slots=True)
class Step:
    """What one step shows, by layer and by activation."""

    layers: tuple[str, ...]
    activations: tuple[str, ...]
    gradients: list[float]
    updates: list[float]
    dead: list[float]
    saturated: list[float]


def total(norms: Iterable[float]) -> float:
    """The norm of several arrays together, from the norm of each."""
    return float(np.hypot.reduce(list(norms)))
