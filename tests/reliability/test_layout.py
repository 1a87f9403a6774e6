"""Layout: any strides, read-only memory, 0-d and empty tensors, arrays beside tensors."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, nn
from microbp.nn import functional as F
from tests.leaves import leaf
from tests.referee import assert_same, torch
from tests.samples import normal


def read_only(a: Any) -> Any:
    """The same values in memory that cannot be written to."""
    a = a.copy()
    a.flags.writeable = False
    return a


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "transposed": lambda a: a.T.copy().T,
    "every other": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "read-only": read_only,
    "Fortran": np.asfortranarray,
    "offset": lambda a: np.concatenate([a.ravel(), [7.0]])[:-1].reshape(a.shape),
    "foreign": lambda a: a.astype(a.dtype.newbyteorder()),
    "repeated": lambda a: np.broadcast_to(a, (2, *a.shape))[1],
}

PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda lib, x: x + x * 2,
    "add_ to a copy": lambda lib, x: (x * 1).add_(x),
    "cat": lambda lib, x: lib.cat([x, x]),
    "conv": lambda lib, x: lib.nn.functional.conv1d(x[None], x.T[:, :, None]),
    "cumsum": lambda lib, x: x.cumsum(1),
    "exp": lambda lib, x: x.exp(),
    "index": lambda lib, x: x[[0, 1]][:, 1:],
    "inverse": lambda lib, x: lib.linalg.inv(x @ x.T),
    "layer_norm": lambda lib, x: lib.nn.functional.layer_norm(x, (3,)),
    "linear": lambda lib, x: lib.nn.functional.linear(x, x),
    "loss": lambda lib, x: lib.nn.functional.cross_entropy(x, lib.tensor([0, 2])),
    "matmul": lambda lib, x: x @ x.T,
    "max": lambda lib, x: x.max(1)[0],
    "reshape": lambda lib, x: x.reshape(-1),
    "setitem": lambda lib, x: (lambda y: (y.__setitem__(0, x[1]), y)[1])(x * 1),
    "softmax": lambda lib, x: x.softmax(0),
    "sort": lambda lib, x: x.sort(1)[0],
    "sum": lambda lib, x: x.sum(0),
    "var": lambda lib, x: x.var(0),
    "where": lambda lib, x: lib.where(x > 0, x, x.T.T * 2),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_any_memory_layout_gives_the_values_and_gradients_of_any_other(layout: str, program: str) -> None:
    values = normal(2, 3)
    given = LAYOUTS[layout](values)
    before = given.copy()
    x = microbp.from_numpy(given).requires_grad_()
    y = PROGRAMS[program](microbp, x)
    (y * y).sum().backward()
    reference = torch().tensor(values, requires_grad=True)
    expected = PROGRAMS[program](torch(), reference)
    (expected * expected).sum().backward()
    assert x.grad is not None
    assert_same(y.detach().numpy(), expected.detach().numpy(), "value")
    assert_same(x.grad.numpy(), reference.grad.numpy(), "gradient")
    assert x.grad.array.flags.writeable
    np.testing.assert_array_equal(given, before)


def test_arrays_of_the_user_are_never_left_locked_or_changed() -> None:
    a = normal(2, 3)
    x = microbp.from_numpy(a).requires_grad_()
    y = (x * a).sum() + np.exp(x).sum() + F.mse_loss(x, a)
    y.backward()
    assert a.flags.writeable
    np.testing.assert_array_equal(a, normal(2, 3))


WRITES: list[Callable[[Any], Any]] = [
    lambda t: t.add_(1),
    lambda t: t.zero_(),
    lambda t: t.copy_(microbp.ones(3)),
    lambda t: t.__setitem__(0, 1.0),
    lambda t: t.uniform_(),
    lambda t: t.clamp_(0, 1),
    lambda t: t.masked_fill_(t == 0, 1.0),
    lambda t: t.__iadd__(1),
    lambda t: t.index_fill_(0, microbp.tensor([0]), 1.0),
    lambda t: t[1:].mul_(2),
    lambda t: t.data.mul_(2),
]


@pytest.mark.parametrize("number", range(len(WRITES)))
@pytest.mark.parametrize("kind", ["read-only", "expanded"])
def test_writes_to_read_only_memory_are_refused_with_the_way_out(number: int, kind: str) -> None:
    t = microbp.from_numpy(read_only(np.zeros(3))) if kind == "read-only" else microbp.zeros(1).expand(3)
    with pytest.raises(errors.MutationError, match=r"read-only memory.*t\.clone\(\)"):
        WRITES[number](t)
    assert t.tolist() == [0.0, 0.0, 0.0]
    WRITES[number](t.clone())


def test_zero_dimensions_stay_zero_dimensions() -> None:
    t = microbp.tensor(2.0, requires_grad=True)
    for y in (t * t, t + 1, t.sum(), t.exp(), t[...], t.max(), t.reshape(()), t.squeeze(), t.softmax(0), t.clone(), -t):
        assert y.shape == ()
        assert type(y.array) is np.ndarray
    (t * t).backward()
    assert t.grad is not None
    assert t.grad.shape == ()
    assert type(t.grad.array) is np.ndarray
    for call in (lambda: t[0], lambda: len(t), lambda: list(t), lambda: t.sum(1), lambda: t.T.mT):
        with pytest.raises((IndexError, TypeError, errors.ShapeError)):
            call()


EMPTY: list[Callable[[Any], Any]] = [
    lambda x: x * 2 + x.exp(),
    lambda x: x.sum() + x.sum(0).sum() + x.sum(1).sum(),
    lambda x: microbp.cat([x, x]),
    lambda x: x @ microbp.ones(3, 4, dtype=microbp.float64),
    lambda x: F.linear(x, microbp.ones(4, 3, dtype=microbp.float64)),
    lambda x: x.prod() + x.norm(),
    lambda x: x.softmax(1) + x.log_softmax(0),
    lambda x: x.cumsum(0) + x.flip(0) + x.roll(1, 0),
    lambda x: x.sort(0)[0] + x.sort(1)[0],
    lambda x: x.reshape(3, 0).T + x,
    lambda x: x[x > 0],
    lambda x: microbp.where(x > 0, x, 0.0),
    lambda x: x.max(dim=1)[0],
    lambda x: F.layer_norm(x, (3,)),
    lambda x: F.cross_entropy(x, microbp.zeros(0, dtype=microbp.int64), reduction="sum"),
    lambda x: F.mse_loss(x, x.detach(), reduction="sum"),
    lambda x: x.unsqueeze(0).expand(2, 0, 3).permute(2, 0, 1),
]


@pytest.mark.parametrize("number", range(len(EMPTY)))
def test_empty_tensors_go_forward_and_backward(number: int) -> None:
    x = microbp.zeros(0, 3, dtype=microbp.float64, requires_grad=True)
    EMPTY[number](x).sum().backward()
    assert x.grad is not None
    assert x.grad.shape == (0, 3)


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "argmax", "argmin"])
@pytest.mark.parametrize("dim", [None, 0], ids=["of all", "along an axis"])
def test_an_extreme_of_nothing_is_an_error(name: str, dim: int | None) -> None:
    with pytest.raises(errors.RangeError, match=rf"{name}.*no elements"):
        getattr(microbp.zeros(0, 3), name)(*(() if dim is None else (dim,)))


LOSSES: dict[str, Callable[[], Any]] = {
    "mse_loss": lambda: F.mse_loss(microbp.zeros(0), microbp.zeros(0)),
    "l1_loss": lambda: F.l1_loss(microbp.zeros(0), microbp.zeros(0)),
    "smooth_l1_loss": lambda: F.smooth_l1_loss(microbp.zeros(0), microbp.zeros(0)),
    "huber_loss": lambda: F.huber_loss(microbp.zeros(0), microbp.zeros(0)),
    "cross_entropy": lambda: F.cross_entropy(microbp.zeros(0, 3), microbp.zeros(0, dtype=microbp.int64)),
    "nll_loss": lambda: F.nll_loss(microbp.zeros(0, 3), microbp.zeros(0, dtype=microbp.int64)),
    "binary_cross_entropy": lambda: F.binary_cross_entropy(microbp.zeros(0), microbp.zeros(0)),
    "binary_cross_entropy_with_logits": lambda: F.binary_cross_entropy_with_logits(microbp.zeros(0), microbp.zeros(0)),
    "kl_div": lambda: F.kl_div(microbp.zeros(0), microbp.zeros(0), reduction="batchmean"),
    "poisson_nll_loss": lambda: F.poisson_nll_loss(microbp.zeros(0), microbp.zeros(0)),
    "gaussian_nll_loss": lambda: F.gaussian_nll_loss(microbp.zeros(0), microbp.zeros(0), microbp.ones(0)),
    "soft_margin_loss": lambda: F.soft_margin_loss(microbp.zeros(0), microbp.zeros(0)),
    "hinge_embedding_loss": lambda: F.hinge_embedding_loss(microbp.zeros(0), microbp.zeros(0)),
    "margin_ranking_loss": lambda: F.margin_ranking_loss(microbp.zeros(0), microbp.zeros(0), microbp.zeros(0)),
    "multi_margin_loss": lambda: F.multi_margin_loss(microbp.zeros(0, 3), microbp.zeros(0, dtype=microbp.int64)),
    "multilabel_soft_margin_loss": lambda: F.multilabel_soft_margin_loss(microbp.zeros(0, 3), microbp.zeros(0, 3)),
    "cosine_embedding_loss": lambda: F.cosine_embedding_loss(
        microbp.zeros(0, 3), microbp.zeros(0, 3), microbp.zeros(0)
    ),
    "triplet_margin_loss": lambda: F.triplet_margin_loss(*(microbp.zeros(0, 3) for _ in range(3))),
    "cross_entropy of ignored labels": lambda: F.cross_entropy(microbp.zeros(2, 3), microbp.full((2,), -100)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_mean_loss_over_nothing_warns_and_is_nan_or_an_error(name: str) -> None:
    try:
        with pytest.warns(UserWarning, match=rf"{name.split()[0]}.*(empty|nothing)"):
            loss = LOSSES[name]()
    except errors.MicrobpError as error:
        assert name in str(error)  # noqa: PT017
    else:
        assert np.isnan(loss.item())


def test_memory_maps_and_subclasses_become_plain_arrays_on_the_same_memory() -> None:
    with tempfile.NamedTemporaryFile() as file:
        mapped = np.memmap(file.name, dtype="f4", mode="w+", shape=(3,))
        t = microbp.from_numpy(mapped)
        t.add_(1)
        assert type(t.array) is np.ndarray
        assert mapped.tolist() == [1.0, 1.0, 1.0]
        assert type((t * mapped).array) is np.ndarray
        del t, mapped


def test_writes_between_overlapping_views_take_the_values_from_before() -> None:
    t, u, v = microbp.arange(5.0), microbp.arange(5.0), microbp.arange(4.0)
    t[1:] = t[:-1]
    u[:-1].copy_(u[1:])
    v[1:].add_(v[:-1])
    assert t.tolist() == [0.0, 0.0, 1.0, 2.0, 3.0]
    assert u.tolist() == [1.0, 2.0, 3.0, 4.0, 4.0]
    assert v.tolist() == [0.0, 1.0, 3.0, 5.0]


def test_arrays_beside_tensors_are_recorded() -> None:
    a = np.array([3.0, 4.0])
    for program in (lambda x: a * x, lambda x: x * a, lambda x: np.multiply(a, x), lambda x: np.exp(x) * a):
        x = leaf(1.0, 2.0)
        y = program(x)
        assert isinstance(y, microbp.Tensor)
        y.sum().backward()
        assert x.grad is not None


def test_layers_without_size_do_not_fail() -> None:
    with pytest.warns(UserWarning, match="zero-element"):
        layer = nn.Linear(0, 2)
    assert layer(microbp.ones(3, 0)).shape == (3, 2)
    layer = nn.Linear(3, 2)
    layer(microbp.zeros(0, 3)).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.tolist() == [[0.0] * 3] * 2
