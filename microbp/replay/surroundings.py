"""What a function finds elsewhere than in its arguments, so that it is noticed when that changes.

A Python function can see the variables of the functions around it, the globals of its module, what is in
them, and what the functions that it calls can see. All this can be read off its code before it runs: the
names that the code holds are the only ones that it can ask for by name. What they stand for is compared with what it
was, object by object, at every call that is to be replayed.

Source: the guards of tracing compilers, as in Bolz et al., "Tracing the meta-level" (ICOOOLPS 2009).
"""

from __future__ import annotations

import dis
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache, partial
from itertools import chain, pairwise
from operator import attrgetter, call, is_
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any
from weakref import ref

import numpy as np

from microbp.effect import is_effect
from microbp.functions.generator import Generator
from microbp.nn.module import Module
from microbp.replay.trace import Impossible, Step
from microbp.tensor import Tensor

__all__ = ["Surroundings", "require_apart"]

FOREIGN = sys.stdlib_module_names | {"microbp", "numpy"}
"""Packages whose own code keeps nothing of the user's in its globals."""

MOST = 2000
"""So many values are compared at each call; where there are more, the comparison would be the work."""

ASKING = frozenset({"getattr", "hasattr"})
"""Functions that are given names of attributes, which there may not be yet, as text."""

OPERATORS = ("add", "sub", "mul", "truediv", "matmul", "pow")
IMPLICIT = (
    *("forward", "__call__", "__getattr__", "__getattribute__", "__get__", "__enter__", "__exit__"),
    *("__getitem__", "__missing__", "__len__", "__iter__", "__next__", "__contains__"),
    *("__bool__", "__float__", "__int__", "__index__", "__neg__"),
    *(f"__{side}{name}__" for side in ("", "r") for name in OPERATORS),
)
"""Methods that are called without their names."""

LAYOUT = frozenset({"data_ptr", "is_contiguous", "stride", "strides"})

END = object()
SLOT = MemberDescriptorType
DEFINITION = attrgetter("__code__", "__defaults__", "__kwdefaults__")
content = attrgetter("cell_contents")


class Surroundings:
    """What can be reached from a function, by the names in its code.

    Parameters
    ----------
    function : callable
        A function, a method, a module, or another object that can be called.

    Attributes
    ----------
    modules : list of Module
        The modules among it.
    tensors : list of Tensor
        The tensors among it, other than those of modules.
    size : int
        How many objects it is.
    traits : list of (callable, tuple)
        The same for traits of tensors, which change when gradients are computed.
    copies : list of (array, bytes)
        The NumPy arrays among it, and what they held.
    doubts : list of str
        What may change without being noticed.
    reads : list of callable
        How to read what is compared: each gives some objects.
    known : list
        The objects that they gave.
    """

    def __init__(self, function: Any) -> None:
        self.names: set[str] = set()
        self.asked: set[str] = set()  # names of attributes that there may not be
        known = -1
        while len(self.names) > known:  # a name found late may be that of an attribute of something met earlier
            known = len(self.names)
            self.modules: list[Module] = []
            self.tensors: list[Tensor] = []
            self.reads: list[Callable[[], Iterable[Any]]] = []
            self.known: list[Any] = []
            self.traits: list[tuple[Callable[[], Iterable[Any]], tuple[Any, ...]]] = []
            self.copies: list[tuple[np.ndarray[Any, Any], bytes]] = []
            self.doubts: list[str] = []
            self.globals: dict[int, tuple[dict[str, Any], dict[str, None]]] = {}
            self.explore(function)
        if not self.names.isdisjoint(LAYOUT):
            self.doubts.append("it asks how the memory of a tensor is laid out, which may differ from call to call")

    def are_too_many(self) -> bool:
        """Whether it is too much to compare."""
        return self.size > MOST

    def hold(self) -> bool:
        """Whether all is as it was."""
        try:
            if not all(map(is_, chain.from_iterable(map(call, self.reads)), self.known)):
                return False
            for read, known in self.traits:
                if not all(map(is_, read(), known)):
                    return False
        except (ValueError, RuntimeError):  # a variable was deleted; another thread is at work
            return False
        return all(array.tobytes() == held for array, held in self.copies)

    def are_left_alone(self) -> bool:
        """Whether a call of the function, just made, has left all as it was, but for gradients."""
        self.traits, traits = [], self.traits
        try:
            return self.hold()
        finally:
            self.traits = traits

    def told_by(self, values: Sequence[Any]) -> list[Any]:
        """What the function may ask arguments, other than for their shapes and the like."""
        asked = [trait for name, trait in TRAITS.items() if name in {"grad", "name"} & self.names]
        return [trait(value) for trait in asked for value in values if isinstance(value, Tensor)]

    def explore(self, function: Any) -> None:
        """Follow everything that the function can reach."""
        seen: dict[int, Any] = {}
        stack = [function]
        self.size = 0
        while stack and self.size <= MOST:
            value = stack.pop()
            if id(value) in seen:
                continue
            seen[id(value)] = value
            found = list(self.inside(value))
            self.size += len(found)
            stack += reversed(found)
        for fields, names in self.globals.values():
            self.compare(partial(map, fields.get, tuple(names)))

    def compare(self, read: Callable[[], Iterable[Any]]) -> tuple[Any, ...]:
        """Note something to be compared, and return what it is now.

        If `read` may give more objects or fewer another time, it must end with `END`.
        """
        values = tuple(read())
        if values:
            self.reads.append(read)
            self.known += values
        return values

    def inside(self, value: Any) -> Iterable[Any]:
        """What one value leads to."""
        if isinstance(value, Tensor):
            self.tensors.append(value)
            self.compare_traits([value])
        elif isinstance(value, FunctionType):
            if not (is_foreign(value) or is_effect(value.__code__)):  # effects are done again, as they are then
                yield from self.inside_function(value)
        elif isinstance(value, MethodType):
            yield from (value.__func__, value.__self__)
        elif isinstance(value, partial):
            yield from (value.func, *value.args, *value.keywords.values())
        elif isinstance(value, list | set | frozenset | tuple | deque | dict):
            if isinstance(value, dict):
                yield from self.compare(partial(chain, value, value.values(), (END,)))
            else:
                yield from value if isinstance(value, tuple) else self.compare(partial(chain, value, (END,)))
            if not is_foreign(type(value)):
                yield from self.inside_object(value)
        elif isinstance(value, property):
            yield value.fget
        elif isinstance(value, ref | ContextVar):
            yield from self.compare(partial(map, call, [value if isinstance(value, ref) else partial(value.get, None)]))
        elif isinstance(value, ModuleType | type):
            if not is_foreign(value):
                yield from self.inside_fields(vars(value))
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            self.size += value.size
            if self.size <= MOST:
                self.copies.append((value, value.tobytes()))
        elif isinstance(value, changing()):
            self.doubts.append(
                f"it finds an object of type {type(value).__name__}, which may change unnoticed: give what it needs of "
                "that as an argument"
            )
        else:
            yield from self.inside_object(value)

    def compare_traits(self, tensors: Sequence[Tensor]) -> None:
        """Compare those traits of tensors that some code may ask for."""
        for trait in {trait for name, trait in TRAITS.items() if name in self.names}:
            self.traits.append((partial(map, trait, tensors), tuple(map(trait, tensors))))

    def inside_function(self, function: FunctionType) -> Iterable[Any]:
        """The variables that a function sees."""
        codes = list(codes_in(function.__code__))
        self.names.update(*(code.co_names for code in codes))
        self.asked.update(*(map(str, filter(is_name, code.co_consts)) for code in codes if ASKING & {*code.co_names}))
        self.names |= self.asked
        if any(uses_arrays(code, function.__globals__) for code in codes):
            self.doubts.append("it uses the array of a tensor (t.array), where no look and no write is noticed")
        names = dict.fromkeys(name for code in codes for name in looked_up(code)[0])
        fields, asked = self.globals.setdefault(id(function.__globals__), (function.__globals__, {}))
        asked.update(names)
        yield from (fields[name] for name in names if name in fields)
        yield from (sys.modules[name] for code in codes for name in looked_up(code)[1] if name in sys.modules)
        yield from self.inside_fields(vars(function))
        self.compare(partial(DEFINITION, function))
        yield from function.__defaults__ or ()
        yield function.__kwdefaults__
        cells = [cell for cell in function.__closure__ or () if is_filled(cell)]
        yield from self.compare(partial(map, content, cells))

    def inside_fields(self, fields: Mapping[str, Any]) -> Iterable[Any]:
        """The attributes that some code has a name for."""
        return self.compare(partial(map, fields.get, sorted(self.asked | self.names.intersection(fields))))

    def inside_object(self, value: Any) -> Iterable[Any]:
        """The attributes of an object, and of its classes."""
        fields: Any = getattr(value, "__dict__", None)
        if isinstance(value, Module):  # its own attributes are compared when modules have changed
            self.modules.append(value)
            self.compare_traits([*value.parameters(False), *value.buffers(False)])
            yield from value.children()
            held = {"forward", *self.names}.intersection(fields)
            yield from (fields[name] for name in sorted(held) if not name.startswith("_"))
        elif isinstance(fields, dict):
            hidden = {name for name in self.names if name not in fields and hasattr(type(value), name)}
            names = sorted(hidden | self.asked | self.names.intersection(fields))
            yield from self.compare(partial(map, fields.get, names))
            if "__wrapped__" in fields:
                yield fields["__wrapped__"]
            if {"vars", "__dict__"} & self.names or any(looks_inside(type(value), name) for name in self.names):
                found = self.compare(partial(chain, fields.values(), (END,)))
                yield from found if is_ours(type(value)) or not is_foreign(type(value)) else ()
        slots = [name for name in sorted(self.names) if isinstance(getattr(type(value), name, None), SLOT)]
        if slots:
            yield from self.compare(partial(map, getattr, [value] * len(slots), slots, [END] * len(slots)))
        for kind in type(value).__mro__:
            if not is_foreign(kind):
                yield kind
                yield from (vars(kind)[name] for name in IMPLICIT if name in vars(kind))


def require_apart(
    values: Sequence[Any], steps: Sequence[Step], modules: Iterable[Module], surroundings: Surroundings
) -> None:
    """Give up if what was found elsewhere is not all that there is to compare at each call.

    Raises
    ------
    Impossible
        If an argument is also found elsewhere, where it would not change with the argument; if a gradient is
        used, which changes at any time; if there is too much to compare, or what cannot be compared.
    """
    if surroundings.are_too_many():
        raise Impossible("it can reach too many objects from its variables: give it what it needs as arguments")
    if surroundings.doubts:
        raise Impossible(surroundings.doubts[0])
    given = [value for value in values if isinstance(value, Tensor)]
    outside = [operand.value for step in steps for operand in step.operands if operand.kind == "outside"]
    found = [*surroundings.tensors, *outside]
    found += [tensor for module in modules for tensor in (*module.parameters(False), *module.buffers(False))]
    edges = {tensor.grad_fn or tensor for tensor in found}
    if any((value.grad_fn or value) in edges for value in given):
        raise Impossible("an argument is also found elsewhere, in a variable or a module", lasting=False)
    gradients = {tensor.grad for tensor in (*given, *found)}
    if not gradients.isdisjoint(outside):
        raise Impossible("it uses the gradient of a tensor")


def is_foreign(value: Any) -> bool:
    """Whether a function, class or Python module is part of Python, NumPy or this package."""
    home = value.__name__ if isinstance(value, ModuleType) else value.__module__
    return str(home).partition(".")[0] in FOREIGN


def changing() -> tuple[type, ...]:
    """Types of objects that change without their attributes: iterators, arrays, makers of random numbers."""
    loaded = [(sys.modules.get(module), name) for module, name in (("random", "Random"), ("array", "array"))]
    others = [getattr(module, name) for module, name in loaded if module is not None]
    return (Iterator, np.ndarray, bytearray, memoryview, np.random.Generator, np.random.RandomState, Generator, *others)


def has_no_gradient(tensor: Tensor) -> bool:
    """Whether a tensor has no gradient."""
    return tensor._grad is None


TRAITS: dict[str, Callable[[Tensor], Any]] = {
    "grad": has_no_gradient,
    "requires_grad": attrgetter("_requires_grad"),
    "name": attrgetter("name"),
    **dict.fromkeys(("shape", "size", "numel", "len", "dim", "ndim", "dtype"), attrgetter("array")),
}
"""What code may ask a tensor without an operation, and how to compare that."""


def looks_inside(kind: type, name: str) -> bool:
    """Whether a name is that of a method of foreign code, which is not read, so that it may look at any attribute."""
    found = next((vars(owner)[name] for owner in kind.__mro__ if name in vars(owner)), None)
    function = found.fget if isinstance(found, property) else found
    return isinstance(function, FunctionType) and is_foreign(function) and not is_effect(function.__code__)


def is_ours(kind: type) -> bool:
    """Whether a class, or one that it inherits from, is part of this package."""
    return any(owner.__module__.partition(".")[0] == "microbp" for owner in kind.__mro__)


def is_filled(cell: Any) -> bool:
    """Whether a variable of a function around has a value yet."""
    try:
        content(cell)
    except ValueError:
        return False
    return True


def codes_in(code: CodeType) -> Iterable[CodeType]:
    """A piece of code, and those of the functions defined there."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def is_name(value: Any) -> bool:
    """Whether a constant may be the name of an attribute."""
    return isinstance(value, str) and value.isidentifier()


def uses_arrays(code: CodeType, variables: Mapping[str, Any]) -> bool:
    """Whether a piece of code has to do with an attribute ``array``, other than to call ``np.array(...)``."""
    if "array" not in code.co_names:
        return False
    for owner, step in pairwise(dis.get_instructions(code)):
        if step.argval == "array" and step.opname in {"LOAD_ATTR", "STORE_ATTR"}:
            is_numpy = owner.opname == "LOAD_GLOBAL" and isinstance(variables.get(owner.argval), ModuleType)
            if not is_numpy and "NULL|self" not in step.argrepr:  # the latter is a call
                return True
    return False


@lru_cache(maxsize=256)  # the same code is read several times in each recording
def looked_up(code: CodeType) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that a piece of code looks up as globals, and of modules that it imports; others are of attributes."""
    steps = list(dis.get_instructions(code))
    variables = (step.argval for step in steps if step.opname in {"LOAD_GLOBAL", "LOAD_NAME"})
    return tuple(variables), tuple(step.argval for step in steps if step.opname == "IMPORT_NAME")
