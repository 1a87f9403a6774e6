"""From samples to batches, as PyTorch makes them."""

from __future__ import annotations

from collections import OrderedDict, UserDict, namedtuple

import numpy as np
import pytest

import microbp
from microbp.utils.data import default_collate, default_convert
from tests.referee import torch

Point = namedtuple("Point", "x y")


def plain(value):
    """A batch with (dtype, values) for each tensor."""
    if hasattr(value, "numpy"):
        array = value.detach().numpy()
        return str(array.dtype), array.tolist()
    if isinstance(value, dict | UserDict):
        return type(value), {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [plain(entry) for entry in value]
    return value


def samples(lib):
    return {
        "numbers": [1, 2, 3],
        "floats": [1.0, 2.5],
        "bools": [True, False],
        "strings": ["a", "b"],
        "bytes": [b"a", b"b"],
        "numpy numbers": [np.float32(1), np.float32(2)],
        "numpy bools": [np.True_, np.False_],
        "tensors": [lib.tensor([1.0, 2.0]), lib.tensor([3.0, 4.0])],
        "0-d tensors": [lib.tensor(1), lib.tensor(2)],
        "arrays": [np.array([1.0, 2.0]), np.array([3.0, 4.0])],
        "small integers": [np.array([1], np.int8), np.array([2], np.int8)],
        "tuples": [(0, 1.0), (2, 3.0)],
        "lists": [[0, "a"], [1, "b"]],
        "named tuples": [Point(1, 2.0), Point(3, 4.0)],
        "dicts": [{"x": 1, "y": [2.0]}, {"x": 3, "y": [4.0]}],
        "ordered dicts": [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
        "mappings": [UserDict(a=1), UserDict(a=2)],
        "nested": [({"x": lib.tensor([1.0])}, (1, "a")), ({"x": lib.tensor([2.0])}, (2, "b"))],
        "a single sample": [(lib.tensor([1.0]), 3)],
    }


@pytest.mark.parametrize("case", samples(microbp))
def test_batches_are_those_of_pytorch(case):
    theirs = torch().utils.data.default_collate(samples(torch())[case])
    assert plain(default_collate(samples(microbp)[case])) == plain(theirs)


@pytest.mark.parametrize("case", samples(microbp))
def test_single_samples_are_converted_as_pytorch_does(case):
    sample = samples(microbp)[case][0]
    theirs = torch().utils.data.default_convert(samples(torch())[case][0])
    assert plain(default_convert(sample)) == plain(theirs)


def test_a_batch_is_memory_of_its_own():
    rows = [np.zeros(2), np.ones(2)]
    default_collate(rows).array[...] = 7
    assert rows[0].tolist() == [0, 0]


def test_gradients_flow_through_a_batch():
    w = microbp.ones(2, requires_grad=True)
    default_collate([w, w * 3]).sum().backward()
    assert w.grad.tolist() == [4, 4]


@pytest.mark.parametrize(
    ("batch", "error", "text"),
    [
        ([None, None], TypeError, "not NoneType; pass a collate_fn"),
        pytest.param([object()], TypeError, "not object", id="objects"),
        ([np.array(["a"]), np.array(["b"])], TypeError, "dtype"),
        ([(1, 2), (1,)], RuntimeError, r"sequences of lengths \[1, 2\]"),
        ([np.zeros(2), np.zeros(3)], RuntimeError, "shape"),
    ],
    ids=str,
)
def test_samples_that_do_not_go_together_are_refused(batch, error, text):
    with pytest.raises(error, match=text):
        default_collate(batch)


def test_samples_with_a_gradient_keep_it_beside_samples_without() -> None:
    for lib in (microbp, torch()):
        one, other = lib.ones(2), lib.ones(2, requires_grad=True)
        batch = lib.utils.data.default_collate([one, other])
        (batch * lib.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
        assert other.grad.tolist() == [3.0, 4.0]


def test_arrays_of_other_shapes_name_them() -> None:
    with pytest.raises(microbp.errors.ShapeError, match=r"tensors\[1\] has shape \(3,\), .* \(2,\)"):
        default_collate([np.ones(2), np.ones(3)])


def test_masked_arrays_are_refused_in_a_batch() -> None:
    hidden = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    with pytest.raises(microbp.errors.DtypeError, match="masked"):
        default_collate([hidden, hidden])
