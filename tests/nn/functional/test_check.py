"""What functions and layers refuse: values that are no tensors, integers, targets out of range."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import DtypeError, RangeError
from microbp.nn import functional as F
from tests.referee import torch


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: nn.Linear(2, 1)([[1.0, 2.0]]), "Linear(in_features=2, out_features=1, bias=True): input"),
        (lambda: nn.Linear(2, 1)(1), "Linear(in_features=2, out_features=1, bias=True): input"),
        (lambda: nn.Linear(2, 1)(None), "Linear(in_features=2, out_features=1, bias=True): input"),
        (lambda: nn.Flatten()([1.0]), "Flatten: input"),
        (lambda: nn.ReLU()(None), "relu: input"),
        (lambda: nn.Dropout()([1.0]), "dropout: input"),
        (lambda: F.gelu(None), "gelu: input"),
        (lambda: F.softmax([1.0], 0), "softmax: input"),
        (lambda: F.mse_loss(1, 2), "mse_loss: input"),
        (lambda: F.mse_loss(microbp.ones(1), [2]), "mse_loss: target"),
        (lambda: F.cross_entropy(microbp.ones(1, 2), [0]), "cross_entropy: target"),
        (lambda: F.linear([1.0], microbp.ones(1, 1)), "linear: input"),
    ],
)
def test_what_is_no_tensor_is_refused(call: Any, name: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"{name} must be a Tensor, got ")):
        call()


INTEGER_REFUSERS = (
    *(
        "celu",
        "elu",
        "gelu",
        "hardsigmoid",
        "hardswish",
        "leaky_relu",
        "logsigmoid",
        "mish",
        "selu",
        "silu",
        "softplus",
    ),
)


@pytest.mark.parametrize("name", INTEGER_REFUSERS)
def test_activations_refuse_integers_where_pytorch_does(name: str) -> None:
    with pytest.raises(NotImplementedError):
        getattr(torch().nn.functional, name)(torch().tensor([1]))
    with pytest.raises(DtypeError, match=r"needs a floating-point tensor, got int64"):
        getattr(F, name)(microbp.tensor([1]))


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "softsign", "tanhshrink"])
def test_activations_take_integers_where_pytorch_does(name: str) -> None:
    ours = getattr(F, name)(microbp.tensor([1, 2]))
    theirs = getattr(torch().nn.functional, name)(torch().tensor([1, 2]))
    assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_softmax_refuses_integers(name: str) -> None:
    with pytest.raises(DtypeError, match=r"t\.float\(\)"):
        getattr(F, name)(microbp.tensor([1, 2]), 0)
    with pytest.warns(UserWarning, match="Implicit dimension"):
        assert getattr(F, name)(microbp.tensor(1.0)).shape == ()


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_losses_refuse_two_integers_but_promote_one(name: str) -> None:
    whole, real = microbp.tensor([1, 2]), microbp.tensor([1.0, 3.0])
    with pytest.raises(DtypeError):
        getattr(F, name)(whole, whole)
    assert getattr(F, name)(real, whole).dtype == np.float32


def test_binary_cross_entropy_checks_its_target() -> None:
    p = microbp.tensor([0.5, 0.5])
    with pytest.raises(RangeError, match=r"all elements of target should be between 0 and 1, got 1\.5"):
        F.binary_cross_entropy(p, microbp.tensor([0.0, 1.5]))
    for target in (microbp.tensor([0, 1]), microbp.tensor([0.0, 1.0], dtype=np.float64)):
        with pytest.raises(DtypeError, match=r"target\.to\(input\.dtype\)"):
            F.binary_cross_entropy(p, target)
    with pytest.raises(DtypeError, match=r"target\.to\(input\.dtype\)"):
        F.binary_cross_entropy_with_logits(p, microbp.tensor([0, 1]))
    wide = F.binary_cross_entropy_with_logits(p, microbp.tensor([0.0, 1.0], dtype=np.float64))
    assert wide.dtype == np.float64
