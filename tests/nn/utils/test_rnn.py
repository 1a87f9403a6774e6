"""`microbp.nn.utils.rnn` against PyTorch: sequences of unequal lengths as one tensor, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
import microbp.nn.utils.rnn as rnn_utils
from microbp.errors import OptionError, ShapeError
from microbp.nn.utils.rnn import PackedSequence, pad_sequence, unpad_sequence
from tests.referee import torch
from tests.samples import normal

SEQUENCES = [normal(3, 2), normal(5, 2), normal(1, 2), normal(0, 2)]


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("value", [0.0, -1.5])
def test_padding_and_its_gradient_are_those_of_pytorch(batch_first: bool, side: str, value: float) -> None:
    results = []
    for lib in (microbp, torch()):
        tensors = [lib.tensor(a, requires_grad=True) for a in SEQUENCES]
        padded = lib.nn.utils.rnn.pad_sequence(tensors, batch_first, value, side)
        (padded * padded).sum().backward()
        results.append([padded.detach().numpy(), *[t.grad.numpy() for t in tensors]])
    for mine, yours in zip(*results, strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_padding_keeps_the_dtype_and_takes_a_generator() -> None:
    for lib in (microbp, torch()):
        padded = lib.nn.utils.rnn.pad_sequence((lib.arange(k) for k in (1, 3)), batch_first=True, padding_value=-1)
        assert padded.dtype == lib.int64
        assert padded.tolist() == [[0, -1, -1], [0, 1, 2]]


@pytest.mark.parametrize("batch_first", [False, True])
def test_unpadding_gives_the_sequences_back(batch_first: bool) -> None:
    padded = pad_sequence([microbp.tensor(a) for a in SEQUENCES], batch_first)
    lengths = [len(a) for a in SEQUENCES]
    for given in (lengths, np.array(lengths), microbp.tensor(lengths)):
        found = unpad_sequence(padded, given, batch_first)
        for mine, expected in zip(found, SEQUENCES, strict=True):
            np.testing.assert_array_equal(mine.array, expected)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: pad_sequence([]), ShapeError, "at least one sequence"),
        (lambda: pad_sequence([microbp.ones(2, 3), microbp.ones(2, 4)]), ShapeError, r"\(2, 3\), \(2, 4\)"),
        (lambda: pad_sequence([microbp.tensor(1.0)]), ShapeError, r"\[\(\)\]"),
        (lambda: pad_sequence(3), TypeError, "got int"),
        (lambda: pad_sequence([[1, 2]]), TypeError, "holds a list"),
        (lambda: pad_sequence([microbp.ones(2)], padding_side="up"), OptionError, "got 'up'"),
        (lambda: unpad_sequence(microbp.ones(3, 2), [1]), ShapeError, r"2 lengths.*got \[1\]"),
        (lambda: unpad_sequence(microbp.ones(3, 2), [1, 4]), ShapeError, r"between 0 and 3; got \[1, 4\]"),
        (lambda: unpad_sequence(microbp.ones(3), [1]), ShapeError, "at least 2 dimensions"),
    ],
)
def test_wrong_sequences_are_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("PackedSequence", (microbp.ones(5),)),
        ("pack_padded_sequence", (microbp.ones(3, 2), [3, 2])),
        ("pack_sequence", ([microbp.ones(2)],)),
        ("pad_packed_sequence", (microbp.ones(3, 2),)),
        ("unpack_sequence", (microbp.ones(3, 2),)),
    ],
)
def test_packing_says_what_to_do_instead(name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(NotImplementedError, match=rf"^{name}: there are no packed sequences; pad them"):
        getattr(rnn_utils, name)(*arguments)


def test_whether_something_is_packed_can_be_asked() -> None:
    assert not isinstance(microbp.ones(2), PackedSequence)
