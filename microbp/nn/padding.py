"""Layers that put a margin around their input."""

from __future__ import annotations

from collections.abc import Sequence

from microbp.nn import functional
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class Margin(Module):
    """Base of the layers that put a margin around the last dimensions of their input.

    Parameters
    ----------
    padding : int or tuple of int
        How much to add on every side, or before and after each dimension, the last one first:
        ``(left, right, top, bottom)`` for images. A negative number cuts off.
    """

    dims: int
    mode: str

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding = tuple(padding) if isinstance(padding, Sequence) else (padding,) * (2 * self.dims)

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantMargin(Margin):
    """Base of the layers with a margin of one value."""

    mode = "constant"

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ZeroMargin(ConstantMargin):
    """Base of the layers with a margin of zeros."""

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad1d(ConstantMargin):
    """A margin of one value around the last dimension: see `ConstantPad2d`."""

    dims = 1


class ConstantPad2d(ConstantMargin):
    """A margin of one value around the last two dimensions: see `microbp.nn.functional.pad`.

    Parameters
    ----------
    padding : int or tuple of int
        How much to add on every side, or ``(left, right, top, bottom)``.
    value : float
        The value.

    Examples
    --------
    >>> import microbp
    >>> ConstantPad2d((1, 0, 0, 1), 9.0)(microbp.ones(1, 1, 2))
    tensor([[[9., 1., 1.],
             [9., 9., 9.]]])
    """

    dims = 2


class ConstantPad3d(ConstantMargin):
    """A margin of one value around the last three dimensions: see `ConstantPad2d`."""

    dims = 3


class ZeroPad1d(ZeroMargin):
    """A margin of zeros around the last dimension: see `ZeroPad2d`."""

    dims = 1


class ZeroPad2d(ZeroMargin):
    """A margin of zeros around the last two dimensions: see `microbp.nn.functional.pad`.

    Parameters
    ----------
    padding : int or tuple of int
        How much to add on every side, or ``(left, right, top, bottom)``.

    Examples
    --------
    >>> import microbp
    >>> ZeroPad2d(1)(microbp.ones(1, 1, 2))
    tensor([[[0., 0., 0., 0.],
             [0., 1., 1., 0.],
             [0., 0., 0., 0.]]])
    """

    dims = 2


class ZeroPad3d(ZeroMargin):
    """A margin of zeros around the last three dimensions: see `ZeroPad2d`."""

    dims = 3


class ReflectionPad1d(Margin):
    """A margin around the last dimension with the input mirrored at its edges: see `ReflectionPad2d`."""

    dims = 1
    mode = "reflect"


class ReflectionPad2d(Margin):
    """A margin around the last two dimensions with the input mirrored at its edges: see `microbp.nn.functional.pad`.

    Parameters
    ----------
    padding : int or tuple of int
        How much to add on every side, or ``(left, right, top, bottom)``.

    Examples
    --------
    >>> import microbp
    >>> ReflectionPad2d((2, 0, 0, 0))(microbp.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[3., 2., 1., 2., 3.]]])
    """

    dims = 2
    mode = "reflect"


class ReflectionPad3d(Margin):
    """A margin around the last three dimensions with the input mirrored at its edges: see `ReflectionPad2d`."""

    dims = 3
    mode = "reflect"


class ReplicationPad1d(Margin):
    """A margin around the last dimension that repeats the edge elements: see `ReplicationPad2d`."""

    dims = 1
    mode = "replicate"


class ReplicationPad2d(Margin):
    """A margin around the last two dimensions that repeats the edge elements: see `microbp.nn.functional.pad`.

    Parameters
    ----------
    padding : int or tuple of int
        How much to add on every side, or ``(left, right, top, bottom)``.

    Examples
    --------
    >>> import microbp
    >>> ReplicationPad2d((2, 0, 0, 0))(microbp.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[1., 1., 1., 2., 3.]]])
    """

    dims = 2
    mode = "replicate"


class ReplicationPad3d(Margin):
    """A margin around the last three dimensions that repeats the edge elements: see `ReplicationPad2d`."""

    dims = 3
    mode = "replicate"


class CircularPad1d(Margin):
    """A margin around the last dimension with the elements from the other side: see `CircularPad2d`."""

    dims = 1
    mode = "circular"


class CircularPad2d(Margin):
    """A margin around the last two dimensions with the elements from the other side: see `microbp.nn.functional.pad`.

    Parameters
    ----------
    padding : int or tuple of int
        How much to add on every side, or ``(left, right, top, bottom)``.

    Examples
    --------
    >>> import microbp
    >>> CircularPad2d((2, 0, 0, 0))(microbp.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[2., 3., 1., 2., 3.]]])
    """

    dims = 2
    mode = "circular"


class CircularPad3d(Margin):
    """A margin around the last three dimensions with the elements from the other side: see `CircularPad2d`."""

    dims = 3
    mode = "circular"
