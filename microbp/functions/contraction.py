"""Sums of products over axes: Einstein's convention, and what it says at length.

A sum of products of many tensors is worked off two at a time (`microbp.ops.contraction`),
the cheapest pair first. Before, each operand is brought to a form in which every axis has a
label of its own: of an axis that occurs twice the diagonal is taken, and what no one else
needs is summed up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from operator import index
from typing import Any

from microbp.errors import OptionError, ShapeError
from microbp.functions.dims import as_dim
from microbp.functions.reduction import norm
from microbp.methods import method
from microbp.ops import contraction as rows
from microbp.ops import indexing
from microbp.ops import reduction as reductions
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, as_operand

__all__ = ["cdist", "cross", "einsum", "kron", "tensordot"]

Labels = tuple[int, ...]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # in the order in which an implicit output has them
MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


def einsum(*arguments: Any) -> Tensor:
    """Sum of products, in the notation of Einstein.

    ``einsum("ik,kj->ij", a, b)`` gives each axis of each operand a letter. Axes with the same letter are run through
    together; the result has the axes that are named after the arrow, and over all others it is summed.

    Parameters
    ----------
    equation : str
        The letters of the operands, separated by commas, and after ``->`` those of the result. Without an arrow the
        result has the letters that occur once, in alphabetical order, capital letters first. A letter that an operand
        has twice stands for the diagonal. ``...`` stands for any number of axes, which are broadcast; an implicit
        result has them in front, and where a result does not name them they are summed. Blanks are ignored.
    *operands : Tensor
        The operands, or one list of them. In the other form, ``einsum(a, [0, 1], b, [1, 2], [0, 2])``, each is
        followed by the list of its labels, integers from 0 to 51 or `Ellipsis`, and the last list is the result's.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If the equation cannot be understood.
    ShapeError
        If it does not fit the shapes: axes of one letter must have one size, or size 1.

    Examples
    --------
    >>> import microbp
    >>> a, b = microbp.tensor([[1.0, 2.0], [3.0, 4.0]]), microbp.tensor([10.0, 1.0])
    >>> microbp.einsum("ij,j->i", a, b)
    tensor([12., 34.])
    >>> microbp.einsum("ii", a)
    tensor(5.)
    """
    terms, operands, out = parsed(arguments)
    if len(terms) != len(operands):
        raise OptionError(f"einsum: the equation has {len(terms)} terms for {len(operands)} operands")
    most = max(
        (tensor.ndim - len(term) + 1 for term, tensor in zip(terms, operands, strict=True) if ... in term), default=0
    )
    labels = [spelled_out(term, tensor) for term, tensor in zip(terms, operands, strict=True)]
    ellipsis = tuple(range(-most, 0))
    if out is None:
        flat = [label for term in labels for label in term]
        result = (*ellipsis, *sorted({label for label in flat if label >= 0 and flat.count(label) == 1}))
    else:
        result = tuple(label for part in out for label in (ellipsis if part is ... else (part,)))
    for label in result:
        if result.count(label) > 1:
            raise OptionError(f"einsum: the result has {name_of(label)} twice")
        if not any(label in term for term in labels):
            raise OptionError(f"einsum: the result has {name_of(label)}, which no operand has")
    return contracted("einsum", operands, labels, result)


def parsed(arguments: tuple[Any, ...]) -> tuple[list[list[Any]], list[Any], list[Any] | None]:
    """The labels of each operand, the operands, and the labels of the result or None; Ellipsis is left as it is."""
    if arguments and isinstance(arguments[0], str):
        equation, *given = arguments
        if len(given) == 1 and isinstance(given[0], list | tuple):
            given = list(given[0])
        left, arrow, right = equation.replace(" ", "").partition("->")
        terms = [labels_in(term, equation) for term in left.split(",")]
        return terms, tensors_of(given), labels_in(right, equation) if arrow else None
    if len(arguments) < 2:
        raise OptionError("einsum takes an equation and operands, or operands each with a list of labels")
    pairs = arguments[: len(arguments) // 2 * 2]
    terms = [checked(term) for term in pairs[1::2]]
    return terms, tensors_of(pairs[::2]), checked(arguments[-1]) if len(arguments) % 2 else None


def tensors_of(operands: Sequence[Any]) -> list[Any]:
    """The operands as tensors."""
    found = [as_operand(operand) for operand in operands]
    for operand in found:
        if not isinstance(operand, Tensor):
            raise TypeError(f"einsum takes tensors, got {operand!r}")
    return found


def labels_in(term: str, equation: str) -> list[Any]:
    """The labels that the letters of a term stand for."""
    before, dots, after = term.partition("...")
    found = [*before, *([...] if dots else []), *after]
    for letter in found:
        if letter is not ... and letter not in LETTERS:
            raise OptionError(
                f"einsum: {letter!r} in {equation!r} is no letter; write as in 'ij,jk->ik' or '...ij->...ji'"
            )
    return [letter if letter is ... else LETTERS.index(letter) for letter in found]


def checked(term: Any) -> list[Any]:
    """A list of labels, if it is one."""
    found = [label if label is ... else index(label) for label in term]
    if any(label is not ... and not 0 <= label < len(LETTERS) for label in found) or found.count(...) > 1:
        raise OptionError(f"einsum: labels are integers from 0 to {len(LETTERS) - 1}, and one Ellipsis, got {term}")
    return found


def spelled_out(term: list[Any], tensor: Any) -> Labels:
    """A label for each axis of an operand; those that an ellipsis stands for are -1, -2, ... from the end."""
    missing = tensor.ndim - len(term) + 1
    if ... not in term:
        missing = 0
        fits = tensor.ndim == len(term)
    else:
        fits = missing >= 0
    if not fits:
        raise ShapeError(f"einsum: {len(term)} labels do not fit an operand of shape {tensor.shape}")
    return tuple(label for part in term for label in (range(-missing, 0) if part is ... else (part,)))


def name_of(label: int) -> str:
    """A label as the user wrote it."""
    return "..." if label < 0 else repr(LETTERS[label])


def contracted(name: str, operands: list[Any], labels: list[Labels], result: Labels) -> Tensor:
    """The sum of products that labels describe."""
    sizes: dict[int, int] = {}
    for tensor, term in zip(operands, labels, strict=True):
        own: dict[int, int] = {}
        for label, size in zip(term, tensor.shape, strict=True):
            if own.setdefault(label, size) != size:
                raise ShapeError(f"{name}: {name_of(label)} has sizes {own[label]} and {size} in one operand")
            known = sizes.setdefault(label, size)
            if known != size and 1 not in (known, size):
                raise ShapeError(f"{name}: {name_of(label)} has size {known} in one place and {size} in another")
            if known == 1:
                sizes[label] = size
    pending = [distinct(tensor, term, sizes) for tensor, term in zip(operands, labels, strict=True)]
    while len(pending) > 1:
        pair = min(combinations(range(len(pending)), 2), key=lambda pair: cost(pending, pair, sizes))
        (a, left), (b, right) = (pending[k] for k in pair)
        pending = [operand for k, operand in enumerate(pending) if k not in pair]
        needed = {*result, *(label for _, term in pending for label in term)}
        a, left = summed(a, left, {*needed, *right})
        b, right = summed(b, right, {*needed, *left})
        out = tuple(label for label in dict.fromkeys((*left, *right)) if label in needed)
        if not pending:
            out = tuple(label for label in result if label in out)
        pending.append((apply(rows.contract, a, b, left=left, right=right, out=out), out))
    tensor, term = summed(*pending[0], set(result))
    if term != result or tensor is operands[0]:  # which must not be handed back itself
        order = tuple(term.index(label) for label in result if label in term)
        tensor = apply(shaping.permute, tensor, dims=order)
    return tensor  # type: ignore[no-any-return]


def cost(pending: list[Any], pair: tuple[int, int], sizes: dict[int, int]) -> int:
    """How many products a contraction takes."""
    return math.prod(sizes[label] for label in {*pending[pair[0]][1], *pending[pair[1]][1]})


def distinct(tensor: Any, term: Labels, sizes: dict[int, int]) -> tuple[Any, Labels]:
    """An operand with each label once: diagonals taken, and axes left out that stand for a larger one."""
    shape = tensor.shape
    kept = [axis for axis, label in enumerate(term) if shape[axis] == sizes[label]]
    if len(kept) < len(term):
        tensor = apply(shaping.reshape, tensor, shape=tuple(shape[axis] for axis in kept))
        term = tuple(term[axis] for axis in kept)
    for label in set(term):
        while term.count(label) > 1:
            i = term.index(label)
            j = term.index(label, i + 1)
            rest = [axis for axis in range(len(term)) if axis not in (i, j)]
            size = sizes[label]
            tensor = apply(shaping.permute, tensor, dims=(i, j, *rest))
            tensor = apply(shaping.reshape, tensor, shape=(size * size, *tensor.shape[2:]))
            tensor = apply(indexing.getitem, tensor, index=slice(None, None, size + 1))
            term = (label, *(term[axis] for axis in rest))
    return tensor, term


def summed(tensor: Any, term: Labels, needed: set[int]) -> tuple[Any, Labels]:
    """An operand summed over the labels that nothing else needs."""
    alone = tuple(axis for axis, label in enumerate(term) if label not in needed)
    if alone:
        tensor = apply(reductions.sum, tensor, dim=alone, keepdim=False)
    return tensor, tuple(label for label in term if label in needed)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sum of products over several axes of two tensors.

    Parameters
    ----------
    a, b : Tensor
        The factors.
    dims : int or pair of lists of int
        How many of the last axes of `a` and of the first of `b` to sum over; or which of `a`, and which of `b`.

    Returns
    -------
    Tensor
        With the other axes of `a`, then those of `b`.

    Raises
    ------
    ShapeError
        If the axes do not have the same sizes.
    OptionError
        If `dims` does not name as many different axes of both.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensordot(microbp.ones(2, 3, 4), microbp.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
    (2, 5)
    """
    a, b = tensors_of([a, b])
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise OptionError(f"tensordot: dims={dims} is not from 0 to the dimensions of {a.shape} and {b.shape}")
        left, right = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        chosen = [[one] if isinstance(one, int) else one for one in dims]
        left, right = (
            [as_dim("tensordot", axis, t.ndim) for axis in axes] for t, axes in zip((a, b), chosen, strict=True)
        )
    if len(left) != len(right) or len({*left}) < len(left) or len({*right}) < len(right):
        raise OptionError(f"tensordot: dims must name as many different axes of both tensors, got {dims}")
    of_a = tuple(range(a.ndim))
    of_b = tuple(left[right.index(axis)] if axis in right else a.ndim + axis for axis in range(b.ndim))
    for i, j in zip(left, right, strict=True):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise ShapeError(f"tensordot: dimension {i} of a {a.shape} and dimension {j} of b {b.shape} differ in size")
    free = [label for label in of_a if label not in left] + [label for label in of_b if label >= a.ndim]
    return contracted("tensordot", [a, b], [of_a, of_b], tuple(free))


@method("kron")
def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker product: each element of the first tensor times the whole second one, side by side.

    Parameters
    ----------
    input, other : Tensor
        The factors; the one with fewer dimensions gets axes of size 1 in front.

    Returns
    -------
    Tensor
        Along each axis as large as the product of both sizes.

    Examples
    --------
    >>> import microbp
    >>> microbp.kron(microbp.tensor([1.0, 10.0]), microbp.tensor([1.0, 2.0]))
    tensor([ 1.,  2., 10., 20.])
    """
    a, b = tensors_of([input, other])
    ndim = max(a.ndim, b.ndim)
    left = (1,) * (ndim - a.ndim) + a.shape
    right = (1,) * (ndim - b.ndim) + b.shape
    a = apply(shaping.reshape, a, shape=tuple(size for pair in left for size in (pair, 1)))
    b = apply(shaping.reshape, b, shape=tuple(size for pair in right for size in (1, pair)))
    whole = tuple(m * n for m, n in zip(left, right, strict=True))
    return apply(shaping.reshape, a * b, shape=whole)


@method("cross")
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Cross product of vectors of three elements.

    Parameters
    ----------
    input, other : Tensor
        The vectors; their shapes are broadcast.
    dim : int, optional
        The axis of the elements, of size 3; by default the first axis of that size.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If that axis is not of size 3.

    Examples
    --------
    >>> import microbp
    >>> microbp.cross(microbp.tensor([1.0, 0.0, 0.0]), microbp.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    if dim is None:
        if 3 not in input.shape:
            raise ShapeError(f"cross: no dimension of {input.shape} has size 3")
        dim = input.shape.index(3)
    return linalg_cross(input, other, dim=dim)


def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Cross product of vectors of three elements, along the last axis by default; see `microbp.cross`.

    Examples
    --------
    >>> import microbp
    >>> microbp.linalg.cross(microbp.tensor([1.0, 0.0, 0.0]), microbp.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    a, b = tensors_of([input, other])
    if a.ndim != b.ndim:
        raise ShapeError(f"cross: a {a.shape} and b {b.shape} must have as many dimensions")
    axis = as_dim("cross", dim, a.ndim)
    if a.ndim == 0 or a.shape[axis] != 3 or b.shape[axis] != 3:
        raise ShapeError(f"cross: dimension {axis} of a {a.shape} and b {b.shape} must have size 3")
    return apply(rows.cross, a, b, dim=axis)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = MODES[0]) -> Tensor:
    """Distances of all rows of one matrix from all rows of another, y_ij = norm(a_i - b_j, p).

    Parameters
    ----------
    x1, x2 : Tensor
        Of shapes (..., m, k) and (..., n, k); the axes in front are broadcast.
    p : float
        The norm: not negative, or inf.
    compute_mode : str
        Accepted; Euclidean distances are always computed from the differences, which keeps all digits.

    Returns
    -------
    Tensor
        Of shape (..., m, n). Where a distance is 0, its gradient is taken to be 0.

    Raises
    ------
    OptionError
        If `p` is negative.
    ShapeError
        If the rows do not have the same size.

    Examples
    --------
    >>> import microbp
    >>> microbp.cdist(microbp.tensor([[0.0, 0.0]]), microbp.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5., 1.]])
    """
    a, b = tensors_of([x1, x2])
    if not p >= 0:
        raise OptionError(f"cdist: p must not be negative, got {p}")
    if compute_mode not in MODES:
        raise OptionError(f"cdist: compute_mode must be one of {', '.join(MODES)}, got {compute_mode!r}")
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-1]:
        raise ShapeError(f"cdist: x1 {a.shape} and x2 {b.shape} must be matrices with rows of one size")
    if p == 2:
        return apply(rows.cdist, a, b)
    if math.isinf(p) and a.shape[-1] == 0:
        p = 1  # of no differences, the largest is 0 as well
    left = apply(indexing.getitem, a, index=(..., slice(None), None, slice(None)))
    right = apply(indexing.getitem, b, index=(..., None, slice(None), slice(None)))
    return norm(left - right, p, -1)
