"""A training step does no more work than it did: counted, not timed, so that a slow-down fails without noise.

The bounds are two percent above what was counted when they were last set; whoever makes a step do less lowers them to
what ``python -m tests.work.counting`` prints. They hold for Python 3.11 and NumPy 2.4. Other versions cut programs into
other bytecodes, so that they have a tenth more room.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from tests.reliability.alone import run
from tests.work.counting import WORKLOADS

BOUNDS = {
    "digits, SGD": {"bytecodes": 4210, "operations": 100, "calls": 166, "arrays": 4, "bytes": 21_508},
    "digits, SGD, compiled": {"bytecodes": 1855, "operations": 100, "calls": 74, "arrays": 4, "bytes": 21_508},
    "digits, Adam": {"bytecodes": 5650, "operations": 276, "calls": 186, "arrays": 4, "bytes": 21_508},
    "LeNet, SGD": {"bytecodes": 20_220, "operations": 1098, "calls": 775, "arrays": 10, "bytes": 357_508},
    "LSTM, SGD": {"bytecodes": 34_880, "operations": 3700, "calls": 575, "arrays": 8, "bytes": 662_148},
    "attention block, SGD": {"bytecodes": 30_100, "operations": 770, "calls": 1086, "arrays": 14, "bytes": 123_396},
}
ROOM = 1.0 if sys.version_info[:2] == (3, 11) and np.__version__.startswith("2.4.") else 1.1


@pytest.fixture(scope="module")
def counted() -> dict[str, dict[str, int]]:
    """The work of every workload, in a process of its own."""
    program = """
    import json
    import microbp
    from tests.work.counting import WORKLOADS, work
    microbp.manual_seed(0)
    print(json.dumps({name: work(name) for name in WORKLOADS}))
    """
    found: dict[str, dict[str, int]] = json.loads(run(program))
    return found


def test_every_workload_has_bounds() -> None:
    assert BOUNDS.keys() == WORKLOADS.keys()


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("what", ["bytecodes", "operations", "calls"])
def test_a_step_executes_no_more_than_it_did(name: str, what: str, counted: dict[str, dict[str, int]]) -> None:
    assert counted[name][what] <= BOUNDS[name][what] * ROOM


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("what", ["arrays", "bytes"])
def test_a_forward_leaves_no_more_alive_than_it_did(name: str, what: str, counted: dict[str, dict[str, int]]) -> None:
    assert counted[name][what] <= BOUNDS[name][what]


def test_the_count_sees_more_work() -> None:
    program = """
    from tests.work import counting
    plain = counting.work("digits, SGD")
    step = counting.optim.SGD.step
    def slower(self, closure=None):
        for p in self.param_groups[0]["params"]:
            (p.array * 1).copy()
        return step(self, closure)
    counting.optim.SGD.step = slower
    worse = counting.work("digits, SGD")
    print(worse["bytecodes"] > plain["bytecodes"], worse["calls"] - plain["calls"])
    """
    assert run(program) == "True 4"
