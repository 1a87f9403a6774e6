"""Tables that are given, and vectors of padding, beyond the comparison of all modules in ``test_modules.py``."""

from __future__ import annotations

import numpy as np
import pytest

import microbp
from microbp import nn
from tests.referee import torch


@pytest.mark.parametrize("kind", ["Embedding", "EmbeddingBag"])
def test_a_given_table_is_shared_and_frozen_unless_told_otherwise(kind: str) -> None:
    table = microbp.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    layer = getattr(nn, kind).from_pretrained(table)
    assert (layer.num_embeddings, layer.embedding_dim) == (3, 2)
    assert isinstance(layer.weight, nn.Parameter)
    assert not layer.weight.requires_grad
    table[0, 0] = 9.0
    assert layer.weight[0, 0].item() == 9
    assert getattr(nn, kind).from_pretrained(table, freeze=False).weight.requires_grad
    assert not nn.Embedding(3, 2, _freeze=True).weight.requires_grad


def test_a_given_table_takes_the_options_of_pytorch() -> None:
    table = np.arange(12.0).reshape(4, 3)
    for kind, options in (
        ("Embedding", {"freeze": False, "padding_idx": -1, "max_norm": 2.0, "norm_type": 1.0}),
        ("Embedding", {"scale_grad_by_freq": True}),
        ("EmbeddingBag", {"freeze": False, "mode": "sum", "padding_idx": 1, "include_last_offset": True}),
        ("EmbeddingBag", {"max_norm": 2.0, "norm_type": 1.0, "scale_grad_by_freq": True}),
    ):
        ours, theirs = (
            getattr(lib.nn, kind).from_pretrained(lib.tensor(table), **options) for lib in (microbp, torch())
        )
        assert repr(ours) == repr(theirs)
        assert ours.weight.requires_grad == theirs.weight.requires_grad
        np.testing.assert_array_equal(ours.weight.detach().numpy(), theirs.weight.detach().numpy())
        for name in ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"):
            assert getattr(ours, name) == getattr(theirs, name)


def test_the_vector_of_padding_starts_as_0_and_is_not_learned() -> None:
    layer = nn.Embedding(4, 3, padding_idx=-2)
    assert layer.padding_idx == 2
    assert layer.weight[2].tolist() == [0, 0, 0]
    layer(microbp.tensor([0, 2, 2])).sum().backward()
    assert layer.weight.grad[2].tolist() == [0, 0, 0]
    assert layer.weight.grad[0].tolist() == [1, 1, 1]
    # that of a table that is given is left as it is
    assert nn.Embedding.from_pretrained(microbp.ones(4, 3), padding_idx=2).weight[2].tolist() == [1, 1, 1]


def test_long_vectors_are_shortened_in_the_table() -> None:
    layer = nn.Embedding.from_pretrained(microbp.tensor([[3.0, 4.0], [3.0, 4.0]]), max_norm=1.0)
    np.testing.assert_allclose(layer(microbp.tensor([1])).numpy(), [[0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(layer.weight.numpy(), [[3, 4], [0.6, 0.8]], rtol=1e-6)
