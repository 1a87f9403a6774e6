"""From one dtype, device or memory layout to another, and out of the graph."""

from __future__ import annotations

import sys
from typing import Any

from microbp.device import Device
from microbp.dtypes import as_dtype, boolean, float16, float32, float64, int8, int16, int32, int64, uint8
from microbp.errors import GraphError
from microbp.methods import method
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, wrap

__all__ = ["clone", "is_floating_point", "is_tensor"]

TYPE_NAMES = {
    float16: "HalfTensor",
    float32: "FloatTensor",
    float64: "DoubleTensor",
    int8: "CharTensor",
    int16: "ShortTensor",
    int32: "IntTensor",
    int64: "LongTensor",
    uint8: "ByteTensor",
    boolean: "BoolTensor",
}


def convert(tensor: Tensor, dtype: Any) -> Tensor:
    """A tensor in another dtype: recorded between floating-point dtypes, the tensor itself if it has the dtype."""
    wanted = as_dtype(dtype)
    if tensor.dtype == wanted:
        return tensor
    if wanted.kind != "f":
        tensor = wrap(tensor.array)  # integers have no gradient
    return apply(shaping.cast, tensor, dtype=wanted, source=tensor.dtype)


@method("to")
def to(
    self: Tensor,
    *target: Any,
    dtype: Any = None,
    device: Any = None,
    other: Tensor | None = None,
    non_blocking: bool = False,
    copy: bool = False,
) -> Tensor:
    """The tensor in another dtype, as ``t.to(dtype)``, ``t.to(device)``, ``t.to(device, dtype)`` or ``t.to(other)``.

    The conversion is recorded, so that gradients come back in this tensor's dtype.

    Parameters
    ----------
    *target : dtype, device or Tensor
        The wanted dtype, the device, both, or a tensor to take the dtype from; then, if
        anything, `non_blocking` and `copy`.
    dtype, device, other
        The same by name.
    non_blocking : bool
        Accepted, without effect.
    copy : bool
        Copy even if nothing changes.

    Returns
    -------
    Tensor
        This tensor itself, if nothing changes.

    Raises
    ------
    NotImplementedError
        For any device but the CPU.
    DtypeError
        For a dtype that microbp does not have.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([1, 2])
    >>> t.to(microbp.float32)
    tensor([1., 2.])
    >>> t.to("cpu") is t
    True
    """
    rest = list(target)
    if rest and isinstance(rest[0], Tensor):
        other = rest.pop(0)
    else:
        if rest and (rest[0] is None or isinstance(rest[0], str | Device)):
            device = rest.pop(0)
        if rest and not isinstance(rest[0], bool):
            dtype = rest.pop(0)
    if rest:
        non_blocking = rest.pop(0)
    if rest:
        copy = rest.pop(0)
    if rest or not isinstance(non_blocking, bool) or not isinstance(copy, bool):
        raise TypeError(f"to() takes a dtype, a device, a device and a dtype, or a tensor; got {target}")
    if device is not None:
        Device(device)
    if other is not None:
        dtype = other.dtype
    converted = self if dtype is None else convert(self, dtype)
    return clone(self) if copy and converted is self else converted


@method("type")
def type_of(self: Tensor, dtype: Any = None) -> Any:
    """The tensor in another dtype; without one, the name of its type.

    Parameters
    ----------
    dtype : dtype, optional
        The wanted dtype, not the name of a tensor type.

    Returns
    -------
    Tensor or str

    Raises
    ------
    TypeError
        For the name of a tensor type.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1.0]).type()
    'microbp.FloatTensor'
    >>> microbp.tensor([1.5]).type(microbp.int64)
    tensor([1])
    """
    if dtype is None:
        return f"microbp.{TYPE_NAMES[self.dtype]}"
    if isinstance(dtype, str):
        raise TypeError(f"type() takes a dtype such as microbp.float32, not the name of one: {dtype!r}")
    return convert(self, dtype)


@method("type_as")
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another.

    Parameters
    ----------
    other : Tensor
        Gives the dtype.

    Returns
    -------
    Tensor
        This one, if it has that dtype already.
    """
    return convert(self, other.dtype)


@method("float")
def to_float(self: Tensor) -> Tensor:
    """The tensor in float32."""
    return convert(self, float32)


@method("double")
def to_double(self: Tensor) -> Tensor:
    """The tensor in float64."""
    return convert(self, float64)


@method("half")
def to_half(self: Tensor) -> Tensor:
    """The tensor in float16."""
    return convert(self, float16)


@method("int")
def to_int(self: Tensor) -> Tensor:
    """The tensor in int32, fractions cut off."""
    return convert(self, int32)


@method("long")
def to_long(self: Tensor) -> Tensor:
    """The tensor in int64, fractions cut off."""
    return convert(self, int64)


@method("short")
def to_short(self: Tensor) -> Tensor:
    """The tensor in int16, fractions cut off."""
    return convert(self, int16)


@method("char")
def to_char(self: Tensor) -> Tensor:
    """The tensor in int8, fractions cut off."""
    return convert(self, int8)


@method("byte")
def to_byte(self: Tensor) -> Tensor:
    """The tensor in uint8, fractions cut off."""
    return convert(self, uint8)


@method("bool")
def to_bool(self: Tensor) -> Tensor:
    """The tensor as truth values: whether each element differs from 0."""
    return convert(self, boolean)


@method("cpu")
def to_cpu(self: Tensor) -> Tensor:
    """The tensor itself, which is on the CPU already."""
    return self


@method("contiguous")
def contiguous(self: Tensor) -> Tensor:
    """The tensor with its elements in memory in reading order: itself, or a recorded copy."""
    return self if self.array.flags.c_contiguous else clone(self)


@method("is_contiguous")
def is_contiguous(self: Tensor) -> bool:
    """Whether the elements lie in memory in reading order."""
    return self.array.flags.c_contiguous


@method("is_floating_point")
def is_floating_point(input: Tensor) -> bool:
    """Whether a tensor has a floating-point dtype.

    Parameters
    ----------
    input : Tensor
        Any tensor.

    Returns
    -------
    bool

    Examples
    --------
    >>> import microbp
    >>> microbp.is_floating_point(microbp.tensor([1, 2]))
    False
    """
    return input.dtype.kind == "f"


def is_tensor(obj: Any) -> bool:
    """Whether something is a tensor.

    Parameters
    ----------
    obj : anything
        What to ask about.

    Returns
    -------
    bool

    Examples
    --------
    >>> import microbp
    >>> microbp.is_tensor(microbp.zeros(2)), microbp.is_tensor([0, 0])
    (True, False)
    """
    return isinstance(obj, Tensor)


@method("cuda")
def to_cuda(self: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """Not to be had: there is only the CPU; ``t.to(device)`` is for scripts that choose.

    Parameters
    ----------
    device, non_blocking
        Not looked at.

    Raises
    ------
    NotImplementedError
        Always.
    """
    return to(self, Device("cuda"))


@method("stride")
def stride(self: Tensor, dim: int | None = None) -> Any:
    """How many elements of memory lie between neighbours along each axis, or along one.

    Parameters
    ----------
    dim : int, optional
        The axis; all without it.

    Returns
    -------
    int, or tuple of int

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(2, 3).stride()
    (3, 1)
    """
    steps = tuple(step // self.itemsize for step in self.array.strides)
    return steps if dim is None else steps[dim]


@method("element_size")
def element_size(self: Tensor) -> int:
    """The number of bytes that one element takes."""
    return self.itemsize


@method("clone")
def clone(input: Tensor) -> Tensor:
    """A copy in memory of its own, through which gradients flow back to the original.

    Parameters
    ----------
    input : Tensor
        What to copy.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([1.0, 2.0])
    >>> microbp.clone(t).add_(1)
    tensor([2., 3.])
    >>> t
    tensor([1., 2.])
    """
    return apply(shaping.clone, input)


@method("detach_")
def detach_(self: Tensor) -> Tensor:
    """Cut this tensor off from the graph that computed it, and return it.

    Raises
    ------
    GraphError
        If the tensor is a view of another one; use ``t.detach()``.
    """
    if self._base is not None:
        raise GraphError("detach_() cannot cut a view off from the tensor that it is a view of; use t.detach()")
    self._versioned()  # shared with the node, whose graph is to hear of later writes
    self._cut = self._cut_by("by detach_()", sys._getframe(1))
    self.node = None
    self._requires_grad = False
    return self
