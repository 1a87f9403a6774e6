"""Watching a training: `watch` makes the recorder of a model."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from microbp.errors import OptionError
from microbp.lab.boundary import plane_of
from microbp.lab.recorder import Recorder
from microbp.lab.run import Run
from microbp.nn.module import Module
from microbp.optim.optimizer import Optimizer

__all__ = ["watch"]

KINDS = ("weights", "grads", "acts")
MEMORY = 1 << 28


def watch(
    model: Module,
    optimizer: Optimizer | None = None,
    *,
    log: str | Collection[str] = "all",
    log_freq: int = 1,
    data: Any = None,
    grid: int = 48,
    memory: int = MEMORY,
) -> Recorder:
    """Record what learning does to a model, step by step.

    Parameters
    ----------
    model : Module
        The network, as it is put together now: a parameter that takes the place of another is recorded in its stead,
        a module that does so is not.
    optimizer : Optimizer, optional
        Gives the learning rates.
    log : str or collection of str
        ``"all"``, or some of ``"weights"``, ``"grads"`` and ``"acts"``; loss and learning rates are always recorded.
    log_freq : int
        Record every so many steps.
    data : Tensor, array, or pair of them, optional
        For a model with two inputs: points of shape (N, 2), alone or with their labels, around which the model's
        output is drawn. Labels are numbers of classes, from 0; others, such as -1 and 1, are numbered in their order.
    grid : int
        In how many points in each direction.
    memory : int
        How many bytes the records may take. When they take more, every other one is dropped, and from then on only
        half as many steps are recorded; so what there is covers the training evenly, however long it is.

    Returns
    -------
    Recorder
        Call its ``step(loss)`` after ``loss.backward()``, and its ``close()`` at the end, or use it as a ``with``
        block.

    Raises
    ------
    OptionError
        If an option makes no sense.
    ShapeError
        If `data` are no points in a plane.
    TypeError
        If `model` is none.

    Examples
    --------
    >>> import microbp
    >>> from microbp import lab, nn, optim
    >>> x = microbp.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> y = microbp.tensor([[0.0], [1.0], [1.0], [0.0]])
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    >>> optimizer = optim.SGD(model.parameters(), lr=0.5)
    >>> with lab.watch(model, optimizer, data=(x, y)) as rec:
    ...     for step in range(10):
    ...         optimizer.zero_grad()
    ...         loss = nn.functional.binary_cross_entropy_with_logits(model(x), y)
    ...         loss.backward()
    ...         rec.step(loss)
    ...         optimizer.step()
    >>> rec.history["weights/0.weight"].shape
    (10, 3, 2)
    >>> rec.history["boundary"].shape
    (10, 48, 48)
    """
    if not isinstance(model, Module):
        raise TypeError(f"watch() takes a model, and then its optimizer; got {type(model).__name__} as the model")
    kinds = KINDS if log == "all" else (log,) if isinstance(log, str) else tuple(log)
    for kind in kinds:
        if kind not in KINDS:
            raise OptionError(f'watch() logs "all" or some of {", ".join(map(repr, KINDS))}, got {kind!r}')
    for name, value, least in (("log_freq", log_freq, 1), ("grid", grid, 2), ("memory", memory, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise OptionError(f"watch() takes a whole number of at least {least} as {name}, got {value!r}")
    if data is not None and "weights" not in kinds:
        raise OptionError('watch() draws the boundary of data from recorded weights: let log have "weights" too')
    plane = None if data is None else plane_of(data, grid)
    return Recorder(Run(log_freq, memory, plane), model, optimizer, kinds)
