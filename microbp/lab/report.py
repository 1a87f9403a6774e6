"""What was measured of several structures, as a table, as plots, and as plain numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microbp.errors import OptionError
from microbp.lab.evidence import Array
from microbp.lab.plots import axes_for, colour, plot_loss

__all__ = ["Measured", "StructureReport", "stacked"]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was measured of one structure, over S seeds, E epochs, L layers and A activations.

    Attributes
    ----------
    layers : tuple of str
        The layers with weights, in the order of the forward pass.
    activations : tuple of str
        The activations between layers: operation and layer.
    parameters : int
        How many numbers are learned.
    loss : array
        (S, E): the mean loss over each epoch.
    gradients : array
        (S, E, L): the norm of the gradient of each layer's weights, at the first step of each epoch; so
        ``gradients[:, 0]`` is at initialisation.
    updates : array
        (S, E, L): the norm of the change that this step made, as a share of the norm of the weights.
    dead : array
        (S, E, A): the share of ReLU units that are off for the whole batch; NaN for other activations.
    saturated : array
        (S, E, A): the share of sigmoid or tanh units that are flat for 90 % of the batch; NaN for others.
    final : array
        (S,): the loss on all samples after the training, in evaluation mode.
    """

    layers: tuple[str, ...]
    activations: tuple[str, ...]
    parameters: int
    loss: Array
    gradients: Array
    updates: Array
    dead: Array
    saturated: Array
    final: Array

    def ratio(self, epoch: int = 0) -> float:
        """The gradient norm of the first layer beside that of the last, at an epoch: geometric mean over the seeds.

        Parameters
        ----------
        epoch : int
            The epoch; 0 is at initialisation.

        Returns
        -------
        float
            NaN for a model without layers.
        """
        if not self.layers:
            return math.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.exp(np.mean(np.log(self.gradients[:, epoch, 0] / self.gradients[:, epoch, -1]))))

    def to_dict(self) -> dict[str, Any]:
        """The numbers as lists; None where there is none, so that it can be written as JSON."""
        return {entry.name: plain(getattr(self, entry.name)) for entry in dataclasses.fields(self)}


def stacked(trainings: Sequence[Measured]) -> Measured:
    """The measurements of several seeds as one, along a new first axis."""
    first = trainings[0]
    arrays: dict[str, Any] = {
        entry.name: np.stack([getattr(training, entry.name) for training in trainings])
        for entry in dataclasses.fields(Measured)
        if isinstance(getattr(first, entry.name), np.ndarray)
    }
    return dataclasses.replace(first, **arrays)


def plain(value: Any) -> Any:
    """Arrays and tuples as lists, NaN and infinite numbers as None."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class StructureReport(Mapping[str, Measured]):
    """The measurements of each structure, by its name; printed, a table.

    The columns: the gradient norm of the first layer beside that of the last, at initialisation and at the end; the
    share of dead and of saturated units at the end; the smallest and the largest change that a step makes of a layer's
    weights, over the whole training; the loss at the end, and its standard deviation over the seeds, if there are
    several.
    """

    def __init__(self, measured: Mapping[str, Measured]) -> None:
        self.measured = dict(measured)

    def __getitem__(self, name: str) -> Measured:
        return self.measured[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.measured)

    def __len__(self) -> int:
        return len(self.measured)

    def __str__(self) -> str:
        titles = [
            "structure",
            "layers",
            "numbers",
            "first/last gradient",
            "at the end",
            "dead",
            "saturated",
            "change by a step",
            "final loss",
        ]
        return table([titles, *(summary(name, found) for name, found in self.items())])

    __repr__ = __str__

    def layers(self, name: str) -> str:
        """A table of one structure's layers: gradient norms and changes at initialisation and at the end.

        Parameters
        ----------
        name : str
            The structure.

        Returns
        -------
        str
        """
        found = self[name]
        rows = [["layer", "gradient", "at the end", "change by a step", "at the end"]]
        for k, layer in enumerate(found.layers):
            numbers = [found.gradients[:, 0, k], found.gradients[:, -1, k], found.updates[:, 0, k]]
            rows.append([layer, *(f"{mean:.1e}" for mean in map(np.mean, [*numbers, found.updates[:, -1, k]]))])
        return table(rows)

    def to_dict(self) -> dict[str, Any]:
        """All measurements as plain numbers, by structure."""
        return {name: found.to_dict() for name, found in self.items()}

    def plot(self, ax: Any = None, *, what: str = "loss") -> Any:
        """Draw the structures over one another, the mean over the seeds as a line and their range as a band.

        Parameters
        ----------
        ax : matplotlib axes, optional
            Where to draw; by default in a new figure.
        what : {'loss', 'gradients', 'updates'}
            The loss over the epochs; or, layer by layer, the gradient norms at initialisation (thin and dotted: at the
            end), or the changes by a step.

        Returns
        -------
        matplotlib axes

        Raises
        ------
        ModuleNotFoundError
            If matplotlib is not installed.
        OptionError
            If there is no such thing to draw.
        """
        if what not in ("loss", "gradients", "updates"):
            raise OptionError(f"what to plot is 'loss', 'gradients' or 'updates', got {what!r}")
        axes = axes_for(ax)
        if what == "loss":
            plot_loss({name: found.loss for name, found in self.items()}, axes).set(xlabel="epoch")
            return axes
        for k, (name, found) in enumerate(self.items()):
            series = getattr(found, what)
            depth = np.linspace(0, 1, len(found.layers)) if len(found.layers) > 1 else np.zeros(1)
            first, last = series[:, 0], series[:, -1]
            axes.plot(depth, first.mean(axis=0), "o-", markersize=4, color=colour(k), label=name)
            axes.fill_between(depth, first.min(axis=0), first.max(axis=0), color=colour(k), alpha=0.15, linewidth=0)
            axes.plot(depth, last.mean(axis=0), ":", linewidth=1, color=colour(k))
        size = "norm of the gradient" if what == "gradients" else "change by a step / weights"
        axes.set(title=what, ylabel=size, xlabel="layers; dotted: at the end", yscale="log")
        axes.set_xticks([0, 1], ["first", "last"])
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
        return axes


def summary(name: str, found: Measured) -> list[str]:
    """The row of a structure."""
    changes = found.updates[found.updates > 0]
    return [
        name,
        str(len(found.layers)),
        str(found.parameters),
        *("-" if math.isnan(ratio) else f"{ratio:.1e}" for ratio in (found.ratio(0), found.ratio(-1))),
        percentage(found.dead[:, -1]),
        percentage(found.saturated[:, -1]),
        f"{changes.min():.0e} to {changes.max():.0e}" if changes.size else "0",
        f"{found.final.mean():.4g}" + (f" ± {found.final.std(ddof=1):.1g}" if len(found.final) > 1 else ""),
    ]


def percentage(shares: Array) -> str:
    """A mean share in print; a dash where nothing could have it."""
    known = shares[~np.isnan(shares)]
    return f"{known.mean():.0%}" if known.size else "-"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns; the first row is the heading, the first column flush left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
