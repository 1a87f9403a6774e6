"""Copies of all that a training run consists of: deepcopy and pickle of models, optimizers, schedulers and data.

Of tensors, graphs and plain modules see ``tests/reliability/test_copies.py``.
"""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn, optim
from microbp.ops.op import registry
from microbp.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)


def through_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


both = pytest.mark.parametrize("copied", [copy.deepcopy, through_pickle], ids=["deepcopy", "pickle"])


class Tied(nn.Module):
    """A model with a shared weight, a buffer that changes, and a layer in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(6, 4)
        self.norm = nn.BatchNorm1d(4)
        self.mix = nn.Linear(4, 4)
        self.again = self.mix
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Any) -> Any:
        x = self.norm(self.embed(tokens))
        return self.head(self.again(microbp.tanh(self.mix(x))))


TOKENS = microbp.tensor([0, 1, 2, 3, 4, 5, 5, 1])
MODELS: dict[str, Callable[[], Any]] = {
    "tied": Tied,
    "attention": lambda: nn.MultiheadAttention(4, 2, add_bias_kv=True),
    "transformer": lambda: nn.Transformer(4, 2, 1, 1, 8, activation=microbp.relu),
    "encoder of gelu": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, activation="gelu"), 2),
    "recurrent": lambda: nn.LSTM(4, 3, num_layers=2, bidirectional=True),
}
INPUTS = {"tied": (TOKENS,), "attention": (microbp.ones(3, 2, 4),) * 3, "transformer": (microbp.ones(3, 2, 4),) * 2}


def outputs(model: Any, name: str) -> list[Any]:
    result = model(*INPUTS.get(name, (microbp.ones(3, 2, 4),)))
    found = []
    while isinstance(result, tuple):
        result, *rest = result
        found += [t.tolist() for t in rest if isinstance(t, microbp.Tensor)]
    return [result.tolist(), *found]


@both
@pytest.mark.parametrize("name", MODELS)
def test_a_copied_model_computes_the_same_and_is_apart(name: str, copied: Callable[[Any], Any]) -> None:
    model = MODELS[name]().eval()
    other = copied(model)
    assert repr(other) == repr(model)
    assert outputs(other, name) == outputs(model, name)
    for (path, mine), (same, yours) in zip(model.named_parameters(), other.named_parameters(), strict=True):
        assert path == same
        assert not np.shares_memory(mine.array, yours.array)
    before = outputs(model, name)
    for p in other.parameters():
        nn.init.ones_(p)
    assert outputs(model, name) == before
    assert outputs(other, name) != before


@both
def test_what_is_shared_in_a_model_is_shared_in_its_copy(copied: Callable[[Any], Any]) -> None:
    other = copied(Tied())
    assert other.head.weight is other.embed.weight
    assert other.again is other.mix
    assert len(list(other.parameters())) == 5


@both
def test_a_row_is_copied_as_itself(copied: Callable[[Any], Any]) -> None:
    for row in registry.values():
        assert copied(row) is row
    assert copied({"activation": microbp.tanh})["activation"] is microbp.tanh


def test_a_pickled_model_is_read_by_a_process_that_knows_nothing_of_it(tmp_path: Path) -> None:
    model = MODELS["transformer"]().eval()
    x = microbp.ones(3, 2, 4)
    (tmp_path / "model").write_bytes(pickle.dumps((model, x)))
    program = "import pickle, sys; model, x = pickle.load(open(sys.argv[1], 'rb')); print(model(x, x).tolist())"
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "model")]
    environment = {**os.environ, "PYTHONPATH": str(Path(microbp.__file__).parents[1])}
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    assert printed.strip() == str(model(x, x).tolist())


def test_a_row_that_is_not_there_is_named() -> None:
    text = pickle.dumps(microbp.tanh)
    held = registry.pop("tanh")
    try:
        with pytest.raises(LookupError, match="no row named 'tanh'; import the module"):
            pickle.loads(text)
    finally:
        registry["tanh"] = held


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.02, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.02),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.05),
    "Adadelta": optim.Adadelta,
    "Adamax": optim.Adamax,
    "NAdam": optim.NAdam,
    "RAdam": optim.RAdam,
    "ASGD": optim.ASGD,
    "Rprop": optim.Rprop,
    "LBFGS": lambda p: optim.LBFGS(p, lr=0.1, max_iter=3),
}
SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda o: optim.lr_scheduler.StepLR(o, 2, gamma=0.5),
    "CosineAnnealingLR": lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 7),
    "OneCycleLR": lambda o: optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=40),
    "ReduceLROnPlateau": lambda o: optim.lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=0.5),
    "SequentialLR": lambda o: optim.lr_scheduler.SequentialLR(
        o,
        [optim.lr_scheduler.ConstantLR(o, 0.5, 3), optim.lr_scheduler.ExponentialLR(o, 0.8)],
        milestones=[3],
    ),
    "CosineAnnealingWarmRestarts": lambda o: optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 3),
}


def steps(model: Any, optimizer: Any, scheduler: Any, count: int) -> list[float]:
    """The losses of some steps, and the rates after them."""
    found = []
    for _ in range(count):

        def closure() -> Any:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(TOKENS), TOKENS)
            loss.backward()
            return loss

        loss = optimizer.step(closure)
        value = loss.item()
        if isinstance(scheduler, optim.lr_scheduler.ReduceLROnPlateau):
            scheduler.step(value)
        elif scheduler is not None:
            scheduler.step()
        found += [value, optimizer.param_groups[0]["lr"]]
    return found


@both
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_copied_run_goes_on_exactly_as_the_original(name: str, copied: Callable[[Any], Any]) -> None:
    model = Tied().double()
    optimizer = OPTIMIZERS[name](model.parameters())
    steps(model, optimizer, None, 4)
    other = copied((model, optimizer))
    assert other[1].param_groups[0]["params"][0] is other[0].embed.weight
    expected = steps(model, optimizer, None, 5)
    assert steps(*other, None, 5) == expected


@both
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_copied_run_with_a_scheduler_goes_on_exactly(name: str, copied: Callable[[Any], Any]) -> None:
    model = Tied().double()
    optimizer = OPTIMIZERS["SGD"](model.parameters())
    scheduler = SCHEDULERS[name](optimizer)
    steps(model, optimizer, scheduler, 4)
    other = copied((model, optimizer, scheduler))
    assert other[2].optimizer is other[1]
    expected = steps(model, optimizer, scheduler, 6)
    assert steps(*other, 6) == expected


@both
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_copied_state_dicts_are_loaded_elsewhere(name: str, copied: Callable[[Any], Any]) -> None:
    model = Tied().double()
    optimizer = OPTIMIZERS[name](model.parameters())
    scheduler = SCHEDULERS["StepLR"](optimizer)
    steps(model, optimizer, scheduler, 3)
    states = copied([part.state_dict() for part in (model, optimizer, scheduler)])
    expected = steps(model, optimizer, scheduler, 5)
    other = Tied().double()
    stepper = OPTIMIZERS[name](other.parameters())
    schedule = SCHEDULERS["StepLR"](stepper)
    for part, state in zip((other, stepper, schedule), states, strict=True):
        part.load_state_dict(state)
    assert steps(other, stepper, schedule, 5) == expected


class Stream(IterableDataset[int]):
    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self) -> Any:
        return iter(range(self.n))


TABLE = TensorDataset(microbp.arange(12.0).reshape(6, 2), microbp.arange(6))


@both
@pytest.mark.parametrize(
    "dataset",
    [
        TABLE,
        Subset(TABLE, [4, 0]),
        ConcatDataset([TABLE, Subset(TABLE, [1])]),
        StackDataset(x=TABLE, y="abcdef"),
        ChainDataset([Stream(2), Stream(3)]),
        *random_split(TABLE, [0.5, 0.5], generator=microbp.Generator().manual_seed(0)),
    ],
    ids=lambda dataset: type(dataset).__name__,
)
def test_copied_datasets_have_the_same_samples(dataset: Any, copied: Callable[[Any], Any]) -> None:
    other = copied(dataset)
    assert type(other) is type(dataset)
    samples = [
        str(list(each) if isinstance(each, IterableDataset) else [each[k] for k in range(len(each))])
        for each in (dataset, other)
    ]
    assert samples[0] == samples[1]


@both
def test_tensors_of_a_copied_dataset_are_its_own(copied: Callable[[Any], Any]) -> None:
    other = copied(TABLE)
    other.tensors[0].fill_(-1.0)
    assert TABLE.tensors[0].array.min() == 0
    one, two = copied([Subset(TABLE, [0]), Subset(TABLE, [1])])
    assert one.dataset is two.dataset


def seeded(seed: int) -> microbp.Generator:
    return microbp.Generator().manual_seed(seed)


@both
@pytest.mark.parametrize(
    "sampler",
    [
        lambda: SequentialSampler(TABLE),
        lambda: RandomSampler(TABLE, generator=seeded(1)),
        lambda: SubsetRandomSampler([3, 1, 4], generator=seeded(1)),
        lambda: WeightedRandomSampler([1.0, 2.0, 3.0], 20, generator=seeded(1)),
        lambda: BatchSampler(RandomSampler(TABLE, generator=seeded(1)), 4, False),
    ],
)
def test_copied_samplers_go_on_where_they_were(sampler: Any, copied: Callable[[Any], Any]) -> None:
    original = sampler()
    list(original)
    other = copied(original)
    assert [list(other), list(other)] == [list(original), list(original)]


def pairs(batch: list[Any]) -> list[Any]:
    """A way to make batches that can be pickled."""
    return [y.item() for _, y in batch]


@both
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 4},
        {"batch_size": 4, "shuffle": True, "drop_last": True},
        {"batch_size": None},
        {"batch_size": 2, "sampler": [5, 0, 3]},
        {"batch_sampler": [[1, 2], [3]]},
        {"batch_size": 3, "shuffle": True, "collate_fn": pairs},
    ],
    ids=["in order", "shuffled", "one by one", "sampler", "batch_sampler", "collate_fn"],
)
def test_copied_loaders_go_on_where_they_were(options: dict[str, Any], copied: Callable[[Any], Any]) -> None:
    loader: Any = DataLoader(TABLE, generator=seeded(2), **options)
    list(loader)
    other = copied(loader)
    assert len(other) == len(loader)
    assert [str(list(other)), str(list(other))] == [str(list(loader)), str(list(loader))]
    with pytest.raises(ValueError, match="batch_size cannot be changed"):
        other.batch_size = 7


def test_a_loader_that_is_being_read_can_be_copied() -> None:
    loader = DataLoader(TABLE, batch_size=2, shuffle=True, generator=seeded(3))
    batches = iter(loader)
    next(batches)
    assert len(list(copy.deepcopy(loader))) == 3
    assert len(list(batches)) == 2
