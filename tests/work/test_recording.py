"""Recording a step does no more work than it did, and takes no more memory than what it records.

The bounds of bytecodes are two percent above what was counted when they were last set, as in `test_work`. At the step
itself nothing is computed of what is recorded: neither norms for update ratios, nor anything else as large as a
parameter. Where only some steps are recorded, the ratio has to be computed at once, from a copy of the weights before.
"""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from tests.reliability.alone import run
from tests.work.recording import BATCH, SIZES
from tests.work.test_work import ROOM

WEIGHTS = 4 * sum(inputs * outputs + outputs for inputs, outputs in pairwise(SIZES))
LARGEST = 4 * SIZES[0] * SIZES[1]
SHARED = 4 * (SIZES[1] + SIZES[2] * SIZES[3])  # bytes of weights that go into a block which is there already
LITTLE = 4 * BATCH * SIZES[-1]  # bytes; less than any array that a step has to do with but biases

BOUNDS = {
    "every step": {"bytecodes": 1062 * ROOM, "bytes": 2 * WEIGHTS + LITTLE, "temporary": LITTLE},
    "every other step": {"bytecodes": 1834 * ROOM, "bytes": 2 * WEIGHTS + LITTLE, "temporary": LARGEST + LITTLE},
    "step between": {"bytecodes": 231 * ROOM, "bytes": LITTLE, "temporary": WEIGHTS + LITTLE},
}

PROGRAM = """
import json
import microbp
from tests.work.recording import recording
microbp.manual_seed(0)
print(json.dumps(recording()))
"""


@pytest.fixture(scope="module")
def counted() -> dict[str, dict[str, int]]:
    """The work of recording, in a process of its own."""
    found: dict[str, dict[str, int]] = json.loads(run(PROGRAM))
    return found


@pytest.mark.parametrize("what", ["bytecodes", "bytes", "temporary"])
@pytest.mark.parametrize("which", BOUNDS)
def test_recording_takes_no_more_than_it_did(which: str, what: str, counted: dict[str, dict[str, int]]) -> None:
    assert counted[which][what] <= BOUNDS[which][what]


def test_weights_and_gradients_are_copied_once(counted: dict[str, dict[str, int]]) -> None:
    assert counted["every step"]["bytes"] >= 2 * (WEIGHTS - SHARED)


SLOWER = {
    "temporary": "self._settle(1)",
    "bytes": "self.kept = [p.array.copy() for p in self.model.parameters()], getattr(self, 'kept', None)",
    "bytecodes": "[self.run.is_due(step) for step in range(50)]",
}


@pytest.mark.parametrize("what", SLOWER)
def test_the_count_sees_more_work(what: str) -> None:
    worse = f"""
from microbp.lab import Recorder
def slower(self, loss, step=Recorder.step):
    step(self, loss)
    {SLOWER[what]}
Recorder.step = slower
"""
    found = json.loads(run(worse + PROGRAM))["every step"]
    assert found[what] > BOUNDS["every step"][what]
