"""Inverses, linear systems, determinants, factorisations and powers of square matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation

VECTORS = "PyTorch refuses it"


def singular(make: Values, *shape: int) -> Any:
    """Square matrices with two equal rows."""
    matrices = make.normal(*shape)
    matrices[..., 0, :] = matrices[..., 1, :]
    return matrices


@operation("inverse", "linalg.inv", no_scalar=VECTORS)
def inverse(make: Values) -> Calls:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3), (2, 0, 0)):
        yield call(make.invertible(*shape))


@operation("det", "linalg.det", no_scalar=VECTORS)
def det(make: Values) -> Calls:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3), (2, 0, 0)):
        yield call(make.invertible(*shape))
    yield call(make.normal(4, 4))
    yield call(-make.positive_definite(3, 3))


@operation("slogdet", "linalg.slogdet", no_scalar=VECTORS)
def slogdet(make: Values) -> Calls:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3), (2, 0, 0)):
        yield call(make.invertible(*shape))
    yield call(-make.positive_definite(3, 3))
    yield call(1e30 * make.invertible(12, 12))
    yield call(np.zeros((2, 2)), constants=(0,))


@operation("logdet", no_scalar=VECTORS)
def logdet(make: Values) -> Calls:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3), (2, 0, 0)):
        yield call(make.positive_definite(*shape))
    yield call(-make.positive_definite(3, 3), constants=(0,))
    yield call(np.zeros((2, 2)), constants=(0,))


@operation("cholesky", no_scalar=VECTORS)
def cholesky(make: Values) -> Calls:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3), (2, 0, 0)):
        yield call(make.positive_definite(*shape))
    yield call(make.positive_definite(3, 3), upper=True)
    yield call(np.tril(make.positive_definite(3, 3)))
    yield call(np.triu(make.positive_definite(3, 3)), True)


@operation("linalg.cholesky", no_scalar=VECTORS)
def linalg_cholesky(make: Values) -> Calls:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3), (2, 0, 0)):
        yield call(make.positive_definite(*shape))
    yield call(make.positive_definite(3, 3), upper=True)


@operation("matrix_power", "linalg.matrix_power", no_scalar=VECTORS)
def matrix_power(make: Values) -> Calls:
    for n in (-3, -2, -1, 0, 1, 2, 3, 5):
        yield call(make.invertible(3, 3), n)
    yield call(make.invertible(2, 3, 3), 2)
    yield call(make.invertible(2, 2, 2), n=-1)
    yield call(make.normal(0, 0), 2)
    yield call(make.normal(0, 3, 3), 3)
    yield call(make.integers(0, 5, 3, 3), 3)
    yield call(make.integers(0, 5, 3, 3), 0)


@operation("linalg.solve", no_scalar=VECTORS)
def solve(make: Values) -> Calls:
    yield call(make.invertible(3, 3), make.normal(3, 2))
    yield call(make.invertible(3, 3), make.normal(3))
    yield call(make.invertible(2, 3, 3), make.normal(2, 3, 4))
    yield call(make.invertible(2, 3, 3), make.normal(2, 3))
    yield call(make.invertible(3, 3), make.normal(2, 3, 4))
    yield call(make.invertible(2, 1, 3, 3), make.normal(5, 3, 1))
    yield call(make.invertible(3, 3), make.normal(2, 3), left=False)
    yield call(make.invertible(2, 3, 3), make.normal(2, 4, 3), left=False)
    yield call(make.invertible(1, 1), make.normal(1))
    yield call(make.normal(0, 0), make.normal(0, 2))
    yield call(make.invertible(3, 3), make.normal(3, 0))
    yield call(make.normal(0, 3, 3), make.normal(0, 3, 2))
    yield call(make.invertible(3, 3), make.normal(3, 2), constants=(0,))
    yield call(make.invertible(3, 3), make.normal(3, 2), constants=(1,))


@operation("linalg.solve_triangular", no_scalar=VECTORS)
def solve_triangular(make: Values) -> Calls:
    for options in ({}, {"left": False}, {"unitriangular": True}, {"left": False, "unitriangular": True}):
        for upper in (True, False):
            yield call(make.invertible(3, 3), make.normal(3, 3), upper=upper, **options)
    yield call(make.invertible(2, 3, 3), make.normal(2, 3, 4), upper=False)
    yield call(make.invertible(3, 3), make.normal(2, 3, 4), upper=True)
    yield call(make.invertible(2, 1, 3, 3), make.normal(5, 3, 1), upper=True)
    yield call(make.normal(0, 0), make.normal(0, 2), upper=True)
    yield call(make.normal(0, 3, 3), make.normal(0, 3, 2), upper=False)
    yield call(make.invertible(3, 3), make.normal(3, 2), upper=True, constants=(0,))
    yield call(make.invertible(3, 3), make.normal(3, 2), upper=True, constants=(1,))


def without_signs(name: str, *places: int) -> Any:
    """A script that takes the moduli of eigenvectors or singular vectors, whose signs are arbitrary."""

    def script(lib: Any, A: Any, **options: Any) -> Any:
        found = getattr(lib.linalg, name)(A, **options)
        return tuple(part.abs() if k in places else part for k, part in enumerate(found))

    return script


@operation("linalg.eigh", script=without_signs("eigh", 1), no_scalar=VECTORS)
def eigh(make: Values) -> Calls:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3), (2, 0, 0)):
        yield call(make.positive_definite(*shape))
    yield call(make.normal(3, 3))
    yield call(make.normal(3, 3), UPLO="L")
    yield call(make.normal(3, 3), UPLO="U")


@operation("linalg.eigvalsh", no_scalar=VECTORS)
def eigvalsh(make: Values) -> Calls:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3), (2, 0, 0)):
        yield call(make.positive_definite(*shape))
    yield call(make.normal(3, 3))
    yield call(make.normal(3, 3), UPLO="L")
    yield call(make.normal(3, 3), "U")


@operation("linalg.svd", script=without_signs("svd", 0, 2), no_scalar=VECTORS)
def svd(make: Values) -> Calls:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (3, 2), (2, 4), (2, 1, 2, 3)):
        yield call(make.normal(*shape), full_matrices=False)
    for shape in ((0, 0), (0, 3), (0, 2, 3), (3, 0)):
        yield call(make.normal(*shape), full_matrices=False)
    yield call(make.normal(3, 3))
    for shape in ((3, 3), (3, 2), (2, 3), (2, 4, 3), (0, 2, 3), (1, 0)):
        yield call(make.normal(*shape), full_matrices=True)


@operation("linalg.svdvals", no_scalar=VECTORS)
def svdvals(make: Values) -> Calls:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (3, 2), (2, 4), (2, 1, 2, 3), (0, 0), (0, 3), (0, 2, 3), (3, 0)):
        yield call(make.normal(*shape))
