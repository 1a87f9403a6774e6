"""Sums of products over axes, distances, Kronecker and cross products."""

from __future__ import annotations

from typing import Any

from tests.parity import Calls, Values, call, operation


@operation("einsum")
def einsum(make: Values) -> Calls:
    yield call("ij,jk->ik", make.normal(3, 4), make.normal(4, 2))
    yield call("bij,bjk->bik", make.normal(2, 3, 4), make.normal(2, 4, 2))
    yield call("ij,jk", make.normal(3, 4), make.normal(4, 2))
    yield call("ba,cb", make.normal(3, 4), make.normal(2, 3))
    yield call("ij->ji", make.normal(3, 4))
    yield call("ij->", make.normal(3, 4))
    yield call("ii", make.normal(3, 3))
    yield call("ii->i", make.normal(3, 3))
    yield call("iji->j", make.normal(3, 2, 3))
    yield call("i,i->i", make.normal(3), make.normal(3))
    yield call("i,j->ij", make.normal(3), make.normal(2))
    yield call("...ij,...jk->...ik", make.normal(2, 3, 4), make.normal(4, 2))
    yield call("...ij->...", make.normal(2, 3, 4))
    yield call("...i,...i", make.normal(2, 1, 4), make.normal(3, 4))
    yield call("i...,i...->...", make.normal(3, 2), make.normal(3, 1))
    yield call("ij,ij", make.normal(3, 1), make.normal(1, 4))
    yield call("ij,jk,kl->il", make.normal(2, 3), make.normal(3, 4), make.normal(4, 2))
    yield call("bn,anm,bm->ba", make.normal(2, 3), make.normal(5, 3, 4), make.normal(2, 4))
    yield call(" i j , j -> i ", [make.normal(2, 3), make.normal(3)])
    yield call(make.normal(2, 3), [0, 1], make.normal(3, 4), [1, 2], [0, 2])
    yield call(make.normal(2, 3), [0, 1], make.normal(3, 4), [1, 2])
    yield call(make.normal(2, 3), [..., 1], make.normal(3), [1], [...])
    yield call("iJ,Ji", make.normal(2, 3), make.normal(3, 2))
    yield call(",->", make.normal(), make.normal())
    yield call(",ij", make.normal(), make.normal(2, 2))
    yield call("->", make.normal())
    yield call("ij,jk->ik", make.normal(3, 0), make.normal(0, 2))
    yield call("ij,jk->ik", make.normal(0, 3), make.normal(3, 2))
    yield call("ij,jk->ik", make.integers(0, 9, 2, 3), make.integers(0, 9, 3, 2))
    yield call("ij,jk->ik", make.normal(2, 3), make.normal(3, 2), constants=(0,))


@operation("tensordot")
def tensordot(make: Values) -> Calls:
    yield call(make.normal(2, 3, 4), make.normal(3, 4, 5))
    yield call(make.normal(2, 3, 4), make.normal(4, 3), 1)
    yield call(make.normal(2, 3), make.normal(4, 3), dims=0)
    yield call(make.normal(2, 3, 4), make.normal(4, 3, 5), dims=([1, 2], [1, 0]))
    yield call(make.normal(2, 3, 4), make.normal(4, 5), ([-1], [0]))
    yield call(make.normal(2, 3), make.normal(2, 3), dims=2)
    yield call(make.normal(2, 3, 1), make.normal(4, 5), ([2], [0]))
    yield call(make.normal(), make.normal(), 0)
    yield call(make.normal(), make.normal(2), 0)
    yield call(make.normal(2, 0), make.normal(0, 3), 1)
    yield call(make.normal(0, 2), make.normal(2, 3), 1)
    yield call(make.integers(0, 9, 2, 3), make.integers(0, 9, 3, 2), 1)


@operation("kron")
def kron(make: Values) -> Calls:
    yield call(make.normal(2, 3), make.normal(3, 2))
    yield call(make.normal(2), make.normal(3, 2))
    yield call(make.normal(2, 1, 3), make.normal(2))
    yield call(make.normal(2, 1), make.normal(1, 3))
    yield call(make.normal(), make.normal(2))
    yield call(make.normal(2), make.normal())
    yield call(make.normal(), make.normal())
    yield call(make.normal(0, 2), make.normal(2, 2))
    yield call(make.integers(0, 9, 2, 2), make.normal(2))


@operation("cross", broadcasts=True, no_scalar="PyTorch refuses it")
def cross(make: Values) -> Calls:
    yield call(make.normal(2, 3), make.normal(2, 3))
    yield call(make.normal(3, 4), make.normal(3, 4))
    yield call(make.normal(2, 3), make.normal(2, 3), dim=-1)
    yield call(make.normal(3, 3), make.normal(3, 3))
    yield call(make.normal(3, 1), make.normal(3, 4), 0)
    yield call(make.normal(3, 4), make.normal(3, 1), 0)
    yield call(make.normal(1, 3, 2), make.normal(4, 3, 1), 1)
    yield call(make.normal(3), make.normal(3))
    yield call(make.normal(0, 3), make.normal(0, 3))
    yield call(make.integers(0, 9, 3), make.integers(0, 9, 3))


@operation("linalg.cross", broadcasts=True, no_scalar="PyTorch refuses it")
def linalg_cross(make: Values) -> Calls:
    yield call(make.normal(2, 3), make.normal(2, 3))
    yield call(make.normal(3, 4), make.normal(3, 4), dim=0)
    yield call(make.normal(1, 3), make.normal(4, 3))
    yield call(make.normal(4, 3), make.normal(1, 3))
    yield call(make.normal(1, 2, 3), make.normal(4, 1, 3))
    yield call(make.normal(3), make.normal(3))
    yield call(make.normal(0, 3), make.normal(0, 3))
    yield call(make.integers(0, 9, 3), make.integers(0, 9, 3))


def cdist_in_torch(lib: Any, x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "") -> Any:
    """As norms of differences: PyTorch has no second derivatives of its own."""
    differences = x1[..., :, None, :] - x2[..., None, :, :]
    if p == 0:  # a count, which has a gradient of zeros nevertheless
        return (differences != 0).sum(-1) + 0 * differences.sum(-1)
    return lib.linalg.vector_norm(differences, p, -1)


@operation("cdist", torch=cdist_in_torch, no_scalar="PyTorch refuses it")
def cdist(make: Values) -> Calls:
    for p in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, float("inf")):
        yield call(make.normal(3, 4), make.normal(2, 4), p)
    yield call(make.normal(3, 4), make.normal(2, 4))
    yield call(make.normal(2, 3, 4), make.normal(2, 5, 4), p=1)
    yield call(make.normal(3, 4), make.normal(2, 5, 4))
    yield call(make.normal(2, 1, 3, 4), make.normal(5, 2, 4))
    yield call(make.normal(3, 4), make.normal(2, 4), compute_mode="use_mm_for_euclid_dist")
    yield call(make.normal(3, 4), make.normal(2, 4), compute_mode="donot_use_mm_for_euclid_dist")
    yield call(make.normal(0, 4), make.normal(2, 4))
    yield call(make.normal(3, 4), make.normal(0, 4), 1.0)
    yield call(make.normal(3, 0), make.normal(2, 0))
    yield call(make.normal(3, 4), make.normal(2, 4), constants=(1,))
