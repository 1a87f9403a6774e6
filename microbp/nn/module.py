"""Modules: parameters and the computation that uses them, in a tree.

A module finds its parts by itself: assigning a `Parameter`, a `Module` or a registered
buffer to an attribute registers it, in the order of assignment. Everything else, from
``parameters()`` to ``state_dict()``, is a walk over that tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

from microbp.device import Device
from microbp.dtypes import as_dtype
from microbp.effect import effect
from microbp.errors import DtypeError
from microbp.lazy import shown_in_notebooks_by
from microbp.nn.changes import note_change
from microbp.nn.parameter import Parameter
from microbp.nn.state import Stateful
from microbp.tensor import Tensor, wrap

__all__ = ["Module"]

M = TypeVar("M", bound="Module")
T = TypeVar("T")


class Module(Stateful):
    """Base of all layers, losses and networks.

    Write a subclass whose ``__init__`` calls ``super().__init__()`` first and then assigns
    the parts, and whose ``forward`` computes with them. Gradients follow by themselves.

    Attributes
    ----------
    training : bool
        Whether the module is in training mode, which `Dropout` and its like look at.

    Examples
    --------
    A layer of one's own, with a skip connection:

    >>> import microbp
    >>> from microbp import nn
    >>> class Residual(nn.Module):
    ...     def __init__(self, features):
    ...         super().__init__()
    ...         self.inner = nn.Linear(features, features)
    ...
    ...     def forward(self, x):
    ...         return x + self.inner(x).relu()
    >>> model = nn.Sequential(Residual(4), nn.Linear(4, 2))
    >>> model
    Sequential(
      (0): Residual(
        (inner): Linear(in_features=4, out_features=4, bias=True)
      )
      (1): Linear(in_features=4, out_features=2, bias=True)
    )
    >>> [name for name, parameter in model.named_parameters()]
    ['0.inner.weight', '0.inner.bias', '1.weight', '1.bias']

    An activation of one's own is a function of tensor operations, or, if it has a parameter
    or shall stand in a `Sequential`, a module:

    >>> class Swish(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = nn.Parameter(microbp.ones(1))
    ...
    ...     def forward(self, x):
    ...         return x * (self.slope * x).sigmoid()
    >>> Swish()(microbp.tensor([0.0, 1.0])).shape
    (2,)

    So is a loss:

    >>> def relative_error(prediction, target):
    ...     return ((prediction - target).abs() / target.abs()).mean()
    >>> prediction = microbp.tensor([1.0, 3.0], requires_grad=True)
    >>> relative_error(prediction, microbp.tensor([2.0, 2.0])).backward()
    >>> prediction.grad
    tensor([-0.2500,  0.2500])
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _repr_html_ = shown_in_notebooks_by("module_html")

    def __init__(self) -> None:
        fields = self.__dict__
        fields["training"] = True
        fields["_parameters"] = {}
        fields["_buffers"] = {}
        fields["_non_persistent_buffers_set"] = set()
        fields["_modules"] = {}
        fields["_hooks"] = None

    # -- registration ----------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        fields = self.__dict__
        parameters = fields.get("_parameters")
        if isinstance(value, Parameter | Module) and parameters is None:
            kind = "parameters" if isinstance(value, Parameter) else "module"
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if isinstance(value, Parameter):
            self._forget(name, "_buffers", "_modules")
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as parameter '{name}' (nn.Parameter or None expected)"
                )
            parameters[name] = None
        elif isinstance(value, Module):
            self._forget(name, "_parameters", "_buffers")
            fields["_modules"][name] = value
        elif name in fields.get("_modules", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as child module '{name}' (nn.Module or None expected)"
                )
            fields["_modules"][name] = None
        elif name in fields.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"cannot assign '{type(value).__name__}' as buffer '{name}' (Tensor or None expected)")
            fields["_buffers"][name] = value
        else:
            super().__setattr__(name, value)
        note_change()

    def _forget(self, name: str, *registries: str) -> None:
        """Take a name out of the instance and of these registries, since it now belongs to another."""
        self.__dict__.pop(name, None)
        for registry in registries:
            self.__dict__[registry].pop(name, None)
        self.__dict__["_non_persistent_buffers_set"].discard(name)

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__
        for registry in ("_parameters", "_modules", "_buffers"):
            found = fields.get(registry)
            if found is not None and name in found:
                return found[name]
        hint = "" if "_parameters" in fields else "; its __init__ has not called super().__init__()"
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'{hint}")

    def __delattr__(self, name: str) -> None:
        for registry in (self._parameters, self._buffers, self._modules):
            if name in registry:
                self._non_persistent_buffers_set.discard(name)
                del registry[name]
                break
        else:
            super().__delattr__(name)
        note_change()

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[:1].isdigit())

    def _check_name(self, kind: str, name: Any, registry: str) -> None:
        """Refuse a name that could not be found again."""
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[registry]:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; ``self.name = parameter`` does the same.

        Parameters
        ----------
        name : str
            The name, without dots.
        param : Parameter or None
            None reserves the name, as for a layer without a bias.
        """
        self._check_name("parameter", name, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' (nn.Parameter or None required)"
            )
        if param is not None and param.node is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param
        note_change()

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is part of the module's state but not learned, such as a running mean.

        Parameters
        ----------
        name : str
            The name, without dots.
        tensor : Tensor or None
            The buffer; None reserves the name.
        persistent : bool
            Whether it is part of ``state_dict()``.
        """
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None required)"
            )
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)
        note_change()

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child module under a name; ``self.name = module`` does the same.

        Parameters
        ----------
        name : str
            The name, without dots.
        module : Module or None
            The child; None keeps the place.

        Raises
        ------
        TypeError
            If `module` is something else.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, "_modules")
        self._modules[name] = module
        note_change()

    def register_module(self, name: str, module: Module | None) -> None:
        """Alias of `add_module`.

        Parameters
        ----------
        name, module
            As for `add_module`.
        """
        self.add_module(name, module)

    # -- walks -----------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct children with their names, each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct children, each once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with their dotted names; each once, unless told otherwise.

        Parameters
        ----------
        memo : set of Module, optional
            Modules to leave out; those that are met are added.
        prefix : str
            Put before every name.
        remove_duplicate : bool
            List a module that stands at several places once, under its first name.

        Returns
        -------
        iterator of (str, Module)
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, join(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def _named_members(
        self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        seen = set()
        for path, module in modules:
            for name, value in module.__dict__[registry].items():
                if value is None or value in seen:
                    continue
                if remove_duplicate:
                    seen.add(value)
                yield join(path, name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters of this module and of all below it, with their dotted names.

        Parameters
        ----------
        prefix : str
            Put before every name.
        recurse : bool
            Whether to go into the children.
        remove_duplicate : bool
            List a shared parameter once, under its first name.

        Returns
        -------
        iterator of (str, Parameter)

        Examples
        --------
        >>> from microbp import nn
        >>> [name for name, _ in nn.Linear(2, 3).named_parameters()]
        ['weight', 'bias']
        """
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and of all below it, each once.

        Parameters
        ----------
        recurse : bool
            Whether to go into the children.

        Returns
        -------
        iterator of Parameter
        """
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers of this module and of all below it, with their dotted names.

        Parameters
        ----------
        prefix, recurse, remove_duplicate
            As for `named_parameters`.

        Returns
        -------
        iterator of (str, Tensor)
        """
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and of all below it, each once.

        Parameters
        ----------
        recurse : bool
            Whether to go into the children.

        Returns
        -------
        iterator of Tensor
        """
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path, ``"encoder.0"``; the module itself for ``""``.

        Parameters
        ----------
        target : str
            The path.

        Returns
        -------
        Module

        Raises
        ------
        AttributeError
            If there is none.
        """
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        found: Module = module
        return found

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path, ``"encoder.0.weight"``.

        Parameters
        ----------
        target : str
            The path.

        Returns
        -------
        Parameter

        Raises
        ------
        AttributeError
            If there is none.
        """
        return self._get_member(target, Parameter, "nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path.

        Parameters
        ----------
        target : str
            The path.

        Returns
        -------
        Tensor

        Raises
        ------
        AttributeError
            If there is none.
        """
        path, _, name = target.rpartition(".")
        found = self._get_member(target, Tensor, "buffer")
        if name not in self.get_submodule(path)._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return found

    def _get_member(self, target: str, kind: type[T], title: str) -> T:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        found = getattr(module, name)
        if not isinstance(found, kind):
            raise AttributeError(f"`{name}` is not a {title}" if title == "buffer" else f"`{name}` is not an {title}")
        return found

    # -- changes to the whole tree ---------------------------------------------------------

    def train(self: M, mode: bool = True) -> M:
        """Put this module and all below it into training mode (or, with False, evaluation mode).

        Parameters
        ----------
        mode : bool
            True for training mode.

        Returns
        -------
        Module
            This one.

        Raises
        ------
        ValueError
            If `mode` is no bool.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        if self.__dict__.get("training") is not mode:  # what is as it should be was not changed
            self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: M) -> M:
        """Put this module and all below it into evaluation mode: dropout does nothing, for one."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Switch the gradients of all parameters on or off, as to freeze a part of a network.

        Parameters
        ----------
        requires_grad : bool
            On or off.

        Returns
        -------
        Module
            This one.
        """
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    @effect
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Parameters
        ----------
        set_to_none : bool
            Set them to None; else overwrite them with zeros.
        """
        for parameter in self.parameters():
            held = parameter.grad
            if set_to_none:
                parameter.grad = None
            elif held is not None:
                held.array.fill(0)
                held._versioned().write()
                parameter.grad = held.detach() if held.requires_grad else held

    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """Call a function with every module below this one, then with this one, as to initialise them.

        Parameters
        ----------
        fn : callable
            Takes a module; what it returns is not looked at.

        Returns
        -------
        Module
            This one.

        Examples
        --------
        >>> from microbp import nn
        >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        >>> _ = net.apply(lambda module: print(type(module).__name__))
        Linear
        ReLU
        Sequential
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def to(self: M, *args: Any, **kwargs: Any) -> M:
        """Convert the floating-point parameters and buffers to a dtype, in place.

        Parameters
        ----------
        *args
            A dtype, a device (only ``"cpu"``), or a tensor that has the dtype.
        **kwargs
            The same by name: ``dtype``, ``device`` or ``tensor``; others, as ``non_blocking``, have no effect.

        Returns
        -------
        Module
            This one.

        Raises
        ------
        DtypeError
            If the dtype is not a floating-point dtype.
        """
        for value in (*args, *(kwargs[name] for name in ("dtype", "device", "tensor") if name in kwargs)):
            if isinstance(value, bool) or value is None:
                continue  # non_blocking
            if isinstance(value, Tensor):
                self._convert(value.dtype)
            elif isinstance(value, Device) or (isinstance(value, str) and value.split(":")[0] in DEVICES):
                Device(value)
            else:
                self._convert(as_dtype(value))
        return self

    def _convert(self, dtype: np.dtype[Any]) -> None:
        if dtype.kind != "f":
            raise DtypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}")
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.array.dtype.kind == "f" and tensor.array.dtype != dtype:
                held = tensor.grad
                tensor.data = wrap(tensor.array.astype(dtype))
                if held is not None:
                    tensor.grad = wrap(held.array.astype(dtype))

    def float(self: M) -> M:
        """Convert floating-point parameters and buffers to float32."""
        return self.to("float32")

    def double(self: M) -> M:
        """Convert floating-point parameters and buffers to float64."""
        return self.to("float64")

    def half(self: M) -> M:
        """Convert floating-point parameters and buffers to float16."""
        return self.to("float16")

    def cpu(self: M) -> M:
        """The module itself, which is on the CPU already."""
        return self

    def cuda(self: M, device: Any = None) -> M:
        """Refused: there is only the CPU.

        Parameters
        ----------
        device
            Not looked at.

        Raises
        ------
        NotImplementedError
            Always.
        """
        return self.to("cuda")

    def type(self: M, dst_type: Any) -> M:
        """Convert floating-point parameters and buffers to a dtype.

        Parameters
        ----------
        dst_type : dtype
            A floating-point dtype.

        Returns
        -------
        Module
            This one.

        Raises
        ------
        DtypeError
            If it is another.
        """
        return self.to(dst_type)

    # -- printing --------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What ``print(module)`` shows in the parentheses; for subclasses to define."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        lines = extra_lines + child_lines
        if not lines:
            body = ""
        elif len(extra_lines) == 1 and not child_lines:
            body = extra_lines[0]
        else:
            body = "\n  " + "\n  ".join(lines) + "\n"
        return f"{self._get_name()}({body})"


DEVICES = frozenset({"cpu", "cuda", "mps", "xpu", "meta"})


def join(prefix: str, name: str) -> str:
    """A dotted name."""
    return f"{prefix}.{name}" if prefix else name


def indented(text: str) -> str:
    """Lines after the first moved in by two."""
    return text.replace("\n", "\n  ")
