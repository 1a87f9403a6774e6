"""Methods that write their result into the tensor itself: ``t.add_(1)``, ``t.zero_()``, ``t += 1``.

Every one is an ordinary row, applied by `microbp.inplace.apply_in_place`, which also records
it; a leaf that requires grad can only be changed inside ``no_grad()``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.functions.arithmetic import bounds, scaled
from microbp.functions.conversion import convert
from microbp.functions.generator import Generator, generator_or_default
from microbp.functions.indexing import setitem, truths
from microbp.inplace import apply_in_place
from microbp.methods import method
from microbp.ops import arithmetic, assignment, comparison, elementwise, special, trigonometry
from microbp.ops.op import Op
from microbp.tensor import Tensor, as_operand, wrap

__all__: list[str] = []

# New values


@method("copy_")
def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Take over the values of another tensor, broadcast to this one's shape and converted to its dtype.

    Gradients flow back to the source, no longer to what this tensor was computed from.

    Parameters
    ----------
    src : Tensor, array or number
        The values.
    non_blocking : bool
        Accepted, without effect.

    Returns
    -------
    Tensor
        This tensor.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(2, 2).copy_(microbp.tensor([1.0, 2.0]))
    tensor([[1., 2.],
            [1., 2.]])
    """
    source = as_operand(src)
    values = source if isinstance(source, Tensor) else wrap(np.asarray(source))
    return apply_in_place(assignment.copy, self, convert(values, self.dtype))


@method("fill_")
def fill_(self: Tensor, value: Any) -> Tensor:
    """Set all elements to one value.

    Parameters
    ----------
    value : number or 0-d Tensor
        The value; a tensor's gets the gradient of all elements.

    Returns
    -------
    Tensor
        This tensor.

    Raises
    ------
    ShapeError
        If the value is not 0-d.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(2).fill_(3)
    tensor([3., 3.])
    """
    value = as_operand(value)
    if isinstance(value, Tensor):
        if value.ndim:
            raise ShapeError(f"fill_ takes a number or a 0-d tensor, got shape {value.shape}; use copy_")
        value = convert(value, self.dtype)
    return apply_in_place(assignment.fill, self, value)


@method("masked_fill_")
def masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """Set the elements where a mask is true to one value; see `microbp.masked_fill`.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([1.0, -2.0, 3.0])
    >>> t.masked_fill_(t < 0, 0)
    tensor([1., 0., 3.])
    """
    where = truths("masked_fill_", mask)
    if np.ndim(value):
        raise ShapeError(f"masked_fill_: value must be a number or a 0-d tensor, got shape {np.shape(value)}")
    try:
        where = np.broadcast_to(where, self.shape)
    except ValueError:
        raise ShapeError(f"masked_fill_: mask {where.shape} cannot be broadcast to the tensor {self.shape}") from None
    setitem(self, where, value)
    return self


@method("zero_")
def zero_(self: Tensor) -> Tensor:
    """Set all elements to 0.

    Examples
    --------
    >>> import microbp
    >>> microbp.ones(2).zero_()
    tensor([0., 0.])
    """
    return apply_in_place(assignment.fill, self, 0)


@method("uniform_")
def uniform_(self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Draw all elements from the uniform distribution over the range from `from_` up to, not including, `to`.

    Parameters
    ----------
    from_, to : float
        The range.
    generator : Generator, optional
        Where the numbers come from; by default the one that `manual_seed` seeds.

    Returns
    -------
    Tensor
        This tensor.

    Raises
    ------
    OptionError
        If the range is empty or infinite.
    DtypeError
        For a tensor of integers.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.zeros(1000).uniform_(-1, 1)
    >>> bool((t >= -1).all()), bool((t < 1).all())
    (True, True)
    """
    require_floating(self, "uniform_")
    if not (from_ <= to and np.isfinite(to - from_)):
        raise OptionError(f"uniform_ draws from a finite range [from_, to), got from_={from_}, to={to}")
    source = generator_or_default(generator).numpy
    values = source.random(self.shape, dtype=drawn_in(self)) * (to - from_) + from_
    # Rounding may give `to` itself, which does not belong to the range.
    values = np.asarray(values, dtype=self.dtype)
    values = np.where((values >= to) & (to > from_), np.nextafter(self.dtype.type(to), self.dtype.type(from_)), values)
    return apply_in_place(assignment.copy, self, wrap(values))


@method("normal_")
def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Draw all elements from the normal distribution.

    Parameters
    ----------
    mean, std : float
        Mean and standard deviation.
    generator : Generator, optional
        Where the numbers come from; by default the one that `manual_seed` seeds.

    Returns
    -------
    Tensor
        This tensor.

    Raises
    ------
    OptionError
        If the standard deviation is negative or NaN.
    DtypeError
        For a tensor of integers.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(3).normal_(5, 0)
    tensor([5., 5., 5.])
    """
    require_floating(self, "normal_")
    if not std >= 0:
        raise OptionError(f"normal_ needs a standard deviation of at least 0, got std={std}")
    source = generator_or_default(generator).numpy
    values = source.standard_normal(self.shape, dtype=drawn_in(self)) * std + mean
    return apply_in_place(assignment.copy, self, wrap(np.asarray(values, dtype=self.dtype)))


def require_floating(tensor: Tensor, name: str) -> None:
    """Refuse to draw real numbers into integers."""
    if tensor.dtype.kind != "f":
        raise DtypeError(f"{name} needs a floating-point tensor, got {tensor.dtype}")


def drawn_in(tensor: Tensor) -> Any:
    """The dtype to draw a tensor's values in: NumPy draws float32 and float64."""
    return np.float64 if tensor.dtype.itemsize == 8 else np.float32


# Arithmetic


@method("add_")
def add_(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """self = self + alpha * other, in place.

    Parameters
    ----------
    other : Tensor, array or number
        Broadcast to the shape of this tensor.
    alpha : number
        The factor.

    Returns
    -------
    Tensor
        This one.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1.0, 2.0]).add_(10, alpha=0.5)
    tensor([6., 7.])
    """
    return apply_in_place(arithmetic.add, self, scaled("add_", self, other, alpha))


@method("sub_")
def sub_(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """self = self - alpha * other, in place.

    Parameters
    ----------
    other : Tensor, array or number
        Broadcast to the shape of this tensor.
    alpha : number
        The factor.

    Returns
    -------
    Tensor
        This one.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1.0, 2.0]).sub_(10, alpha=0.5)
    tensor([-4., -3.])
    """
    return apply_in_place(arithmetic.sub, self, scaled("sub_", self, other, alpha))


@method("div_")
def div_(self: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """self = self / other, in place; `rounding_mode` as for `microbp.div`.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1.0, 2.0]).div_(4)
    tensor([0.2500, 0.5000])
    """
    rows = {None: arithmetic.div, "trunc": arithmetic.trunc_divide, "floor": arithmetic.floor_divide}
    if rounding_mode not in rows:
        raise OptionError(f"div_: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")
    return apply_in_place(rows[rounding_mode], self, other)


@method("pow_")
def pow_(self: Tensor, exponent: Any) -> Tensor:
    """self = self ** exponent, in place.

    Parameters
    ----------
    exponent : Tensor, array or number
        Broadcast to the shape of this tensor.

    Returns
    -------
    Tensor
        This one.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1.0, 2.0]).pow_(3)
    tensor([1., 8.])
    """
    return apply_in_place(arithmetic.pow, self, exponent)


@method("addcmul_")
def addcmul_(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """self = self + value * tensor1 * tensor2, in place.

    Parameters
    ----------
    tensor1, tensor2 : Tensor
        Their product is broadcast to the shape of this tensor.
    value : number
        The factor.

    Returns
    -------
    Tensor
        This one.
    """
    return add_(self, tensor1 * tensor2, alpha=value)


@method("addcdiv_")
def addcdiv_(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """self = self + value * tensor1 / tensor2, in place.

    Parameters
    ----------
    tensor1, tensor2 : Tensor
        Their quotient is broadcast to the shape of this tensor.
    value : number
        The factor.

    Returns
    -------
    Tensor
        This one.
    """
    return add_(self, tensor1 / tensor2, alpha=value)


@method("clamp_")
def clamp_(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Move the elements into the range from `min` to `max`, in place; see `microbp.clamp`.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([-2.0, 0.5, 2.0]).clamp_(-1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    return apply_in_place(arithmetic.clamp, self, *bounds("clamp_", self, min, max))


@method("clamp_min_")
def clamp_min_(self: Tensor, min: Any) -> Tensor:
    """Move the elements below `min` up to it, in place.

    Parameters
    ----------
    min : Tensor or number
        The lower edge.

    Returns
    -------
    Tensor
        This one.
    """
    return clamp_(self, min=min)


@method("clamp_max_")
def clamp_max_(self: Tensor, max: Any) -> Tensor:
    """Move the elements above `max` down to it, in place.

    Parameters
    ----------
    max : Tensor or number
        The upper edge.

    Returns
    -------
    Tensor
        This one.
    """
    return clamp_(self, max=max)


# Rows that need no arguments but their own


def in_place(row: Op) -> Callable[..., Tensor]:
    """The method that writes the result of a row into its first argument."""

    def call(self: Tensor, *others: Any, **options: Any) -> Tensor:
        inputs, given = row.bind((self, *others), options)
        return apply_in_place(row, *inputs, **given)

    call.__name__ = call.__qualname__ = f"{row.name}_"
    call.__doc__ = f"As `microbp.{row.name}`, in place: the result takes the place of this tensor's values."
    return call


def in_place_operator(name: str, row: Op) -> Callable[[Tensor, Any], Tensor]:
    """The operator that writes the result of a row with two arguments into the first of them."""

    def call(self: Tensor, other: Any) -> Tensor:
        return apply_in_place(row, self, other)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"As `microbp.{row.name}`, in place: the result takes the place of this tensor's values."
    return call


for _row in (
    elementwise.abs,
    elementwise.ceil,
    elementwise.exp,
    elementwise.exp2,
    elementwise.expm1,
    elementwise.floor,
    elementwise.frac,
    elementwise.log,
    elementwise.log1p,
    elementwise.log2,
    elementwise.log10,
    elementwise.relu,
    elementwise.round,
    elementwise.rsqrt,
    elementwise.sigmoid,
    elementwise.sign,
    elementwise.sqrt,
    elementwise.trunc,
    *(getattr(trigonometry, name) for name in trigonometry.__all__),
    special.erf,
    special.erfc,
    special.erfinv,
    special.sinc,
    arithmetic.floor_divide,
    arithmetic.fmod,
    arithmetic.lerp,
    arithmetic.mul,
    arithmetic.neg,
    arithmetic.reciprocal,
    arithmetic.remainder,
    arithmetic.square,
    arithmetic.copysign,
    arithmetic.heaviside,
):
    method(f"{_row.name}_")(in_place(_row))

for _alias, _name in {
    "absolute_": "abs_",
    "arccos_": "acos_",
    "arccosh_": "acosh_",
    "arcsin_": "asin_",
    "arcsinh_": "asinh_",
    "arctan2_": "atan2_",
    "arctan_": "atan_",
    "arctanh_": "atanh_",
    "clip_": "clamp_",
    "divide_": "div_",
    "fix_": "trunc_",
    "multiply_": "mul_",
    "negative_": "neg_",
    "sgn_": "sign_",
    "subtract_": "sub_",
}.items():
    method(_alias)(getattr(Tensor, _name))

# Operators: t += other and its like
for _operator, _row in {
    "__iadd__": arithmetic.add,
    "__isub__": arithmetic.sub,
    "__imul__": arithmetic.mul,
    "__itruediv__": arithmetic.div,
    "__ifloordiv__": arithmetic.floor_divide,
    "__imod__": arithmetic.remainder,
    "__ipow__": arithmetic.pow,
    "__iand__": comparison.bitwise_and,
    "__ior__": comparison.bitwise_or,
    "__ixor__": comparison.bitwise_xor,
}.items():
    method(_operator)(in_place_operator(_operator, _row))
