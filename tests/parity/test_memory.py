"""What shares memory with its arguments in PyTorch does so in microbp, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from tests.parity import Operation, catalogue
from tests.parity.test_parity import tensors_of
from tests.referee import torch

FAMILIES = (
    "diagonals",
    "gathering",
    "indexing",
    "joining_and_splitting",
    "rearranging",
    "scattering",
    "shape_and_views",
)
REARRANGING = [one for one in catalogue().values() if one.family in FAMILIES and one.torch is None]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("operation", REARRANGING, ids=[one.name for one in REARRANGING])
def test_views_are_views_and_copies_are_copies(operation: Operation) -> None:
    referee = torch()
    for layout, one in operation.calls():
        if layout != "contiguous":
            continue
        mine = tensors_of(one)
        yours = [
            referee.tensor(a.copy()).requires_grad_(t.requires_grad) for a, t in zip(one.arrays(), mine, strict=True)
        ]
        ours, theirs = operation.run(microbp, one, mine), operation.run(referee, one, yours)
        for a, b in zip(several(ours), several(theirs), strict=True):
            if isinstance(a, microbp.Tensor) and a.numel():
                shared = [np.may_share_memory(a.array, t.array) for t in mine]
                assert shared == [memory(b) == memory(t) for t in yours], f"{operation.name}{one}"


def several(results: Any) -> tuple[Any, ...]:
    """One result, or several, as a tuple."""
    return tuple(results) if isinstance(results, tuple | list) else (results,)


def memory(t: Any) -> Any:
    """Where the memory of a tensor of PyTorch begins."""
    return t.untyped_storage().data_ptr()
