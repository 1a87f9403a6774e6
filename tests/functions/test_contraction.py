"""Einstein's convention in all its forms, tensordot, distances, Kronecker and cross products, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microbp
from microbp.autograd import gradcheck, gradgradcheck
from microbp.errors import OptionError, ShapeError
from microbp.functions.contraction import LETTERS
from tests.referee import compare
from tests.samples import normal

EQUATIONS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("ij->ji", [(3, 4)]),
    ("ij", [(3, 4)]),
    ("ba", [(3, 4)]),
    ("bA", [(3, 4)]),
    ("i->", [(3,)]),
    ("ij->j", [(3, 4)]),
    ("ii", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iij->ji", [(3, 3, 2)]),
    ("iji->j", [(3, 2, 3)]),
    ("iii->i", [(2, 2, 2)]),
    ("iijj->ij", [(2, 2, 3, 3)]),
    ("->", [()]),
    ("...", [(2, 3)]),
    ("...i->...", [(2, 3)]),
    ("i...->...", [(2, 3)]),
    ("...i->i", [(2, 3, 4)]),
    ("i...j->j...i", [(2, 3, 4)]),
    ("...ii->...i", [(2, 3, 3)]),
    ("...ij->...ji", [(2, 3, 4)]),
    ("ij,jk->ik", [(3, 4), (4, 2)]),
    ("ij,jk", [(3, 4), (4, 2)]),
    ("ij,jk->ki", [(3, 4), (4, 2)]),
    (" i j , j k -> i k ", [(3, 4), (4, 2)]),
    ("ij,kj->ik", [(3, 4), (2, 4)]),
    ("ij,ij->", [(3, 4), (3, 4)]),
    ("ij,ij->ij", [(3, 4), (3, 4)]),
    ("i,j->ij", [(3,), (4,)]),
    ("i,i", [(3,), (3,)]),
    ("i,i->i", [(3,), (3,)]),
    ("i,->i", [(3,), ()]),
    ("ij,j->i", [(3, 4), (4,)]),
    ("ij,k->i", [(3, 4), (2,)]),
    ("ij,k->", [(3, 4), (2,)]),
    ("ii,ij->j", [(3, 3), (3, 4)]),
    ("bij,bjk->bik", [(5, 3, 4), (5, 4, 2)]),
    ("bij,bj->bi", [(5, 3, 4), (5, 4)]),
    ("bi,bi->b", [(5, 3), (5, 3)]),
    ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]),
    ("bqhd,bkhd->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
    ("...ij,...jk->...ik", [(5, 3, 4), (5, 4, 2)]),
    ("...ij,...jk->...ik", [(5, 3, 4), (4, 2)]),
    ("...ij,...jk->...ik", [(2, 1, 3, 4), (5, 4, 2)]),
    ("...ij,...jk", [(2, 1, 3, 4), (5, 4, 2)]),
    ("...ij,...jk->ik", [(5, 3, 4), (5, 4, 2)]),
    ("i...,i...->...", [(3, 4), (3, 4)]),
    ("ij,jk->ik", [(3, 1), (4, 2)]),
    ("ij,jk->ik", [(3, 4), (1, 2)]),
    ("ij,ij->ij", [(3, 1), (1, 4)]),
    ("ij,jk->ik", [(0, 4), (4, 2)]),
    ("ij,jk->ik", [(3, 0), (0, 2)]),
    ("ij,jk,kl->il", [(3, 4), (4, 2), (2, 5)]),
    ("i,j,k->kji", [(3,), (4,), (2,)]),
    ("i,i,i->i", [(3,), (3,), (3,)]),
    ("i,i,i", [(3,), (3,), (3,)]),
    ("bn,anm,bm->ba", [(2, 3), (5, 3, 4), (2, 4)]),
    ("ij,jk,kl,lm->im", [(2, 3), (3, 2), (2, 4), (4, 2)]),
    ("ab,bc,ca", [(2, 3), (3, 4), (4, 2)]),
]


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
def test_einsum(equation: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    compare(lambda lib, *tensors: lib.einsum(equation, *tensors), *arrays, second_order=True)


@given(st.data())
def test_any_einsum(data: Any) -> None:
    sizes = {letter: data.draw(st.integers(1, 3)) for letter in "abcd"}
    terms = data.draw(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=3))
    used = sorted({letter for term in terms for letter in term})
    out = "".join(data.draw(st.permutations(used)))[: data.draw(st.integers(0, 4))]
    equation = f"{','.join(terms)}->{out}"
    arrays = [
        normal(
            *(
                data.draw(st.sampled_from([1, sizes[letter]])) if term.count(letter) == 1 else sizes[letter]
                for letter in term
            ),
            seed=k,
        )
        for k, term in enumerate(terms)
    ]
    compare(lambda lib, *tensors: lib.einsum(equation, *tensors), *arrays)


def test_forms_of_einsum() -> None:
    a, b = normal(3, 4), normal(4, 2)
    compare(lambda lib, a, b: (lib.einsum("ij,jk->ik", [a, b]), lib.einsum("ij,jk->ik", (a, b))), a, b)
    compare(lambda lib, a, b: (lib.einsum(a, [0, 1], b, [1, 2], [2, 0]), lib.einsum(a, [0, 1], b, [1, 2])), a, b)
    compare(lambda lib, a: (lib.einsum(a, [..., 1, 0], [0, ...]), lib.einsum(a, [3, ...])), normal(2, 3, 4))
    compare(lambda lib, a, b: lib.einsum(a, [51, 0], b, [0, 26]), a, b)


def test_einsum_of_other_dtypes() -> None:
    compare(lambda lib, a, b: lib.einsum("ij,jk->ik", a, b), np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2))
    a = microbp.ones(2, 3, requires_grad=True)
    found = microbp.einsum("ij,kj->ik", a, microbp.ones(2, 3))
    assert found.dtype == np.float32
    found.sum().backward()
    assert a.grad.dtype == np.float32


def test_result_may_be_written_to() -> None:
    a = microbp.ones(2, 3)
    found = microbp.einsum("i,j->ji", a[0], a[0])
    found += 1
    assert a.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert found.tolist() == [[2, 2, 2]] * 3


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij,jk->ik", [(3, 4)], "2 terms for 1 operands"),
        ("ij->ii", [(3, 4)], "'i' twice"),
        ("ij->k", [(3, 4)], "'k', which no operand has"),
        ("i1->i", [(3, 4)], "'1' in 'i1->i' is no letter"),
        ("..i->i", [(3, 4)], "is no letter"),
        ("i...j...->i", [(3, 4)], "is no letter"),
        ("ij->i->j", [(3, 4)], "is no letter"),
    ],
)
def test_equations_that_make_no_sense(equation: str, shapes: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        microbp.einsum(equation, *(microbp.ones(shape) for shape in shapes))


def test_equations_that_do_not_fit() -> None:
    ones = microbp.ones
    with pytest.raises(ShapeError, match=r"einsum: 3 labels do not fit an operand of shape \(3, 4\)"):
        microbp.einsum("ijk->i", ones(3, 4))
    with pytest.raises(ShapeError, match="do not fit"):
        microbp.einsum("ijk...->i", ones(3, 4))
    with pytest.raises(ShapeError, match="einsum: 'j' has size 4 in one place and 5 in another"):
        microbp.einsum("ij,jk->ik", ones(3, 4), ones(5, 2))
    with pytest.raises(ShapeError, match="'i' has sizes 3 and 4 in one operand"):
        microbp.einsum("ii", ones(3, 4))
    with pytest.raises(OptionError, match="integers from 0 to 51"):
        microbp.einsum(ones(3), [52])
    with pytest.raises(OptionError, match="takes an equation"):
        microbp.einsum(ones(3))
    with pytest.raises(TypeError, match="takes tensors"):
        microbp.einsum("i", 2)
    assert len(LETTERS) == 52


@pytest.mark.parametrize(
    ("left", "right", "dims"),
    [
        ((2, 3, 4), (3, 4, 5), 2),
        ((2, 3), (4, 5), 0),
        ((3,), (3,), 1),
        ((2, 3, 4), (4, 3, 5), ([1, 2], [1, 0])),
        ((2, 3, 4), (4, 3, 5), ([-1], [0])),
        ((2, 3, 4), (4, 3, 5), ([], [])),
        ((2, 1, 4), (4, 3, 5), ([1, 2], [1, 0])),
        ((2, 0), (0, 3), 1),
    ],
)
def test_tensordot(left: tuple[int, ...], right: tuple[int, ...], dims: Any) -> None:
    compare(lambda lib, a, b: lib.tensordot(a, b, dims=dims), normal(*left), normal(*right, seed=1), second_order=True)


def test_tensordot_refuses() -> None:
    a, b = microbp.ones(2, 3), microbp.ones(4, 5)
    with pytest.raises(ShapeError, match=r"dimension 1 of a \(2, 3\) and dimension 0 of b \(4, 5\) differ"):
        microbp.tensordot(a, b, 1)
    with pytest.raises(OptionError, match="dims=3"):
        microbp.tensordot(a, b, 3)
    with pytest.raises(OptionError, match="as many different axes"):
        microbp.tensordot(a, b, ([0, 1], [0]))
    with pytest.raises(IndexError, match="out of range"):
        microbp.tensordot(a, b, ([2], [0]))


@pytest.mark.parametrize("p", [2.0, 1.0, 3.0, 0.5, 0.0, float("inf")])
@pytest.mark.parametrize(
    ("left", "right"),
    [((3, 4), (5, 4)), ((2, 3, 4), (5, 4)), ((2, 1, 3, 2), (5, 4, 2)), ((0, 2), (3, 2)), ((30, 3), (28, 3))],
)
def test_cdist(left: tuple[int, ...], right: tuple[int, ...], p: float) -> None:
    compare(lambda lib, a, b: lib.cdist(a, b, p=p), normal(*left), normal(*right, seed=1), rtol=1e-8, atol=1e-8)
    if 0 < p < float("inf") and len(left) == 2 and 0 < left[0] < 10:
        tensors = [microbp.tensor(normal(*shape), requires_grad=True) for shape in (left, right)]
        assert gradcheck(lambda a, b: microbp.cdist(a, b, p), tensors)
        assert gradgradcheck(lambda a, b: microbp.cdist(a, b, p), tensors)


@pytest.mark.parametrize("p", [2.0, 1.0, 3.0, float("inf")])
def test_distance_zero(p: float) -> None:
    a = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 5.0]])
    mode = "donot_use_mm_for_euclid_dist"
    compare(lambda lib, a: lib.cdist(a, a.detach(), p, mode), a)
    t = microbp.tensor(a, requires_grad=True)
    (first,) = microbp.autograd.grad(microbp.cdist(t, t, p).sum(), t, create_graph=True)
    (second,) = microbp.autograd.grad((first * first).sum(), t)
    assert np.isfinite(second.array).all()


def test_distances_far_from_the_origin_keep_their_digits() -> None:
    a = microbp.tensor([[1e8, 0.0], [1e8 + 1, 0.0]], dtype=microbp.float64)
    assert microbp.cdist(a, a).tolist() == [[0, 1], [1, 0]]


def test_many_distances_are_computed_in_parts() -> None:
    a, b = normal(1000, 3), normal(700, 3, seed=1)
    found = microbp.cdist(microbp.tensor(a), microbp.tensor(b)).numpy()
    np.testing.assert_allclose(found, np.sqrt(((a[:, None] - b) ** 2).sum(-1)))


def test_cdist_refuses() -> None:
    a = microbp.ones(2, 3)
    with pytest.raises(OptionError, match="p must not be negative"):
        microbp.cdist(a, a, -1)
    with pytest.raises(OptionError, match="compute_mode"):
        microbp.cdist(a, a, compute_mode="fast")
    with pytest.raises(ShapeError, match=r"x1 \(2, 3\) and x2 \(2, 4\)"):
        microbp.cdist(a, microbp.ones(2, 4))
    with pytest.raises(ShapeError, match="must be matrices"):
        microbp.cdist(a, microbp.ones(3))


@pytest.mark.parametrize(
    ("left", "right"), [((3,), (4,)), ((2, 3), (4, 5)), ((2, 3), (4,)), ((3,), (2, 1, 4)), ((), (3,)), ((0, 2), (3, 2))]
)
def test_kron(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    compare(lambda lib, a, b: (lib.kron(a, b), a.kron(b)), normal(*left), normal(*right, seed=1), second_order=True)


def test_cross() -> None:
    a, b = normal(4, 3), normal(4, 3, seed=1)
    compare(
        lambda lib, a, b: (lib.cross(a, b, dim=1), a.cross(b, dim=-1), lib.linalg.cross(a, b)), a, b, second_order=True
    )
    compare(lambda lib, a, b: lib.linalg.cross(a, b, dim=0), normal(3, 1), normal(3, 4), second_order=True)
    found = microbp.cross(microbp.tensor(normal(2, 3, 3)), microbp.tensor(normal(2, 3, 3, seed=1)))
    np.testing.assert_allclose(found.numpy(), np.cross(normal(2, 3, 3), normal(2, 3, 3, seed=1), axis=1))
    with pytest.raises(ShapeError, match="no dimension"):
        microbp.cross(microbp.ones(2), microbp.ones(2))
    with pytest.raises(ShapeError, match="must have size 3"):
        microbp.linalg.cross(microbp.ones(3, 2), microbp.ones(3, 2))
    with pytest.raises(ShapeError, match="as many dimensions"):
        microbp.linalg.cross(microbp.ones(3), microbp.ones(2, 3))


def test_numpys_functions() -> None:
    a, b, v = normal(3, 4), normal(4, 2), normal(2, 3)
    t, u = microbp.tensor(a, requires_grad=True), microbp.tensor(v)
    for found, expected in [
        (np.einsum("ij,jk->ki", t, b), np.einsum("ij,jk->ki", a, b)),
        (np.einsum(t, [0, 1], [1], optimize=True), a.sum(0)),
        (np.tensordot(t, b, 1), a @ b),
        (np.tensordot(t, b, axes=([1], [0])), a @ b),
        (np.kron(t, b), np.kron(a, b)),
        (np.cross(u, v[::-1]), np.cross(v, v[::-1])),
        (np.cross(u, v[0]), np.cross(v, v[0])),
    ]:
        assert isinstance(found, microbp.Tensor)
        np.testing.assert_allclose(found.detach().numpy(), expected)
    with pytest.raises(NotImplementedError, match="one axis for all"):
        np.cross(u, u, axisa=0)


def test_einsum_gives_a_tensor_of_its_own_also_where_nothing_changes() -> None:
    a = microbp.ones(2, 2)
    assert microbp.einsum("ij->ij", a) is not a
