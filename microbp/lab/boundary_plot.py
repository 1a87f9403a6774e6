"""A still of the decision boundary, of a model as it is or as it was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError
from microbp.lab.evidence import Array
from microbp.lab.plane import class_numbers
from microbp.lab.plots import MARKERS, array_of, axes_for, colour, entry, run
from microbp.mode import no_grad
from microbp.nn import Module

__all__ = ["plot_decision_boundary"]


def plot_decision_boundary(
    source: Any,
    data: Any = None,
    target: Any = None,
    ax: Any = None,
    *,
    threshold: float | None = None,
    grid: int = 200,
    margin: float = 0.15,
    step: int = -1,
) -> Any:
    """Draw which class a model gives to each point of the plane, and the points that it learned from.

    Parameters
    ----------
    source : Module or Recorder
        A model of points (N, 2) that gives a score for each class, (N, C), or one for the second of two classes,
        (N, 1) or (N,); or what was recorded of one with `data`, so that neither data nor target are needed here.
    data : Tensor or array
        (N, 2).
    target : Tensor or array
        (N,) or (N, 1): the number of the class of each point, from 0. Other labels, such as -1 and 1, are numbered
        in their order.
    ax : matplotlib axes, optional
        Where to draw; by default in a new figure.
    threshold : float, optional
        For one score, where the second class begins: 0 for logits, which is the default, 0.5 for probabilities, which
        is that of a record whose scores are all between 0 and 1.
    grid : int
        Points to a side at which a model is asked.
    margin : float
        How far the picture of a model reaches beyond the points, as a share of their range.
    step : int
        Which of the records, counted from 0; by default the last.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    OptionError
        If no boundary was recorded, a model comes without data, or a history in place of its recorder.
    RangeError
        If there is no such record.
    ShapeError
        If the points do not have two coordinates, there are none, or not as many classes.
    """
    if isinstance(source, Mapping):
        raise OptionError("plot_decision_boundary() needs the points too, which a history has not: pass the recorder")
    if not isinstance(source, Module):
        plane, scores = source.run.plane, source.history.get("boundary")
        if plane is None or scores is None:
            raise OptionError("no boundary was recorded: give the points to lab.watch(model, data=(x, y))")
        is_probability = scores.ndim == 3 and np.all((scores >= 0) & (scores <= 1))
        given = decided(entry(scores, step), (0.5 if is_probability else 0.0) if threshold is None else threshold)
        return drawn_regions(axes_for(ax), plane.low, plane.high, given, plane.points, plane.classes())
    if data is None or target is None:
        raise OptionError("plot_decision_boundary() of a model takes its points too: pass data and target")
    points, labels = array_of(data), array_of(target)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ShapeError(f"a decision boundary can be drawn for points (N, 2), got {points.shape}")
    if labels.size != len(points):
        raise ShapeError(f"there are {len(points)} points, but classes of shape {labels.shape}; give one for each")
    if points.dtype.kind != "f":
        points = points.astype(np.float32)  # the grid between them is not of whole numbers
    low, high = points.min(axis=0), points.max(axis=0)
    room = margin * np.maximum(high - low, 1e-6)
    xs, ys = (np.linspace(low[k] - room[k], high[k] + room[k], grid) for k in (0, 1))
    asked = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype(points.dtype)
    with no_grad():
        scores = array_of(run(source, asked)).reshape(grid, grid, -1)
    given = decided(scores[..., 0] if scores.shape[2] == 1 else scores, threshold or 0.0)
    classes = class_numbers(labels.reshape(-1))
    return drawn_regions(axes_for(ax), low - room, high + room, given, points, classes)


def decided(scores: Array, threshold: float) -> Array:
    """The class at each point (N, N) of a grid, by one score at each, or by one for each class (N, N, C)."""
    return (scores > threshold).astype(int) if scores.ndim == 2 else scores.argmax(axis=-1)


def drawn_regions(axes: Any, low: Array, high: Array, given: Array, points: Array, classes: Array | None) -> Any:
    """The classes that the points of a grid have, the lines between them, and points of known or unknown class."""
    xs, ys = (np.linspace(low[k], high[k], len(given)) for k in (0, 1))
    present = range(int(max(given.max(), 1 if classes is None else classes.max())) + 1)
    levels = [k - 0.5 for k in (*present, len(present))]
    axes.contourf(xs, ys, given, levels=levels, colors=[colour(k) for k in present], alpha=0.25)
    if given.min() < given.max():
        axes.contour(xs, ys, given, levels=levels[1:-1], colors="black", linewidths=1)
    style = {"s": 25, "edgecolor": "white", "linewidth": 0.5}
    if classes is None:
        axes.scatter(*points.T, color="gray", **style)
    else:
        for k in present:
            axes.scatter(*points[classes == k].T, color=colour(k), marker=MARKERS[k % 7], label=k, **style)
        axes.legend(title="class", fontsize="small")
    axes.set(title="decision boundary", xlabel="first input", ylabel="second input")
    return axes
