"""The plane of a boundary, and the classes of its points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from microbp import lab
from microbp.lab.plane import class_numbers
from tests.lab.training import network


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0, 2, 2], [0, 2, 2]),  # no point of class 1
        ([1.0, 1.0, 1.0], [1, 1, 1]),
        ([-1, 1, -1], [0, 1, 0]),
        ([0.5, 0.25, 9.0], [1, 0, 2]),
        ([True, False, True], [1, 0, 1]),
    ],
)
def test_labels_that_are_numbers_of_classes_are_these_and_others_are_numbered(labels: Any, expected: list[int]) -> None:
    assert class_numbers(np.array(labels)).tolist() == expected
    plane = lab.watch(network(), data=(np.zeros((3, 2)), np.array(labels))).run.plane
    assert plane is not None
    classes = plane.classes()
    assert classes is not None
    assert classes.tolist() == expected
