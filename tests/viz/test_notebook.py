"""Tensors and modules as HTML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

import microbp
from microbp import nn
from microbp.viz.notebook import module_html, tensor_html
from tests.viz.networks import Perceptron, perceptron, settle


def test_a_tensor_with_its_gradient() -> None:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    x.name = "<x>"
    assert ">grad</span>" not in tensor_html(x)
    (x * 4).sum().backward()
    html = tensor_html(x)
    ElementTree.fromstring(html)
    assert "&lt;x&gt;" in html
    assert "requires grad" in html
    assert html.count(">4<") == 2
    assert "made by mul" in tensor_html(x * 2)


@pytest.mark.parametrize("shape", [(), (0,), (1, 1), (3, 2), (9, 9), (2, 2, 2)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    ElementTree.fromstring(tensor_html(microbp.ones(*shape) if shape else microbp.tensor(1.0)))


def test_a_module_with_its_parameters() -> None:
    model = settle(Perceptron())
    html = module_html(model)
    ElementTree.fromstring(html)
    assert "26 parameters" in html
    assert html.count("not computed") == 4
    perceptron().backward()
    for name, _ in model.named_parameters():
        assert f">{name}<" in html
    assert "(fc1): Linear(in_features=3, out_features=4, bias=True)" in html


def test_a_notebook_shows_tensors_and_modules_of_any_kind() -> None:
    for thing in (microbp.ones(2, 2), nn.Parameter(microbp.ones(2)), Perceptron(), nn.ReLU(), microbp.tensor(True)):
        assert ElementTree.fromstring(thing._repr_html_()).tag == "div"


def test_a_notebook_never_breaks() -> None:
    class Broken(nn.Module):
        def named_parameters(self, *args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("broken")

    assert Broken()._repr_html_() is None
    assert nn.Linear.__new__(nn.Linear)._repr_html_() is None  # without its __init__
    x = microbp.ones(2)
    x.array = None  # type: ignore[assignment]
    assert x._repr_html_() is None
