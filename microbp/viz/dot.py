"""`make_dot`: the computational graph of a tensor as a drawing.

A view of the graph is taken (`microbp.viz.view`), parts of it are folded away
(`microbp.viz.fold`), and the rest is written in the DOT language (`microbp.viz.drawing`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from microbp.errors import OptionError
from microbp.tensor import Tensor
from microbp.viz.backend import Graph
from microbp.viz.colours import ByGradient, ByMemory, Colouring
from microbp.viz.drawing import Drawing, Shown
from microbp.viz.fold import Picture, fold
from microbp.viz.view import look

__all__ = ["check", "make_dot", "tensors_of"]

CROWDED = 80  # boxes; beyond, "auto" leaves values out
COLOURINGS: dict[str, type[Colouring]] = {"kind": Colouring, "grad": ByGradient, "memory": ByMemory}


def make_dot(
    var: Tensor | Sequence[Tensor],
    params: Any = None,
    show_attrs: bool = False,
    show_saved: bool = False,
    max_attr_chars: int = 50,
    *,
    model: Any = None,
    show_values: bool | str = "auto",
    show_grads: bool | str = "auto",
    depth: int | None = None,
    roll: bool = False,
    color_by: str = "kind",
    direction: str = "forward",
    rankdir: str = "LR",
    max_nodes: int | None = 300,
    show_source: bool = True,
    show_formulas: bool = False,
) -> Graph:
    """Draw the computational graph of a tensor.

    The graph is only read: gradients, values and the state of the random generators stay as they are.

    Parameters
    ----------
    var : Tensor or sequence of Tensor
        What the graph computes, usually the loss.
    params : mapping of str to Tensor, or iterable of (str, Tensor), optional
        Names for tensors, intermediate results too; they take precedence over those of the model.
    show_attrs : bool
        Show the options of each operation (``dim = 1``).
    show_saved : bool
        Show what each operation keeps for the backward pass, in the letters of its rules.
    max_attr_chars : int
        The longest that an option may be.
    model : Module, optional
        Gives parameters and modules their names; by default the modules that were called do.
        Warns if none of its parameters is in the graph.
    show_values : bool or "auto"
        Show the values of tensors of up to 4 by 4 elements, and mean ± standard deviation of
        larger ones. ``"auto"`` leaves them out of a crowded picture.
    show_grads : bool or "auto"
        Show ``grad`` of leaves, and the gradients of intermediate results, which are worked
        out for the picture: with ``"auto"`` once ``backward()`` was called, with True in any case.
        Where a gradient is a sum over several uses, the arrows show the summands.
    depth : int, optional
        Close the modules inside this many others: 0 closes the outermost ones, 1 their children.
    roll : bool
        Draw repeated calls of one module once, with their number.
    color_by : {"kind", "grad", "memory"}
        What the colours say: what a tensor is; the root mean square of its gradient; or how much memory an operation
        keeps for the backward pass (`microbp.viz.memory_table` has the details).
    direction : {"forward", "backward"}
        Which way the arrows point; backward, they carry the shapes of the gradients.
    rankdir : {"LR", "TB", "RL", "BT"}
        Which way the graph grows.
    max_nodes : int or None
        Close modules until no more boxes than this remain.
    show_source : bool
        Say in the tooltip of an operation where the program calls it.
    show_formulas : bool
        Show the derivatives of each operation, in the names of the picture; `g` is the gradient of its output.

    Returns
    -------
    Graph
        A `graphviz.Digraph`. A notebook shows it, ``render("graph.svg")`` writes it to a
        file, ``source`` is its DOT text.

    Raises
    ------
    OptionError
        If an option has none of the values above.
    TypeError
        If `var` is no tensor, or `model` no module.

    Examples
    --------
    >>> import microbp
    >>> from microbp.viz import make_dot
    >>> x = microbp.tensor(3.0, requires_grad=True)
    >>> graph = make_dot(x * x, params={"x": x})
    >>> print(graph.source[:17])
    digraph microbp {
    """
    check("color_by", color_by, tuple(COLOURINGS))
    check("direction", direction, ("forward", "backward"))
    check("rankdir", rankdir, ("LR", "TB", "RL", "BT"))
    check("show_values", show_values, ("auto", True, False))
    check("show_grads", show_grads, ("auto", True, False))
    if depth is not None and depth < 0:
        raise OptionError(f"depth is the number of modules that are open around a closed one, got {depth}")
    if max_nodes is not None and max_nodes < 1:
        raise OptionError(f"max_nodes must be positive or None, got {max_nodes}")
    roots = tensors_of(var)
    if model is not None and not hasattr(model, "named_parameters"):
        raise TypeError(f"make_dot() takes names from model=, a module; got {type(model).__name__}")

    grads = "auto" if show_grads == "auto" else "all" if show_grads else "none"
    worked_out = "auto" if grads == "none" and color_by == "grad" else grads
    view = look(roots, model=model, params=params, values=bool(show_values), gradients=worked_out)
    if model is not None and not any(box.owned for box in view.tensors) and any(True for _ in model.parameters()):
        warnings.warn(
            f"none of the parameters of model={type(model).__name__} is in this graph; was the loss computed with "
            "another model, or under no_grad()?",
            UserWarning,
            stacklevel=2,
        )
    picture = fold(view, depth=depth, roll=roll, max_nodes=max_nodes)
    crowded = show_values == "auto" and picture.boxes > CROWDED
    show_values = bool(show_values) and not crowded
    shown = Shown(
        attrs=max_attr_chars if show_attrs else None,
        tip_attrs=max_attr_chars,
        saved=show_saved,
        values=show_values,
        grads=grads,
        backward=direction == "backward",
        source=show_source,
        formulas=show_formulas,
    )
    graph = Graph("microbp", format="svg")
    notes = limits(picture, depth, max_nodes, crowded)
    Drawing(view, picture, COLOURINGS[color_by](picture), shown).draw(graph, rankdir, notes)
    return graph


def limits(picture: Picture, depth: int | None, max_nodes: int | None, crowded: bool) -> list[str]:
    """What was left out of a large picture, and how to see it, or less."""
    notes = []
    if picture.depth < min(picture.deepest, picture.deepest if depth is None else depth):
        notes.append(f"modules closed at depth {picture.depth} of {picture.deepest}: max_nodes={max_nodes}")
    if crowded:
        folding = f", depth={min(1, picture.deepest - 1)} closes modules" if picture.clusters else ""
        notes.append(f"{picture.boxes} boxes: show_values=True shows their values{folding}")
    return notes


def tensors_of(var: Any) -> tuple[Tensor, ...]:
    """What is to be drawn, if it can be."""
    if isinstance(var, Tensor):
        return (var,)
    hint = "; call it: make_dot(model(x), model=model)" if hasattr(var, "named_parameters") else ""
    roots = (var,) if hint or not isinstance(var, Iterable) else tuple(var)
    for root in roots:
        if not isinstance(root, Tensor):
            raise TypeError(f"make_dot() draws a tensor or a sequence of tensors, got {type(root).__name__}{hint}")
    if not roots:
        raise OptionError("make_dot() got an empty sequence: there is nothing to draw")
    return roots


def check(name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Refuse a value that an option does not have."""
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in allowed):
        raise OptionError(f"make_dot() has {name}={' or '.join(map(repr, allowed))}, got {value!r}")
