"""What all optimizers share: parameter groups, state, and the checks that come before a step.

A *group* is a dict: its parameters under ``"params"``, and one entry for each option. What a
group leaves out comes from the constructor, the global setting; so every layer may have a
learning rate of its own. A step reads the options from the groups, so that changing
``optimizer.param_groups[0]["lr"]`` changes the next step.

An optimizer is a subclass with a `step`, in which `ready` hands out the parameters that have
a gradient, all checked before the first of them is written to: a refused step changes nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from operator import is_
from typing import Any, ClassVar

import numpy as np

from microbp.effect import effect
from microbp.errors import DtypeError, OptionError, ShapeError, warn
from microbp.mode import enable_grad
from microbp.optim import packing
from microbp.optim.summary import summary, switches
from microbp.tensor import Tensor, wrap

__all__ = ["Optimizer"]

Group = dict[str, Any]
Array = np.ndarray[Any, Any]

# Entries of a group that are no options: the parameters, what they and the group are called, and a
# learning rate that schedulers remember.
beside_options = ("params", "param_names", "name", "initial_lr")

plain_numbers = (float, int)
unchanging = frozenset({bool, float, int, str, type(None)})


class Optimizer:
    """Base of all optimizers.

    Parameters
    ----------
    params : iterable
        Tensors, or (name, tensor) pairs as ``model.named_parameters()`` gives them, or dicts: groups with
        their tensors or pairs under ``"params"`` and options of their own.
    defaults : dict
        Every option with its global value, for groups that leave it out.

    Attributes
    ----------
    param_groups : list of dict
        The groups, each with all options.
    state : dict
        What the optimizer remembers of each parameter, by tensor.
    defaults : dict
        The global options.
    stepped : bool
        Whether a step was begun: `ready` was called.

    Raises
    ------
    TypeError
        If `params` is a single tensor, a set, a module, or holds what is no tensor.
    OptionError
        If there are no parameters, one is in two groups or no leaf, or an option is unknown or makes no sense.

    Examples
    --------
    An optimizer of one's own is a step:

    >>> import microbp
    >>> class SignDescent(Optimizer):
    ...     def __init__(self, params, lr=0.1):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     @microbp.no_grad()
    ...     def step(self, closure=None):
    ...         loss = self.evaluate(closure)
    ...         for group, parameters in self.ready():
    ...             for p, g in parameters:
    ...                 p -= group["lr"] * np.sign(g)
    ...         return loss
    >>> w = microbp.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SignDescent([w]).step()
    >>> w
    tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    ranges: ClassVar[dict[str, tuple[float, float]]] = {"lr": (0.0, math.inf)}
    """The options that are numbers, each with its least value and the bound that it stays below."""

    moments: ClassVar[tuple[str, ...]] = ()
    """The entries of a parameter's state that have the shape of the parameter."""

    stepped = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "step" in vars(cls):
            cls.step = effect(vars(cls)["step"])  # type: ignore[method-assign]

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError("params must be an iterable of tensors or dicts, got a single Tensor; put it in a list")
        if isinstance(params, Mapping):
            raise TypeError("params must be an iterable of tensors or dicts, got a dict; put the group in a list")
        if isinstance(params, set | frozenset):
            raise TypeError("params must have an order that is the same in every run, got a set; use a list")
        if hasattr(params, "parameters"):
            raise TypeError(
                f"params must be an iterable of tensors, got a {type(params).__name__}: pass its parameters()"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._valid: dict[int, tuple[Any, ...] | None] = {}  # what each group held when it was last found valid
        self.validate(defaults, "the global options")
        groups = list(params)
        if not groups:
            raise OptionError(
                "optimizer got an empty parameter list (an iterator such as model.parameters() can be used only once)"
            )
        if not isinstance(groups[0], Mapping):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    # -- groups ----------------------------------------------------------------------------

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add a group, as when frozen layers become trainable.

        Parameters
        ----------
        param_group : dict
            ``"params"``: a tensor, or an iterable of tensors or of (name, tensor) pairs; optionally ``"name"``,
            what to call the group; and options. The dict itself is left as it is.

        Raises
        ------
        TypeError, OptionError
            As for the constructor; the optimizer is then unchanged.
        """
        if not isinstance(param_group, Mapping):
            raise TypeError(f"a parameter group must be a dict, got {type(param_group).__name__}")
        place = place_of(len(self.param_groups), param_group)
        if "params" not in param_group:
            raise OptionError(f'{place} has no "params"; it has {", ".join(map(repr, param_group)) or "nothing"}')
        unknown = [name for name in param_group if name not in self.defaults and name not in beside_options]
        if unknown:
            raise OptionError(
                f"{place} has unknown options {', '.join(map(repr, unknown))}; "
                f"{type(self).__name__} knows {', '.join(name for name in self.defaults if name not in switches)}"
            )
        names, tensors = split_names(param_group["params"], place)
        group = {**self.defaults, **param_group, "params": tensors}
        if names is not None:
            group["param_names"] = names
        self._check_parameters(group, place)
        self.validate(group, place)
        self.param_groups.append(group)

    def _check_parameters(self, group: Group, place: str) -> None:
        """Refuse what cannot be optimized; drop, with a warning, what is in the group twice."""
        tensors = group["params"]
        if not tensors:
            raise OptionError(f"{place} has no parameters")
        for k, p in enumerate(tensors):
            if not isinstance(p, Tensor):
                raise TypeError(
                    f"an optimizer can only optimize tensors, but {called(group, k, place)} is a {type(p).__name__}"
                )
            if not (p.is_leaf or p.retains_grad):
                raise OptionError(
                    f"can't optimize a non-leaf tensor: {called(group, k, place)} was computed by {p.node!r}; "
                    "pass the tensor that it was computed from, or t.detach().requires_grad_()"
                )
            if not p.array.flags.writeable:
                raise OptionError(f"can't optimize {called(group, k, place)}: its array is read-only")
        seen: dict[Tensor, int] = {}
        for k, p in enumerate(tensors):
            seen.setdefault(p, k)
        if len(seen) < len(tensors):
            twice = next(title(group, k) for k, p in enumerate(tensors) if seen[p] != k)
            warn(
                f"optimizer contains a parameter group with duplicate parameters: {twice} of {place} is there more "
                "than once; it is stepped once"
            )
            group["params"] = list(seen)
            if "param_names" in group:
                group["param_names"] = [group["param_names"][k] for k in seen.values()]
        for number, other in enumerate(self.param_groups):
            for p in other["params"]:
                if p in seen:
                    raise OptionError(
                        "some parameters appear in more than one parameter group: "
                        f"{title(group, seen[p])} of {place} is in {place_of(number, other)} too"
                    )
            if ("param_names" in other) != ("param_names" in group):
                raise OptionError(
                    f"all parameter groups should be with names, or all without: {place} is not like the others"
                )

    def validate(self, options: Mapping[str, Any], place: str | int) -> None:
        """Refuse options that make no sense; called for every group before the first step and where any was replaced.

        Parameters
        ----------
        options : dict
            The global options, or a group.
        place : str or int
            What to call them in an error, or the number of the group.

        Raises
        ------
        OptionError
            If an option is no number, or out of its range.
        """
        for name, (low, high) in self.ranges.items():
            if name in options:
                value = options[name]
                if not (type(value) in plain_numbers and low <= value < high):
                    check_number(name, value, low, high, place_of(place, options))

    # -- steps -----------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; gradients are left as they are.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss anew, with its gradients, and returns it.

        Returns
        -------
        What the closure returned, or None.

        Raises
        ------
        OptionError, TypeError, ShapeError, DtypeError
            If an option or a gradient cannot be used; no parameter is changed then.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step()")

    def evaluate(self, closure: Callable[[], Any] | None) -> Any:
        """The loss of a closure, recorded even where the step is not; None without a closure.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients.

        Returns
        -------
        what the closure returns
        """
        if closure is None:
            return None
        with enable_grad():
            return closure()

    def ready(self) -> list[tuple[Group, list[tuple[Tensor, Array]]]]:
        """Every group with those of its parameters that have a gradient, and its array; all checked.

        Raises
        ------
        OptionError, TypeError
            If an option was set to what makes no sense.
        ShapeError, DtypeError
            If a gradient does not fit its parameter.
        """
        self.stepped = True
        found = []
        for number, group in enumerate(self.param_groups):
            valid = self._valid.get(number)
            if valid is None or not all(map(is_, group.values(), valid)):
                self.validate(group, number)
                self._valid[number] = tuple(group.values()) if self._never_changes(group) else None
            present = []
            for p in group["params"]:
                held = p._grad
                if held is not None:
                    array = p.array
                    g = held.array
                    if g.shape != array.shape or g.dtype is not array.dtype:
                        check_gradient(g, array, group, p, place_of(number, group))
                    present.append((p, g))
            found.append((group, present))
        return found

    def _never_changes(self, group: Group) -> bool:
        """Whether all options of a group are such that they stay valid until they are replaced."""
        return all(type(group.get(name)) in unchanging for name in self.defaults)

    @effect
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Parameters
        ----------
        set_to_none : bool
            Set ``grad`` to None; else keep it, filled with zeros. A parameter without a gradient is left
            alone by `step`, one with a gradient of zeros is not.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif (held := p._grad) is not None and held._requires_grad:
                    p._grad = wrap(np.zeros_like(held.array))  # what was recorded keeps its values
                elif held is not None:
                    held.array.fill(0)
                    held._versioned().write()

    # -- saving, loading, printing -------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """A copy of the state and the options, in PyTorch's form: numbers stand for the parameters.

        Returns
        -------
        dict
            ``"state"``: what is remembered of each parameter, by number; ``"param_groups"``: the groups, with the
            parameters' numbers under ``"params"``. Later steps do not change it.
        """
        return packing.pack(self.param_groups, self.state)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and options from `state_dict`, of this optimizer or another like it.

        Parameters are matched by their order; what is remembered of them gets their dtype.

        Parameters
        ----------
        state_dict : dict
            As `state_dict` returns it; NumPy arrays may stand for tensors.

        Raises
        ------
        OptionError, ShapeError, TypeError
            If it does not fit this optimizer, which is then unchanged.
        """
        groups, state = packing.unpack(state_dict, self.param_groups, self.defaults, self.moments)
        for number, group in enumerate(groups):
            self.validate(group, f"{place_of(number, group)} of the state dict")
        self.param_groups[:] = groups
        self.state = defaultdict(dict, state)

    def __repr__(self) -> str:
        return summary(type(self).__name__, self.param_groups, self.defaults)


def split_names(params: Any, place: str) -> tuple[list[str] | None, list[Any]]:
    """The names, if there are any, and the tensors of a group."""
    if isinstance(params, set | frozenset):
        raise TypeError(f"{place}: params must have an order that is the same in every run, got a set; use a list")
    listed = [params] if isinstance(params, Tensor) else list(params)
    pairs = [entry for entry in listed if isinstance(entry, tuple)]
    if not pairs:
        return None, listed
    if len(pairs) < len(listed):
        raise OptionError(f"{place}: all parameters should be with names, or all without; some names are missing")
    return [name for name, _ in pairs], [p for _, p in pairs]


def place_of(place: int | str, group: Mapping[str, Any]) -> str:
    """What to call a group in an error: what is given, or, for its number, its name if it has one."""
    if isinstance(place, str):
        return place
    return f"parameter group {group['name']!r}" if "name" in group else f"parameter group {place}"


def title(group: Group, k: int) -> str:
    """What to call a parameter within its group: its name, else its number."""
    name = group["param_names"][k] if "param_names" in group else getattr(group["params"][k], "name", None)
    return f"parameter {name!r}" if name else f"parameter {k}"


def called(group: Group, k: int, place: str) -> str:
    """What to call a parameter in an error: a number alone would not tell which group it counts in."""
    found = title(group, k)
    return f"{found} of {place}" if found == f"parameter {k}" else found


def check_number(name: str, value: Any, low: float, high: float, place: str) -> None:
    """Refuse an option that is no number, or not in its range."""
    number = value
    if isinstance(value, np.generic) or (isinstance(value, Tensor) and value.numel() == 1):
        number = value.item()
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(f"{name} in {place} must be a number, got {type(value).__name__}: {value!r}")
    if not low <= number < high:
        bounds = f"at least {low:g}" if low > -math.inf else ""
        bounds += (" and " if bounds else "") + ("finite" if high == math.inf else f"less than {high:g}")
        raise OptionError(f"invalid {name} in {place}: {number!r}; it must be {bounds}")


def check_gradient(g: Array, array: Array, group: Group, p: Tensor, place: str) -> None:
    """Refuse a gradient that does not fit its parameter."""
    k = next(k for k, other in enumerate(group["params"]) if other is p)
    if g.shape != array.shape:
        raise ShapeError(f"the gradient of {called(group, k, place)} has shape {g.shape}, the parameter {array.shape}")
    if g.dtype != array.dtype:
        raise DtypeError(f"the gradient of {called(group, k, place)} has dtype {g.dtype}, the parameter {array.dtype}")
