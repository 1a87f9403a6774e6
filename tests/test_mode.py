"""Recording switched on and off: blocks, decorators, generators, threads, tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

import microbp
from microbp import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled


def test_blocks_nest_and_restore() -> None:
    with no_grad():
        assert not is_grad_enabled()
        with enable_grad():
            assert is_grad_enabled()
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_restored_after_an_exception() -> None:
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert is_grad_enabled()


def test_one_object_may_be_entered_many_times() -> None:
    switch = no_grad()
    with switch, switch:
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_decorators() -> None:
    @no_grad()
    def with_call() -> bool:
        return is_grad_enabled()

    @no_grad
    def without_call() -> bool:
        return is_grad_enabled()

    @inference_mode()
    def inference() -> bool:
        return is_grad_enabled()

    assert (with_call(), without_call(), inference()) == (False, False, False)
    assert with_call.__name__ == "with_call"
    assert is_grad_enabled()


def test_a_decorated_generator_does_not_switch_its_consumer_off() -> None:
    @no_grad()
    def numbers() -> Iterator[bool]:
        yield is_grad_enabled()
        yield is_grad_enabled()

    for inside in numbers():
        assert not inside
        assert is_grad_enabled()


def test_set_grad_enabled_as_a_call_and_as_a_block() -> None:
    with set_grad_enabled(False):
        assert not is_grad_enabled()
    assert is_grad_enabled()
    set_grad_enabled(False)
    try:
        assert not is_grad_enabled()
        with enable_grad():
            assert is_grad_enabled()
        assert not is_grad_enabled()
    finally:
        set_grad_enabled(True)
    assert is_grad_enabled()

    @set_grad_enabled(False)
    def off() -> bool:
        return is_grad_enabled()

    assert is_grad_enabled()
    assert not off()


def test_threads_do_not_share_the_mode() -> None:
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_asynchronous_tasks_do_not_share_the_mode() -> None:
    async def off(entered: asyncio.Event, leave: asyncio.Event) -> None:
        with no_grad():
            entered.set()
            await leave.wait()

    async def main() -> bool:
        entered, leave = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(off(entered, leave))
        await entered.wait()
        on = is_grad_enabled()
        leave.set()
        await task
        return on

    assert asyncio.run(main())


def test_nothing_is_recorded_inside() -> None:
    x = microbp.ones(2, requires_grad=True)
    with no_grad():
        y = x * 2.0
        made = microbp.ones(2, requires_grad=True)
    assert not y.requires_grad
    assert y.grad_fn is None
    assert made.requires_grad
