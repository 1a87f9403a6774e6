"""Hooks before and after a module's state is taken and loaded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import StateError
from tests.referee import torch


def network(lib: Any) -> Any:
    """Two layers, one of them deeper down."""
    return lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.Sequential(lib.nn.Linear(3, 1, bias=False)))


def told_by(tell: Any) -> list[Any]:
    """What hooks note, under both libraries."""
    stories = []
    for lib in (microbp, torch()):
        noted: list[Any] = []
        tell(lib, lambda *values, noted=noted: noted.append(values))
        assert noted
        stories.append(noted)
    return stories


def test_hooks_around_state_dict_are_called_as_in_pytorch() -> None:
    def tell(lib: Any, note: Any) -> None:
        net = network(lib)

        def after(module: Any, state: Any, prefix: str, metadata: Any) -> None:
            note("after", type(module).__name__, list(state), prefix)
            state[prefix + "more"] = lib.ones(1)

        for module in net.modules():
            module.register_state_dict_pre_hook(
                lambda module, prefix, keep_vars: note("before", type(module).__name__, prefix, keep_vars)
            )
            module.register_state_dict_post_hook(after)
        note(list(net.state_dict()), list(net.state_dict(prefix="net.", keep_vars=True)))

    ours, theirs = told_by(tell)
    assert ours == theirs


def test_a_hook_after_state_dict_returns_none() -> None:
    layer = nn.Linear(2, 1)
    layer.register_state_dict_post_hook(lambda module, state, prefix, metadata: state)
    with pytest.raises(RuntimeError, match="must return None"):
        layer.state_dict()


def test_hooks_around_load_state_dict_are_called_as_in_pytorch() -> None:
    def tell(lib: Any, note: Any) -> None:
        net = network(lib)

        def before(module: Any, state: Any, prefix: str, metadata: Any, strict: bool, *lists: Any) -> None:
            note("before", type(module).__name__, sorted(state), prefix, strict, len(lists))
            if prefix + "w" in state:
                state[prefix + "weight"] = state.pop(prefix + "w")

        def after(module: Any, keys: Any) -> None:
            note("after", type(module).__name__, net[0].bias.tolist())
            if module is net:
                note("keys", keys.missing_keys[:], keys.unexpected_keys[:])
                keys.missing_keys.clear()

        for module in net.modules():
            module.register_load_state_dict_pre_hook(before)
            module.register_load_state_dict_post_hook(after)
        state = {"0.w": lib.ones(3, 2), "0.bias": lib.ones(3), "1.0.w": lib.ones(1, 3)}
        note("keys", *net.load_state_dict(state))
        note("keys", *net.load_state_dict({"0.w": lib.ones(3, 2), "0.bias": lib.zeros(3)}))
        note("keys", *net.load_state_dict({"0.w": lib.ones(3, 2), "more": lib.zeros(3)}, strict=False))
        note("keys", sorted(state), net(lib.ones(1, 2)).tolist())

    # a module of PyTorch's is filled before the next one is looked at, here all are looked at first
    stories = told_by(tell)
    for kinds in (("before",), ("after", "keys")):
        ours, theirs = ([event for event in story if event[0] in kinds] for story in stories)
        assert ours == theirs


def test_a_hook_that_is_removed_is_not_called() -> None:
    layer = nn.Linear(2, 1)

    def fail(*args: Any) -> None:
        raise AssertionError

    for register in (
        layer.register_state_dict_pre_hook,
        layer.register_state_dict_post_hook,
        layer.register_load_state_dict_pre_hook,
        layer.register_load_state_dict_post_hook,
    ):
        register(fail).remove()
    layer.load_state_dict(layer.state_dict())


def test_a_load_that_fails_after_all_leaves_the_module_as_it_was() -> None:
    layer = nn.Linear(2, 1)
    before = layer.weight.detach().array.copy()
    seen = []
    layer.register_load_state_dict_post_hook(lambda module, keys: seen.append(module.weight.tolist()))
    with pytest.raises(StateError, match=r"Missing key\(s\) in state_dict: \"bias\""):
        layer.load_state_dict({"weight": np.ones((1, 2))})
    assert seen == [[[1, 1]]]
    np.testing.assert_array_equal(layer.weight.detach().array, before)

    def fail(module: Any, keys: Any) -> None:
        raise KeyError("of a hook")

    handle = layer.register_load_state_dict_post_hook(fail)
    state = {"weight": np.ones((1, 2)), "bias": np.ones(1)}
    with pytest.raises(KeyError, match="of a hook"):
        layer.load_state_dict(state)
    np.testing.assert_array_equal(layer.weight.detach().array, before)
    handle.remove()
    layer.register_load_state_dict_post_hook(lambda module, keys: keys)
    with pytest.raises(RuntimeError, match="expected to return None"):
        layer.load_state_dict(state)


def test_a_hook_before_loading_can_refuse() -> None:
    layer = nn.Linear(2, 1)

    def refuse(module: Any, state: Any, prefix: str, metadata: Any, strict: bool, *lists: Any) -> None:
        lists[2].append("saved by another program")

    layer.register_load_state_dict_pre_hook(refuse)
    with pytest.raises(StateError, match="saved by another program"):
        layer.load_state_dict(layer.state_dict())
