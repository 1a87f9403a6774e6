"""Where NaN comes from: the operation, its rule, and the numbers that the rule was given.

A NaN in a gradient spreads to everything that was computed before, so that in the end every
parameter has it and none tells why. Here every step of the backward pass is looked at, and the
first that turns numbers into NaN is reported, with the line of the program where its forward
ran. The mode is an observer (`microbp.mode.observe`): where it is off, nothing is looked at.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from microbp import label
from microbp.autograd.bundle import Parts
from microbp.engine import collect, propagate
from microbp.errors import AnomalyError
from microbp.mode import Mode, ModeSwitch, Observer, Setting, Step, members, together
from microbp.node import Node
from microbp.tensor import Tensor

__all__ = ["detect_anomaly", "set_detect_anomaly"]

Array = np.ndarray[Any, Any]


class detect_anomaly(ModeSwitch):
    """Raise an error when the backward pass gives NaN inside the block, naming the operation that made it.

    The error says which operation, for which argument and by which rule, the values that the rule was given at the
    first bad element, and the line of the program where the forward ran; also what that line is not to blame for: a
    starting gradient or a hook that brought the NaN, a forward that had NaN already, or an upstream gradient of exactly
    0, as from `where`, times an infinite derivative.

    It is enough that the backward pass runs inside the block. A context manager and a decorator, per thread and per
    asynchronous task; blocks may be nested, and the innermost holds. To look at every value takes time, so that it is
    meant for debugging.

    Parameters
    ----------
    check_nan : bool
        Look for NaN. False switches off, for the block, what an outer one looks for.
    check_inf : bool
        Look for infinite values too, which is where many a NaN begins.
    check_forward : bool
        Look at the outputs of recorded operations too, as they are computed. Infinite ones that were given, as a mask
        of ``-inf`` is, or that come from such, are let pass.

    Raises
    ------
    AnomalyError
        Not by the block itself, but inside it; a RuntimeError.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([0.0, 4.0], requires_grad=True)
    >>> y = microbp.where(x > 0, microbp.sqrt(x), 0.0).sum()
    >>> with detect_anomaly():
    ...     y.backward()
    Traceback (most recent call last):
    microbp.errors.AnomalyError: sqrt (recorded at ...) gave nan as the gradient of its argument 'a' ((2,) float32)
      rule:    dL/da = g / (2 * y)
      values:  g (2,) float32, y (2,) float32
      element: [0], the only one of 2: g = 0.0, y = 0.0
    The gradient that reached sqrt is exactly 0 there, as where a result is masked out; but 0 times a derivative
    that is infinite or NaN is NaN. Replace the value before the operation, not only its result after it:
    where(mask, sqrt(where(mask, a, 1)), 0)
    """

    def __init__(self, check_nan: bool = True, *, check_inf: bool = False, check_forward: bool = False) -> None:
        self.observer = Anomalies(check_nan, check_inf, check_forward)

    def enter(self, outer: Mode) -> Mode:
        return Mode(outer.recording, watched_by(self.observer, outer.observer), outer)


class set_detect_anomaly(Setting):
    """Switch `detect_anomaly` on or off: for a ``with`` block, or called on its own, from here on.

    Parameters
    ----------
    mode : bool
        Whether to look for anomalies.
    check_nan, check_inf, check_forward : bool
        As for `detect_anomaly`.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor(0.0, requires_grad=True)
    >>> y = x.sqrt() * 0.0
    >>> switch = microbp.autograd.set_detect_anomaly(True)
    >>> y.backward()
    Traceback (most recent call last):
    microbp.errors.AnomalyError: sqrt (recorded at ...) gave nan as the gradient of its argument 'a' (() float32)
    ...
    >>> switch = microbp.autograd.set_detect_anomaly(False)
    """

    def __init__(
        self, mode: bool, check_nan: bool = True, *, check_inf: bool = False, check_forward: bool = False
    ) -> None:
        self.observer = Anomalies(mode and check_nan, mode and check_inf, mode and check_forward)
        self.hold(reaching_out=True)

    def enter(self, outer: Mode) -> Mode:
        return Mode(outer.recording, watched_by(self.observer, outer.observer), outer)


class Anomalies:
    """The observer that looks at values."""

    def __init__(self, nan: bool, inf: bool, forward_too: bool) -> None:
        self.looks = nan or inf
        self.is_bad: Callable[[Array], Array] = np.isinf if not nan else is_not_finite if inf else np.isnan
        self.forward_too = forward_too
        self.infinite: weakref.WeakSet[Node] = weakref.WeakSet()  # whose outputs are so because they were given so

    def forward(self, node: Node, output: Tensor) -> None:
        """Look at an output, but for those inside the backward pass, whose rules may mask what they compute."""
        if not self.forward_too:
            return
        bad = self.find(output)
        if bad is None or is_in_backward():
            return
        if not np.isnan(output.array).any() and any(map(self.is_infinite, (*node.inputs, *node.options.values()))):
            self.infinite.add(node)
        else:
            refuse_output(node, output.array, bad)

    def is_infinite(self, value: Any) -> bool:
        """Whether an argument or an option has infinite values."""
        if isinstance(value, Node):
            return value in self.infinite
        if isinstance(value, Tensor):
            value = value.array
        return isinstance(value, float | np.ndarray) and bool(np.isinf(value).any())

    def backward(self, step: Step) -> None:
        """Look at a gradient."""
        if self.find(step.contribution) is not None or (
            step.received is not step.contribution and self.find(step.received) is not None
        ):
            for what, value in (("product", step.product), ("sum", step.contribution), ("total", step.received)):
                bad = self.find(value)
                if bad is not None:
                    refuse_gradient(step, what, to_array(value), bad)

    def find(self, value: Any) -> Array | None:
        """Where a value is bad, if it is so anywhere."""
        array = to_array(value)
        if array.dtype.kind != "f":
            return None
        bad = self.is_bad(array)
        return bad if bad.any() else None


def is_in_backward() -> bool:
    """Whether a backward pass is running here and now, and records itself."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code is propagate.__code__:
            return True
        frame = frame.f_back
    return False


def is_not_finite(array: Array) -> Array:
    """Where an array is NaN or infinite."""
    return ~np.isfinite(array)


def watched_by(anomalies: Anomalies, observer: Observer | None) -> Observer | None:
    """The observer with these in place of other `Anomalies`; without any, where they look for nothing."""
    others = [other for other in members(observer) if not isinstance(other, Anomalies)]
    return together([*others, anomalies] if anomalies.looks else others)


def to_array(value: Any) -> Array:
    """A gradient as an array; one that is none, like those of several outputs of a call, as an empty one."""
    return np.asarray(value.array if isinstance(value, Tensor) else value if hasattr(value, "dtype") else ())


def refuse_gradient(step: Step, what: str, value: Array, bad: Array) -> NoReturn:
    """Report a gradient: the product of a rule, its sum over broadcast axes, or the total of what an input received."""
    node, position = step.node, step.position
    nodes = collect(step.seeds)
    place = tuple(map(int, np.argwhere(bad)[0]))
    several = isinstance(step.upstream, Parts)
    given = {f"g[{k}]": g for k, g in sorted(step.upstream.parts.items())} if several else {"g": step.upstream}
    letters = {**given, **dict(zip(node.plan.letters, node.kept, strict=True))}
    arrays = {name: to_array(letter) for name, letter in letters.items() if hasattr(letter, "dtype")}
    elementwise = what == "product" and node.op.rule(position).is_elementwise
    here = dict(at_place(arrays, value.shape, place)) if elementwise else {}
    edge = node.inputs[position]
    seen = label.identity(edge, nodes, edge if hasattr(edge, "dtype") else step.contribution)
    gave = f"{label.title(node)}{label.at(node, nodes)} gave {value[place]} as the gradient of its argument"
    raise AnomalyError(
        f"{gave} {node.op.argument(position)!r}{seen}\n"
        f"  rule:    {label.formula(node, position)}\n"
        f"  values:  {', '.join(f'{name} {summary(array)}' for name, array in arrays.items())}\n"
        f"  element: {located(place, bad)}"
        f"{': ' * bool(here)}{', '.join(f'{name} = {number}' for name, number in here.items())}\n"
        + cause(step, value[place], what, [here.get(name, arrays[name]) for name in given], here or arrays, bool(here))
    )


def cause(step: Step, value: Any, what: str, given: list[Any], letters: dict[str, Any], is_there: bool) -> str:
    """Why a gradient is bad, as far as the numbers tell: those at the bad element, where it is known which these are.

    Parameters
    ----------
    step : Step
        What happened.
    value : float
        What the bad element is.
    what : {'product', 'sum', 'total'}
        What is bad.
    given : list
        The gradient of the output; several of them, if there are several outputs.
    letters : dict of str to array or number
        What the rule was given.
    is_there : bool
        Whether these are the numbers at the bad element.
    """
    node = step.node
    title = label.title(node)
    where = "there" if is_there else "already"
    if what == "sum":
        return "The rule gave no such value: it is their sum over the axes along which the argument was broadcast."
    if what == "total":
        return "No single use of the argument has such a gradient: it is the sum of those from several uses."
    is_so, kind = (np.isnan, "NaN") if np.isnan(value) else (np.isinf, "infinite")
    if any(is_so(g).any() for g in given):
        source = "the sum of several that are infinite may be that"
        if node in step.seeds and is_so(to_array(step.seeds[node])).any():
            source = "the starting gradient, gradient= or grad_outputs=, has it"
        elif node.hooks is not None:
            source = "a hook on its output put it there"
        return f"The gradient that reached {title} is {kind} {where}: {source}."
    if not any(np.any(g) for g in given):
        remedy = f":\nwhere(mask, {title}(where(mask, a, 1)), 0)" if node.op.arguments == ("a",) else ""
        return (
            f"The gradient that reached {title} is exactly 0 {'there' if is_there else 'everywhere'}, as where a "
            "result is masked out; but 0 times a derivative\nthat is infinite or NaN is NaN. Replace the value before "
            f"the operation, not only its result after it{remedy}"
        )
    unknown = [name for name, value in letters.items() if np.isnan(value).any()]
    if unknown:
        return (
            f"The forward had NaN {where}, in {' and '.join(unknown)}: detect_anomaly(check_forward=True) around it "
            "finds the operation that made it."
        )
    if any(np.isinf(g).any() for g in given):
        return (
            f"The gradient that reached {title} is infinite {where}: detect_anomaly(check_inf=True) finds the "
            "operation that made it so."
        )
    if is_there:
        return f"The derivative of {title} is not finite there: it has none, or one beyond the range of the dtype."
    return "What the rule was given has no such value: the rule made it."


def refuse_output(node: Node, value: Array, bad: Array) -> NoReturn:
    """Report an output."""
    place = tuple(map(int, np.argwhere(bad)[0]))
    values = dict(zip(node.plan.letters, node.kept or (), strict=True))
    for position, edge in enumerate(node.inputs):
        if isinstance(edge, Tensor | int | float):
            values[node.op.argument(position)] = edge
    arrays = {name: np.asarray(to_array(v) if isinstance(v, Tensor) else v) for name, v in values.items()}
    arrays = {name: array for name, array in arrays.items() if array.dtype.kind in "fiub" and name != "y"}
    here = dict(at_place(arrays, value.shape, place))
    elementwise = bool(node.op.rules) and all(rule.is_elementwise for rule in node.op.rules.values())
    shown = "".join(f", {name} = {number}" for name, number in here.items()) if elementwise else ""
    already = [name for name, array in arrays.items() if array.dtype.kind == "f" and np.isnan(array).any()]
    raise AnomalyError(
        f"{label.title(node)}{label.at(node)} gave {value[place]} in its forward\n"
        f"  formula: y = {node.op.formula}\n"
        f"  values:  y {summary(value)}{''.join(f', {name} {summary(array)}' for name, array in arrays.items())}\n"
        f"  element: {located(place, bad)}{shown}" + (f"\nNaN was in {' and '.join(already)} already." * bool(already))
    )


def summary(array: Array) -> str:
    """Shape and dtype, and how much of it is not finite."""
    text = label.describe(array)
    if array.dtype.kind == "f":
        for name, count in (("nan", np.isnan(array).sum()), ("inf", np.isinf(array).sum())):
            text += f" with {count} {name}" if count else ""
    return text


def located(place: tuple[int, ...], bad: Array) -> str:
    """Which element it is, and of how many."""
    count = int(bad.sum())
    return f"{list(place)}, {'the only one' if count == 1 else f'the first of {count}'} of {bad.size}"


def at_place(arrays: dict[str, Array], shape: tuple[int, ...], place: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """The values of the letters at one place of the broadcast shape; of those that have one there."""
    for name, array in arrays.items():
        try:
            yield name, np.broadcast_to(array, shape)[place].item()
        except ValueError:
            continue
