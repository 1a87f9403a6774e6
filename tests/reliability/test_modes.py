"""Recording switched on and off, and nobody else's: exceptions, generators, threads, tasks.

The rule for generators: a block counts while the frame that it stands in runs, and not while
that frame is suspended.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from microbp.autograd import observe
from microbp.mode import current
from microbp.stack import GeneratorMode
from tests.leaves import leaf


class Told:
    """An observer that counts what it is told."""

    def __init__(self) -> None:
        self.forwards = 0

    def forward(self, node: Any, output: Any) -> None:
        self.forwards += 1

    def backward(self, *arguments: Any) -> None:
        pass


# -- blocks ----------------------------------------------------------------------------------


def test_restored_after_an_exception() -> None:
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert is_grad_enabled()


def test_one_object_may_be_entered_many_times() -> None:
    switch = no_grad()
    with switch, switch:
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_blocks_left_in_another_order_than_they_were_entered_are_left_exactly() -> None:
    off, on = no_grad(), enable_grad()
    off.__enter__()
    on.__enter__()
    off.__exit__(None, None, None)
    assert is_grad_enabled()
    on.__exit__(None, None, None)
    assert is_grad_enabled()
    on.__enter__()
    off.__enter__()
    on.__exit__(None, None, None)
    assert not is_grad_enabled()
    off.__exit__(None, None, None)
    assert is_grad_enabled()


def test_an_exit_without_an_entry_does_nothing() -> None:
    with no_grad():
        enable_grad().__exit__(None, None, None)
        assert not is_grad_enabled()


def test_nothing_is_recorded_inside() -> None:
    x = microbp.ones(2, requires_grad=True)
    with no_grad():
        y = x * 2.0
        made = microbp.ones(2, requires_grad=True)
    assert not y.requires_grad
    assert y.grad_fn is None
    assert made.requires_grad


def test_no_grad_keeps_no_graph_and_no_inputs_alive() -> None:
    w = leaf(1.0, 2.0)
    gc.disable()
    try:
        with no_grad():
            hidden = w * 2.0
            y = (hidden + 1.0).exp()
        alive = weakref.ref(hidden)
        del hidden
        assert alive() is None
        assert y.grad_fn is None
    finally:
        gc.enable()


def test_a_late_block_of_a_call_that_was_made_on_its_own_does_not_undo_others() -> None:
    switch = set_grad_enabled(False)
    try:
        with no_grad():
            with switch:
                assert not is_grad_enabled()
            assert not is_grad_enabled()
        assert not is_grad_enabled()
    finally:
        set_grad_enabled(True)


def test_calls_on_their_own_do_not_pile_up() -> None:
    first = current.get()
    for _ in range(100):
        set_grad_enabled(False)
        set_grad_enabled(True)
    assert current.get().outer is first.outer is None
    with no_grad():
        for _ in range(100):
            set_grad_enabled(True)
        assert is_grad_enabled()
        mode = current.get().outer
        assert mode is not None
        assert mode.outer is None
    assert is_grad_enabled()


# -- generators ------------------------------------------------------------------------------


def inside(switch: Any) -> Generator[bool, Any, None]:
    """Yields whether operations are recorded inside a block."""
    with switch:
        while True:
            yield is_grad_enabled()


@pytest.mark.parametrize("make", [no_grad, inference_mode, lambda: set_grad_enabled(False)])
def test_a_generator_suspended_in_a_block_does_not_switch_its_consumer_off(make: Callable[[], Any]) -> None:
    generator = inside(make())
    for _ in range(3):
        assert next(generator) is False
        assert is_grad_enabled()
        assert (leaf(1.0) * 2.0).requires_grad
    generator.close()
    assert is_grad_enabled()


def test_nor_on() -> None:
    with no_grad():
        generator = inside(enable_grad())
        assert next(generator) is True
        assert not is_grad_enabled()
        assert next(generator) is True
    assert next(generator) is True
    assert is_grad_enabled()
    generator.close()


def test_a_consumer_s_block_ends_where_it_ends_though_a_generator_was_suspended_in_it() -> None:
    with no_grad():
        generator = inside(enable_grad())
        next(generator)
    assert is_grad_enabled()
    generator.close()
    assert is_grad_enabled()


def test_a_consumer_s_block_does_not_reach_into_the_block_of_a_generator() -> None:
    generator = inside(no_grad())
    next(generator)
    with enable_grad():
        assert is_grad_enabled()
        assert next(generator) is False
        assert is_grad_enabled()
    assert is_grad_enabled()
    generator.close()


def test_outside_its_blocks_a_generator_runs_in_the_mode_of_its_consumer() -> None:
    def numbers() -> Iterator[bool]:
        with no_grad():
            yield is_grad_enabled()
        while True:
            yield is_grad_enabled()

    generator = numbers()
    with no_grad():
        assert next(generator) is False
    assert next(generator) is True
    with no_grad():
        assert next(generator) is False


def test_operations_after_the_end_of_a_generator_are_recorded() -> None:
    def numbers() -> Iterator[int]:
        with no_grad():
            yield from range(3)

    assert list(numbers()) == [0, 1, 2]
    assert is_grad_enabled()
    for number in numbers():
        assert is_grad_enabled()
        if number == 1:
            break
    assert is_grad_enabled()
    assert type(current.get()) is not GeneratorMode


def test_an_exception_in_or_into_a_generator_ends_its_block() -> None:
    def fails() -> Iterator[bool]:
        with no_grad():
            yield is_grad_enabled()
            raise KeyError

    generator = fails()
    next(generator)
    with pytest.raises(KeyError):
        next(generator)
    assert is_grad_enabled()
    other = inside(no_grad())
    next(other)
    with pytest.raises(ZeroDivisionError):
        other.throw(ZeroDivisionError())
    assert is_grad_enabled()


def test_yield_from_passes_through_all_blocks_on_the_way() -> None:
    def outer() -> Iterator[bool]:
        with no_grad():
            yield from inside(enable_grad())

    generator = outer()
    assert next(generator) is True
    assert is_grad_enabled()
    with no_grad():
        assert not is_grad_enabled()
        assert next(generator) is True

    def around() -> Iterator[bool]:
        with no_grad():
            yield from (is_grad_enabled() for _ in range(2))

    for recorded in around():
        assert not recorded
        assert is_grad_enabled()


def test_a_generator_expression_runs_in_the_mode_of_whoever_draws_from_it() -> None:
    with no_grad():
        lazy = (is_grad_enabled() for _ in range(2))
        assert next(lazy) is False
    assert next(lazy) is True


def test_generators_that_drive_each_other_keep_their_modes() -> None:
    first, second = inside(no_grad()), inside(enable_grad())
    next(first)
    next(second)

    def drive(switch: Any, driven: list[Any]) -> Generator[tuple[bool, ...], None, None]:
        with switch:
            while True:
                yield is_grad_enabled(), *(next(each) for each in driven), is_grad_enabled()

    targets: list[Any] = []
    a, b = drive(no_grad(), targets), drive(enable_grad(), [first, second])
    assert next(a) == (False, False)
    assert next(b) == (True, False, True, True)
    targets.append(b)  # a entered its block first, and now draws from b
    assert next(a) == (False, (True, False, True, True), False)
    with no_grad():
        assert next(a) == (False, (True, False, True, True), False)
    assert is_grad_enabled()
    for generator in (first, a, second, b):
        generator.close()
        assert is_grad_enabled()
    assert current.get().outer is None


def test_a_function_called_by_a_generator_runs_in_its_block_and_may_have_its_own() -> None:
    def helper() -> tuple[bool, bool, bool]:
        with enable_grad():
            on = is_grad_enabled()
            driven = next(other)
        return on, driven, is_grad_enabled()

    def numbers() -> Iterator[tuple[bool, bool, bool]]:
        with no_grad():
            yield helper()
            yield helper()

    other = inside(no_grad())
    next(other)
    generator = numbers()
    assert next(generator) == next(generator) == (True, False, False)
    assert is_grad_enabled()


def test_blocks_of_a_generator_nest() -> None:
    def numbers() -> Iterator[bool]:
        with no_grad():
            yield is_grad_enabled()
            with enable_grad():
                yield is_grad_enabled()
                with inference_mode():
                    yield is_grad_enabled()
                yield is_grad_enabled()
            yield is_grad_enabled()
        yield is_grad_enabled()

    assert list(numbers()) == [False, True, False, True, False, True]


def test_set_grad_enabled_called_in_a_generator_s_block_lasts_as_long_as_that() -> None:
    def numbers() -> Iterator[bool]:
        with no_grad():
            yield is_grad_enabled()
            set_grad_enabled(True)
            yield is_grad_enabled()
            yield is_grad_enabled()
        yield is_grad_enabled()

    generator = numbers()
    with no_grad():
        assert [next(generator), is_grad_enabled(), next(generator), is_grad_enabled()] == [False, False, True, False]
        assert [next(generator), is_grad_enabled(), next(generator), is_grad_enabled()] == [True, False, False, False]


def test_set_grad_enabled_called_by_the_consumer_of_a_suspended_generator_is_the_consumer_s() -> None:
    generator = inside(no_grad())
    with no_grad():
        next(generator)
        set_grad_enabled(True)
        assert is_grad_enabled()
        assert next(generator) is False
        assert is_grad_enabled()
    assert is_grad_enabled()
    set_grad_enabled(False)
    try:
        assert not is_grad_enabled()
        generator.close()
        assert not is_grad_enabled()
    finally:
        set_grad_enabled(True)


def test_an_observer_in_a_generator_is_told_of_the_generator_only_and_the_consumer_s_of_both() -> None:
    mine, its = Told(), Told()

    def numbers() -> Iterator[Any]:
        x = leaf(1.0)
        with observe(its):
            while True:
                yield x * 2.0

    def quiet() -> Iterator[Any]:
        x = leaf(1.0)
        with enable_grad():
            while True:
                yield x * 2.0

    generator, other = numbers(), quiet()
    next(generator)
    leaf(1.0) * 2.0
    assert its.forwards == 1
    next(other)
    with observe(mine):
        leaf(1.0) * 2.0
        next(other)
    assert (mine.forwards, its.forwards) == (2, 1)
    with no_grad():
        assert not next(generator).requires_grad, "an observer's block does not switch recording on"


def test_a_dropped_generator_leaves_nothing_behind() -> None:
    class Load:
        pass

    def numbers() -> Iterator[None]:
        load = Load()
        alive.append(weakref.ref(load))
        with no_grad():
            yield
            yield

    alive: list[Any] = []
    gc.disable()
    try:
        generator = numbers()
        next(generator)
        del generator
        assert alive.pop()() is None
        assert current.get().outer is None
        exhausted = list(numbers())
        assert exhausted == [None, None]
        assert alive.pop()() is None
        with no_grad():
            generator = numbers()
            next(generator)
        del generator
        assert alive.pop()() is None
        assert current.get().outer is None
    finally:
        gc.enable()


def test_a_generator_closed_in_another_thread_changes_neither_s_mode_and_leaves_nothing_behind() -> None:
    class Load:
        pass

    def numbers() -> Iterator[None]:
        load = Load()
        alive.append(weakref.ref(load))
        with no_grad():
            yield

    def close(generator: Any, seen: list[bool]) -> None:
        with no_grad():
            generator.close()
            seen.append(is_grad_enabled())
        seen.append(is_grad_enabled())

    alive: list[Any] = []
    gc.disable()
    try:
        for _ in range(5):
            generator = numbers()
            next(generator)
            seen: list[bool] = []
            thread = threading.Thread(target=close, args=(generator, seen))
            thread.start()
            thread.join()
            assert seen == [False, True]
            assert is_grad_enabled()
            del generator, thread
            assert alive.pop()() is None
        with no_grad():
            assert not is_grad_enabled()
        assert is_grad_enabled()
        assert current.get().outer is None, "modes of generators that were closed elsewhere do not pile up"
    finally:
        gc.enable()


def test_a_generator_may_run_in_a_copied_context_in_another_thread() -> None:
    def numbers() -> Iterator[bool]:
        with no_grad():
            seen: list[bool] = []
            context = contextvars.copy_context()
            thread = threading.Thread(target=context.run, args=(lambda: seen.append(is_grad_enabled()),))
            thread.start()
            thread.join()
            yield seen[0]

    assert list(numbers()) == [False]


def test_a_shared_switch_knows_its_generators_from_its_other_blocks() -> None:
    switch = no_grad()
    first, second = inside(switch), inside(switch)
    next(first)
    with switch:
        next(second)
        assert not is_grad_enabled()
        first.close()
        assert not is_grad_enabled()
    assert is_grad_enabled()
    assert next(second) is False
    second.close()
    assert current.get().outer is None


# -- generators that drive blocks ------------------------------------------------------------


@contextmanager
def evaluating() -> Iterator[None]:
    """A block made of a generator that is suspended inside `no_grad`."""
    with no_grad():
        yield


class Evaluating:
    """A block that enters another one."""

    def __enter__(self) -> None:
        self.switch = no_grad()
        self.switch.__enter__()

    def __exit__(self, *error: Any) -> None:
        self.switch.__exit__(*error)


def through_exit_stack() -> Any:
    """A block in a stack of blocks."""
    stack = ExitStack()

    @contextmanager
    def block() -> Iterator[None]:
        with stack:
            stack.enter_context(no_grad())
            yield

    return block()


BLOCKS = [evaluating, Evaluating, through_exit_stack]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_generator_that_drives_a_block_switches_the_body_of_the_block(block: Callable[[], Any]) -> None:
    with block():
        assert not is_grad_enabled()
        with enable_grad():
            assert is_grad_enabled()
        assert not is_grad_enabled()
    assert is_grad_enabled()
    with pytest.raises(KeyError), block():
        raise KeyError
    assert is_grad_enabled()


@pytest.mark.parametrize("block", BLOCKS)
def test_such_a_block_in_a_generator_is_the_generator_s(block: Callable[[], Any]) -> None:
    def numbers() -> Iterator[bool]:
        with block():
            yield is_grad_enabled()
            yield is_grad_enabled()
        yield is_grad_enabled()

    generator = numbers()
    for expected in (False, False, True):
        assert next(generator) is expected
        assert is_grad_enabled()
    dropped = numbers()
    next(dropped)
    with no_grad():
        next(dropped)
    del dropped
    assert current.get().outer is None


def test_a_decorator_made_of_such_a_block() -> None:
    @evaluating()
    def inside() -> bool:
        return is_grad_enabled()

    assert not inside()
    assert is_grad_enabled()


def test_an_exit_stack_in_a_generator_and_one_that_is_handed_on() -> None:
    handed: list[ExitStack] = []

    def numbers() -> Iterator[bool]:
        with ExitStack() as stack:
            stack.enter_context(no_grad())
            yield is_grad_enabled()
            handed.append(stack.pop_all())
        yield is_grad_enabled()

    generator = numbers()
    assert next(generator) is False
    assert is_grad_enabled()
    assert next(generator) is False, "what was handed on still holds"
    with no_grad():
        handed.pop().close()
        assert not is_grad_enabled()
    assert is_grad_enabled()
    assert current.get().outer is None


@pytest.fixture
def evaluation() -> Iterator[None]:
    with no_grad():
        yield


def test_a_fixture_of_pytest_switches_its_test(evaluation: None) -> None:
    assert not is_grad_enabled()


def test_and_only_its_test() -> None:
    assert is_grad_enabled()


# -- decorated generators --------------------------------------------------------------------


def test_a_decorated_generator_does_not_switch_its_consumer_off() -> None:
    @no_grad()
    def numbers() -> Iterator[bool]:
        yield is_grad_enabled()
        yield is_grad_enabled()

    for recorded in numbers():
        assert not recorded
        assert is_grad_enabled()


def test_a_decorated_generator_is_sent_values_and_exceptions_and_returns_a_value() -> None:
    @no_grad()
    def echo() -> Generator[Any, Any, str]:
        value = yield is_grad_enabled()
        try:
            yield value
        except KeyError:
            yield is_grad_enabled()
        return "done"

    generator = echo()
    assert next(generator) is False
    assert generator.send(5) == 5
    assert generator.throw(KeyError()) is False
    with pytest.raises(StopIteration, match="done"):
        next(generator)
    assert is_grad_enabled()


def test_a_decorated_asynchronous_generator_does_not_switch_its_consumer_off() -> None:
    closed = []

    @no_grad()
    async def numbers() -> AsyncIterator[bool]:
        try:
            yield is_grad_enabled()
            await asyncio.sleep(0)
            yield is_grad_enabled()
            yield is_grad_enabled()
        finally:
            closed.append(is_grad_enabled())

    async def main() -> None:
        generator = numbers()
        for _ in range(2):
            assert await anext(generator) is False
            assert is_grad_enabled()
        with pytest.raises(KeyError):
            await generator.athrow(KeyError())  # type: ignore[attr-defined]
        assert is_grad_enabled()
        assert [recorded async for recorded in numbers()] == [False] * 3

    asyncio.run(main())
    assert closed == [False, False]


# -- threads and tasks -----------------------------------------------------------------------


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
            assert not is_grad_enabled()

    async def main() -> bool:
        entered, leave = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(off(entered, leave))
        await entered.wait()
        on = is_grad_enabled()
        leave.set()
        await task
        return on

    assert asyncio.run(main())


def test_tasks_and_threads_begun_inside_a_block_inherit_its_mode() -> None:
    async def recorded() -> bool:
        await asyncio.sleep(0)
        return is_grad_enabled()

    async def main() -> list[bool]:
        with no_grad():
            return [*await asyncio.gather(recorded(), recorded()), await asyncio.to_thread(is_grad_enabled)]

    assert asyncio.run(main()) == [False] * 3


def test_an_asynchronous_generator_suspended_in_a_block_does_not_switch_its_consumer_off() -> None:
    async def recorded() -> bool:
        await asyncio.sleep(0)
        return is_grad_enabled()

    async def numbers() -> AsyncIterator[list[bool]]:
        with no_grad():
            for _ in range(2):
                here = is_grad_enabled()
                tasks = await asyncio.gather(recorded(), recorded())
                yield [here, is_grad_enabled(), *tasks, await asyncio.to_thread(is_grad_enabled)]

    async def main() -> None:
        async for found in numbers():
            assert found == [False] * 5, "what it waits for is inside its block"
            assert is_grad_enabled()
            assert await asyncio.gather(recorded(), recorded()) == [True, True]
        generator = numbers()
        await anext(generator)
        with no_grad():
            assert not is_grad_enabled()
            assert await anext(generator) == [False] * 5
        assert is_grad_enabled()
        await generator.aclose()  # type: ignore[attr-defined]
        assert is_grad_enabled()

    asyncio.run(main())


def test_an_asynchronous_block_made_of_a_generator_switches_its_body() -> None:
    @asynccontextmanager
    async def evaluating() -> AsyncIterator[None]:
        await asyncio.sleep(0)
        with no_grad():
            yield
        await asyncio.sleep(0)

    async def numbers() -> AsyncIterator[bool]:
        async with evaluating():
            yield is_grad_enabled()
            yield is_grad_enabled()

    async def main() -> None:
        async with evaluating():
            assert not is_grad_enabled()
            await asyncio.sleep(0)
            assert not is_grad_enabled()
        assert is_grad_enabled()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(evaluating())
            assert not is_grad_enabled()
        assert is_grad_enabled()
        async for recorded in numbers():
            assert not recorded
            assert is_grad_enabled()

    asyncio.run(main())


# -- any program -----------------------------------------------------------------------------

SWITCHES: dict[str, tuple[Callable[[], Any], bool | None]] = {
    "off": (no_grad, False),
    "on": (enable_grad, True),
    "inference": (inference_mode, False),
    "set off": (lambda: set_grad_enabled(False), False),
    "watched": (lambda: observe(Told()), None),
}
COMMANDS = st.recursive(
    st.one_of(
        st.tuples(st.just("enter"), st.sampled_from(sorted(SWITCHES))),
        st.tuples(st.just("leave")),
        st.tuples(st.just("set"), st.booleans()),
        st.tuples(st.just("close"), st.integers(0, 2)),
    ),
    lambda inner: st.one_of(
        st.tuples(st.just("drive"), st.integers(0, 2), st.lists(inner, max_size=5)),
        st.tuples(st.just("call"), st.lists(inner, max_size=5)),
    ),
    max_leaves=30,
)


class Program:
    """A consumer and generators that enter and leave blocks and drive each other, and what each should see.

    ``blocks[who]`` holds, for the blocks that a generator (or the consumer, -1) is in, what they make of the mode
    outside: True, False, or None for no change. `chain` holds who is running, and was called by whom.
    """

    def __init__(self) -> None:
        self.blocks: dict[int, list[bool | None]] = {-1: [True]}
        self.chain = [-1]
        self.generators: dict[int, Any] = {}

    def check(self) -> None:
        recorded = True
        for who in self.chain:
            for change in self.blocks[who]:
                recorded = recorded if change is None else change
        assert is_grad_enabled() is recorded

    def generator(self, todo: Iterator[Any], depth: int = 0) -> Generator[None, Any, Iterator[Any]]:
        """Carry out commands, then be suspended until there are more; one frame for each block."""
        blocks = self.blocks[self.chain[-1]]
        while True:
            self.check()
            command = next(todo, ("pause",))
            if command[0] == "pause":
                todo = yield
            elif command[0] == "enter" and depth < 6:
                make, change = SWITCHES[command[1]]
                with make():
                    blocks.append(change)
                    todo = yield from self.generator(todo, depth + 1)
                    blocks.pop()
            elif command[0] == "leave" and depth > 0:
                return todo
            else:
                self.other(command)

    def function(self, todo: Iterator[Any], depth: int = 0) -> None:
        """Carry out commands."""
        blocks = self.blocks[self.chain[-1]]
        for command in todo:
            self.check()
            if command[0] == "enter" and depth < 6:
                make, change = SWITCHES[command[1]]
                with make():
                    blocks.append(change)
                    self.function(todo, depth + 1)
                    blocks.pop()
            elif command[0] == "leave" and depth > 0:
                return
            else:
                self.other(command)
        self.check()

    def other(self, command: Any) -> None:
        """What functions and generators do alike."""
        if command[0] == "set":
            holder = next(who for who in reversed(self.chain) if self.blocks[who])
            self.blocks[holder][-1] = command[1]
            set_grad_enabled(command[1])
        elif command[0] == "call":
            self.function(iter(command[1]))
        elif command[0] == "drive" and command[1] not in self.chain:
            self.drive(command[1], iter(command[2]))
        elif command[0] == "close" and command[1] not in self.chain and command[1] in self.generators:
            del self.generators[command[1]]

    def drive(self, which: int, todo: Iterator[Any]) -> None:
        """Let a generator carry out commands."""
        self.chain.append(which)
        if which in self.generators:
            self.generators[which].send(todo)
        else:
            self.blocks[which] = []
            self.generators[which] = self.generator(todo)
            next(self.generators[which])
        self.chain.pop()
        self.check()


@settings(deadline=None, max_examples=400)
@given(st.lists(COMMANDS, max_size=12))
def test_any_program_of_generators_and_blocks_sees_the_modes_that_its_text_says(commands: list[Any]) -> None:
    def run() -> None:
        program = Program()
        program.function(iter(commands))
        program.generators.clear()
        program.chain, program.blocks = [-1], {-1: program.blocks[-1]}
        program.check()
        assert current.get().outer is None

    contextvars.copy_context().run(run)
