"""Other shapes and orders, joining, and the memory that views share, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microbp
from microbp.errors import ShapeError
from tests.referee import compare
from tests.samples import normal

VIEWS: dict[str, Callable[[Any, Any], Any]] = {
    "reshape": lambda lib, a: lib.reshape(a, (4, 6)),
    "reshape method": lambda lib, a: a.reshape(4, -1),
    "view": lambda lib, a: a.view(6, 4),
    "view with -1": lambda lib, a: a.view((-1, 2, 2)),
    "view_as": lambda lib, a: a.view_as(lib.zeros(24)),
    "reshape_as": lambda lib, a: a.reshape_as(lib.zeros(24, 1)),
    "flatten": lambda lib, a: lib.flatten(a),
    "flatten from 1": lambda lib, a: a.flatten(1),
    "flatten to 1": lambda lib, a: a.flatten(0, 1),
    "flatten one axis": lambda lib, a: a.flatten(-1, 2),
    "unflatten": lambda lib, a: a.unflatten(2, (2, -1)),
    "unflatten function": lambda lib, a: lib.unflatten(a, -1, (4, 1)),
    "ravel": lambda lib, a: lib.ravel(a),
    "unsqueeze": lambda lib, a: lib.unsqueeze(a, 0),
    "unsqueeze at the end": lambda lib, a: a.unsqueeze(-1),
    "squeeze": lambda lib, a: a.reshape(2, 1, 12, 1).squeeze(),
    "squeeze one": lambda lib, a: a.reshape(2, 1, 12, 1).squeeze(1),
    "squeeze nothing": lambda lib, a: lib.squeeze(a, 0),
    "squeeze several": lambda lib, a: lib.squeeze(a.reshape(2, 1, 12, 1), (-1, 1)),
    "transpose": lambda lib, a: lib.transpose(a, 0, -1),
    "swapaxes": lambda lib, a: a.swapaxes(0, 1),
    "swapdims": lambda lib, a: lib.swapdims(a, 1, 2),
    "permute": lambda lib, a: lib.permute(a, (2, 0, 1)),
    "permute method": lambda lib, a: a.permute(-1, 1, 0),
    "t": lambda lib, a: a.reshape(4, 6).t(),
    "t function": lambda lib, a: lib.t(a.reshape(24)),
    "T": lambda lib, a: a.reshape(4, 6).T,
    "mT": lambda lib, a: a.mT,
    "expand": lambda lib, a: a.reshape(24, 1).expand(2, -1, 3),
    "expand by tuple": lambda lib, a: a.expand((1, 2, 3, 4)),
    "expand_as": lambda lib, a: a.reshape(1, 24).expand_as(lib.zeros(2, 24)),
    "broadcast_to": lambda lib, a: lib.broadcast_to(a.reshape(24), (2, 24)),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views(name: str) -> None:
    array = normal(2, 3, 4)
    compare(VIEWS[name], array, second_order=True)
    t = microbp.tensor(array)
    view = VIEWS[name](microbp, t)
    assert np.shares_memory(view.array, t.array)
    before = view.array.copy()
    t[...] = t + 1
    np.testing.assert_array_equal(view.array, before + 1)


def test_views_of_numbers() -> None:
    compare(
        lambda lib, a: (a.view(1), a.reshape(()), a.flatten(), a.unsqueeze(0), a.squeeze(), a.squeeze(0), a.t()),
        normal(),
    )
    compare(lambda lib, a: (a.transpose(0, -1), a.expand(3), a.permute(())), normal())


def test_mutation_of_a_view_is_noticed() -> None:
    t = microbp.ones(4, requires_grad=True)
    y = t * 2
    view = y.reshape(2, 2)
    loss = (view * view).sum()
    with microbp.no_grad():
        y[0] = 7
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_reshape_copies_where_it_must_and_view_refuses() -> None:
    t = microbp.tensor(normal(2, 3)).t()
    assert not np.shares_memory(t.reshape(6).array, t.array)
    with pytest.raises(ShapeError, match=r"view: a tensor of shape \(3, 2\).*\(6,\).*reshape"):
        t.view(6)
    assert t.view(3, 1, 2).shape == (3, 1, 2)
    compare(lambda lib, a: a.t().reshape(-1), normal(2, 3))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 3), r"shape \(2, 3\) is invalid for input of size 5"),
        ((2, -1), r"shape \(2, -1\) is invalid for input of size 5"),
        ((-1, -1), "one -1"),
        ((-1, 0), "can be any number"),
        ((-5,), "invalid"),
    ],
)
@pytest.mark.parametrize("name", ["view", "reshape"])
def test_impossible_shapes(name: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(RuntimeError, match=f"{name}: .*{message}"):
        getattr(microbp.zeros(5), name)(shape)
    with pytest.raises(TypeError, match="sizes must be integers"):
        getattr(microbp.zeros(5), name)(2.5)


def test_impossible_requests() -> None:
    t = microbp.zeros(2, 3, 4)
    with pytest.raises(IndexError, match="got 3"):
        t.transpose(0, 3)
    with pytest.raises(IndexError, match=r"range of \[-4, 3\]"):
        t.unsqueeze(4)
    with pytest.raises(ShapeError, match=r"permute: \(0, 1\) names 2 axes"):
        t.permute(0, 1)
    with pytest.raises(ShapeError, match="twice"):
        t.permute(0, 0, 1)
    with pytest.raises(ShapeError, match=r"at most 2 dimensions, got shape \(2, 3, 4\)"):
        t.t()
    with pytest.raises(ShapeError, match="comes after"):
        t.flatten(2, 1)
    with pytest.raises(ShapeError, match=r"\(2, 3, 4\) cannot be expanded to shape \(2, 5, 4\)"):
        t.expand(2, 5, 4)
    with pytest.raises(ShapeError, match="expanded"):
        t.expand(4)
    with pytest.raises(ShapeError, match="expanded"):
        t.expand(-1, 2, 3, 4)
    with pytest.raises(ShapeError, match=r"unflatten: shape \(3, 3\) is invalid for input of size 4"):
        t.unflatten(2, (3, 3))


@pytest.mark.parametrize("name", ["cat", "concat", "concatenate"])
def test_cat(name: str) -> None:
    def joined(lib: Any, a: Any, b: Any, c: Any) -> Any:
        return getattr(lib, name)([a, b, c], 0), getattr(lib, name)((a, a), dim=-1), getattr(lib, name)([b])

    compare(joined, normal(2, 3), normal(1, 3), normal(0, 3), second_order=True)


def test_cat_passes_over_empty_vectors() -> None:
    compare(lambda lib, a: lib.cat([lib.zeros(0), a, lib.zeros(0)], 1), normal(2, 3))
    compare(lambda lib, b: lib.cat([b, b]), normal(0))


def test_cat_and_stack_promote() -> None:
    compare(lambda lib, a, n: (lib.cat([n, a]), lib.stack([a, n])), normal(3), np.arange(3))
    compare(lambda lib, n, m: lib.cat([n, m]), np.arange(3), np.array([True]))


def test_stack() -> None:
    compare(
        lambda lib, a, b: (lib.stack([a, b]), lib.stack((a, b, a), 1), lib.stack([b], -1)),
        normal(2, 3),
        normal(2, 3, seed=1),
    )
    compare(lambda lib, a, b: lib.stack([a, b]), normal(), normal(seed=1), second_order=True)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.integers(-2, 1))
def test_cat_of_any_sizes(sizes: list[int], dim: int) -> None:
    parts = [normal(2, size) if dim % 2 else normal(size, 2) for size in sizes]
    compare(lambda lib, *tensors: lib.cat(tensors, dim), *parts)


def test_cat_where_only_some_need_a_gradient() -> None:
    a, b, c = (microbp.full((2,), float(k)) for k in range(3))
    b.requires_grad_()
    y = microbp.cat([a, b, c])
    (y * microbp.arange(6)).sum().backward()
    assert a.grad is None
    assert b.grad.tolist() == [2, 3]
    twice = microbp.ones(2, requires_grad=True)
    microbp.stack([twice, twice * 3, twice]).sum().backward()
    assert twice.grad.tolist() == [5, 5]


def test_many_tensors() -> None:
    """More than the plans that a row remembers."""
    leaves = [microbp.tensor([float(k)], requires_grad=True) for k in range(40)]
    (microbp.cat(leaves) * microbp.arange(40)).sum().backward()
    assert [leaf.grad.item() for leaf in leaves] == list(range(40))


def test_impossible_joins() -> None:
    with pytest.raises(ShapeError, match=r"cat: tensors\[1\] has shape \(2, 4\).*\(2, 3\).*dimension 0"):
        microbp.cat([microbp.zeros(2, 3), microbp.zeros(2, 4)])
    with pytest.raises(ShapeError, match=r"stack: tensors\[1\] has shape \(2, 4\), tensors\[0\] has shape \(2, 3\)"):
        microbp.stack([microbp.zeros(2, 3), microbp.zeros(2, 4)])
    with pytest.raises(ShapeError, match="stack"):
        microbp.cat([microbp.tensor(1.0), microbp.tensor(2.0)])
    with pytest.raises(ShapeError, match="got no tensors"):
        microbp.cat([])
    with pytest.raises(TypeError, match="list or tuple"):
        microbp.stack(microbp.ones(3))
    with pytest.raises(TypeError, match=r"tensors\[1\] must be a tensor"):
        microbp.cat([microbp.ones(3), 1.0])
    with pytest.raises(IndexError):
        microbp.stack([microbp.ones(3)], 2)


def test_numel() -> None:
    assert microbp.numel(microbp.zeros(2, 3)) == microbp.zeros(2, 3).numel() == 6


NUMPY: dict[str, Callable[[Any], Any]] = {
    "sum": lambda a: np.sum(a, axis=0),
    "sum keepdims": lambda a: np.sum(a, axis=(0, 1), keepdims=True),
    "sum all": lambda a: np.sum(a),
    "mean": lambda a: np.mean(a, 1),
    "var": lambda a: np.var(a),
    "var ddof": lambda a: np.var(a, axis=0, ddof=1),
    "std": lambda a: np.std(a, axis=1, keepdims=True),
    "prod": lambda a: np.prod(a, axis=1),
    "max": lambda a: np.max(a, axis=1),
    "amin": lambda a: np.amin(a),
    "cumsum": lambda a: np.cumsum(a, axis=1),
    "cumsum flat": lambda a: np.cumsum(a),
    "norm": lambda a: np.linalg.norm(a),
    "norm along": lambda a: np.linalg.norm(a, axis=1),
    "reshape": lambda a: np.reshape(a, (4, 3)),
    "ravel": lambda a: np.ravel(a),
    "transpose": lambda a: np.transpose(a),
    "permute": lambda a: np.transpose(a, (1, 0)),
    "matrix_transpose": lambda a: np.matrix_transpose(a),
    "swapaxes": lambda a: np.swapaxes(a, 0, 1),
    "squeeze": lambda a: np.squeeze(np.expand_dims(a, 1), axis=1),
    "broadcast_to": lambda a: np.broadcast_to(a, (2, 3, 4)),
    "concatenate": lambda a: np.concatenate([a, np.ones((1, 4)), a]),
    "concatenate flat": lambda a: np.concatenate([a, a], axis=None),
    "stack": lambda a: np.stack([a, a], axis=2),
    "where": lambda a: np.where(a > 0, a, 0.5),
    "dot": lambda a: np.dot(a, np.ones(4)),
    "dot matrix": lambda a: np.dot(a.T, a),
    "dot number": lambda a: np.dot(a, 2.0),
    "matmul": lambda a: np.matmul(a.T, a),
    "outer": lambda a: np.outer(a, np.arange(3.0)),
    "take": lambda a: np.take(a, [0, 5]),
    "take along": lambda a: np.take(a, np.array([1, 1]), axis=1),
    "exp": lambda a: np.exp(a),
    "array times": lambda a: np.ones((3, 4)) * a,
}


@pytest.mark.parametrize("name", NUMPY)
def test_numpys_functions_are_recorded(name: str) -> None:
    array = normal(3, 4)
    t = microbp.tensor(array, requires_grad=True)
    y = NUMPY[name](t)
    assert isinstance(y, microbp.Tensor)
    assert y.requires_grad
    np.testing.assert_allclose(y.detach().numpy(), NUMPY[name](array), rtol=1e-12)
    assert microbp.autograd.gradcheck(NUMPY[name], [t])


def test_numpys_functions_without_a_gradient() -> None:
    array = normal(3, 4)
    t = microbp.tensor(array)
    assert np.shape(t) == (3, 4)
    assert (np.ndim(t), np.size(t), np.size(t, 1)) == (2, 12, 4)
    for function in (np.any, np.all, np.argmax, np.argmin, np.count_nonzero, np.zeros_like, np.ones_like):
        np.testing.assert_array_equal(function(t).array, function(array))
    assert np.full_like(t, 2).tolist() == [[2.0] * 4] * 3


def test_numpys_functions_that_tensors_lack_are_named() -> None:
    with pytest.raises(TypeError, match=r"np\.interp has no counterpart"):
        np.interp(microbp.ones(2), [0, 1], [0, 1])
    with pytest.raises(NotImplementedError, match="more than 2 dimensions"):
        np.dot(microbp.ones(2, 2, 2), microbp.ones(2))
