"""Stills with matplotlib: loss, gradient flow, weights, activations.

Every function takes the axes to draw on, or makes a figure, and returns the axes, so that
plots can be put side by side. Colours are told apart with any colour vision (Okabe & Ito,
*Color Universal Design*, 2008). matplotlib is imported when something is drawn, and not before.

What is recorded of a training is a mapping of arrays with one entry for each step: ``loss``,
``weights/<name>``, ``grads/<name>``, ``acts/<module>``, and perhaps ``step``, the numbers of the
steps; or anything that has such a mapping as its ``history``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

import numpy as np

from microbp.errors import OptionError, RangeError
from microbp.lab.evidence import Array
from microbp.mode import no_grad
from microbp.nn import Module
from microbp.tensor import Tensor, wrap

__all__ = [
    "MARKERS",
    "array_of",
    "axes_for",
    "colour",
    "entry",
    "from_matplotlib",
    "plot_activations",
    "plot_grad_flow",
    "plot_loss",
    "plot_weights",
    "run",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^Dv*P"
LINES = ("-", "--", "-.")  # so that curves that coincide are both seen
DIVERGING = "RdBu_r"  # told apart with any colour vision
READABLE = 5  # points: smaller numbers are not written


def axes_for(ax: Any = None) -> Any:
    """The axes to draw on: those given, or those of a new figure.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    if ax is not None:
        return ax
    _, axes = from_matplotlib("pyplot").subplots(layout="constrained")
    return axes


def from_matplotlib(part: str) -> Any:
    """A module of matplotlib.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ModuleNotFoundError(
            'plots need matplotlib: pip install "microbp[plot]"; what they show is also in the arrays',
            name="matplotlib",
        )
    return importlib.import_module(f"matplotlib.{part}")


def colour(k: int) -> str:
    """The colour of the curve or class number k."""
    return COLOURS[k % len(COLOURS)]


def array_of(values: Any) -> Array:
    """Numbers as an array."""
    return values.array if isinstance(values, Tensor) else np.asarray(values)


def history_of(source: Any) -> Any:
    """The arrays of a recorder, or what is given."""
    return getattr(source, "history", source)


def recorded(history: Mapping[str, Any], kind: str) -> dict[str, Array]:
    """The arrays of a history whose keys begin with a word and a slash, by what follows."""
    return {key.partition("/")[2]: array_of(value) for key, value in history.items() if key.startswith(f"{kind}/")}


def entry(track: Array, step: int) -> Any:
    """What a track has of a record.

    Raises
    ------
    RangeError
        If it has not so many.
    """
    if not -len(track) <= step < len(track):
        raise RangeError(
            f"step={step} is no record of a history of {len(track)}: records are counted from 0, whatever the numbers "
            f"of their steps, which are in history['step']"
        )
    return track[step]


def is_history(source: Mapping[str, Any]) -> bool:
    """Whether a mapping is what was recorded of one training, or may be: an empty one is."""
    tracks = ("weights/", "grads/", "acts/", "update_ratio/", "lr/")
    return not source or any(key in ("loss", "step") or str(key).startswith(tracks) for key in source)


def finished(axes: Any, legend: bool = False, **texts: Any) -> Any:
    """Titles, a grid and a legend."""
    axes.set(**texts)
    axes.grid(alpha=0.3)
    if legend:
        axes.legend(frameon=False, fontsize="small")
    return axes


def plot_loss(
    losses: Any, ax: Any = None, *, label: str | None = None, yscale: str = "log", step: int | None = None
) -> Any:
    """Draw how a loss falls, or several.

    Parameters
    ----------
    losses : sequence of float, recorder, history, or mapping of str to any of these
        Over steps or epochs. Of an array (S, E), the mean over the S rows is drawn, and their range as a band.
    ax : matplotlib axes, optional
        Where to draw; by default in a new figure.
    label : str, optional
        What to call a single curve.
    yscale : {'log', 'linear'}
        The vertical scale; linear where a loss is not positive.
    step : int, optional
        Mark this entry of the sequence, or record of the history, counted from 0: -1 is the last.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    OptionError
        If a record has no loss.
    ModuleNotFoundError
        If matplotlib is not installed; so with all functions here.
    RangeError
        If there is no entry to mark.
    """
    losses = history_of(losses)
    if isinstance(losses, Mapping) and not is_history(losses):
        curves = {str(name): loss_of(values) for name, values in losses.items()}
    else:
        curves = {label or "": loss_of(losses)}
    axes = axes_for(ax)
    for k, (name, (steps, curve)) in enumerate(curves.items()):
        axes.plot(steps, curve.mean(axis=0), LINES[k % 3], color=colour(k), label=name or None)
        if len(curve) > 1:
            axes.fill_between(steps, curve.min(axis=0), curve.max(axis=0), color=colour(k), alpha=0.15, linewidth=0)
        if step is not None:
            place, height = entry(steps, step), curve.mean(axis=0)[step]
            axes.axvline(place, color=colour(k), linewidth=1, alpha=0.5)
            axes.plot(place, height, "o", color=colour(k))
    positive = not any((curve <= 0).any() for _, curve in curves.values())  # NaN is neither
    scale = yscale if positive else "linear"
    return finished(axes, any(curves), title="loss", xlabel="step", ylabel="loss", yscale=scale)


def loss_of(values: Any) -> tuple[Array, Array]:
    """The steps at which a loss is known, and the loss as an array (seeds, steps)."""
    values = history_of(values)
    if isinstance(values, Mapping) and "loss" not in values:
        raise OptionError("no loss was recorded; call rec.step(loss) in training")
    curve = np.atleast_2d(array_of(values["loss"] if isinstance(values, Mapping) else values)).astype(float)
    steps = values.get("step") if isinstance(values, Mapping) else None
    return np.arange(curve.shape[1]) if steps is None else array_of(steps), curve


def plot_grad_flow(source: Any, ax: Any = None, *, step: int = -1, label: str | None = None) -> Any:
    """Draw how large the gradient of each weight is, from the first layer to the last.

    Parameters
    ----------
    source : Module, recorder, history, or mapping of str to any of these
        A model after ``backward()``, or what was recorded of one.
    ax : matplotlib axes, optional
        Where to draw; by default in a new figure.
    step : int
        Which record of a history, counted from 0, by default the last; its track ``"step"`` has the numbers of the
        steps. The vertical scale is that of the whole history.
    label : str, optional
        What to call a single curve.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    OptionError
        If there are no gradients.
    RangeError
        If there is no such record.
    """
    source = history_of(source)
    several = isinstance(source, Mapping) and not is_history(source)
    curves = {str(name): gradients_of(model) for name, model in source.items()} if several else {}
    known = curves or {label or "": gradients_of(source)}
    axes = axes_for(ax)
    names = max((list(sizes) for sizes in known.values()), key=len)  # of the deepest
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize="small")
    for k, (name, sizes) in enumerate(known.items()):
        now = [entry(track, step) for track in sizes.values()]
        axes.plot(range(len(sizes)), now, MARKERS[k % 7] + "-", color=colour(k), label=name or None)
        axes.update_datalim([(0, size) for track in sizes.values() for size in track if 0 < size < np.inf])
    axes.autoscale_view()
    title = "gradient flow"
    return finished(axes, bool(curves or label), title=title, ylabel="root mean square of the gradient", yscale="log")


def gradients_of(source: Any) -> dict[str, Array]:
    """The root mean square of the gradient of each weight at each step, biases and the like left out."""
    source = history_of(source)
    if isinstance(source, Module):
        found = {name: p.grad.array[None] for name, p in source.named_parameters() if p.grad is not None}
    else:
        found = recorded(source, "grads") if isinstance(source, Mapping) else {}
    sizes = {
        name: np.sqrt(np.mean(np.square(track, dtype=np.float64), axis=tuple(range(1, track.ndim))))
        for name, track in found.items()
        if track.ndim > 2
    }
    if not sizes:
        raise OptionError("there are no gradients of weights to plot; call loss.backward() first, and record them")
    return sizes


def plot_weights(source: Any, name: str | None = None, ax: Any = None, *, step: int = -1, numbers: bool = True) -> Any:
    """Draw a weight matrix: blue for negative numbers, red for positive ones, white for 0.

    Parameters
    ----------
    source : Tensor, array, Module, recorder or history
        A matrix, or where to find it; what has more dimensions is laid out with one row for each output.
    name : str, optional
        Which parameter of a model or history, as ``"fc1.weight"``; by default the first matrix.
    ax : matplotlib axes, optional
        Where to draw; by default in a new figure.
    step : int
        Which record of a history, counted from 0, by default the last. The colours are those of the largest number
        of the whole history.
    numbers : bool
        Write the numbers into the cells, if these are large enough.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    OptionError
        If there is no such parameter.
    RangeError
        If there is no such record.
    """
    title, track = matrices_of(history_of(source), name)
    matrix, axes = entry(track, step), axes_for(ax)
    matrix = matrix.reshape(len(matrix), -1) if matrix.ndim > 1 else matrix.reshape(1, -1)
    limit = float(np.abs(track[np.isfinite(track)]).max(initial=0)) or 1.0
    image = axes.imshow(matrix, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    axes.figure.colorbar(image, ax=axes)
    size = size_of_numbers(axes, matrix)
    if numbers and size >= READABLE:
        for (row, column), value in np.ndenumerate(matrix):
            shade = "white" if abs(value) > 0.6 * limit else "black"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=shade, fontsize=size)
    axes.set(title=title, xlabel="input", ylabel="output")
    for axis, size in ((axes.xaxis, matrix.shape[1]), (axes.yaxis, len(matrix))):
        axis.set_ticks(range(0, size, 1 + size // 13))
    return axes


def size_of_numbers(axes: Any, matrix: Array) -> float:
    """How large, in points, the numbers of a matrix can be, so that each fits into its cell."""
    box = axes.get_window_extent()
    point = axes.figure.dpi / 72
    height, width = box.height / point / len(matrix), box.width / point / matrix.shape[1]
    return float(min(8.0, 0.8 * height, width / 3.2))  # "−0.12" is three times as wide as high


def matrices_of(source: Any, name: str | None) -> tuple[str, Array]:
    """The title of a weight and its numbers at each step."""
    if isinstance(source, Module):
        known = {title: p.array[None] for title, p in source.named_parameters()}
    elif isinstance(source, Mapping):
        known = recorded(source, "weights")
    else:
        return name or "", array_of(source)[None]
    if name is None:
        name = next((title for title, track in known.items() if track.ndim > 2), None)
    if name not in known:
        wanted = "matrix" if name is None else f"weight {name!r}"
        raise OptionError(f"there is no {wanted}; there are {', '.join(map(repr, known)) or 'none'}")
    return name, known[name]


def plot_activations(source: Any, data: Any = None, ax: Any = None, *, step: int = -1) -> Any:
    """Draw what values each module puts out: the median, the middle half, and 5 % to 95 %.

    Parameters
    ----------
    source : Module, recorder, history, or mapping of str to array
        A model, which is run on `data`, or what was recorded of one.
    data : Tensor or array, optional
        Inputs for a model.
    ax : matplotlib axes, optional
        Where to draw; by default in a new figure.
    step : int
        Which record of a history, counted from 0, by default the last. The vertical scale suits all of them, or 100.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    OptionError
        If there are no activations.
    RangeError
        If there is no such record.
    """
    source = history_of(source)
    if isinstance(source, Module):
        if data is None:
            raise OptionError("plot_activations() runs a model on inputs: pass data=")
        tracks = {name: values[None] for name, values in outputs_of(source, data).items()}
    elif is_history(source):
        tracks = recorded(source, "acts")
    else:
        tracks = {str(name): array_of(values)[None] for name, values in source.items()}
    if not tracks:
        raise OptionError("there are no activations to plot")
    known = [known_of(entry(track, step)) for track in tracks.values()]
    axes = axes_for(ax)
    parts = axes.boxplot(
        known,
        positions=range(len(tracks)),
        whis=(5, 95),
        showfliers=False,
        patch_artist=True,
        medianprops={"color": "black"},
    )
    for box in parts["boxes"]:
        box.set(facecolor=colour(5), edgecolor=colour(0))
    steps = [known_of(values) for track in tracks.values() for values in track[:: 1 + len(track) // 100]]
    axes.update_datalim([(0, end) for values in steps if values.size for end in np.quantile(values, (0.05, 0.95))])
    axes.autoscale_view()
    axes.set_xticks(range(len(tracks)), list(tracks), rotation=90, fontsize="small")
    return finished(axes, title="activations", ylabel="output")


def known_of(values: Array) -> Array:
    """The numbers in an array in one row, without NaN, which fills up smaller batches, and infinite ones."""
    return values[np.isfinite(values)]


@no_grad()
def outputs_of(model: Module, data: Any) -> dict[str, Array]:
    """What the modules without parts give for some inputs, in evaluation mode, by their names."""
    outputs: dict[str, Array] = {}

    def listen(name: str, module: Module) -> Any:
        def hear(_: Module, __: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                outputs[name] = output.array

        return module.register_forward_hook(hear)

    inner = [
        (name, module) for name, module in model.named_modules() if name and not any(True for _ in module.children())
    ]
    handles = [listen(name, module) for name, module in inner]
    try:
        run(model, data)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


def run(model: Module, data: Any) -> Any:
    """The output of a model in evaluation mode, which is put back as it was."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        return model(data if isinstance(data, Tensor) else wrap(np.asarray(data)))
    finally:
        for module, training in modes:
            module.training = training
