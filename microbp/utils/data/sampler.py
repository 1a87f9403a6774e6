"""Samplers: in which order the samples of a dataset are read, and how they form batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from microbp.errors import OptionError, RangeError, ShapeError
from microbp.functions.choice import multinomial
from microbp.functions.creation import as_tensor
from microbp.functions.generator import Generator, generator_or_default

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)
Indices = np.ndarray[Any, Any]


class Sampler(Generic[T_co]):
    """Gives indices, or batches of them, in some order: subclasses have ``__iter__``."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must implement __iter__")


class SequentialSampler(Sampler[int]):
    """All indices in order.

    Parameters
    ----------
    data_source : sized
        The dataset.

    Examples
    --------
    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """All indices in random order, or random indices.

    Parameters
    ----------
    data_source : sized
        The dataset, of n samples.
    replacement : bool
        Draw every index anew, so that some come twice.
    num_samples : int, optional
        How many to draw, n by default; without replacement, permutations are strung together.
    generator : Generator, optional
        Draws them; the default one otherwise.

    Raises
    ------
    OptionError
        If there is nothing to draw.

    Examples
    --------
    >>> import microbp
    >>> sorted(RandomSampler("abc", generator=microbp.Generator().manual_seed(1)))
    [0, 1, 2]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement must be True or False, got {replacement!r}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices to draw."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def order(self) -> Indices:
        """The indices of one pass, as an array."""
        n, count = len(self.data_source), self.num_samples
        draw = generator_or_default(self.generator).numpy
        if self.replacement:
            return draw.integers(n, size=count)
        permutations = [draw.permutation(n) for _ in range(-(-count // n))]
        return permutations[0] if count == n else np.concatenate(permutations)[:count]

    def __iter__(self) -> Iterator[int]:
        yield from self.order().tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Some indices, in random order.

    Parameters
    ----------
    indices : sequence of int
        Which.
    generator : Generator, optional
        Draws the order; the default one otherwise.

    Examples
    --------
    >>> sorted(SubsetRandomSampler([5, 3, 8]))
    [3, 5, 8]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for k in generator_or_default(self.generator).numpy.permutation(len(self.indices)).tolist():
            yield self.indices[k]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Random indices, each as likely as its weight says: for classes that are rare, for one.

    Parameters
    ----------
    weights : sequence of float
        One for each sample of the dataset, not negative; they need not sum to 1.
    num_samples : int
        How many indices to draw.
    replacement : bool
        Whether an index may come twice.
    generator : Generator, optional
        Draws them; the default one otherwise.

    Attributes
    ----------
    weights : Tensor
        In float64.

    Raises
    ------
    ShapeError, RangeError, OptionError
        If the weights are no sequence of non-negative numbers, or there are too few to draw without replacement.

    Examples
    --------
    >>> list(WeightedRandomSampler([0.0, 3.0, 0.0], num_samples=4))
    [1, 1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float] | Any,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise OptionError(f"replacement must be True or False, got {replacement!r}")
        self.weights = as_tensor(weights, dtype=np.float64)
        if self.weights.ndim != 1:
            raise ShapeError(f"weights should be a 1d sequence, but have shape {self.weights.shape}")
        values = self.weights.array
        if not (np.isfinite(values).all() and (values >= 0).all() and values.any()):
            raise RangeError("weights must be finite and not negative, and not all of them 0")
        if not replacement and np.count_nonzero(values) < num_samples:
            raise OptionError(
                f"cannot draw {num_samples} samples without replacement from {np.count_nonzero(values)} that have a "
                "weight"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        yield from multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of a sampler in batches.

    Parameters
    ----------
    sampler : Sampler or iterable
        Gives the indices.
    batch_size : int
        How many to a batch.
    drop_last : bool
        Leave out a last batch that is smaller.

    Raises
    ------
    OptionError
        If `batch_size` is not positive, or `drop_last` no bool.

    Examples
    --------
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise OptionError(f"drop_last must be True or False, got {drop_last!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return batches(self.sampler, self.batch_size, self.drop_last)

    def __len__(self) -> int:
        whole, left = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return whole + (left > 0 and not self.drop_last)


def batches(items: Iterable[Any], size: int, drop_last: bool) -> Iterator[list[Any]]:
    """Items in lists of a size; the last one may be shorter, or is dropped."""
    items = iter(items)
    while batch := list(islice(items, size)):
        if len(batch) == size or not drop_last:
            yield batch


def positive(name: str, value: Any) -> None:
    """Refuse what is not a positive whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise OptionError(f"{name} must be a positive integer, got {value!r}")
