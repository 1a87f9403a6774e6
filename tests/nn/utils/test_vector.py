"""All parameters as one vector, and back, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import ShapeError
from microbp.nn.utils import parameters_to_vector, vector_to_parameters
from tests.referee import torch
from tests.samples import normal


def layers(lib: Any) -> Any:
    """A model with parameters of several shapes, 0-d among them."""
    model = lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.PReLU(), lib.nn.Linear(2, 1, bias=False)).double()
    model.register_parameter("scale", lib.nn.Parameter(lib.tensor(2.0, dtype=lib.float64)))
    return model


def test_parameters_to_a_vector_and_back() -> None:
    ours, theirs = layers(microbp), layers(torch())
    values = normal(3 * 2 + 2 + 1 + 2 + 1)
    vector_to_parameters(microbp.tensor(values), ours.parameters())
    torch().nn.utils.vector_to_parameters(torch().tensor(values), theirs.parameters())
    for mine, yours in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert type(mine) is nn.Parameter
        assert mine.requires_grad
        assert mine.is_leaf
        np.testing.assert_array_equal(mine.array, yours.detach().numpy())
    vector = parameters_to_vector(ours.parameters())
    np.testing.assert_array_equal(vector.detach().array, values)
    np.testing.assert_array_equal(
        torch().nn.utils.parameters_to_vector(theirs.parameters()).detach().numpy(), vector.detach().array
    )


def test_the_gradient_of_the_vector_reaches_the_parameters() -> None:
    model = layers(microbp)
    vector = parameters_to_vector(model.parameters())
    (vector * vector).sum().backward()
    for parameter in model.parameters():
        np.testing.assert_array_equal(parameter.grad.array, 2 * parameter.array)


def test_parameters_look_at_the_vector_as_in_pytorch() -> None:
    for lib in (microbp, torch()):
        model, vector = layers(lib), lib.zeros(12, dtype=lib.float64)
        lib.nn.utils.vector_to_parameters(vector, model.parameters())
        vector.add_(1.0)
        assert [p.detach().numpy().max() for p in model.parameters()] == [1.0] * 5
        with lib.no_grad():
            model.scale.mul_(5.0)
        assert vector.tolist() == [5.0] + [1.0] * 11


def test_a_graph_keeps_the_values_from_before() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 3.0)
    loss = (layer.weight * layer.weight).sum()
    vector_to_parameters(microbp.tensor([100.0]), layer.parameters())
    loss.backward()
    assert layer.weight.grad.item() == 6.0


def test_a_vector_that_is_longer_serves_one_model_after_the_other() -> None:
    one, other = nn.Linear(1, 1), nn.Linear(2, 1, bias=False)
    vector = microbp.arange(4.0)
    vector_to_parameters(vector, one.parameters())
    vector_to_parameters(vector[2:], other.parameters())
    assert [p.tolist() for p in (*one.parameters(), *other.parameters())] == [[[0.0]], [1.0], [[2.0, 3.0]]]


def test_wrong_vectors_are_refused_and_change_nothing() -> None:
    layer = nn.Linear(2, 1)
    before = [p.tolist() for p in layer.parameters()]
    with pytest.raises(ShapeError, match=r"take a vector of 3 values, got \(2,\)"):
        vector_to_parameters(microbp.zeros(2), layer.parameters())
    with pytest.raises(ShapeError, match=r"take a vector of 3 values, got \(3, 1\)"):
        vector_to_parameters(microbp.zeros(3, 1), layer.parameters())
    with pytest.raises(TypeError, match="vec must be a Tensor, got list"):
        vector_to_parameters([0.0] * 3, layer.parameters())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a single Tensor; put it in a list"):
        vector_to_parameters(microbp.zeros(2), layer.weight)
    with pytest.raises(ShapeError, match="at least one tensor"):
        parameters_to_vector([])
    assert [p.tolist() for p in layer.parameters()] == before
