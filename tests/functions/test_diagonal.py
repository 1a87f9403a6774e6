"""Triangles and diagonals, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import GraphError, OptionError, ShapeError
from tests.referee import compare, torch
from tests.samples import normal

MATRICES = [(3, 4), (4, 3), (3, 3), (0, 3), (1, 1)]
CALLS: dict[str, Callable[[Any, Any, int], Any]] = {
    "tril": lambda lib, a, k: lib.tril(a, k),
    "tril method": lambda lib, a, k: a.tril(diagonal=k),
    "triu": lambda lib, a, k: lib.triu(a, diagonal=k),
    "triu method": lambda lib, a, k: a.triu(k),
    "diagonal": lambda lib, a, k: lib.diagonal(a, k),
    "diagonal of columns and rows": lambda lib, a, k: a.diagonal(offset=k, dim1=-1, dim2=0),
    "diag of a matrix": lambda lib, a, k: lib.diag(a, k),
    "diag of a vector": lambda lib, a, k: a.sum(0).diag(diagonal=k),
    "diagflat": lambda lib, a, k: lib.diagflat(a, k),
    "diagflat method": lambda lib, a, k: a.diagflat(offset=k),
    "diag_embed": lambda lib, a, k: lib.diag_embed(a, k),
    "diag_embed in front": lambda lib, a, k: a.diag_embed(offset=k, dim1=0, dim2=1),
    "diag_embed around": lambda lib, a, k: a.diag_embed(k, dim1=-1, dim2=0),
    "trace": lambda lib, a, k: (lib.trace(a), (a + k).trace()),
    "tril_": lambda lib, a, k: (a * 2).tril_(k),
    "triu_": lambda lib, a, k: (a * 2).triu_(diagonal=k),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("shape", MATRICES)
def test_calls(name: str, shape: tuple[int, ...]) -> None:
    for k in (0, 1, -2):
        compare(lambda lib, a, k=k: CALLS[name](lib, a, k), normal(*shape), second_order=True)
    compare(lambda lib, a: CALLS[name](lib, a.t().flip(0), 1), normal(*shape), second_order=True)
    compare(lambda lib, a: CALLS[name](lib, a, 0), np.arange(12).reshape(3, 4))


def test_batches() -> None:
    def call(lib: Any, a: Any) -> Any:
        return a.tril(), a.triu(1), a.diagonal(1, 0, 2), a.diagonal(dim1=2, dim2=1), a.diag_embed(-1, 1, 3)

    compare(call, normal(2, 3, 4), second_order=True)


def test_integers_and_truth_values() -> None:
    compare(lambda lib, a: (a.trace(), a.tril(), a.diag()), np.arange(9, dtype=np.int32).reshape(3, 3))
    compare(lambda lib, a: (a.tril(), a.triu(), a.diagonal()), np.ones((3, 3), dtype=bool))
    assert microbp.trace(microbp.ones(3, 3)).dtype == np.float32


def test_diagonal_is_a_view() -> None:
    t = microbp.zeros(3, 3)
    view = t.diagonal(1)
    assert np.shares_memory(view.array, t.array)
    view[0] = 5
    view.add_(1)
    assert t.tolist() == [[0, 6, 0], [0, 0, 1], [0, 0, 0]]
    assert not np.shares_memory(t.diag().array, t.array)
    with pytest.raises(RuntimeError, match="read-only"):
        microbp.zeros(1).expand(3, 3).diagonal().fill_(1)


def test_writes_into_a_diagonal_are_recorded() -> None:
    def write(lib: Any, a: Any, v: Any) -> Any:
        y = a * a
        y.diagonal().mul_(v)
        y.diagonal(-1)[0] = v.sum()
        return y

    compare(write, normal(3, 3), normal(3), second_order=True)
    with pytest.raises(GraphError, match="view of a leaf"):
        microbp.zeros(3, 3, requires_grad=True).diagonal().fill_(1)


def test_mutation_through_a_diagonal_is_noticed() -> None:
    y = microbp.ones(2, 2, requires_grad=True) * 2
    loss = (y * y).sum()
    with microbp.no_grad():
        y.diagonal()[0] = 7
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


@pytest.mark.parametrize("name", ["tril_indices", "triu_indices"])
def test_places_of_triangles(name: str) -> None:
    for row, col, offset in [(3, 3, 0), (2, 4, 1), (4, 2, -1), (3, 3, -9), (3, 3, 9), (0, 3, 0), (3, 0, 1)]:
        compare(lambda lib, r=row, c=col, k=offset: getattr(lib, name)(r, c, k))
    compare(lambda lib: getattr(lib, name)(3, col=3, offset=1, dtype=lib.int32, device="cpu"))
    with pytest.raises(OptionError, match="row=-1"):
        getattr(microbp, name)(-1, 2)
    with pytest.raises(RuntimeError):
        getattr(torch(), name)(-1, 2)


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda lib: lib.zeros(5).tril(), ShapeError, r"tril needs.*at least 2 dimensions, got shape \(5,\)"),
    (lambda lib: lib.zeros(5).triu_(), ShapeError, "triu_ needs"),
    (lambda lib: lib.zeros(2, 3, 4).trace(), ShapeError, r"matrix, got shape \(2, 3, 4\)"),
    (lambda lib: lib.zeros(2, 3, 4).diag(), ShapeError, "diagonal or diag_embed"),
    (lambda lib: lib.tensor(1.0).diag(), ShapeError, "diagonal or diag_embed"),
    (lambda lib: lib.zeros(2, 3).diagonal(0, 1, -1), ShapeError, "the same dimension"),
    (lambda lib: lib.zeros(2).diagonal(), IndexError, "out of range"),
    (lambda lib: lib.zeros(2).diag_embed(0, 1, 1), ShapeError, "the same dimension"),
    (lambda lib: lib.tensor(1.0).diag_embed(), IndexError, "at least 1 dimension"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_refused(call: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(microbp)
    with pytest.raises((RuntimeError, IndexError)):
        call(torch())


@pytest.mark.parametrize(
    "call",
    [
        lambda a: np.tril(a),
        lambda a: np.triu(a, k=1),
        lambda a: np.diagonal(a, 1),
        lambda a: np.diagonal(a, axis1=1, axis2=2),
        lambda a: np.diag(a[0], 1),
        lambda a: np.diag(a[0, 0], -1),
        lambda a: np.diagflat(a[0]),
        lambda a: np.trace(a),
        lambda a: np.trace(a, offset=-1, axis1=1, axis2=2),
    ],
)
def test_numpy_on_tensors(call: Callable[[Any], Any]) -> None:
    array = normal(2, 3, 4)
    result = call(microbp.tensor(array, requires_grad=True))
    assert result.requires_grad
    np.testing.assert_allclose(result.detach().array, call(array))
