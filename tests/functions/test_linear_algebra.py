"""Inverses, determinants, factorisations and norms, against PyTorch and against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import linalg
from microbp.autograd import gradcheck, gradgradcheck
from microbp.errors import DtypeError, LinAlgError, OptionError, ShapeError
from microbp.ops import decomposition as rows
from tests.referee import compare, torch
from tests.samples import normal

inf = float("inf")
REGULAR = [
    normal(3, 3) + 2 * np.eye(3),
    normal(2, 4, 4) + 3 * np.eye(4),
    normal(2, 1, 2, 2),
    normal(1, 1),
    normal(0, 2, 2),
]
RANK_TWO = normal(3, 2) @ normal(2, 3)
SINGULAR = {
    "rank two": RANK_TWO,
    "rank one": np.outer(normal(3), normal(3, seed=1)),
    "zero": np.zeros((3, 3)),
    "stack": np.stack([RANK_TWO, normal(3, 3), np.diag([0.0, 2.0, 0.0])]),
    "four by four": np.diag([0.0, 2.0, 0.0, 3.0]),
    "a number": np.zeros((1, 1)),
}


def symmetric(lib: Any, a: Any) -> Any:
    """A symmetric matrix, and so a function that is smooth in every element."""
    return (a + a.mT) / 2


def check_both(function: Callable[..., Any], *arrays: Any) -> None:
    """Check first and second derivatives with central differences."""
    tensors = [microbp.tensor(array, requires_grad=True) for array in arrays]
    assert gradcheck(function, tensors, atol=1e-6, rtol=1e-5)
    assert gradgradcheck(function, tensors, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("array", REGULAR)
def test_determinants_and_inverses(array: Any) -> None:
    compare(lambda lib, a: lib.linalg.inv(a), array, second_order=True)
    compare(lambda lib, a: (lib.inverse(a), a.inverse(), lib.det(a), a.det(), lib.linalg.det(a)), array)
    compare(lambda lib, a: lib.linalg.det(a), array, second_order=True)
    compare(lambda lib, a: tuple(lib.linalg.slogdet(a)), array, second_order=True)
    compare(lambda lib, a: (*lib.slogdet(a), *a.slogdet(), lib.logdet(a @ a.mT), (a @ a.mT).logdet()), array)
    compare(lambda lib, a: (lib.linalg.matrix_power(a, 5), a.matrix_power(-3), lib.matrix_power(a, 0)), array)


def test_results_have_names() -> None:
    a = microbp.tensor(REGULAR[0])
    assert linalg.slogdet(a).sign.item() in (-1, 1)
    assert linalg.slogdet(a).logabsdet.item() == pytest.approx(np.log(abs(np.linalg.det(REGULAR[0]))))
    assert linalg.eigh(a).eigenvalues.shape == (3,)
    assert linalg.eigh(a).eigenvectors.shape == (3, 3)
    assert linalg.svd(a).Vh.shape == (3, 3)
    assert not linalg.slogdet(a.requires_grad_()).sign.requires_grad


@pytest.mark.parametrize("name", SINGULAR)
def test_determinant_of_singular_matrices(name: str) -> None:
    array = SINGULAR[name]
    compare(lambda lib, a: lib.linalg.det(a), array, rtol=1e-9, atol=1e-9)
    check_both(linalg.det, array)
    found = linalg.slogdet(microbp.tensor(np.diag([1.0, 0.0])))
    assert (found.sign.item(), found.logabsdet.item()) == (0, -inf)


@pytest.mark.parametrize("name", SINGULAR)
def test_cofactors_are_minors(name: str) -> None:
    array = SINGULAR[name]
    n = array.shape[-1]
    for i, j in np.ndindex(n, n):
        minor = np.delete(np.delete(array, i, -2), j, -1)
        expected = (-1) ** (i + j) * np.linalg.det(minor)
        np.testing.assert_allclose(rows.cofactor.forward(array)[..., i, j], expected, atol=1e-12)


def test_third_derivative_of_a_determinant() -> None:
    tensor = microbp.tensor(REGULAR[0], requires_grad=True)
    check_both(lambda b: microbp.autograd.grad(linalg.det(b), b, create_graph=True)[0], tensor.detach().numpy())


def test_logdet_of_a_negative_determinant() -> None:
    array = np.array([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]], np.eye(2)])
    compare(lambda lib, a: lib.logdet(a.detach()), array)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3, 3), (3,)),
        ((3, 3), (3, 2)),
        ((2, 3, 3), (2, 3)),
        ((2, 3, 3), (3,)),
        ((2, 3, 3), (2, 3, 1)),
        ((2, 3, 3), (3, 2)),
        ((3, 3), (5, 3, 2)),
        ((2, 1, 3, 3), (5, 3, 2)),
        ((0, 3, 3), (0, 3, 2)),
    ],
)
def test_solve(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    a, b = normal(*left) + 3 * np.eye(3), normal(*right, seed=1)
    compare(lambda lib, a, b: lib.linalg.solve(a, b), a, b, second_order=True)


def test_solve_from_the_right() -> None:
    a, b = normal(2, 3, 3), normal(2, 4, 3)
    compare(lambda lib, a, b: lib.linalg.solve(a, b, left=False), a, b, second_order=True)
    with pytest.raises(ShapeError, match="left=False needs matrices"):
        linalg.solve(microbp.tensor(a[0]), microbp.ones(3, dtype=microbp.float64), left=False)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("options", [{}, {"left": False}, {"unitriangular": True}])
def test_solve_triangular(upper: bool, options: dict[str, bool]) -> None:
    a, b = normal(2, 3, 3) + 3 * np.eye(3), normal(3, 3, seed=1)
    compare(lambda lib, a, b: lib.linalg.solve_triangular(a, b, upper=upper, **options), a, b, second_order=True)
    compare(lambda lib, a, b: lib.linalg.solve_triangular(a, b, upper=upper, **options), a[0], b, second_order=True)


@pytest.mark.filterwarnings("ignore:torch.cholesky is deprecated")
@pytest.mark.parametrize("array", [*REGULAR, normal(0, 0)])
def test_cholesky(array: Any) -> None:
    positive = array @ array.mT + np.eye(array.shape[-1])
    compare(lambda lib, a: lib.linalg.cholesky(a), positive, second_order=True)
    compare(lambda lib, a: lib.linalg.cholesky(a, upper=True), positive, second_order=True)
    compare(lambda lib, a: (lib.cholesky(a), a.cholesky(upper=True)), positive)
    if array.size:
        check_both(lambda a: linalg.cholesky(symmetric(microbp, a)), positive)


def test_cholesky_reads_one_triangle() -> None:
    array = np.array([[4.0, 99.0], [2.0, 5.0]])
    compare(lambda lib, a: lib.linalg.cholesky(a), array)
    compare(lambda lib, a: lib.linalg.cholesky(a, upper=True), array.T)


@pytest.mark.parametrize("array", [normal(3, 3), normal(2, 4, 4), normal(1, 1)])
@pytest.mark.parametrize("uplo", ["L", "U"])
def test_eigenvalues(array: Any, uplo: str) -> None:
    def reconstructed(lib: Any, a: Any) -> Any:
        """Functions that do not depend on the signs of the eigenvectors."""
        w, v = lib.linalg.eigh(symmetric(lib, a), UPLO=uplo)
        return w, v**2, (v * w.unsqueeze(-2).exp()) @ v.mT

    compare(reconstructed, array, second_order=True, rtol=1e-8, atol=1e-8)
    compare(lambda lib, a: lib.linalg.eigvalsh(a + a.mT, UPLO=uplo), array, second_order=True, rtol=1e-8, atol=1e-8)
    check_both(lambda a: linalg.eigvalsh(symmetric(microbp, a)), array)
    compare(lambda lib, a: (lib.linalg.eigh(a)[1] ** 2, lib.linalg.eigvalsh(a)), array + array.mT, rtol=1e-9, atol=1e-9)


def test_gradients_of_equal_eigenvalues() -> None:
    compare(lambda lib, a: lib.linalg.eigvalsh(a).sum(), np.eye(3))


@pytest.mark.parametrize("array", [normal(3, 3), normal(2, 5, 3), normal(2, 3, 5), normal(1, 4), normal(0, 3)])
def test_singular_values(array: Any) -> None:
    def reconstructed(lib: Any, a: Any) -> Any:
        """Functions that do not depend on the signs of the singular vectors."""
        u, s, vh = lib.linalg.svd(a, full_matrices=False)
        return s, u**2, vh**2, (u * s.unsqueeze(-2).exp()) @ vh

    if array.size:
        compare(reconstructed, array, second_order=True, rtol=1e-8, atol=1e-8)
    compare(lambda lib, a: lib.linalg.svdvals(a), array, second_order=True, rtol=1e-8, atol=1e-8)


def test_singular_values_of_a_singular_matrix() -> None:
    compare(lambda lib, a: lib.linalg.svdvals(a)[:2], RANK_TWO, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(5, 2), (2, 5), (3, 1, 4)])
def test_full_singular_vectors_are_an_orthonormal_basis(shape: tuple[int, ...]) -> None:
    a = normal(*shape)
    u, s, vh = linalg.svd(microbp.tensor(a))
    for basis, size in ((u, shape[-2]), (vh, shape[-1])):
        np.testing.assert_allclose((basis @ basis.mT).array, np.broadcast_to(np.eye(size), basis.shape), atol=1e-12)
    k = s.shape[-1]
    np.testing.assert_allclose(((u[..., :k] * s.unsqueeze(-2)) @ vh[..., :k, :]).array, a, atol=1e-12)


@pytest.mark.parametrize("name", ["inv", "solve", "cholesky"])
def test_impossible_matrices_are_named(name: str) -> None:
    bad = microbp.tensor(np.stack([np.eye(2), np.array([[1.0, 2.0], [2.0, 1.0 if name == "cholesky" else 4.0]])]))
    arguments = (bad, microbp.ones(2, 2, dtype=microbp.float64)) if name == "solve" else (bad,)
    with pytest.raises(LinAlgError, match=rf"{name}: matrix \(1,\) of the stack \(2, 2, 2\) is") as caught:
        getattr(linalg, name)(*arguments)
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, np.linalg.LinAlgError)
    arguments = tuple(argument[1] for argument in arguments)
    with pytest.raises(linalg.LinAlgError, match=rf"{name}: the matrix \(2, 2\) is"):
        getattr(linalg, name)(*arguments)
    theirs = torch()
    with pytest.raises(theirs.linalg.LinAlgError):
        getattr(theirs.linalg, name)(*(theirs.tensor(argument.numpy()) for argument in arguments))


def test_gradient_of_the_logarithm_of_zero() -> None:
    a = microbp.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    with pytest.raises(LinAlgError, match="singular"):
        linalg.slogdet(a).logabsdet.backward()


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh"])
def test_shapes_and_dtypes_are_checked(name: str) -> None:
    function = getattr(linalg, name)
    for shape in [(2, 3), (3,), ()]:
        with pytest.raises(ShapeError, match=r"must be square matrices, .*got shape"):
            function(microbp.ones(shape))
    with pytest.raises(DtypeError, match="works in float32 and float64, got int64"):
        function(microbp.tensor([[1, 0], [0, 1]]))
    with pytest.raises(DtypeError, match="got float16"):
        function(microbp.eye(2, dtype=microbp.float16))


def test_shapes_of_linear_systems_are_checked() -> None:
    for shape in [(), (2,), (2, 3), (4, 2, 1)]:
        with pytest.raises(ShapeError, match=r"solve: A \(3, 3\) and B .*do not fit"):
            linalg.solve(microbp.eye(3), microbp.ones(shape))
    with pytest.raises(ShapeError, match="solve_triangular"):
        linalg.solve_triangular(microbp.eye(3), microbp.ones(3), upper=True)
    with pytest.raises(OptionError, match="UPLO"):
        linalg.eigvalsh(microbp.eye(3), UPLO="X")


def test_float32_stays_float32() -> None:
    a = microbp.tensor(REGULAR[0], dtype=microbp.float32, requires_grad=True)
    spd = a @ a.mT
    everything = [linalg.inv(a), linalg.det(a), linalg.slogdet(a)[1], linalg.cholesky(spd), linalg.solve(a, a)]
    everything += [*linalg.eigh(spd), *linalg.svd(a), linalg.svdvals(a)]
    everything += [linalg.matrix_norm(a, 2), linalg.norm(a, "nuc")]
    assert {t.dtype for t in everything} == {np.dtype("float32")}
    sum(t.sum() for t in everything).backward(create_graph=True)
    assert a.grad.dtype == np.float32
    a.grad.sum().backward()
    assert a.grad.dtype == np.float32


@pytest.mark.parametrize("dim", [None, 0, -1, (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("ord", [2, 1, 3, 0.5, inf, -inf, -1, 2.0])
@pytest.mark.parametrize("keepdim", [False, True])
def test_vector_norms(ord: Any, dim: Any, keepdim: bool) -> None:
    compare(
        lambda lib, a: lib.linalg.vector_norm(a, ord, dim, keepdim),
        normal(2, 3, 4),
        second_order=ord not in (inf, -inf),
        rtol=1e-9,
    )


def test_vector_norm_zero_counts() -> None:
    compare(lambda lib, a: lib.linalg.vector_norm(a.detach(), 0, 1), np.array([[3.0, 0.0], [1.0, 2.0]]))


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, inf, -inf])
@pytest.mark.parametrize("dim", [(-2, -1), (0, 2), (2, 0)])
def test_matrix_norms(ord: Any, dim: Any) -> None:
    for keepdim in (False, True):
        compare(
            lambda lib, a, keepdim=keepdim: lib.linalg.matrix_norm(a, ord, dim, keepdim),
            normal(2, 3, 4),
            second_order=True,
            rtol=1e-8,
            atol=1e-8,
        )
    compare(lambda lib, a: lib.linalg.norm(a, ord), normal(3, 4), rtol=1e-9)
    compare(lambda lib, a: lib.linalg.norm(a, ord, dim, True), normal(2, 3, 4), rtol=1e-9)


def test_norm_chooses() -> None:
    compare(lambda lib, a: (lib.linalg.norm(a, dim=0), lib.linalg.norm(a, dim=(0, 2))), normal(2, 3, 4))
    compare(lambda lib, a: lib.linalg.norm(a), normal(2, 3, 4))
    compare(lambda lib, a: (lib.linalg.norm(a), lib.linalg.norm(a, 3), lib.linalg.norm(a, inf)), normal(4))
    compare(lambda lib, a: lib.linalg.norm(a, 3, 1, dtype=lib.float64), normal(3, 4).astype(np.float32), rtol=1e-6)
    compare(lambda lib, a: lib.linalg.norm(a, keepdim=True), normal(3, 4))
    compare(lambda lib, a: lib.linalg.norm(a), np.zeros((3, 2)))


def test_norms_refuse_what_they_have_not() -> None:
    a = microbp.ones(2, 3, 4)
    with pytest.raises(ShapeError, match="takes dim"):
        linalg.norm(a, 2)
    with pytest.raises(ShapeError, match="one axis or two"):
        linalg.norm(a, dim=(0, 1, 2))
    with pytest.raises(OptionError, match="norm of matrices"):
        linalg.norm(a, "nuc", 1)
    with pytest.raises(OptionError, match="norm of matrices"):
        linalg.vector_norm(a, "fro")
    with pytest.raises(OptionError, match="not 3"):
        linalg.matrix_norm(a, 3)
    with pytest.raises(ShapeError, match="twice"):
        linalg.matrix_norm(a, dim=(1, -2))
    with pytest.raises(ShapeError, match="two axes"):
        linalg.matrix_norm(a, dim=1)
    with pytest.raises(ShapeError, match="two axes"):
        linalg.matrix_norm(a[0, 0])
    with pytest.raises(DtypeError):
        linalg.vector_norm(microbp.tensor([1, 2]))
    with pytest.raises(RuntimeError, match="no elements"):
        linalg.vector_norm(microbp.ones(0), inf)


def test_numpys_functions() -> None:
    a, b = normal(3, 3) + 2 * np.eye(3), normal(3)
    t = microbp.tensor(a, requires_grad=True)
    for function, arguments in [
        (np.linalg.inv, ()),
        (np.linalg.det, ()),
        (np.linalg.norm, ()),
        (np.linalg.norm, (2,)),
        (np.linalg.norm, (1, 0)),
        (np.linalg.vector_norm, ()),
        (np.linalg.matrix_norm, ()),
        (np.linalg.solve, (b,)),
        (np.linalg.matrix_power, (3,)),
        (np.linalg.svdvals, ()),
        (np.linalg.eigvalsh, ()),
    ]:
        found = function(t, *arguments)
        assert isinstance(found, microbp.Tensor)
        assert found.requires_grad
        np.testing.assert_allclose(found.detach().numpy(), function(a, *arguments))
    np.testing.assert_allclose(np.linalg.slogdet(t).logabsdet.item(), np.linalg.slogdet(a).logabsdet)
    np.testing.assert_allclose(np.linalg.cholesky(t @ t.mT).detach().numpy(), np.linalg.cholesky(a @ a.T))
    np.testing.assert_allclose(np.linalg.multi_dot([t, t, t]).detach().numpy(), a @ a @ a)
    np.testing.assert_allclose(np.linalg.svd(t, compute_uv=False).detach().numpy(), np.linalg.svd(a)[1])
    np.testing.assert_allclose(np.linalg.eigh(t @ t.mT).eigenvalues.detach().numpy(), np.linalg.eigh(a @ a.T)[0])


def test_the_first_power_of_a_matrix_is_a_copy() -> None:
    a = microbp.eye(2)
    linalg.matrix_power(a, 1).zero_()
    assert a.tolist() == [[1, 0], [0, 1]]
