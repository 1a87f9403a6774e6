"""The record of a training as it is made: `Recorder`."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError
from microbp.lab import animation, film
from microbp.lab.boundary import evaluate
from microbp.lab.outputs import Outputs, is_silent
from microbp.lab.run import Record, Run
from microbp.lab.run_file import read, write
from microbp.lab.state import copy_gradients, copy_values, slots, update_ratios
from microbp.nn.module import Module
from microbp.optim.optimizer import Optimizer
from microbp.tensor import Tensor, wrap

__all__ = ["Recorder"]

Array = np.ndarray[Any, Any]

copy_of = operator.methodcaller("copy")


class Recorder:
    """The record of a training run; `watch` makes one, `Recorder.load` reads one from a file.

    A record holds, for each step that is recorded:

    ======================= ====================================================================
    ``step``                its number, from 0
    ``loss``                what ``step(loss)`` was given
    ``weights/<parameter>`` the parameter, as it was when ``step`` was called
    ``grads/<parameter>``   its gradient; NaN where it had none, and no track if it never had one
    ``update_ratio/<...>``  how much the parameter changed since the step before: the norm of the change
                            over the norm before it; NaN at the first
    ``acts/<module>``       what the module put out. That of its second call since the last step is
                            ``acts/<module>#2``, and so on up to ``#64``; parts of several outputs are
                            ``acts/<module>[0]`` and so on
    ``lr/<group>``          the learning rate of a parameter group, by its name or number; if two have one name,
                            of all by number
    ``buffers/<name>``      a buffer, such as a running mean; where there is a boundary
    ``boundary``            the model's output on a grid around the data, in evaluation mode: (grid, grid), or
                            (grid, grid, outputs); computed from the recorded weights when asked for
    ======================= ====================================================================

    Outputs are recorded of calls whose operations are recorded, so not under ``no_grad``. A container that puts
    out what a module in it has put out already has no track of its own, and neither have functions: use
    ``nn.ReLU()`` rather than ``relu(x)`` to see its output. Calls are counted from one ``step(loss)`` to the next: the
    calls of a critic for the loss of its generator, if made after its own step, are the first ones of its next record.

    Attributes
    ----------
    run : Run
        The records.
    model : Module or None
        What is watched; None if the record was read from a file.
    optimizer : Optimizer or None
        Where the learning rates come from.
    kinds : set of str
        What is recorded beside the loss: some of ``"weights"``, ``"grads"`` and ``"acts"``.
    closed : bool
        Whether it records no more.

    Notes
    -----
    Nothing is changed: no value, no gradient, no random number, not the graph. Only copies are kept. What can be
    computed later, update ratios and boundaries, is computed when someone asks for it, so that the training is hardly
    slowed down.
    """

    def __init__(
        self,
        run: Run,
        model: Module | None = None,
        optimizer: Optimizer | None = None,
        kinds: Collection[str] = (),
    ) -> None:
        self.run = run
        self.model = model
        self.optimizer = optimizer
        self.kinds = frozenset(kinds)
        self.closed = model is None
        self._number = 0  # of the next step
        self._due = True
        self._previous: Record = {}  # that of the step before, or the weights alone
        self._updates: list[tuple[int, Record, Record]] = []  # steps, their records, and the record before
        modules = dict(model.named_modules()) if model is not None else {}
        self._weights = slots(modules, "_parameters", "weights") if "weights" in self.kinds else []
        self._gradients = slots(modules, "_parameters", "grads") if "grads" in self.kinds else []
        self._buffers = slots(modules, "_buffers", "buffers") if run.plane is not None else []
        self._outputs = Outputs(modules if "acts" in self.kinds else {}, run.arena)

    # -- recording -------------------------------------------------------------------------

    def step(self, loss: Tensor | float) -> None:
        """Record a step; call it after ``loss.backward()`` and before ``optimizer.step()``.

        Parameters
        ----------
        loss : Tensor or float
            A single number.

        Raises
        ------
        OptionError
            If the recorder is closed.
        ShapeError
            If the loss has several elements.
        """
        if self.closed:
            raise OptionError("this recorder is closed; lab.watch(model) begins a new record")
        if isinstance(loss, Tensor) and loss.array.size != 1:
            raise ShapeError(f"rec.step() takes a loss of one element, got shape {loss.shape}; record its mean")
        if self._due:
            self._record(loss)
        self._number += 1
        self._due = self.run.is_due(self._number)
        self._outputs.next_step(self._due)
        if self._due and self.run.stride > 1:
            self._previous = {}
            copy_values(self._weights, self._previous, copy_of)

    def _record(self, loss: Tensor | float) -> None:
        """Make the record of this step."""
        run, copy = self.run, self.run.arena.copy
        record: Record = {"loss": np.float64(loss.array.item() if isinstance(loss, Tensor) else loss)}
        self._learning_rates(record)
        copy_values(self._weights, record, copy)
        copy_gradients(self._gradients, record, copy)
        copy_values(self._buffers, record, copy)
        record.update(self._outputs.found)
        run.add(self._number, record)
        self._updates.append((self._number, record, self._previous))
        while run.is_full:
            self._settle(2 * run.stride)
            run.thin()
        if run.stride > 1:
            self._settle(run.stride)
        else:
            self._previous = record

    def _settle(self, stride: int) -> None:
        """Compute the update ratios that are still to be computed, of the steps that are a multiple of the stride.

        As long as every step is recorded, this waits until someone asks, or until it is known which records stay,
        since the weights of the step before are there anyway.
        """
        for step, record, before in self._updates:
            if step % stride == 0:
                record.update(update_ratios(self._weights, before, record))
        self._updates = []

    def _learning_rates(self, record: Record) -> None:
        """Record the learning rates of groups by their names, or numbers; by numbers alone if two are called alike."""
        groups = self.optimizer.param_groups if self.optimizer is not None else ()
        names: Sequence[Any] = [f"{group.get('name', k)}" for k, group in enumerate(groups)]
        if len(set(names)) < len(names):
            names = range(len(names))
        for k, group in enumerate(groups):
            if "lr" in group:
                record[f"lr/{names[k]}"] = np.float64(group["lr"])

    def close(self) -> None:
        """Stop recording and take the hooks off the model; what was recorded stays."""
        self._outputs.close()
        self.closed = True
        self._settle(self.run.stride)
        self._previous = {}

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- looking at it ---------------------------------------------------------------------

    @property
    def history(self) -> dict[str, Array]:
        """Every track as one array, with the records along its first axis; NaN where there was nothing to record.

        The arrays are read-only, as the next who asks gets the same ones.
        """
        self.complete(range(len(self.run.records)))
        return dict(self.run.stacked())

    def complete(self, positions: Iterable[int]) -> None:
        """Compute what is still to be computed of these records: update ratios and boundaries.

        Parameters
        ----------
        positions : iterable of int
            Which records, counted from 0.
        """
        self._settle(self.run.stride)
        if self.run.plane is None or self.model is None:
            return
        for position in positions:
            record = self.run.records[position]
            if "boundary" not in record:
                values = {
                    name.split("/", 1)[1]: value
                    for name, value in record.items()
                    if name.startswith(("weights/", "buffers/"))
                }
                self.run.add_boundary(position, evaluate(self.model, self.run.plane, values))

    def print_weights(self, step: int | None = None) -> None:
        """Print every parameter as it was at a step, as tensors are printed.

        Parameters
        ----------
        step : int, optional
            The number of a step; the last one recorded at or before it counts. By default the last of all.

        Raises
        ------
        OptionError
            If no weights were recorded by then.
        """
        self._settle(self.run.stride)
        position = self.run.latest(step)
        record = self.run.records[position] if position >= 0 else {}
        found = {name.split("/", 1)[1]: value for name, value in record.items() if name.startswith("weights/")}
        if not found:
            raise OptionError(f"no weights were recorded {'at all' if step is None else f'by step {step}'}")
        print(f"step {self.run.steps[position]}, loss {record['loss']:.6g}")
        for name, array in found.items():
            ratio = record.get(f"update_ratio/{name}", math.nan)
            changed = "" if math.isnan(ratio) else f", changed by {100 * ratio:.3g} % in the step before"
            print(f"{name} {array.shape}{changed}\n{wrap(array)}")

    def dead_units(self, records: int = 10) -> dict[str, list[int]]:
        """The units that put out exactly 0 for every sample, as a ReLU does that can learn no more.

        Parameters
        ----------
        records : int
            In so many of the last records.

        Returns
        -------
        dict of str to list of int
            The numbers of the dead units of each module that has some. Units stand along the last axis of an output,
            or along the second of one with four axes or more, as the channels of an image do. A module that puts out
            now more and now fewer, as for sequences of several lengths, has none.
        """
        names = dict.fromkeys(name for record in self.run.records[-records:] for name in record)
        found = {}
        for name in names:
            if name.startswith("acts/"):
                outputs = [record[name] for record in self.run.records[-records:] if name in record]
                silent = [is_silent(output) for output in outputs if output.size]
                if len({units.shape for units in silent}) == 1 and np.all(silent, axis=0).any():
                    found[name.removeprefix("acts/")] = np.flatnonzero(np.all(silent, axis=0)).tolist()
        return found

    def film(
        self,
        path: str | os.PathLike[str],
        *,
        frames: int = 100,
        max_elems: int = 1024,
        samples: int = 8,
        threshold: float | None = None,
        title: str | None = None,
    ) -> str:
        """Write a page on which the training can be watched: one file, which any browser opens without a network.

        It shows the weight matrices with their numbers and what changed since the frame before, gradients,
        what modules put out, the loss, the learning rates, and the decision boundary of a model with two inputs.

        Parameters
        ----------
        path : path
            ``"film.html"``, say. Folders that are missing are made.
        frames : int
            The largest number of frames. If there are more records, so many are taken, evenly spread.
        max_elems : int
            Of matrices with more elements, the page shows only a corner of so many.
        samples : int
            Of how many samples outputs are shown.
        threshold : float, optional
            Where the boundary lies, for a model with one output; by default 0, or 0.5 if all outputs are in 0 ... 1.
        title : str, optional
            Of the page.

        Returns
        -------
        str
            The path.

        Raises
        ------
        OptionError
            If nothing was recorded, or an option makes no sense.
        """
        looks = film.Looks(frames, max_elems, samples, threshold, title or "A network learns")
        return film.write({"": self}, path, looks)

    def to_gif(
        self,
        path: str | os.PathLike[str],
        *,
        plots: Sequence[Callable[..., Any]] | None = None,
        frames: int = 50,
        fps: float = 10,
        loop: int = 0,
        dpi: float = 80,
    ) -> str:
        """Write the training as an animated picture, for a page, a slide or a readme that can show no film.

        Parameters
        ----------
        path : path
            ``"training.gif"``, say. Folders that are missing are made.
        plots : sequence of callable, optional
            What to draw, each on axes of its own: ``plot(record, ax=axes, step=k)`` is called for the frame k, as all
            plots of the lab can be; ``functools.partial(lab.plot_weights, name="2.weight")`` chooses a matrix. By
            default the loss, the decision boundary if there is one, and the first four weight matrices.
        frames : int
            The largest number of frames. If there are more records, so many are taken, evenly spread.
        fps : float
            Frames in a second; the last one stays for another second.
        loop : int
            How often it runs; 0 is for ever.
        dpi : float
            Pixels to an inch; a plot is 4 inches wide and 3.2 high.

        Returns
        -------
        str
            The path.

        Raises
        ------
        OptionError
            If nothing was recorded, there is nothing to draw, or an option makes no sense.
        ModuleNotFoundError
            If matplotlib is not installed.
        """
        return animation.write(self, path, plots, animation.Options(frames, fps, loop, dpi))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the record to an ``.npz`` file, as arrays that `numpy.load` reads too; nothing is pickled.

        Parameters
        ----------
        path : path
            A file that is there already is replaced once the new one is complete.
        """
        write(self.run, self.history, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recorder:
        """The record in a file that `save` wrote, to be looked at; it is closed.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        Recorder

        Raises
        ------
        FileFormatError
            If it is no such file.
        """
        return cls(read(path))

    def __repr__(self) -> str:
        steps = self.run.steps
        span = "" if not steps else f" of steps {steps[0]} to {steps[-1]}" if len(steps) > 1 else f" of step {steps[0]}"
        records = "1 record" if len(steps) == 1 else f"{len(steps)} records"
        return f"<Recorder{', closed' if self.closed else ''}: {records}{span}>"
