"""Norms of vectors and matrices; see `microbp.norm` for the old way of calling. In the namespace `microbp.linalg`."""

from __future__ import annotations

from typing import Any

from microbp.errors import OptionError, ShapeError
from microbp.functions import extremes, reduction
from microbp.functions.dims import as_dim
from microbp.functions.spectrum import svdvals
from microbp.ops import elementwise
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply

__all__: list[str] = []

inf = float("inf")


def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Norm of the elements as one vector, ``(sum_k |x_k|^ord)^(1/ord)``.

    Parameters
    ----------
    x : Tensor
        Of a floating-point dtype.
    ord : number, inf or -inf
        inf is the largest modulus, -inf the smallest, 0 counts what is not 0.
    dim : int or tuple of int, optional
        The axes to take together; all by default.
    keepdim : bool
        Leave the reduced axes with size 1.
    dtype : dtype, optional
        Convert the elements to this dtype first.

    Returns
    -------
    Tensor
        Where the norm is 0 its gradient is taken to be 0.

    Raises
    ------
    RangeError
        If there is nothing to take a negative or infinite norm of.
    DtypeError
        For integers.
    OptionError
        If `ord` is a norm of matrices.

    Examples
    --------
    >>> import microbp
    >>> microbp.linalg.vector_norm(microbp.tensor([[3.0, -4.0], [6.0, 8.0]]), dim=1)
    tensor([ 5., 10.])
    """
    if isinstance(ord, str):
        raise OptionError(f"vector_norm: ord must be a number, got {ord!r}, which is a norm of matrices")
    if ord < 0 or ord == inf:
        flat = reduction.converted(x, dtype)
        reduction.require_elements(
            "vector_norm", flat, reduction.prepared("norm", flat, dim, None, keepdim, False, None)[1]
        )
    return reduction.norm(x, ord, dim, keepdim, dtype)


def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Norm of a matrix.

    Parameters
    ----------
    A : Tensor
        Of shape (..., m, n) and a floating-point dtype.
    ord : {"fro", "nuc", 1, -1, 2, -2, inf, -inf}
        ``"fro"`` is the root of the sum of the squares, ``"nuc"`` the sum of the singular values; 2 is the largest
        singular value, 1 the largest sum of moduli of a column, inf of a row; with a minus the smallest of these.
    dim : tuple of two int
        The axes of the rows and the columns.
    keepdim : bool
        Leave both with size 1.
    dtype : dtype, optional
        Convert the elements to this dtype first.

    Returns
    -------
    Tensor
        Of shape (...).

    Raises
    ------
    OptionError
        For any other norm.
    ShapeError
        If there are not two different axes.

    Examples
    --------
    >>> import microbp
    >>> A = microbp.tensor([[3.0, 0.0], [4.0, -1.0]])
    >>> microbp.linalg.matrix_norm(A, 1), microbp.linalg.matrix_norm(A, float("inf"))
    (tensor(7.), tensor(5.))
    """
    A = reduction.converted(A, dtype)
    reduction.require_floating("matrix_norm", A)
    if not isinstance(dim, tuple | list) or len(dim) != 2 or A.ndim < 2:
        raise ShapeError(f"matrix_norm takes two axes of at least 2 dimensions, got dim={dim} for shape {A.shape}")
    rows, columns = (as_dim("matrix_norm", one, A.ndim) for one in dim)
    if rows == columns:
        raise ShapeError(f"matrix_norm: a dimension appears twice in dim={tuple(dim)}")
    if ord == "fro":
        return reduction.norm(A, 2, (rows, columns), keepdim)
    if ord in (1, -1, inf, -inf):
        summed, compared = (rows, columns) if ord in (1, -1) else (columns, rows)
        sums = reduction.sum(apply(elementwise.abs, A), summed, keepdim=True)
        found = (extremes.amax if ord > 0 else extremes.amin)(sums, compared, keepdim=True)
    elif ord in ("nuc", 2, -2):
        rest = [axis for axis in range(A.ndim) if axis not in (rows, columns)]
        values = svdvals(apply(shaping.permute, A, dims=(*rest, rows, columns)))
        reduce = reduction.sum if ord == "nuc" else extremes.amax if ord == 2 else extremes.amin
        found = reduce(values, -1)
    else:
        raise OptionError(f"matrix_norm has 'fro', 'nuc', 1, -1, 2, -2, inf and -inf, not {ord!r}")
    shape = [1 if axis in (rows, columns) else size for axis, size in enumerate(A.shape)]
    if not keepdim:
        shape = [size for axis, size in enumerate(A.shape) if axis not in (rows, columns)]
    return apply(shaping.reshape, found, shape=tuple(shape))


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Norm of a vector or of a matrix.

    Parameters
    ----------
    A : Tensor
        Of a floating-point dtype.
    ord : number, inf, -inf, "fro" or "nuc", optional
        As for `vector_norm` or `matrix_norm`; without it, the root of the sum of the squares.
    dim : int or tuple of int, optional
        One axis for a norm of vectors, two for one of matrices. Without it, a tensor of one dimension is a vector,
        one of two dimensions a matrix; without `ord` too, all elements are one vector.
    keepdim : bool
        Leave the reduced axes with size 1.
    dtype : dtype, optional
        Convert the elements to this dtype first.

    Returns
    -------
    Tensor
        Where the norm is 0 its gradient is taken to be 0.

    Raises
    ------
    ShapeError
        If `ord` is given for a tensor that is neither a vector nor a matrix.
    OptionError
        If `ord` is a norm of matrices, and `dim` is one axis.

    Examples
    --------
    >>> import microbp
    >>> microbp.linalg.norm(microbp.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(5.)
    >>> microbp.linalg.norm(microbp.tensor([[3.0, 0.0], [0.0, 4.0]]), 2)
    tensor(4.)
    """
    if isinstance(dim, tuple | list) and len(dim) not in (1, 2):
        raise ShapeError(f"norm takes one axis or two, got dim={dim}; for more use vector_norm")
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None:
        if A.ndim not in (1, 2):
            raise ShapeError(f"norm: with ord={ord!r} a tensor of shape {A.shape} takes dim, one axis or two")
        dim = 0 if A.ndim == 1 and not isinstance(ord, str) else (0, 1)
    if isinstance(dim, tuple | list) and len(dim) == 2:
        return matrix_norm(A, ord, dim, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise OptionError(f"norm: ord={ord!r} is a norm of matrices, and takes two axes, got dim={dim}")
    return vector_norm(A, ord, dim, keepdim, dtype=dtype)
