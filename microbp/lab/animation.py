"""A training as an animated picture: plots drawn anew for each frame, put together as a GIF."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from microbp.errors import OptionError
from microbp.lab.boundary_plot import plot_decision_boundary
from microbp.lab.film import Filmed, spread
from microbp.lab.plots import from_matplotlib, plot_grad_flow, plot_loss, plot_weights
from microbp.lab.run import Run

__all__ = ["Options", "write"]

Array = np.ndarray[Any, Any]
Plot = Callable[..., Any]

WIDTH, HEIGHT = 4.0, 3.2  # inches of a plot
MATRICES = 4  # that are drawn when nobody says which
REST = 1000  # milliseconds that the last frame stays longer than others


class Options(NamedTuple):
    """How an animation runs, and how large it is; see `Recorder.to_gif`."""

    frames: int
    fps: float
    loop: int
    dpi: float

    def check(self) -> None:
        """Refuse what makes no sense."""
        for name, least in (("frames", 1), ("loop", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise OptionError(f"to_gif() takes a whole number of at least {least} as {name}, got {value!r}")
        for name, most in (("fps", 50), ("dpi", 1000)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
                raise OptionError(f"to_gif() takes a number above 0 and up to {most} as {name}, got {value!r}")


class Frames(NamedTuple):
    """The records that are drawn, as the plots take them: a recorder of these alone."""

    run: Run

    @property
    def history(self) -> dict[str, Any]:
        """Each track as one array."""
        return self.run.stacked()


def write(recorder: Filmed, path: str | os.PathLike[str], plots: Sequence[Plot] | None, options: Options) -> str:
    """Draw a frame for each of so many records, write them as a GIF, and return the path."""
    options.check()
    if not recorder.run.records:
        raise OptionError("nothing was recorded; call rec.step(loss) in training")
    positions = spread(len(recorder.run.records), options.frames).tolist()
    recorder.complete(positions)
    frames = Frames(recorder.run.part(positions))
    chosen = default_plots(frames) if plots is None else list(plots)
    if not chosen:
        raise OptionError("to_gif() got no plots to draw; leave plots= out for those that suit the record")
    pause = round(1000 / options.fps)
    first, *others = in_one_palette(list(drawn(frames, chosen, options.dpi)))
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    first.save(
        target,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=[*[pause] * len(others), pause + REST],
        **({} if options.loop == 1 else {"loop": max(options.loop - 1, 0)}),
    )
    return str(target)


def drawn(frames: Frames, plots: Sequence[Plot], dpi: float) -> Iterator[Array]:
    """Each frame as an array (height, width, 3), with every plot on axes of its own."""
    columns = math.ceil(math.sqrt(len(plots)))
    rows = math.ceil(len(plots) / columns)
    figure = from_matplotlib("figure").Figure((columns * WIDTH, rows * HEIGHT), dpi, layout="constrained")
    canvas = from_matplotlib("backends.backend_agg").FigureCanvasAgg(figure)
    places: list[Any] = []
    top: dict[str, float] = {}
    for k, (step, record) in enumerate(zip(frames.run.steps, frames.run.records, strict=True)):
        figure.clear()
        title = figure.suptitle(f"step {step}, loss {record['loss']:.4g}", **top)
        for number, plot in enumerate(plots, 1):
            plot(frames, ax=figure.add_subplot(rows, columns, number), step=k)
        for axes, place in zip(figure.axes, places, strict=False):
            axes.set_position(place)
        canvas.draw()
        if not places:  # the layout of the first frame is that of all: nothing jumps, and it costs more than drawing
            places, top = [axes.get_position() for axes in figure.axes], {"y": title.get_position()[1]}
            figure.set_layout_engine("none")
        yield np.array(canvas.buffer_rgba())[..., :3]


def in_one_palette(pictures: Sequence[Array]) -> list[Any]:
    """Images in the same 256 colours, so that what stands still is stored only once."""
    images = importlib.import_module("PIL.Image")
    typical = np.concatenate([pictures[k] for k in spread(len(pictures), 3)])
    palette = images.fromarray(typical).quantize(256)
    return [images.fromarray(picture).quantize(palette=palette, dither=images.Dither.NONE) for picture in pictures]


def default_plots(frames: Frames) -> list[Plot]:
    """The loss, the boundary, and some matrices, or else the gradients: what there is."""
    plots: list[Plot] = [plot_loss]
    history = frames.history
    if "boundary" in history:
        plots.append(plot_decision_boundary)
    matrices = [
        name for name, track in history.items() if name.startswith("weights/") and track.ndim == 3 and track.size
    ]
    plots += [partial(plot_weights, name=name.removeprefix("weights/")) for name in matrices[:MATRICES]]
    if not matrices and any(name.startswith("grads/") and track.ndim > 2 for name, track in history.items()):
        plots.append(plot_grad_flow)
    return plots
