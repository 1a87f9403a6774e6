"""PyTorch's names of arguments, where sizes and axes may also be given one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import microbp
from microbp.errors import RangeError
from tests.referee import torch

t = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda lib: lib.zeros(size=(2,)),
        lambda lib: lib.ones(size=(2, 1)),
        lambda lib: lib.tensor(t).reshape(shape=(2, 3)),
        lambda lib: lib.tensor(t).view(size=(2, 3)),
        lambda lib: lib.tensor(t).permute(dims=(1, 0)),
        lambda lib: lib.tensor(t).expand(size=(2, 3, 2)),
        lambda lib: lib.arange(end=3),
        lambda lib: lib.arange(1, end=3),
        lambda lib: lib.arange(start=1, end=4, step=2),
        lambda lib: lib.randint(high=1, size=(2,)),
        lambda lib: lib.randint(1, size=(2,)),
        lambda lib: lib.lerp(input=lib.tensor([1.0]), end=lib.tensor([3.0]), weight=0.25),
        lambda lib: lib.tensor([1, 2]).new_zeros(2, 1),
        lambda lib: lib.tensor([1, 2]).new_ones((2,)),
        lambda lib: lib.tensor([1.0, 2.0]).new_full((2,), 3),
        lambda lib: lib.tensor([1.0, 2.0]).new_tensor([3, 4]),
        lambda lib: lib.topk(lib.tensor(t), 2, dim=0).values,
        lambda lib: lib.tensor(t).topk(1, largest=False).indices,
        lambda lib: lib.tensor([2.0, float("nan"), 1.0]).topk(2).values.isnan(),
        lambda lib: lib.tensor(3.0).topk(1).values,
    ],
)
def test_as_pytorch(call: Callable[[Any], Any]) -> None:
    ours, theirs = call(microbp), call(torch())
    assert ours.tolist() == theirs.tolist()
    assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")


@pytest.mark.parametrize(
    "call",
    [
        lambda lib: lib.zeros(),
        lambda lib: lib.randn(),
        lambda lib: lib.arange(),
        lambda lib: lib.randint(3),
        lambda lib: lib.zeros(2, size=(2,)),
        lambda lib: lib.tensor(t).reshape(),
        lambda lib: lib.tensor(t).permute(),
    ],
)
def test_refused_as_by_pytorch(call: Callable[[Any], Any]) -> None:
    for lib in (microbp, torch()):
        with pytest.raises(TypeError):
            call(lib)


def test_topk_passes_the_gradient_to_what_it_picks() -> None:
    x = microbp.tensor([1.0, 9.0, 4.0, 4.0], requires_grad=True)
    values, indices = x.topk(2)
    assert indices.tolist() == [1, 2]
    (values * microbp.tensor([1.0, 10.0])).sum().backward()
    assert x.grad.tolist() == [0, 1, 10, 0]
    with pytest.raises(RangeError, match="k=5 is not from 0 to 4"):
        x.topk(5)


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "argmax", "argmin"])
def test_extremes_along_an_empty_axis_are_index_errors(name: str) -> None:
    for lib in (microbp, torch()):
        with pytest.raises(IndexError):
            getattr(lib.ones(0, 3), name)(dim=0)


def test_small_conveniences() -> None:
    assert microbp.is_tensor(microbp.ones(1))
    assert not microbp.is_tensor([1.0])
    assert (microbp.inf, microbp.pi) == (torch().inf, torch().pi)
    assert microbp.nan != microbp.nan
    assert microbp.zeros(2, 3).t().stride() == torch().zeros(2, 3).t().stride()
    assert microbp.zeros(2, 3).stride(0) == 3
    with pytest.raises(NotImplementedError, match="CPU only"):
        microbp.ones(1).cuda()
