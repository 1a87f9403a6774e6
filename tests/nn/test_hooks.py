"""Hooks before and after the forward of a module."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import ShapeError
from tests.referee import to_array, torch


def test_hooks_see_and_replace_arguments_and_output() -> None:
    layer = nn.Linear(2, 2)
    seen: list[Any] = []
    handles = [
        layer.register_forward_pre_hook(lambda module, args: seen.append(("pre", module, args))),
        layer.register_forward_pre_hook(lambda module, args: args[0] * 2, prepend=True),
        layer.register_forward_hook(lambda module, args, output: seen.append(("post", args, output))),
        layer.register_forward_hook(
            lambda module, args, kwargs, output: output + kwargs.get("no", 1), with_kwargs=True
        ),
    ]
    x = microbp.ones(1, 2)
    y = layer(x)
    assert seen[0][:2] == ("pre", layer)
    assert seen[0][2][0].tolist() == [[2, 2]]
    np.testing.assert_allclose(y.detach().array, layer.forward(x * 2).detach().array + 1)
    assert y.node.calls[0]() is layer
    for handle in handles:
        handle.remove()
        handle.remove()
    seen.clear()
    np.testing.assert_array_equal(layer(x).detach().array, layer.forward(x).detach().array)
    assert not seen


def test_hooks_with_keyword_arguments() -> None:
    class Scale(nn.Module):
        def forward(self, x: Any, by: float = 1.0) -> Any:
            return x * by

    module = Scale()
    with module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"by": kwargs["by"] + 1}), with_kwargs=True):
        assert module(microbp.ones(1), by=2.0).item() == 3
    assert module(microbp.ones(1), by=2.0).item() == 2
    module.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match=re.escape("must return None or (args, kwargs)")):
        module(microbp.ones(1))


def same_story(tell: Any) -> None:
    """Require that a story, which notes what hooks are called with, is the same with PyTorch."""
    stories = []
    for lib in (microbp, torch()):
        noted: list[Any] = []
        tell(lib, lambda *values, noted=noted: noted.append([to_array(value) for value in values]))
        stories.append(repr(noted))
    assert stories[0] == stories[1]


def test_a_hook_that_is_always_called_is_called_after_an_error() -> None:
    def tell(lib: Any, note: Any) -> None:
        layer = lib.nn.Flatten()
        layer.register_forward_hook(lambda module, args, output: note("usual", output))
        layer.register_forward_hook(lambda module, args, output: note("always", *args, output), always_call=True)
        layer.register_forward_hook(
            lambda module, args, kwargs, output: note("keywords", kwargs, output), always_call=True, with_kwargs=True
        )
        with pytest.raises(IndexError):
            layer(lib.ones(3))
        layer(lib.ones(3, 1))

    same_story(tell)


def test_an_error_of_a_hook_leaves_out_only_those_that_are_not_always_called() -> None:
    def tell(lib: Any, note: Any) -> None:
        def fail(module: Any, args: Any, output: Any = None) -> None:
            raise KeyError("of a hook")

        layer = lib.nn.Identity()
        handle = layer.register_forward_pre_hook(fail)
        layer.register_forward_hook(lambda module, args, output: note("first", output), always_call=True)
        layer.register_forward_hook(fail)
        layer.register_forward_hook(lambda module, args, output: note("usual", output))
        layer.register_forward_hook(lambda module, args, output: note("always", output), always_call=True)
        for _ in range(2):
            with pytest.raises(KeyError, match="of a hook"):
                layer(lib.ones(2))
            handle.remove()

    same_story(tell)


def test_a_second_error_of_a_hook_that_is_always_called_is_a_warning() -> None:
    def fail(module: Any, args: Any, output: Any) -> None:
        raise KeyError("of a hook")

    layer = nn.Linear(2, 2)
    layer.register_forward_hook(fail, always_call=True)
    with pytest.raises(ShapeError, match="expects 2 features"), pytest.warns(UserWarning, match="silenced.*of a hook"):
        layer(microbp.ones(1, 3))
    with pytest.raises(KeyError, match="of a hook"):
        layer(microbp.ones(1, 2))


def test_a_copy_has_the_hooks_and_its_own_list_of_them() -> None:
    seen: list[Any] = []
    layer = nn.Tanh()
    handle = layer.register_forward_hook(lambda module, args, output: seen.append(module))
    copied = copy.deepcopy(layer)
    handle.remove()
    copied(microbp.ones(1))
    layer(microbp.ones(1))
    assert seen == [copied]


def test_global_hooks_and_old_backward_hooks_are_left_out() -> None:
    assert not hasattr(nn, "modules")  # where PyTorch has register_module_forward_hook and its like
    with pytest.raises(NotImplementedError, match="use register_full_backward_hook"):
        nn.Tanh().register_backward_hook(print)


def test_a_handle_takes_its_own_hook_away_and_not_the_same_function_registered_again() -> None:
    layer, seen = nn.Linear(2, 2), []

    def hook(module: Any, args: Any, output: Any) -> None:
        seen.append(output)

    first, second = layer.register_forward_hook(hook), layer.register_forward_hook(hook)
    first.remove()
    first.remove()
    layer(microbp.ones(1, 2))
    assert len(seen) == 1
    second.remove()
    layer(microbp.ones(1, 2))
    assert len(seen) == 1
