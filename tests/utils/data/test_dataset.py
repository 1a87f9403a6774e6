"""Datasets and how they are split."""

from __future__ import annotations

import numpy as np
import pytest

import microbp
from microbp.errors import OptionError, ShapeError
from microbp.utils.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from tests.referee import torch


class Stream(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)


def test_a_tensor_dataset_gives_rows_and_slices():
    dataset = TensorDataset(microbp.arange(6).reshape(3, 2), np.array([5, 6, 7]))
    x, y = dataset[1]
    assert (x.tolist(), y.item(), len(dataset)) == ([2, 3], 6, 3)
    x, y = dataset[-2:]
    assert (x.tolist(), y.tolist()) == ([[2, 3], [4, 5]], [6, 7])
    with pytest.raises(IndexError):
        dataset[3]


def test_a_tensor_dataset_shares_the_memory_of_arrays():
    array = np.zeros((2, 2))
    dataset = TensorDataset(array)
    array[1] = 5
    assert dataset[1][0].tolist() == [5, 5]


@pytest.mark.parametrize(
    ("lengths", "error", "text"),
    [
        ((), OptionError, "at least one"),
        (((3, 2), (4,)), ShapeError, "same length, got lengths 3, 4"),
        (((3, 2), ()), ShapeError, r"tensors of rows, got shapes \(3, 2\), \(\)"),
    ],
)
def test_tensors_that_do_not_belong_together_are_refused(lengths, error, text):
    with pytest.raises(error, match=text):
        TensorDataset(*(microbp.zeros(shape) for shape in lengths))


def test_rows_of_a_recorded_tensor_carry_gradients():
    w = microbp.ones(3, 2, requires_grad=True)
    TensorDataset(w)[1][0].sum().backward()
    assert w.grad.tolist() == [[0, 0], [1, 1], [0, 0]]


def test_subsets_of_subsets():
    part = Subset(Subset(range(10), [9, 7, 5, 3]), [2, 0])
    assert [part[k] for k in range(len(part))] == [5, 9]
    assert Subset(np.arange(10), [4, 5, 6])[[0, 2]].tolist() == [4, 6]


def test_datasets_one_after_the_other():
    both = TensorDataset(microbp.arange(2)) + TensorDataset(microbp.arange(3) + 10)
    assert isinstance(both, ConcatDataset)
    assert [both[k][0].item() for k in range(len(both))] == [0, 1, 10, 11, 12]
    assert both[-1][0].item() == 12
    assert both.cumulative_sizes == [2, 5]
    for index in (5, -6):
        with pytest.raises(IndexError, match="5 samples"):
            both[index]


def test_an_empty_dataset_between_others_is_skipped():
    assert [ConcatDataset(["ab", "", "c"])[k] for k in range(3)] == ["a", "b", "c"]


def test_datasets_side_by_side_equal_pytorch():
    tables = {lib: lib.utils.data.TensorDataset(lib.arange(6).reshape(3, 2)) for lib in (microbp, torch())}
    for make in (
        lambda lib, table: lib.utils.data.StackDataset(table, "abc"),
        lambda lib, table: lib.utils.data.StackDataset(x=table, y="abc", z=[1, 2, 3]),
    ):
        ours, theirs = (make(lib, table) for lib, table in tables.items())
        assert len(ours) == len(theirs) == 3
        for k in (0, 2, -1):
            assert plain(ours[k]) == plain(theirs[k])
        assert plain(ours.__getitems__([2, 0])) == plain(theirs.__getitems__([2, 0]))
        assert type(ours.datasets) is type(theirs.datasets)


def plain(value):
    """Tensors as lists, in whatever they are held."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(map(plain, value))
    return value.tolist() if hasattr(value, "tolist") else value


class AtOnce(Dataset):
    """Squares, which notes when many are asked for at once."""

    def __init__(self, calls, answer=lambda indices: [k * k for k in indices]):
        self.calls = calls
        self.answer = answer

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return index * index

    def __getitems__(self, indices):
        self.calls.append(list(indices))
        return self.answer(indices)


def test_subsets_and_stacks_ask_for_many_samples_at_once():
    calls = []
    part = Subset(AtOnce(calls), [5, 6, 7])
    assert part.__getitems__([2, 0]) == [49, 25]
    assert StackDataset(part, "abc").__getitems__([1]) == [(36, "b")]
    assert calls == [[7, 5], [6]]
    assert Subset("abc", [2, 1]).__getitems__([1, 0]) == ["b", "c"]
    with pytest.raises(ShapeError, match="gave 1 samples for 2 indices"):
        StackDataset(AtOnce([], lambda indices: [0])).__getitems__([1, 2])


def test_stacks_that_make_no_sense_are_refused():
    with pytest.raises(OptionError, match="at least one"):
        StackDataset()
    with pytest.raises(OptionError, match="not both"):
        StackDataset("ab", y="ab")
    with pytest.raises(ShapeError, match="lengths 2, 3"):
        StackDataset("ab", "abc")
    with pytest.raises(OptionError, match="IterableDataset"):
        StackDataset(Stream([1]))


def test_streams_one_after_the_other():
    both = Stream([1, 2]) + Stream([3])
    assert isinstance(both, ChainDataset)
    assert (list(both), list(both), len(both)) == ([1, 2, 3], [1, 2, 3], 3)


def test_streams_and_indexed_datasets_do_not_mix():
    with pytest.raises(OptionError, match="use ChainDataset"):
        ConcatDataset([Stream([1])])
    with pytest.raises(OptionError, match="got a str"):
        ChainDataset(["ab"])
    with pytest.raises(OptionError, match="at least one"):
        ConcatDataset([])


def test_abstract_methods_say_what_is_missing():
    class Empty(Dataset[int]):
        pass

    class Dry(IterableDataset[int]):
        pass

    with pytest.raises(NotImplementedError, match="Empty must implement __getitem__"):
        Empty()[0]
    with pytest.raises(NotImplementedError, match="Dry must implement __iter__"):
        iter(Dry())


@pytest.mark.parametrize(
    ("n", "lengths"),
    [
        (10, [7, 3]),
        (10, [0, 10]),
        (10, [0.8, 0.2]),
        (11, [0.8, 0.2]),
        (7, [0.3, 0.3, 0.4]),
        (5, [0.25, 0.25, 0.25, 0.25]),
        (1797, [0.7, 0.15, 0.15]),
        (10, [1]),
    ],
    ids=str,
)
def test_splits_have_the_lengths_of_pytorch_and_share_nothing(n, lengths):
    parts = random_split(range(n), lengths)
    theirs = torch().utils.data.random_split(range(n), lengths)
    assert [len(part) for part in parts] == [len(part) for part in theirs]
    assert sorted(k for part in parts for k in part) == list(range(n))
    assert all(type(part.indices) is list for part in parts)


def test_a_split_follows_its_generator():
    first, second = ([list(part) for part in random_split(range(50), [30, 20], seeded(3))] for _ in range(2))
    assert first == second
    assert first != [list(part) for part in random_split(range(50), [30, 20], seeded(4))]
    microbp.manual_seed(3)
    assert first == [list(part) for part in random_split(range(50), [30, 20])]


def seeded(seed):
    return microbp.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("lengths", "text"),
    [
        ([5, 4], "add up to 9, the dataset has 10"),
        ([0.5, 0.6], "add up to 10, or fractions"),
        ([12, -2], "whole numbers"),
        ([1.5, -0.5], "fraction 0 is not between 0 and 1"),
    ],
    ids=str,
)
def test_lengths_that_do_not_add_up_are_refused(lengths, text):
    with pytest.raises(ValueError, match=text):
        random_split(range(10), lengths)


def test_an_empty_part_warns():
    with pytest.warns(UserWarning, match=r"part 1 of the split is empty: 0.01 of 10") as caught:
        random_split(range(10), [0.99, 0.01])
    assert caught[0].filename == __file__
