"""In which order samples are read."""

from __future__ import annotations

import pytest

import microbp
from microbp.errors import OptionError, RangeError, ShapeError
from microbp.utils.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from tests.referee import torch


def seeded(seed):
    return microbp.Generator().manual_seed(seed)


def test_in_order():
    sampler = SequentialSampler("abc")
    assert (list(sampler), list(sampler), len(sampler)) == ([0, 1, 2], [0, 1, 2], 3)


def test_random_order_is_a_permutation_that_differs_from_pass_to_pass():
    sampler = RandomSampler(range(50), generator=seeded(0))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert first == list(RandomSampler(range(50), generator=seeded(0)))
    assert {type(k) for k in first} == {int}


@pytest.mark.parametrize(("count", "times"), [(3, 1), (10, 1), (25, 3), (30, 3)])
def test_more_samples_than_there_are_come_from_several_permutations(count, times):
    sampler = RandomSampler(range(10), num_samples=count, generator=seeded(0))
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == count
    assert max(map(drawn.count, drawn)) <= times
    assert sorted(drawn[:10]) == list(range(10)) or count < 10


def test_with_replacement_some_come_twice():
    drawn = list(RandomSampler(range(10), replacement=True, num_samples=100, generator=seeded(0)))
    assert len(drawn) == 100
    assert set(drawn) == set(range(10))
    assert sorted(drawn[:10]) != list(range(10))


def test_a_subset_in_random_order():
    sampler = SubsetRandomSampler([3, 5, 7], generator=seeded(0))
    assert (sorted(sampler), len(sampler)) == ([3, 5, 7], 3)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_are_those_of_pytorch(size, drop_last):
    ours, theirs = (
        lib.utils.data.BatchSampler(range(5), batch_size=size, drop_last=drop_last) for lib in (microbp, torch())
    )
    assert list(ours) == list(theirs)
    assert len(ours) == len(theirs)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: RandomSampler([]), OptionError, "num_samples must be a positive integer, got 0"),
        (lambda: RandomSampler([1], num_samples=-1), ValueError, "num_samples"),
        (lambda: RandomSampler([1], replacement=1), TypeError, "replacement"),
        (lambda: BatchSampler([1], 0, False), ValueError, "batch_size must be a positive integer, got 0"),
        (lambda: BatchSampler([1], True, False), OptionError, "batch_size"),
        (lambda: BatchSampler([1], 1, None), OptionError, "drop_last"),
        (lambda: iter(Sampler()), NotImplementedError, "Sampler must implement __iter__"),
    ],
)
def test_samplers_that_make_no_sense_are_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_weighted_indices_come_as_often_as_their_weights_say():
    weights = [1.0, 0.0, 2.0, 7.0]
    sampler = WeightedRandomSampler(weights, 5000, generator=seeded(0))
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == 5000
    assert {type(k) for k in drawn} == {int}
    assert drawn != list(sampler)
    for k, weight in enumerate(weights):
        assert drawn.count(k) / 5000 == pytest.approx(weight / 10, abs=0.03)
    assert drawn == list(WeightedRandomSampler(microbp.tensor(weights), 5000, generator=seeded(0)))


def test_weighted_indices_without_replacement_come_once():
    sampler = WeightedRandomSampler([0.1, 5.0, 0.0, 0.4], 3, replacement=False)
    for _ in range(20):
        assert sorted(sampler) == [0, 1, 3]
    assert sampler.weights.dtype == microbp.float64


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: WeightedRandomSampler([1.0], 0), OptionError, "num_samples must be a positive integer"),
        (lambda: WeightedRandomSampler([1.0], True), OptionError, "num_samples must be a positive integer"),
        (lambda: WeightedRandomSampler([1.0], 1, 1), OptionError, "replacement must be True or False, got 1"),
        (lambda: WeightedRandomSampler([[1.0]], 1), ShapeError, r"1d sequence, but have shape \(1, 1\)"),
        (lambda: WeightedRandomSampler([1.0, -1.0], 1), RangeError, "not negative"),
        (lambda: WeightedRandomSampler([0.0], 1), RangeError, "not all of them 0"),
        (lambda: WeightedRandomSampler([float("nan"), 1.0], 1), RangeError, "finite"),
        (lambda: WeightedRandomSampler([], 1), RangeError, "not all of them 0"),
        (lambda: WeightedRandomSampler([1.0, 0.0], 2, False), OptionError, "cannot draw 2 samples .* from 1 that"),
    ],
)
def test_weights_that_make_no_sense_are_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()
