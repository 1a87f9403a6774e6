"""What scripts ask of other devices, and set for them, runs and changes nothing."""

from __future__ import annotations

import importlib

import pytest

import microbp
from microbp import nn
from tests.referee import torch


def test_there_is_only_the_cpu() -> None:
    assert not microbp.cuda.is_available()
    assert not microbp.backends.cudnn.is_available()
    assert not microbp.backends.mps.is_available()
    assert not microbp.backends.mps.is_built()


@pytest.mark.parametrize("name", ["backends", "backends.cudnn", "backends.mps"])
def test_modules_can_be_imported(name: str) -> None:
    importlib.import_module(f"{torch().__name__}.{name}")
    importlib.import_module(f"microbp.{name}")


def test_the_function_that_seeds_everything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for lib in (microbp, torch()):
        for switch in ("deterministic", "benchmark"):
            monkeypatch.setattr(lib.backends.cudnn, switch, getattr(lib.backends.cudnn, switch))
        values = []
        for _ in range(2):
            lib.manual_seed(1)
            lib.cuda.manual_seed(1)
            lib.cuda.manual_seed_all(1)
            lib.cuda.empty_cache()
            lib.backends.cudnn.deterministic = True
            lib.backends.cudnn.benchmark = False
            values.append(lib.rand(3).tolist())
        assert values[0] == values[1]


def test_a_module_cannot_be_moved_to_a_gpu() -> None:
    with pytest.raises(NotImplementedError, match="on the CPU only; there is no device 'cuda'"):
        nn.Linear(2, 2).cuda()


def test_limits_of_dtypes_are_those_of_pytorch() -> None:
    for dtype in ("float16", "float32", "float64"):
        mine, yours = (lib.finfo(getattr(lib, dtype)) for lib in (microbp, torch()))
        assert [mine.min, mine.max, mine.eps, mine.tiny, mine.bits] == [
            yours.min, yours.max, yours.eps, yours.tiny, yours.bits
        ]  # fmt: skip
    for dtype in ("uint8", "int8", "int16", "int32", "int64"):
        mine, yours = (lib.iinfo(getattr(lib, dtype)) for lib in (microbp, torch()))
        assert (mine.min, mine.max, mine.bits) == (yours.min, yours.max, yours.bits)


def test_a_mask_is_filled_with_the_least_value() -> None:
    for lib in (microbp, torch()):
        scores = lib.tensor([1.0, 2.0])
        filled = scores.masked_fill(lib.tensor([False, True]), lib.finfo(scores.dtype).min)
        assert filled.dtype == lib.float32
        assert filled.softmax(0).tolist() == [1.0, 0.0]
