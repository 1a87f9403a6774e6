"""A recorder of what learning does to a network: `watch`."""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError
from microbp.handle import Handle
from microbp.lab import film
from microbp.lab.boundary import evaluate, plane_of
from microbp.lab.run import Record, Run, read, write
from microbp.mode import is_grad_enabled
from microbp.nn.module import Module
from microbp.optim.optimizer import Optimizer
from microbp.tensor import Tensor, wrap

__all__ = ["Recorder", "watch"]

Array = np.ndarray[Any, Any]

KINDS = ("weights", "grads", "acts")
MEMORY = 1 << 28
CALLS = 64  # of one module between two steps; further ones are not recorded


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
    optimizer : Optimizer, optional
        Gives the learning rates.
    log : str or collection of str
        ``"all"``, or some of ``"weights"``, ``"grads"`` and ``"acts"``; loss and learning rates are always recorded.
    log_freq : int
        Record every so many steps.
    data : Tensor, array, or pair of them, optional
        For a model with two inputs: points of shape (N, 2), alone or with their labels, around which the model's
        output is drawn.
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
                            ``acts/<module>#2``; parts of several outputs are ``acts/<module>[0]`` and so on
    ``lr/<group>``          the learning rate of a parameter group, by its name or number
    ``buffers/<name>``      a buffer, such as a running mean; where there is a boundary
    ``boundary``            the model's output on a grid around the data, in evaluation mode: (grid, grid), or
                            (grid, grid, outputs); computed from the recorded weights when asked for
    ======================= ====================================================================

    Outputs are recorded of calls whose operations are recorded, so not under ``no_grad``. A container that puts
    out what a module in it has put out already has no track of its own, and neither have functions: use
    ``nn.ReLU()`` rather than ``relu(x)`` to see its output.

    Attributes
    ----------
    run : Run
        The records.
    model : Module or None
        What is watched; None if the record was read from a file.
    optimizer : Optimizer or None
        Where the learning rates come from.
    kinds : set of str
        What is recorded: some of ``"weights"``, ``"grads"`` and ``"acts"``; nothing once it is closed.

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
        self._number = 0  # of the next step
        self._due = True
        self._previous: dict[str, Array] = {}  # the weights at the step before
        self._updates: list[tuple[Record, dict[str, Array], dict[str, Array]]] = []  # records, with weights before, now
        self._outputs: dict[str, Array] = {}  # of the modules called since the last step, by track
        self._owners: dict[int, weakref.ref[Tensor]] = {}  # the tensors that they were in, by id
        modules = dict(model.named_modules()) if model is not None else {}
        self._names = {module: name or type(module).__name__ for name, module in modules.items()}
        self._parameters = slots(modules, "_parameters")
        self._buffers = slots(modules, "_buffers") if run.plane is not None else []
        self._handles: list[Handle] = []
        if "acts" in self.kinds:
            self._handles = [module.register_forward_hook(reporter(self)) for module in self._names]

    # -- recording -------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether it records no more."""
        return not self.kinds

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
        if self.closed or self.model is None:
            raise OptionError("this recorder is closed; lab.watch(model) begins a new record")
        if isinstance(loss, Tensor) and loss.array.size != 1:
            raise ShapeError(f"rec.step() takes a loss of one element, got shape {loss.shape}; record its mean")
        weights: dict[str, Array] = {}
        if self._due:
            record: Record = {"loss": float(loss.array.item() if isinstance(loss, Tensor) else loss)}
            for name, rate in self._learning_rates():
                record[f"lr/{name}"] = rate
            for name, registry, key in self._parameters:
                p = registry.get(key)
                if p is not None and "weights" in self.kinds:
                    record[f"weights/{name}"] = weights[name] = p.array.copy()
                if p is not None and p._grad is not None and "grads" in self.kinds:
                    record[f"grads/{name}"] = p._grad.array.copy()
            for name, registry, key in self._buffers:
                record[f"buffers/{name}"] = registry[key].array.copy()
            record.update(self._outputs)
            self._updates.append((record, self._previous, weights))
            self.run.add(self._number, record)
            if self.run.stride > 1:
                self._settle()
        self._number += 1
        self._due = self.run.is_due(self._number)
        self._outputs, self._owners = {}, {}
        if self._due and "weights" in self.kinds:
            now = ((name, registry.get(key)) for name, registry, key in self._parameters)
            self._previous = weights or {name: p.array.copy() for name, p in now if p is not None}

    def _settle(self) -> None:
        """Compute the update ratios that are still to be computed.

        As long as every step is recorded, this waits until someone asks, since the weights of the step before are
        there anyway.
        """
        for record, before, weights in self._updates:
            record.update(update_ratios(before, weights))
        self._updates = []

    def _learning_rates(self) -> Iterator[tuple[str, float]]:
        """The learning rate of each group; of one without a name, or whose name another has, by number."""
        groups = self.optimizer.param_groups if self.optimizer is not None else []
        names = [str(group.get("name", k)) for k, group in enumerate(groups)]
        for k, group in enumerate(groups):
            if "lr" in group:
                yield names[k] if names.count(names[k]) == 1 else str(k), float(group["lr"])

    def _see(self, module: Module, output: Any) -> None:
        """Keep what a module put out, if this step is to be recorded."""
        name = self._names.get(module)
        if not self._due or name is None or not is_grad_enabled():
            return
        for path, tensor in parts_of(output):
            if tensor.array.dtype.kind != "f":
                continue
            owner = self._owners.get(id(tensor))
            if module._modules and owner is not None and owner() is tensor:
                continue  # a container, and the output of the last module in it
            track = f"acts/{name}{path}"
            call = 1
            while track in self._outputs:
                call += 1
                track = f"acts/{name}#{call}{path}"
            if call <= CALLS:
                self._outputs[track] = tensor.array.copy()  # a copy: the next module may write in place
                self._owners[id(tensor)] = weakref.ref(tensor)

    def close(self) -> None:
        """Stop recording and take the hooks off the model; what was recorded stays."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.kinds = frozenset()
        self._settle()
        self._previous, self._outputs, self._owners = {}, {}, {}

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- looking at it ---------------------------------------------------------------------

    @property
    def history(self) -> dict[str, Array]:
        """Every track as one array, with the records along its first axis; NaN where there was nothing to record."""
        self.complete(range(len(self.run.records)))
        return dict(self.run.stacked())

    def complete(self, positions: Iterable[int]) -> None:
        """Compute what is still to be computed of these records: update ratios and boundaries."""
        self._settle()
        if self.run.plane is None or self.model is None:
            return
        for record in (self.run.records[position] for position in positions):
            if "boundary" not in record:
                values = {
                    name.split("/", 1)[1]: value
                    for name, value in record.items()
                    if name.startswith(("weights/", "buffers/"))
                }
                record["boundary"] = evaluate(self.model, self.run.plane, values)
                self.run.grow(record["boundary"].nbytes)

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
        self._settle()
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
            or along the second of one with four axes or more, as the channels of an image do.
        """
        names = dict.fromkeys(name for record in self.run.records[-records:] for name in record)
        found = {}
        for name in names:
            if name.startswith("acts/"):
                outputs = [record[name] for record in self.run.records[-records:] if name in record]
                dead = np.all([is_silent(output) for output in outputs], axis=0)
                if dead.any():
                    found[name.removeprefix("acts/")] = np.flatnonzero(dead).tolist()
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

        Raises
        ------
        FileFormatError
            If it is no such file.
        """
        return cls(read(path))

    def __repr__(self) -> str:
        steps = self.run.steps
        span = f" of steps {steps[0]} to {steps[-1]}" if steps else ""
        return f"<Recorder{', closed' if self.closed else ''}: {len(steps)} records{span}>"


def reporter(recorder: Recorder) -> Callable[[Module, Any, Any], None]:
    """A hook that tells a recorder of each output; it does not keep the recorder alive."""
    holder = weakref.ref(recorder)

    def report(module: Module, args: Any, output: Any) -> None:
        listener = holder()
        if listener is not None:
            listener._see(module, output)

    return report


def slots(modules: Mapping[str, Module], registry: str) -> list[tuple[str, dict[str, Any], str]]:
    """Where the parameters or buffers of modules are: name, dict and key of each, a shared one only once.

    Reading them there is quicker than a walk over the modules at every step, and finds what was put in their place.
    """
    found = {}
    for path, module in modules.items():
        for key, value in getattr(module, registry).items():
            if value is not None and value not in found:
                found[value] = (f"{path}.{key}" if path else key, getattr(module, registry), key)
    return list(found.values())


def parts_of(output: Any) -> Iterable[tuple[str, Tensor]]:
    """The tensors in an output that may be nested, each with where it is: ``[1][0]``."""
    if isinstance(output, Tensor):
        return (("", output),)
    pairs = (
        output.items() if isinstance(output, dict) else enumerate(output) if isinstance(output, list | tuple) else ()
    )
    return [(f"[{key}]{path}", tensor) for key, part in pairs for path, tensor in parts_of(part)]


def update_ratios(before: Mapping[str, Array], weights: Mapping[str, Array]) -> Record:
    """How much each parameter changed, relative to its size before."""
    found = {}
    for name, array in weights.items():
        earlier = before.get(name)
        if earlier is not None and earlier.shape == array.shape:
            with np.errstate(invalid="ignore", over="ignore"):  # training may diverge
                change, size = norm(array - earlier), norm(earlier)
            found[f"update_ratio/{name}"] = change / size if size else math.inf if change else 0.0
    return found


def is_silent(output: Array) -> Array:
    """Which units put out nothing but zeros."""
    axis = 1 if output.ndim >= 4 else output.ndim - 1
    return np.asarray(np.all(np.moveaxis(np.atleast_1d(output), axis, -1) == 0, axis=tuple(range(output.ndim - 1))))


def norm(array: Array) -> float:
    """The Euclidean norm; of half precision in single."""
    flat = array.reshape(-1)
    if flat.dtype == np.float16:
        flat = flat.astype(np.float32)
    return math.sqrt(flat.dot(flat))
