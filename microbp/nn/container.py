"""Modules that hold modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NoReturn

from microbp.nn.changes import note_change
from microbp.nn.module import Module, indented
from microbp.nn.parameter import Parameter
from microbp.tensor import Tensor

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class Numbered(Module):
    """A list of modules, registered under their positions."""

    _modules: dict[str, Module]  # type: ignore[assignment]

    def _key(self, index: int) -> str:
        """The name of the module at a position, which may count from the end."""
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of range for {self._get_name()} of {size} modules")
        return list(self._modules)[index]

    def _rename(self, modules: Iterable[Module]) -> None:
        """Replace the contents."""
        listed = list(modules)
        self._modules.clear()
        note_change()
        for position, module in enumerate(listed):
            self.add_module(str(position), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._key(index)]
        self._rename(module for name, module in self._modules.items() if name not in names)

    def append(self, module: Module) -> Any:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add modules at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put a module before a position."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        listed = list(self)
        listed.insert(index, module)
        self._rename(listed)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take the module at a position out, and return it."""
        module = self._modules[self._key(index)]
        del self[index]
        return module

    def __iadd__(self, other: Iterable[Module]) -> Any:
        return self.extend(other)


class Sequential(Numbered):
    """Modules in a chain: each is called with the output of the one before.

    Parameters
    ----------
    *args : Module, or one OrderedDict
        The modules, or a dict of names and modules.

    Examples
    --------
    >>> from microbp import nn
    >>> net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> net[0]
    Linear(in_features=3, out_features=8, bias=True)
    >>> net[1:]
    Sequential(
      (1): ReLU()
      (2): Linear(in_features=8, out_features=2, bias=True)
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = len(args) == 1 and isinstance(args[0], OrderedDict)
        if len(args) == 1 and isinstance(args[0], list | tuple):
            raise TypeError("Sequential takes modules one by one, not a list of them; unpack it: Sequential(*modules)")
        for name, module in args[0].items() if named else enumerate(args):
            self.add_module(name if isinstance(name, str) else str(name), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)
        return input

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._key(index)]
        for name in names:
            delattr(self, name)
        # numbers move up; names that were given stay
        renamed = [(str(k) if name.isdigit() else name, m) for k, (name, m) in enumerate(self._modules.items())]
        self._modules.clear()
        self._modules.update(renamed)
        note_change()

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return Sequential(*self, *other)


class ModuleList(Numbered):
    """A list of modules that the owner calls as it likes.

    Parameters
    ----------
    modules : iterable of Module, optional
        The modules.

    Examples
    --------
    >>> from microbp import nn
    >>> nn.ModuleList([nn.Linear(3, 3) for _ in range(4)])
    ModuleList(
      (0-3): 4 x Linear(in_features=3, out_features=3, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(() if modules is None else modules)

    def __getitem__(self, index: int | slice) -> Any:
        return type(self)(list(self)[index]) if isinstance(index, slice) else self._modules[self._key(index)]

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(chain(self, other))

    def __repr__(self) -> str:
        runs: list[tuple[int, int, str]] = []  # equal neighbours are shown once
        for position, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], position, text)
            else:
                runs.append((position, position, text))
        lines = [
            f"({first}): {indented(text)}"
            if first == last
            else f"({first}-{last}): {last - first + 1} x {indented(text)}"
            for first, last, text in runs
        ]
        return f"{self._get_name()}(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"


class ModuleDict(Module):
    """Modules by name, which the owner calls as it likes.

    Parameters
    ----------
    modules : mapping of str to Module, optional
        The modules.

    Examples
    --------
    >>> from microbp import nn
    >>> heads = nn.ModuleDict({"small": nn.Linear(4, 1), "large": nn.Linear(4, 9)})
    >>> list(heads)
    ['small', 'large']
    """

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]
        note_change()

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """The names with their modules."""
        return self._modules.items()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules by name, replacing those of the same name.

        Parameters
        ----------
        modules : mapping, or iterable of pairs
            Names and modules.

        Raises
        ------
        TypeError
            If it is neither.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(f"ModuleDict.update should be called with a mapping or pairs, got {type(modules).__name__}")
        for name, module in modules.items() if isinstance(modules, Mapping | ModuleDict) else modules:
            self[name] = module

    def pop(self, key: str) -> Module:
        """Take a module out, and return it.

        Parameters
        ----------
        key : str
            The name.

        Returns
        -------
        Module

        Raises
        ------
        KeyError
            If there is none of that name.
        """
        module = self._modules.pop(key)
        note_change()
        return module

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()
        note_change()


class ParameterList(Module):
    """A list of parameters.

    Parameters
    ----------
    values : iterable of Tensor, optional
        Tensors become parameters.

    Examples
    --------
    >>> import microbp
    >>> from microbp import nn
    >>> nn.ParameterList([microbp.zeros(2, 3), microbp.zeros(4)])
    ParameterList(
        (0): Parameter containing: [float32 of size 2x3]
        (1): Parameter containing: [float32 of size 4]
    )
    """

    _parameters: dict[str, Parameter]  # type: ignore[assignment]

    def __init__(self, values: Iterable[Tensor] | None = None) -> None:
        super().__init__()
        self.extend(() if values is None else values)

    def _key(self, index: int) -> str:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of range for ParameterList of {size} parameters")
        return str(index % size)

    def __getitem__(self, index: int | slice) -> Any:
        return ParameterList(list(self)[index]) if isinstance(index, slice) else self._parameters[self._key(index)]

    def __setitem__(self, index: int, value: Tensor) -> None:
        self.register_parameter(self._key(index), as_parameter(value))

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parameters.values())

    def __iadd__(self, values: Iterable[Tensor]) -> ParameterList:
        return self.extend(values)

    def append(self, value: Tensor) -> ParameterList:
        """Add a parameter at the end.

        Parameters
        ----------
        value : Tensor
            Made a parameter, if it is none.

        Returns
        -------
        ParameterList
            This one.
        """
        self.register_parameter(str(len(self)), as_parameter(value))
        return self

    def extend(self, values: Iterable[Tensor]) -> ParameterList:
        """Add parameters at the end.

        Parameters
        ----------
        values : iterable of Tensor
            Made parameters, if they are none.

        Returns
        -------
        ParameterList
            This one.

        Raises
        ------
        TypeError
            For a single tensor.
        """
        if isinstance(values, Tensor):
            raise TypeError("ParameterList.extend should be called with an iterable, but got type Tensor")
        for value in list(values):
            self.append(value)
        return self

    def forward(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError("ParameterList should not be called.")

    def extra_repr(self) -> str:
        return described((k, p.dtype, p) for k, p in enumerate(self))


class ParameterDict(Module):
    """Parameters by name.

    As in PyTorch, the names of a plain dict are sorted, those of an OrderedDict or of pairs keep their order.

    Parameters
    ----------
    parameters : mapping of str to Tensor, or iterable of pairs, optional
        Tensors become parameters.

    Examples
    --------
    >>> import microbp
    >>> from microbp import nn
    >>> weights = nn.ParameterDict({"left": microbp.zeros(2, 3), "right": microbp.zeros(4)})
    >>> weights
    ParameterDict(
        (left): Parameter containing: [FloatTensor of size 2x3]
        (right): Parameter containing: [FloatTensor of size 4]
    )
    >>> "left" in weights, list(weights)
    (True, ['left', 'right'])
    """

    _parameters: dict[str, Parameter]  # type: ignore[assignment]

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Parameter:
        return self._parameters[key]

    def __setitem__(self, key: str, value: Tensor) -> None:
        self.register_parameter(key, as_parameter(value))

    def __delitem__(self, key: str) -> None:
        del self._parameters[key]
        note_change()

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __contains__(self, key: object) -> bool:
        return key in self._parameters

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._parameters.keys()

    def values(self) -> Iterable[Parameter]:
        """The parameters."""
        return self._parameters.values()

    def items(self) -> Iterable[tuple[str, Parameter]]:
        """The names with their parameters."""
        return self._parameters.items()

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter of a name, or `default`.

        Parameters
        ----------
        key : str
            The name.
        default
            What to return if there is none.

        Returns
        -------
        Parameter, or the default
        """
        return self._parameters.get(key, default)

    def update(self, parameters: Any) -> None:
        """Add parameters by name, replacing those of the same name.

        Parameters
        ----------
        parameters : mapping, or iterable of pairs
            Names and tensors; those of a plain dict are added in the order of the names.

        Raises
        ------
        TypeError
            If it is neither.
        """
        if isinstance(parameters, Tensor) or not isinstance(parameters, Iterable):
            raise TypeError(
                f"ParameterDict.update should be called with a mapping or pairs, got {type(parameters).__name__}"
            )
        if isinstance(parameters, OrderedDict | ParameterDict):
            parameters = parameters.items()
        elif isinstance(parameters, Mapping):
            parameters = sorted(parameters.items())
        for name, value in list(parameters):
            self[name] = value

    def pop(self, key: str) -> Parameter:
        """Take a parameter out, and return it.

        Parameters
        ----------
        key : str
            The name.

        Returns
        -------
        Parameter

        Raises
        ------
        KeyError
            If there is none of that name.
        """
        return self._parameters.pop(key)

    def clear(self) -> None:
        """Take all parameters out."""
        self._parameters.clear()

    def forward(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError("ParameterDict should not be called.")

    def extra_repr(self) -> str:
        return described((name, p.type().removeprefix("microbp."), p) for name, p in self.items())


def described(parameters: Iterable[tuple[Any, Any, Parameter]]) -> str:
    """A line for each parameter: what it is called, what it is made of, its size."""
    return "\n".join(
        f"  ({name}): Parameter containing: [{kind} of size {'x'.join(map(str, p.shape))}]"
        for name, kind, p in parameters
    )


def as_parameter(value: Any) -> Parameter:
    """A tensor as a parameter."""
    return value if isinstance(value, Parameter) else Parameter(value)
