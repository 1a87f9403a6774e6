"""`Variable`, by which old scripts name tensors, against PyTorch."""

from __future__ import annotations

import pytest

import microbp
from microbp.autograd import Variable
from tests.referee import torch


@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_variable_is_a_leaf_on_the_same_memory(requires_grad: bool) -> None:
    for lib in (microbp, torch()):
        t = lib.ones(2, requires_grad=True)
        v = lib.autograd.Variable(t, requires_grad=requires_grad)
        assert v.requires_grad is requires_grad
        assert v.is_leaf
        v.data[0] = 5.0
        assert t.tolist() == [5.0, 1.0]


def test_only_tensors_become_variables() -> None:
    with pytest.raises(TypeError, match="Variable data has to be a tensor, but got list"):
        Variable([1.0])  # type: ignore[arg-type]
