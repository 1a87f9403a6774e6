"""Which modules a model calls, in which order, and with what: the rows of a summary.

A row hangs below that of the module that calls it. A module that is never called itself but
only holds others, such as a `ModuleList`, has a row above theirs. A row's parameters are those
of its module that no row below it has; a parameter that is shared belongs to the first row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from microbp.functions.generator import get_rng_state, set_rng_state
from microbp.nn.module import Module
from microbp.nn.parameter import Parameter
from microbp.tensor import Tensor

__all__ = ["CallTree", "Layer", "unchanged"]

Shape = tuple[int, ...]

channels_first = ("Conv", "BatchNorm", "InstanceNorm", "GroupNorm", "PReLU")


class Layer:
    """A row: one call of a module, or one that holds others without being called.

    Attributes
    ----------
    path : str
        Where the module is in the model, as ``"encoder.0"``; empty for the model itself.
    var_name, class_name : str
        The last part of the path, and the name of the module's class.
    depth, depth_index : int
        How far below the model, and the how manyth at that depth.
    executed : bool
        Whether the module was called.
    input_size, output_size : tuple of int or None
        The shapes of the first tensors given and returned.
    output_bytes : int
        The memory of all tensors returned.
    num_params, trainable_params, param_bytes : int
        The module's parameters, those that require grad, and their memory.
    parameters : dict of str to Parameter
        Those that are counted in this row.
    is_recursive : bool
        Whether the module, or all its parameters, are in rows above.
    macs : int
        The multiplications and additions of the call, without those in rows below.
    children : list of Layer
        The rows below.
    """

    executed = False
    is_recursive = False
    input_size: Shape | None = None
    output_size: Shape | None = None
    output_bytes = 0
    macs = 0

    def __init__(self, module: Module, path: str, depth: int) -> None:
        self.module = module
        self.path = path
        self.var_name = path.rpartition(".")[2]
        self.class_name = module._get_name()
        self.depth = depth
        self.depth_index = 0
        self.children: list[Layer] = []
        self.parameters: dict[str, Parameter] = {}
        held = list(module.parameters())
        self.num_params = sum(p.numel() for p in held)
        self.trainable_params = sum(p.numel() for p in held if p.requires_grad)
        self.param_bytes = sum(p.nbytes for p in held)

    @property
    def is_leaf_layer(self) -> bool:
        """Whether there are no rows below."""
        return not self.children

    def walk(self) -> Iterator[Layer]:
        """This row and all below it, from top to bottom."""
        yield self
        for child in self.children:
            yield from child.walk()

    def counted(self, whole: bool, trainable: bool = False) -> int:
        """The number of parameters that are counted in this row, or in this and all below."""
        rows = self.walk() if whole else [self]
        return sum(p.numel() for row in rows for p in row.parameters.values() if p.requires_grad or not trainable)

    def __repr__(self) -> str:
        return f"{self.class_name}: {self.depth}" + (f"-{self.depth_index}" if self.depth else "")


class CallTree:
    """Watches a model, and makes a tree of rows of the calls that it sees.

    Parameters
    ----------
    model : Module

    Attributes
    ----------
    root : Layer
        The row of the model.
    running : list of Layer
        The calls that have begun and not ended, the innermost last.
    """

    def __init__(self, model: Module) -> None:
        self.root = Layer(model, "", 0)
        self.running: list[Layer] = []
        self.modules: dict[str, Module] = dict(model.named_modules(remove_duplicate=False))
        self.paths: dict[Module, list[str]] = {}
        for path, module in self.modules.items():
            self.paths.setdefault(module, []).append(path)

    def list_modules(self) -> None:
        """Make a row for every module, called or not."""
        rows = {"": self.root}
        for path, module in self.modules.items():
            if path:
                above = rows[path.rpartition(".")[0]]
                rows[path] = Layer(module, path, above.depth + 1)
                above.children.append(rows[path])
        self.settle()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """See the calls inside the block."""
        handles = []
        try:
            for module in self.paths:
                handles.append(module.register_forward_pre_hook(self.enter, with_kwargs=True))
                handles.append(module.register_forward_hook(self.leave))
            yield
        finally:
            for handle in handles:
                handle.remove()
        self.settle()

    def enter(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A module is called."""
        if self.running or self.root.executed:
            above, path = self.place(module)
            layer = Layer(module, path, above.depth + 1)
            above.children.append(layer)
        else:
            layer = self.root
        layer.input_size = first_shape((args, kwargs))
        self.running.append(layer)

    def place(self, module: Module) -> tuple[Layer, str]:
        """The row that the row of a call belongs below, and the path by which the caller found the module."""
        above = self.running[-1] if self.running else self.root
        prefix = f"{above.path}." if above.path else ""
        inside = [path for path in self.paths[module] if path.startswith(prefix) and path != above.path]
        if not inside:  # held by no attribute of the caller
            return above, self.paths[module][0]
        path = min(inside, key=lambda path: path.count("."))
        for k, letter in enumerate(path):
            if letter == "." and k >= len(prefix):
                last = above.children[-1] if above.children else None
                if last is None or last.path != path[:k] or last.executed:
                    last = Layer(self.modules[path[:k]], path[:k], above.depth + 1)
                    above.children.append(last)
                above = last
        return above, path

    def leave(self, module: Module, args: tuple[Any, ...], output: Any) -> None:
        """A call has ended, and so have those inside it that failed and were caught."""
        layer = self.running.pop()
        while layer.module is not module:
            layer = self.running.pop()
        layer.executed = True
        layer.output_size = first_shape(output)
        layer.output_bytes = sum(tensor.array.nbytes for tensor in tensors_in(output))

    def settle(self) -> None:
        """Number the rows, and share the parameters out among them."""
        numbers: dict[int, int] = {}
        seen: set[Module] = set()
        counted: set[Parameter] = set()
        for row in self.root.walk():
            row.depth_index = numbers[row.depth] = numbers.get(row.depth, 0) + 1
            row.is_recursive = row.module in seen
            seen.add(row.module)
            below = {p for inner in row.walk() if inner is not row for p in inner.module.parameters()}
            own = {name: p for name, p in row.module.named_parameters() if p not in below}
            row.macs = multiply_adds(row, own)
            row.parameters = {name: p for name, p in own.items() if p not in counted}
            counted.update(own.values())
        for row in self.root.walk():
            if row.num_params and not row.counted(whole=True):
                row.is_recursive = True


def multiply_adds(row: Layer, parameters: Mapping[str, Parameter]) -> int:
    """How many multiplications and additions a call makes with its weights and biases.

    Each is used once for every position: for every element of the output, but for its features.
    """
    if row.output_size is None or "Embedding" in row.class_name:
        return 0
    shape = row.input_size if "ConvTranspose" in row.class_name else row.output_size
    if not shape:
        return 0
    first = any(kind in row.class_name for kind in channels_first) and len(shape) > 1
    positions = math.prod(shape[:1] + shape[2:] if first else shape[:-1])
    return sum(p.numel() * positions for name, p in parameters.items() if "weight" in name or "bias" in name)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in a structure of tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_in(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors_in(part)


def first_shape(value: Any) -> Shape | None:
    """The shape of the first tensor in a structure, if there is one."""
    first = next(tensors_in(value), None)
    return None if first is None else first.shape


@contextmanager
def unchanged(model: Module) -> Iterator[None]:
    """Let a model compute, and then put back its modes, attributes and buffers, and the state of the generator."""
    state = get_rng_state()
    registries = ("_parameters", "_buffers", "_modules")
    modules = list(model.modules())
    fields = [(dict(vars(module)), [dict(vars(module)[name]) for name in registries]) for module in modules]
    buffers = [(b, b.array, b.array.copy(), b._versioned(), b.version) for b in model.buffers()]
    try:
        yield
    finally:
        for module, (attributes, entries) in zip(modules, fields, strict=True):
            vars(module).clear()
            vars(module).update(attributes)
            for name, held in zip(registries, entries, strict=True):
                attributes[name].clear()
                attributes[name].update(held)
        for buffer, array, values, version, written in buffers:
            buffer.array, buffer._version = array, version
            if array.flags.writeable:
                array[...] = values
                version.written = written  # graphs from before find what they kept
        set_rng_state(state)
