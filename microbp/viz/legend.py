"""The legend under a drawing: what its colours and signs mean, and what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from microbp.viz import boxes, style
from microbp.viz.colours import Chip, gradient_of
from microbp.viz.fold import Picture
from microbp.viz.text import escape_html
from microbp.viz.view import View

__all__ = ["legend", "notes_on"]

TOOLTIP = re.compile(r'tooltip="(?:[^"\\]|\\.)*"')
PER_ROW = 6
BOX, LETTER = 30, 4.2  # about how wide a box and a letter of the text are, in points
LEFT = '<TD ALIGN="LEFT">'


def legend(chips: Iterable[Chip], notes: Iterable[str]) -> str:
    """The label of the graph: colours in rows, then sentences."""
    chips, notes = list(chips), list(notes)
    rows = [chips[start : start + PER_ROW] for start in range(0, len(chips), PER_ROW)]
    widest = max([*map(width_of_row, rows), *(LETTER * len(note) for note in notes)], default=0)
    lines = []
    for row in rows:
        blank = f'<TD WIDTH="{max(int(widest - width_of_row(row)), 1)}"></TD>'  # else the row would be stretched
        lines.append(table(["".join(map(entry, row)) + blank]))
    lines += map(small, notes)
    cells = [f"{LEFT}{line}</TD>" for line in lines]
    return f"<{table(cells)}>" if cells else ""


def width_of_row(row: list[Chip]) -> float:
    """About how wide entries are beside each other, in points."""
    return sum(BOX + LETTER * len(chip.text) for chip in row)


def table(rows: Iterable[str]) -> str:
    """Rows of cells, close to each other."""
    inner = "".join(f"<TR>{row}</TR>" for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="1">{inner}</TABLE>'


def entry(chip: Chip) -> str:
    """Two cells: a small box, and what it stands for."""
    colours = chip.fill.split(":")
    if len(colours) > 1:  # stripes, which a cell cannot have
        stripe = '<TD BGCOLOR="{}" WIDTH="4" HEIGHT="10" FIXEDSIZE="TRUE"></TD>'
        inner = "".join(map(stripe.format, colours[:6]))
        frame = f'BORDER="1" COLOR="{chip.line}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"'
        box = f'<TD CELLPADDING="0"><TABLE {frame}><TR>{inner}</TR></TABLE></TD>'
    else:
        look = f' STYLE="{chip.style}"' if chip.style else ""
        blank = '<FONT POINT-SIZE="8">    </FONT>'
        box = f'<TD BGCOLOR="{chip.fill}" COLOR="{chip.line}" BORDER="1"{look}>{blank}</TD>'
    return f'{box}<TD ALIGN="LEFT">{small(chip.text)}  </TD>'


def small(text: str) -> str:
    """Text in the size of the legend."""
    return boxes.font(escape_html(text), size=8.5, colour=style.MUTED)


def notes_on(view: View, picture: Picture, drawn: str, *, grads: bool, formulas: bool, backward: bool) -> Iterable[str]:
    """What a reader has to know about a drawing.

    Parameters
    ----------
    view : View
    picture : Picture
        What of the view is drawn.
    drawn : str
        The DOT text of its boxes and arrows.
    grads, formulas, backward : bool
        Whether gradients and formulas are shown, and arrows go backward.
    """
    drawn = TOOLTIP.sub("", drawn)
    if " ± " in drawn:
        yield "with ±: mean ± standard deviation of the elements"
    if "grad + " in drawn or "grad − " in drawn:
        yield "grad + on an arrow: the share of this use in the gradient, which is the sum over all uses"
    if formulas and picture.operations:
        yield "g in a formula: the gradient of the operation's output"
    if grads and lacks_gradients(view, picture):
        if any(box.changed for box in view.tensors):
            yield "gradients in between: draw before the tensors change, that is, before optimizer.step()"
        else:
            yield "gradients in between: call backward(retain_graph=True)"
    if picture.earlier is not None:
        yield "the oldest operations are joined in one box: see max_nodes"
    if backward:
        yield "arrows point the way that gradients go; they show the gradient's shape"


def lacks_gradients(view: View, picture: Picture) -> bool:
    """Whether the graph was freed, and gradients in between cannot be worked out for it."""
    freed = any(op.kept is None for op in view.operations)
    return freed and any(box.kind == "result" and gradient_of(box) is None for box in picture.tensors)
