"""Parameters start as PyTorch's do: with its constants, or drawn from its distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from tests.referee import torch

LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Linear", (100, 200), {}),
    ("Bilinear", (20, 10, 500), {}),
    ("Conv1d", (64, 512, 5), {}),
    ("Conv1d", (64, 512, 5), {"groups": 4}),
    ("Conv2d", (30, 512, 3), {}),
    ("Conv3d", (8, 512, (1, 2, 3)), {}),
    ("ConvTranspose1d", (64, 512, 5), {"groups": 2}),
    ("ConvTranspose2d", (30, 512, 3), {}),
    ("ConvTranspose3d", (16, 512, 2), {}),
    ("Embedding", (200, 100), {}),
    ("Embedding", (200, 100), {"padding_idx": 3}),
    ("EmbeddingBag", (200, 100), {"padding_idx": -1}),
    ("BatchNorm2d", (5,), {}),
    ("InstanceNorm1d", (5,), {"affine": True, "track_running_stats": True}),
    ("LayerNorm", ((4, 5),), {}),
    ("GroupNorm", (2, 6), {}),
    ("RMSNorm", (5,), {}),
    ("PReLU", (3, 0.1), {}),
]


@pytest.mark.parametrize(("kind", "args", "options"), LAYERS)
def test_starts_with_the_distribution_of_pytorch(kind: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    torch().manual_seed(0)
    ours, theirs = (getattr(lib.nn, kind)(*args, **options) for lib in (microbp, torch()))
    for name, value in ours.state_dict().items():
        mine, yours = value.numpy(), theirs.state_dict()[name].numpy()
        assert mine.dtype == yours.dtype
        if (yours == yours.flat[0]).all():
            np.testing.assert_array_equal(mine, yours)
            continue
        # in units of the standard error of one of them; so far apart they are not by chance
        error = yours.std() / np.sqrt(yours.size)
        assert abs(mine.mean() - yours.mean()) < 9 * error
        assert abs(mine.std() - yours.std()) < 9 * error
        if np.abs(yours).max() < 2 * yours.std():  # uniform: the bounds are the same
            assert np.abs(mine).max() == pytest.approx(np.abs(yours).max(), rel=0.03)
        np.testing.assert_array_equal((mine == 0).all(axis=-1), (yours == 0).all(axis=-1))  # the vector of padding


def test_values_drawn_anew_are_others_of_the_same_kind() -> None:
    for kind, args, options in LAYERS:
        layer = getattr(nn, kind)(*args, **options)
        before = {name: value.numpy().copy() for name, value in layer.state_dict().items()}
        with microbp.no_grad():
            for tensor in layer.state_dict(keep_vars=True).values():
                tensor.fill_(7)
        layer.reset_parameters()
        for name, value in layer.state_dict().items():
            constant = (before[name] == before[name].flat[0]).all()
            assert (value.numpy() == before[name]).all() == constant, (kind, name)
            assert not (value.numpy() == 7).any()


def test_the_seed_decides() -> None:
    def drawn() -> Any:
        microbp.manual_seed(3)
        return nn.Conv1d(2, 3, 4).weight.tolist()

    assert drawn() == drawn()
