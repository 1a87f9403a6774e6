"""Threads, Ctrl-C and forked processes: no update lost, nothing half done, nothing leaked from one to another."""

from __future__ import annotations

import asyncio
import dis
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, nn, no_grad
from microbp.mode import current
from microbp.version import Version, writes
from tests.leaves import leaf


def in_threads(*functions: Callable[[], Any]) -> list[Any]:
    """What functions return, or raise, that start together in threads of their own, which take turns very often."""
    results: list[Any] = [None] * len(functions)
    start = threading.Barrier(len(functions))

    def run(number: int) -> None:
        start.wait()
        try:
            results[number] = functions[number]()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(functions))]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    return results


# -- graphs ----------------------------------------------------------------------------------


def test_independent_training_in_eight_threads_is_what_it_is_in_one() -> None:
    def train(seed: int) -> list[float]:
        generator = microbp.Generator().manual_seed(seed)
        model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
        with no_grad():
            for parameter in model.parameters():
                parameter.copy_(microbp.randn(*parameter.shape, generator=generator))
        optimizer = microbp.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        x, target = microbp.randn(5, 3, generator=generator), microbp.randint(0, 2, (5,), generator=generator)
        losses = []
        for _ in range(30):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), target)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            with no_grad():
                model(x)
        return losses

    expected = [train(seed) for seed in range(8)]
    assert in_threads(*(lambda seed=seed: train(seed) for seed in range(8))) == expected  # type: ignore[misc]


def slowed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many threads are adding gradients at once, each time that one begins to; each takes its time."""
    module = sys.modules["microbp.backward"]
    add_all, inside, counts = module.add_all, [], []  # type: ignore[attr-defined]

    def slowly(gradients: Any) -> None:
        inside.append(1)
        counts.append(len(inside))
        time.sleep(0.001)  # lets every other thread in, if anything does
        add_all(gradients)
        inside.pop()

    monkeypatch.setattr(module, "add_all", slowly)
    return counts


def test_eight_threads_lose_no_update_of_a_shared_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = slowed(monkeypatch)
    w = leaf(1.0)
    w.grad = microbp.zeros(1, dtype=microbp.float64)
    in_threads(*[lambda: [(w * 2.0).backward() for _ in range(20)]] * 8)
    assert len(counts) == 8 * 20
    assert max(counts) == 1
    assert w.grad.item() == 8 * 20 * 2.0


def test_eight_threads_that_give_a_leaf_its_first_gradient_lose_none() -> None:
    for _ in range(50):
        w = leaf(1.0)
        in_threads(*[lambda w=w: (w * 2.0).backward()] * 8)  # type: ignore[misc]
        assert w.grad.item() == 16.0


def test_eight_threads_go_through_one_graph_that_is_retained(monkeypatch: pytest.MonkeyPatch) -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    hidden = (w * v).exp()
    hidden.retain_grad()
    loss = (hidden.tanh() * w).sum()
    loss.backward(retain_graph=True)
    once = [t.grad.numpy().copy() for t in (w, v, hidden)]
    counts = slowed(monkeypatch)
    in_threads(*[lambda: [loss.backward(retain_graph=True) for _ in range(10)]] * 8)
    assert max(counts) == 1
    for t, g in zip((w, v, hidden), once, strict=True):
        np.testing.assert_allclose(t.grad.numpy(), g * 81, rtol=1e-12)


def test_a_graph_that_is_not_retained_goes_to_one_thread_and_the_others_are_refused_or_right() -> None:
    for _ in range(20):
        w = leaf(1.0, 2.0)
        loss = (w * 3.0).exp().sum()
        expected = 3.0 * np.exp([3.0, 6.0])
        results = in_threads(*[loss.backward] * 4)
        right = sum(result is None for result in results)
        assert right >= 1
        assert all(result is None or isinstance(result, errors.GraphError) for result in results), results
        np.testing.assert_allclose(w.grad.numpy(), expected * right, rtol=1e-12)


def test_the_latest_write_is_known_however_threads_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that is forgotten would let a changed value pass the guard."""
    drawn: list[int] = []
    version = sys.modules["microbp.version"]
    numbers = version.numbers  # type: ignore[attr-defined]

    class Slow:
        def __next__(self) -> int:
            number = next(numbers)
            drawn.append(number)
            if len(drawn) == 1:
                time.sleep(0.05)  # every other thread overtakes this one
            return number

    monkeypatch.setattr(version, "numbers", Slow())
    in_threads(*[Version().write] * 4)
    assert writes.latest == max(drawn)


def test_an_interrupted_thread_leaves_the_lock_to_the_others() -> None:
    w = leaf(1.0)
    (w * 2.0).backward()
    loss = w * 2.0
    w._grad = microbp.ones(3)  # does not fit
    assert isinstance(in_threads(loss.backward)[0], errors.ShapeError)
    w.grad = None
    assert in_threads((w * 2.0).backward) == [None]
    assert w.grad.item() == 2.0


# -- all or nothing --------------------------------------------------------------------------


def test_a_backward_pass_that_fails_changes_no_gradient() -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    hidden = w * v
    hidden.retain_grad()
    loss = (hidden * w).sum()
    loss.backward(retain_graph=True)
    before = [t.grad.tolist() for t in (w, v, hidden)]

    def fail(g: Any) -> None:
        raise KeyError

    handle = v.register_hook(fail)
    with pytest.raises(KeyError):
        loss.backward(retain_graph=True)
    assert [t.grad.tolist() for t in (w, v, hidden)] == before
    handle.remove()
    loss.backward()
    assert [t.grad.tolist() for t in (w, v, hidden)] == [(2 * np.array(g)).tolist() for g in before]


def test_gradients_are_added_without_regard_to_numpy_s_error_settings() -> None:
    w, v = leaf(1.0), leaf(1.0)
    with np.errstate(all="raise"):
        for _ in range(2):
            (w * v * 1e308).sum().backward()
        assert np.geterr()["over"] == "raise"
    assert w.grad.item() == v.grad.item() == np.inf


INTERRUPTIBLE = {
    dis.opmap[name] for name in ("CALL", "CALL_KW", "CALL_FUNCTION_EX", "RESUME", "JUMP_BACKWARD") if name in dis.opmap
}
"""The instructions after which Python looks whether Ctrl-C was pressed."""


def is_leaving(frame: FrameType | None) -> bool:
    """Whether a frame is part of leaving a block, or of freeing a graph."""
    while frame is not None and frame.f_code.co_name not in ("__exit__", "release"):
        frame = frame.f_back
    return frame is not None


def interrupted(function: Callable[[], Any], at: int) -> bool:
    """Run a function, pressing Ctrl-C the n-th time that Python would notice it in this package, if it comes to that.

    Blocks that leave (``__exit__``) are passed over: Python itself cannot protect what is written in Python there.
    """
    package = os.path.dirname(microbp.__file__)
    chances = 0
    before: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal chances
        code = frame.f_code
        if not code.co_filename.startswith(package) or is_leaving(frame):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            if before.get(frame) in INTERRUPTIBLE:
                chances += 1
                if chances == at:
                    raise KeyboardInterrupt
            before[frame] = code.co_code[frame.f_lasti]
        elif event in ("return", "exception"):
            before.pop(frame, None)
        return trace

    tracer = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # from Python 3.12 on, one frame has to ask before tracing begins
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(tracer)
    return False


def everywhere(make: Callable[[], tuple[Callable[[], Any], Callable[[], None]]]) -> int:
    """Interrupt a function wherever it can be, a new one each time, and check what is left; how many there were.

    `make` gives the function and the check.
    """
    count = 0
    while True:
        (again, _), (function, check) = make(), make()
        if sys.version_info >= (3, 13):
            interrupted(again, -1)  # instructions are told of only from the second time that code is traced
        if not interrupted(function, count + 1):
            return count
        count += 1
        assert microbp.is_grad_enabled()
        check()


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("fresh", [False, True], ids=["added", "first"])
def test_an_interrupt_anywhere_in_a_backward_pass_leaves_all_gradients_or_none(create_graph: bool, fresh: bool) -> None:
    settings = np.geterr()

    def make() -> tuple[Callable[[], Any], Callable[[], None]]:
        w, v, u = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)
        hidden = w * v
        hidden.retain_grad()
        tensors = (w, v, u, hidden)
        loss = (hidden.exp() * u + w).sum()
        loss.backward(retain_graph=True)
        once = [t.grad.numpy().copy() for t in tensors]
        for t in tensors if fresh else (w,):  # some gradients are there, others are not
            t.grad = None
        start = [np.zeros(2) if t.grad is None else t.grad.numpy().copy() for t in tensors]

        def check() -> None:
            assert np.geterr() == settings
            ours = [np.zeros(2) if t.grad is None else t.grad.detach().numpy().copy() for t in tensors]
            none = all(np.array_equal(a, b) for a, b in zip(ours, start, strict=True))
            all_of_them = all(np.allclose(a, b + g) for a, b, g in zip(ours, start, once, strict=True))
            assert none or all_of_them
            try:
                loss.backward(retain_graph=True)  # the lock is free again
            except errors.GraphError:
                return  # refused
            for t, a, g in zip(tensors, ours, once, strict=True):
                np.testing.assert_allclose(t.grad.detach().numpy(), a + g, rtol=1e-12)

        return lambda: loss.backward(retain_graph=True, create_graph=create_graph), check

    assert everywhere(make) > 100


def test_a_retry_after_an_interrupt_is_right_or_refused_where_the_graph_is_not_retained() -> None:
    refused, right = [], []

    def make() -> tuple[Callable[[], Any], Callable[[], None]]:
        w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
        loss = ((w * v).exp() + v).sum()
        expected = [np.exp([3.0, 8.0]) * [3.0, 4.0], np.exp([3.0, 8.0]) * [1.0, 2.0] + 1.0]

        def check() -> None:
            done = w.grad is not None
            assert (v.grad is not None) is done
            try:
                loss.backward()
                right.append(1)
            except errors.GraphError as error:
                refused.append("second time" in str(error))
                if not done:
                    assert w.grad is v.grad is None
                    return
            for t, g in zip((w, v), expected, strict=True):
                np.testing.assert_allclose(t.grad.numpy(), g, rtol=1e-12)

        return loss.backward, check

    assert everywhere(make) > 50
    assert refused
    assert all(refused)
    assert right


def test_an_interrupt_anywhere_in_an_operation_or_on_the_way_into_a_block_leaves_the_mode() -> None:
    x = leaf(1.0, 2.0)

    def generator() -> Iterator[None]:
        with microbp.inference_mode():
            yield

    def run() -> None:
        with no_grad():
            (x * 2.0).sum()
        for _ in generator():
            x.exp()

    def check() -> None:
        assert current.get().outer is None

    with np.errstate():
        assert everywhere(lambda: (run, check)) > 50


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
import microbp
w = microbp.ones(300, requires_grad=True)
v = microbp.ones(300, requires_grad=True)
settings = np.geterr()
def forward():
    y = w
    for _ in range(3000):
        y = y * v
    return y.sum()
stop = False
def press():
    time.sleep({delay})
    os.kill(os.getpid(), signal.SIGINT)
delivered = 0
for turn in range({turns}):
    w.grad = v.grad = None
    loss = forward()
    thread = threading.Thread(target=press)
    try:
        thread.start()
        while True:
            loss.backward(retain_graph=True)
            w.grad = v.grad = None
    except KeyboardInterrupt:
        delivered += 1
    thread.join()
    assert microbp.is_grad_enabled() and np.geterr() == settings
    w.grad = v.grad = None
    loss.backward(retain_graph=True)
    assert w.grad.tolist() == [1.0] * 300 and v.grad.tolist() == [3000.0] * 300
    loss.backward()
    assert w.grad.tolist() == [2.0] * 300 and v.grad.tolist() == [6000.0] * 300
print("delivered", delivered)
"""


def alone(script: str) -> subprocess.CompletedProcess[str]:
    """A program run in a process of its own."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=200, check=False)


def test_ctrl_c_in_a_backward_pass_is_delivered_and_the_next_pass_is_right() -> None:
    finished = alone(INTERRUPTED.format(delay=0.01, turns=10))
    assert (finished.stdout.strip(), finished.stderr, finished.returncode) == ("delivered 10", "", 0)


def test_ctrl_c_raised_in_a_hook_is_delivered() -> None:
    w = leaf(1.0)

    def press(g: Any) -> None:
        raise KeyboardInterrupt

    hidden = w * 2.0
    handle = hidden.register_hook(press)
    loss = hidden.sum()
    with pytest.raises(KeyboardInterrupt):
        loss.backward()
    assert w.grad is None
    handle.remove()
    with pytest.raises(errors.GraphError, match="second time"):
        loss.backward()
    assert w.grad is None


# -- processes -------------------------------------------------------------------------------

FORKED = """
import os, sys, threading, time
import microbp
w = microbp.ones(3, requires_grad=True)
loss = (w * 2.0).exp().sum()
loss.backward(retain_graph=True)
once = w.grad.tolist()
{before}
child = os.fork()
if child == 0:
    try:
        w.grad = None
        loss.backward(retain_graph=True)
        (w * 3.0).sum().backward()
        with microbp.no_grad():
            microbp.ones(2).add_(1.0)
        good = all(abs(g - h - 3.0) < 1e-4 for g, h in zip(w.grad.tolist(), once))
        os._exit(0 if good else 1)
    except BaseException:
        os._exit(2)
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        break
    time.sleep(0.01)
else:
    os.kill(child, 9)
    status = "stuck"
assert w.grad.tolist() == once
loss.backward()
print(status, flush=True)
os._exit(0)
"""
BUSY = """
module = sys.modules["microbp.backward"]
add_all, started = module.add_all, threading.Event()
def slowly(gradients):
    started.set()
    time.sleep(0.3)
    add_all(gradients)
module.add_all = slowly
other = microbp.ones(1, requires_grad=True)
other.grad = microbp.zeros(1)
threading.Thread(target=(other * 2.0).backward, daemon=True).start()
started.wait()
module.add_all = add_all
"""


WRITING = """
module = sys.modules["microbp.version"]
numbers, started = module.numbers, threading.Event()
class Slow:
    def __next__(self):
        started.set()
        time.sleep(0.3)
        return next(numbers)
module.numbers = Slow()
threading.Thread(target=module.write, daemon=True).start()
started.wait()
module.numbers = numbers
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")
@pytest.mark.parametrize(
    "before", ["", BUSY, WRITING], ids=["after backward", "while a thread adds gradients", "while a thread writes"]
)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_may_fork(before: str) -> None:
    finished = alone(FORKED.format(before=before))
    assert (finished.stdout.strip(), finished.returncode) == ("0", 0), finished.stderr


# -- state of the package --------------------------------------------------------------------


@pytest.fixture
def settings_as_before() -> Iterator[None]:
    dtype, options = microbp.get_default_dtype(), microbp.get_printoptions()
    yield
    microbp.set_default_dtype(dtype)
    microbp.set_printoptions(**options)


def test_no_setting_leaks_from_one_thread_into_another(settings_as_before: None) -> None:
    changed, looked = threading.Barrier(2), threading.Barrier(2)

    def change() -> None:
        microbp.set_default_dtype(microbp.float64)
        microbp.set_printoptions(precision=2)
        microbp.set_grad_enabled(False)
        changed.wait()
        looked.wait()
        assert microbp.tensor(1.0).dtype == microbp.float64
        assert not microbp.is_grad_enabled()

    def look() -> list[Any]:
        changed.wait()
        found = [microbp.tensor(1.0).dtype, microbp.get_printoptions()["precision"], microbp.is_grad_enabled()]
        looked.wait()
        return found

    assert in_threads(change, look) == [None, [microbp.float32, 4, True]]
    assert microbp.get_default_dtype() == microbp.float32
    microbp.set_default_dtype(microbp.float64)
    assert in_threads(microbp.get_default_dtype) == [microbp.float32], "a thread starts with the usual settings"


def test_a_task_s_settings_are_its_own_and_it_starts_with_those_around_it(settings_as_before: None) -> None:
    async def change() -> None:
        assert microbp.get_default_dtype() == microbp.float64
        microbp.set_default_dtype(microbp.float16)
        microbp.set_printoptions(precision=2)

    async def main() -> None:
        microbp.set_default_dtype(microbp.float64)
        await asyncio.create_task(change())
        assert microbp.get_default_dtype() == microbp.float64
        assert microbp.get_printoptions()["precision"] == 4

    asyncio.run(main())
    assert microbp.get_default_dtype() == microbp.float32


def test_eight_threads_that_draw_from_one_generator_get_each_of_its_numbers_once() -> None:
    microbp.manual_seed(7)
    expected = sorted(microbp.rand(8 * 200, dtype=microbp.float64).tolist())
    microbp.manual_seed(7)
    drawn = in_threads(*[lambda: [microbp.rand(1, dtype=microbp.float64).item() for _ in range(200)]] * 8)
    assert sorted(number for numbers in drawn for number in numbers) == expected


def test_a_generator_of_a_thread_s_own_is_left_alone_by_all_others() -> None:
    def draw(seed: int) -> list[float]:
        generator = microbp.Generator().manual_seed(seed)
        numbers: list[float] = []
        for _ in range(50):
            numbers += microbp.rand(3, generator=generator).tolist()
            microbp.manual_seed(seed)  # the default one is everybody's, as in PyTorch
            microbp.rand(5)
        return numbers

    expected = [draw(seed) for seed in range(8)]
    assert in_threads(*(lambda seed=seed: draw(seed) for seed in range(8))) == expected  # type: ignore[misc]


def test_a_seed_set_in_one_thread_holds_in_all() -> None:
    in_threads(lambda: microbp.manual_seed(5))
    first = microbp.rand(3).tolist()
    microbp.manual_seed(5)
    assert in_threads(lambda: microbp.rand(3).tolist()) == [first]
