"""`functional_call`: modules as functions of their parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, nn
from microbp.func import functional_call, grad
from tests.referee import compare

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # PyTorch's own

X = np.array([[0.5, -1.0], [2.0, 0.3]])
W = np.array([[0.1, 0.2], [-0.4, 0.5]])
B = np.array([0.3, -0.6])


def block(lib: Any) -> Any:
    """A module with a module in it, a buffer, and a keyword argument."""

    class Block(lib.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Tanh())
            self.register_buffer("scale", lib.full((2,), 2.0, dtype=lib.float64))

        def forward(self, x: Any, *, shift: float = 0.0) -> Any:
            return self.inner(x) * self.scale + shift

    return Block().double()


class Tied(nn.Module):
    """Two layers that share a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: Any) -> Any:
        return self.second(self.first(x))


def test_dotted_names_buffers_and_keyword_arguments() -> None:
    def program(lib: Any, x: Any, w: Any, b: Any) -> Any:
        module = block(lib)
        given = {"inner.0.weight": w, "inner.0.bias": b, "scale": b * 2.0}
        return lib.func.functional_call(module, given, (x,), {"shift": 3.0})

    compare(program, X, W, B, second_order=True)


def test_several_dicts_one_argument_without_a_tuple_and_names_left_out() -> None:
    def program(lib: Any, x: Any, w: Any, b: Any) -> Any:
        module = block(lib)
        return lib.func.functional_call(module, ({"inner.0.weight": w}, {"inner.0.bias": b}), x)

    compare(program, X, W, B)


def test_gradients_with_respect_to_all_parameters() -> None:
    def program(lib: Any, x: Any, w: Any, b: Any) -> Any:
        module = block(lib)
        parameters = {"inner.0.weight": w.detach(), "inner.0.bias": b.detach()}

        def loss(parameters: Any, x: Any) -> Any:
            return (lib.func.functional_call(module, parameters, (x,)) ** 2).sum()

        g = lib.func.grad(loss)(parameters, x.detach())
        h = lib.func.hessian(loss)(parameters, x.detach())
        return g["inner.0.weight"], g["inner.0.bias"], h["inner.0.weight"]["inner.0.bias"]

    compare(program, X, W, B)


def test_the_module_is_as_before_also_after_an_error() -> None:
    module = block(microbp)
    before = {name: id(t) for name, t in [*module.named_parameters(), *module.named_buffers()]}
    given = {"inner.0.weight": microbp.tensor(W), "scale": microbp.tensor(B)}
    functional_call(module, given, (microbp.tensor(X),))
    with pytest.raises(errors.ShapeError):
        functional_call(module, given, (microbp.ones(3, 5, dtype=microbp.float64),))
    with pytest.raises(TypeError):
        functional_call(module, given, (microbp.tensor(X),), {"unknown": 1})
    assert before == {name: id(t) for name, t in [*module.named_parameters(), *module.named_buffers()]}


def test_a_buffer_that_the_call_replaces_is_handed_back() -> None:
    def program(lib: Any, x: Any) -> Any:
        class Counter(lib.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("count", lib.zeros(1))

            def forward(self, x: Any) -> Any:
                self.count = self.count + 1.0
                return x * self.count

        module, given = Counter(), {"count": lib.ones(1) * 4.0}
        lib.func.functional_call(module, given, (x,))
        return given["count"], module.count

    compare(program, X)


def test_a_tied_weight_is_replaced_everywhere() -> None:
    module, x, w = Tied(), microbp.tensor(X).float(), microbp.tensor(W).float()
    for name in ("first.weight", "second.weight"):
        out = functional_call(module, {name: w}, (x,))
        np.testing.assert_allclose(out.array, X @ W.T @ W.T, rtol=1e-6)
    g = grad(lambda w: functional_call(module, {"first.weight": w}, (x,)).sum())(w)
    expected = grad(lambda w: (x @ w.T @ w.T).sum())(w)
    np.testing.assert_allclose(g.array, expected.array, rtol=1e-6)


def test_a_tied_weight_is_replaced_under_one_name_only_if_asked() -> None:
    module, x, w = Tied(), microbp.tensor(X).float(), microbp.tensor(W).float()
    own = module.first.weight.array
    out = functional_call(module, {"first.weight": w}, (x,), tie_weights=False)
    np.testing.assert_allclose(out.array, X @ W.T @ own.T, rtol=1e-5)
    with pytest.raises(ValueError, match=r"different tensors for first\.weight, second\.weight"):
        functional_call(module, {"first.weight": w, "second.weight": w + 1.0}, (x,))
    functional_call(module, {"first.weight": w, "second.weight": w}, (x,))


def test_names_that_are_not_there_or_missing_are_refused() -> None:
    module, x = block(microbp), microbp.tensor(X)
    with pytest.raises(errors.StateError, match=r"Block, which has no 'inner\.1\.weight', 'wieght'"):
        functional_call(module, {"inner.1.weight": x, "wieght": x}, (x,))
    with pytest.raises(errors.StateError, match=r"needs also 'scale', 'inner\.0\.bias'"):
        functional_call(module, {"inner.0.weight": x}, (x,), strict=True)
    with pytest.raises(ValueError, match="'scale' in more than one dict"):
        functional_call(module, ({"scale": x}, {"scale": x}), (x,))
    with pytest.raises(TypeError, match="ndarray for 'scale'"):
        functional_call(module, {"scale": np.ones(2)}, (x,))
