"""The loader: the same batches whichever way they are made."""

from __future__ import annotations

import numpy as np
import pytest

import microbp
from microbp.errors import OptionError
from microbp.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    StackDataset,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    get_worker_info,
    random_split,
)
from tests.referee import torch


def seeded(seed):
    return microbp.Generator().manual_seed(seed)


def table(lib, n=10):
    """Features and labels, as tensors of either library."""
    return lib.utils.data.TensorDataset(
        lib.tensor(np.arange(2.0 * n, dtype=np.float32).reshape(n, 2)), lib.tensor(np.arange(n))
    )


class Itemwise(Dataset):
    """The same samples, in a way that the loader cannot see through."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __getitem__(self, index):
        return self.dataset[index]

    def __len__(self):
        return len(self.dataset)


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


def listed(loader):
    """All batches as plain values, with their dtypes."""
    return [[(str(t.numpy().dtype), t.tolist()) for t in batch] for batch in loader]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 3},
        {"batch_size": 3, "drop_last": True},
        {"batch_size": 5},
        {"batch_size": 20},
        {"batch_size": 20, "drop_last": True},
        {"batch_size": 4, "sampler": [7, 7, 0, 3, 9]},
        {"batch_sampler": [[1, 2], [5], [9, 0, 9]]},
        {"batch_size": 3, "num_workers": 0, "pin_memory": False},
        {"batch_size": None},
    ],
    ids=str,
)
def test_batches_are_those_of_pytorch(options):
    ours, theirs = DataLoader(table(microbp), **options), torch().utils.data.DataLoader(table(torch()), **options)
    assert len(ours) == len(theirs)
    assert listed(ours) == listed(theirs)
    assert [type(batch) for batch in ours] == [type(batch) for batch in theirs]
    assert listed(DataLoader(Itemwise(table(microbp)), **options)) == listed(theirs)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 10])
@pytest.mark.parametrize(
    "part", [lambda d: d, lambda d: Subset(d, [8, 1, 5, 3]), lambda d: random_split(d, [7, 3], seeded(5))[0]]
)
def test_whole_batches_equal_batches_made_sample_by_sample(part, batch_size, drop_last):
    dataset = part(table(microbp))
    options = {"batch_size": batch_size, "shuffle": True, "drop_last": drop_last}
    fast = DataLoader(dataset, generator=seeded(1), **options)
    slow = DataLoader(Itemwise(dataset), generator=seeded(1), **options)
    for _ in range(2):
        assert listed(fast) == listed(slow)


def test_a_subset_of_a_subset_is_read_in_whole_batches_too():
    dataset = Subset(Subset(table(microbp), [9, 8, 7, 6]), (2, 0))
    assert listed(DataLoader(dataset, batch_size=2)) == [[("float32", [[14, 15], [18, 19]]), ("int64", [7, 9])]]


def test_shuffling_follows_the_seed_and_differs_from_pass_to_pass():
    loader = DataLoader(table(microbp, 40), batch_size=8, shuffle=True, generator=seeded(2))
    first, second = listed(loader), listed(loader)
    assert first != second
    assert first == listed(DataLoader(table(microbp, 40), batch_size=8, shuffle=True, generator=seeded(2)))
    microbp.manual_seed(2)
    assert first == listed(DataLoader(table(microbp, 40), batch_size=8, shuffle=True))
    assert sorted(k for _, (_, labels) in first for k in labels) == list(range(40))


@pytest.mark.parametrize(
    "options", [{"batch_size": 3}, {"batch_size": 3, "shuffle": True}, {"batch_sampler": [[0, 1]]}], ids=str
)
def test_a_batch_can_be_written_to_without_changing_the_dataset(options):
    dataset = table(microbp)
    for x, y in DataLoader(dataset, **options):
        x.array[...] = -1
        y.array[...] = -1
    assert min(t.array.min() for t in dataset.tensors) == 0


def test_the_dataset_is_read_anew_in_every_pass():
    dataset = table(microbp)
    part = Subset(dataset, [0, 1])
    loader = DataLoader(part, batch_size=2)
    assert listed(loader)[0][1] == ("int64", [0, 1])
    part.indices = [5]
    dataset.tensors[1].array[5] = 77
    assert listed(loader) == [[("float32", [[10, 11]]), ("int64", [77])]]
    assert len(loader) == 1


def test_a_dataset_with_its_own_way_to_a_sample_is_asked_for_each():
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(t * 2 for t in super().__getitem__(index))

    class Tripled(Subset):
        def __getitem__(self, index):
            return tuple(t * 3 for t in super().__getitem__(index))

    y = microbp.arange(4)
    assert listed(DataLoader(Doubled(y), batch_size=4)) == [[("int64", [0, 2, 4, 6])]]
    assert listed(DataLoader(Tripled(TensorDataset(y), [3, 1]), batch_size=4)) == [[("int64", [9, 3])]]


def test_gradients_flow_into_a_dataset_that_records():
    w = microbp.ones(4, requires_grad=True)
    for (batch,) in DataLoader(TensorDataset(w), batch_size=3):
        (batch * 2).sum().backward()
    assert w.grad.tolist() == [2, 2, 2, 2]


def test_a_collate_fn_makes_the_batch():
    loader = DataLoader(table(microbp), batch_size=4, collate_fn=lambda samples: [y.item() for _, y in samples])
    assert list(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_samplers_of_ones_own():
    backwards = range(9, -1, -1)
    loader = DataLoader(table(microbp), batch_sampler=BatchSampler(backwards, 6, True))
    assert [y.tolist() for _, y in loader] == [[9, 8, 7, 6, 5, 4]]

    class Even(RandomSampler):
        def __iter__(self):
            return (k for k in super().__iter__() if k % 2 == 0)

    dataset = table(microbp)
    (_, labels), *_ = DataLoader(dataset, batch_size=10, sampler=Even(dataset))
    assert sorted(labels.tolist()) == [0, 2, 4, 6, 8]


def test_a_dataset_that_can_is_asked_for_a_batch_at_once():
    class Squares(Dataset):
        def __init__(self):
            self.calls = []

        def __len__(self):
            return 5

        def __getitems__(self, indices):
            self.calls.append(indices)
            return [k * k for k in indices]

    for part in (lambda d: d, lambda d: Subset(d, range(5))):
        dataset = Squares()
        assert [batch.tolist() for batch in DataLoader(part(dataset), batch_size=3)] == [[0, 1, 4], [9, 16]]
        assert dataset.calls == [[0, 1, 2], [3, 4]]


def test_a_subset_with_its_own_way_to_a_sample_is_asked_for_each():
    class Doubled(Subset):
        def __getitem__(self, index):
            return 2 * super().__getitem__(index)

    class AtOnce(Doubled):
        def __getitems__(self, indices):
            return [10 * self[k] for k in indices]

    assert next(iter(DataLoader(Doubled([1, 2, 3], [2, 0]), batch_size=2))).tolist() == [6, 2]
    assert next(iter(DataLoader(AtOnce([1, 2, 3], [2, 0]), batch_size=2))).tolist() == [60, 20]


def test_datasets_side_by_side_are_collated_by_name():
    dataset = StackDataset(x=microbp.arange(4.0), y=range(4))
    first, _ = DataLoader(dataset, batch_size=2)
    assert {name: value.tolist() for name, value in first.items()} == {"x": [0.0, 1.0], "y": [0, 1]}


def test_rare_classes_drawn_as_often_as_others():
    labels = microbp.tensor([0] * 90 + [1] * 10)
    weights = (1.0 / microbp.bincount(labels).float())[labels]
    sampler = WeightedRandomSampler(weights, num_samples=2000, generator=seeded(0))
    (batch,) = next(iter(DataLoader(TensorDataset(labels), batch_size=2000, sampler=sampler)))
    assert batch.float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_other_datasets():
    class Squares(Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return {"n": index, "square": float(index**2)}

    (batch,) = DataLoader(Squares(), batch_size=3)
    assert batch["n"].tolist() == [0, 1, 2]
    assert batch["square"].dtype == np.float64
    assert [batch.tolist() for batch in DataLoader([1.5, 2.5, 3.5], batch_size=2)] == [[1.5, 2.5], [3.5]]
    assert list(DataLoader(["a", "b"], batch_size=None)) == ["a", "b"]


@pytest.mark.parametrize(
    "options", [{"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}], ids=str
)
def test_streams(options):
    class Theirs(torch().utils.data.IterableDataset):
        __iter__, __len__ = Stream.__iter__, Stream.__len__

    theirs = Theirs()
    theirs.n = 8
    ours, theirs = DataLoader(Stream(8), **options), torch().utils.data.DataLoader(theirs, **options)
    plain = [[getattr(batch, "tolist", lambda batch=batch: batch)() for batch in loader] for loader in (ours, theirs)]
    assert plain[0] == plain[1]
    assert len(ours) == len(theirs)


def test_workers_are_accepted_and_change_nothing():
    loader = DataLoader(table(microbp), batch_size=4, num_workers=2, persistent_workers=True, prefetch_factor=4)
    assert listed(loader) == listed(DataLoader(table(microbp), batch_size=4))
    assert get_worker_info() is None


def test_a_pass_can_be_broken_off_and_two_can_run_at_once():
    loader = DataLoader(table(microbp), batch_size=5)
    next(iter(loader))
    assert len(list(zip(loader, loader, strict=True))) == 2


def test_an_empty_dataset_has_no_batches():
    assert list(DataLoader(TensorDataset(microbp.zeros(0, 2)), batch_size=2)) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"shuffle": True, "sampler": [0]}, "sampler and shuffle exclude each other"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler excludes"),
        ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler excludes"),
        ({"batch_sampler": [[0]], "sampler": [0]}, "batch_sampler excludes"),
        ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler excludes"),
        ({"batch_size": None, "drop_last": True}, "drop_last"),
        ({"batch_size": 0}, "batch_size must be a positive integer, got 0"),
        ({"batch_size": -1}, "batch_size"),
        ({"batch_size": 2.0}, "batch_size"),
        ({"drop_last": 1}, "drop_last"),
        ({"num_workers": -1}, "num_workers"),
        ({"timeout": -1}, "timeout"),
        ({"prefetch_factor": 2}, "prefetch_factor needs num_workers"),
        ({"prefetch_factor": -2, "num_workers": 1}, "prefetch_factor"),
        ({"persistent_workers": True}, "persistent_workers needs num_workers"),
        ({"multiprocessing_context": "fork"}, "multiprocessing_context needs num_workers"),
    ],
    ids=str,
)
def test_options_that_contradict_each_other_are_refused(options, text):
    with pytest.raises(OptionError, match=text):
        DataLoader(table(microbp), **options)
    with pytest.raises((ValueError, TypeError)):
        torch().utils.data.DataLoader(table(torch()), **options)


@pytest.mark.parametrize("name", ["shuffle", "sampler", "batch_sampler"])
def test_a_stream_has_its_own_order(name):
    with pytest.raises(OptionError, match=f"IterableDataset .* {name} cannot be set"):
        DataLoader(Stream(3), **{name: [[0]]})


def test_shuffling_nothing_is_refused():
    with pytest.raises(OptionError, match="num_samples"):
        DataLoader([], shuffle=True)


@pytest.mark.parametrize("name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset"])
def test_what_batches_depend_on_cannot_be_changed_later(name):
    loader = DataLoader(table(microbp))
    with pytest.raises(ValueError, match=f"{name} cannot be changed"):
        setattr(loader, name, None)


def test_a_loader_of_strings_collates_by_default():
    assert DataLoader(["a"]).collate_fn is default_collate
