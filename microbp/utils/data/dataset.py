"""Datasets: collections of samples, by index or one after the other.

Anything with ``__getitem__`` and ``__len__`` is a dataset; the classes here are those that
come up again and again.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from microbp.errors import OptionError, ShapeError, warn
from microbp.functions.creation import as_tensor
from microbp.functions.generator import Generator, generator_or_default
from microbp.tensor import Tensor

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """A collection of samples by index: subclasses have ``__getitem__`` and ``__len__``.

    A subclass that can give many samples faster than one after the other also has ``__getitems__``, which takes a list
    of indices and returns the list of their samples; a `DataLoader` then asks for a batch at once.

    Examples
    --------
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...
    ...     def __getitem__(self, index):
    ...         return index**2
    >>> len(Squares() + Squares())
    8
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} must implement __getitem__")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """A stream of samples, one after the other: subclasses have ``__iter__``.

    Examples
    --------
    >>> class Countdown(IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> list(Countdown())
    [3, 2, 1]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must implement __iter__")

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors whose rows belong together: sample k is the tuple of their rows k.

    Parameters
    ----------
    *tensors : Tensor or array
        All of the same length; arrays are not copied.

    Attributes
    ----------
    tensors : tuple of Tensor

    Raises
    ------
    ShapeError
        If the lengths differ, or there is no first dimension.
    OptionError
        If there is no tensor.

    Examples
    --------
    >>> import microbp
    >>> dataset = TensorDataset(microbp.tensor([[1.0, 2.0], [3.0, 4.0]]), microbp.tensor([0, 1]))
    >>> dataset[1]
    (tensor([3., 4.]), tensor(1))
    """

    def __init__(self, *tensors: Any) -> None:
        if not tensors:
            raise OptionError("TensorDataset needs at least one tensor")
        self.tensors: tuple[Tensor, ...] = tuple(as_tensor(t) for t in tensors)
        shapes = [t.shape for t in self.tensors]
        if any(not shape for shape in shapes):
            raise ShapeError(f"TensorDataset needs tensors of rows, got shapes {listed(shapes)}")
        lengths = [shape[0] for shape in shapes]
        if len(set(lengths)) > 1:
            raise ShapeError(f"TensorDataset needs tensors of the same length, got lengths {listed(lengths)}")

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset[T_co]):
    """Some samples of a dataset.

    Parameters
    ----------
    dataset : Dataset
        The whole.
    indices : sequence of int
        Which of its samples, in which order.

    Examples
    --------
    >>> part = Subset("abcdef", [4, 0])
    >>> part[0], len(part)
    ('e', 2)
    """

    def __init__(self, dataset: Dataset[T_co] | Sequence[T_co], indices: Sequence[int]) -> None:
        self.dataset: Any = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[k] for k in index]]  # type: ignore[no-any-return]
        return self.dataset[self.indices[index]]  # type: ignore[no-any-return]

    def __getitems__(self, indices: Sequence[int]) -> list[T_co]:
        return samples_at(self.dataset, [self.indices[k] for k in indices])

    def __len__(self) -> int:
        return len(self.indices)


class StackDataset(Dataset[Any]):
    """Datasets side by side: sample k is the tuple, or the dict, of their samples k.

    Parameters
    ----------
    *args : Dataset
        For tuples.
    **kwargs : Dataset
        For dicts, with these names.

    Attributes
    ----------
    datasets : tuple or dict of Dataset

    Raises
    ------
    OptionError
        If there are none, both kinds, or one is a stream.
    ShapeError
        If the lengths differ.

    Examples
    --------
    >>> StackDataset("abc", [1, 2, 3])[1]
    ('b', 2)
    >>> StackDataset(text="abc", label=[1, 2, 3])[1]
    {'text': 'b', 'label': 2}
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise OptionError("StackDataset gives tuples or dicts: pass datasets by position or by name, not both")
        if not args and not kwargs:
            raise OptionError("StackDataset needs at least one dataset")
        self.datasets = args or kwargs
        if any(isinstance(dataset, IterableDataset) for dataset in self._parts):
            raise OptionError("StackDataset cannot index into an IterableDataset")
        lengths = [len(dataset) for dataset in self._parts]
        if len(set(lengths)) > 1:
            raise ShapeError(f"StackDataset needs datasets of the same length, got lengths {listed(lengths)}")
        self._length = lengths[0]

    @property
    def _parts(self) -> Iterable[Any]:
        """The datasets in order."""
        return self.datasets.values() if isinstance(self.datasets, dict) else self.datasets

    def _sample(self, parts: Iterable[Any]) -> Any:
        """What the samples of all datasets make together."""
        return dict(zip(self.datasets, parts, strict=True)) if isinstance(self.datasets, dict) else tuple(parts)

    def __getitem__(self, index: Any) -> Any:
        return self._sample(dataset[index] for dataset in self._parts)

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        columns = [samples_at(dataset, indices) for dataset in self._parts]
        for dataset, samples in zip(self._parts, columns, strict=True):
            if len(samples) != len(indices):
                raise ShapeError(
                    f"{type(dataset).__name__}.__getitems__ gave {len(samples)} samples for {len(indices)} indices"
                )
        return [self._sample(parts) for parts in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[Any]):
    """Datasets one after the other, as one.

    Parameters
    ----------
    datasets : iterable of Dataset
        At least one, each with a length.

    Attributes
    ----------
    datasets : list of Dataset
    cumulative_sizes : list of int
        Where each of them ends.

    Raises
    ------
    OptionError
        If there are none, or one is a stream.

    Examples
    --------
    >>> both = ConcatDataset(["abc", "de"])
    >>> both[3], both[-1], len(both)
    ('d', 'e', 5)
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise OptionError("ConcatDataset needs at least one dataset")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise OptionError("ConcatDataset cannot index into an IterableDataset; use ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __getitem__(self, index: Any) -> Any:
        k = index if index >= 0 else len(self) + index
        if not 0 <= k < len(self):
            raise IndexError(f"index {index} is out of range for a dataset of {len(self)} samples")
        which = bisect_right(self.cumulative_sizes, k)
        return self.datasets[which][k - (self.cumulative_sizes[which - 1] if which else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[Any]):
    """Streams one after the other, as one.

    Parameters
    ----------
    datasets : iterable of IterableDataset
        The streams, in order.

    Raises
    ------
    OptionError
        If one of them is no `IterableDataset`.

    Examples
    --------
    >>> class Countdown(IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> list(ChainDataset([Countdown(), Countdown()]))
    [3, 2, 1, 3, 2, 1]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise OptionError(f"ChainDataset chains IterableDatasets, got a {type(dataset).__name__}")

    def __iter__(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(map(len, self.datasets))


def random_split(
    dataset: Dataset[T] | Sequence[T], lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset[T]]:
    """Split a dataset at random into parts that do not overlap.

    Parameters
    ----------
    dataset : Dataset
        With a length n.
    lengths : sequence of int or float
        The lengths of the parts, n in sum; or fractions, 1 in sum. A fraction f gives floor(f n) samples,
        and what is left over goes to the parts in turn, one sample each.
    generator : Generator, optional
        Draws the permutation; the default one otherwise.

    Returns
    -------
    list of Subset

    Raises
    ------
    OptionError
        If the lengths do not add up.

    Examples
    --------
    >>> import microbp
    >>> train, test = random_split(range(10), [0.75, 0.25], generator=microbp.Generator().manual_seed(0))
    >>> len(train), len(test)
    (8, 2)
    >>> sorted([*train, *test])
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    n = len(dataset)  # type: ignore[arg-type]
    counts = split_counts(n, lengths)
    order: list[int] = generator_or_default(generator).numpy.permutation(n).tolist()
    return [
        Subset(dataset, order[end - count : end])
        for count, end in zip(counts, itertools.accumulate(counts), strict=True)
    ]


def split_counts(n: int, lengths: Sequence[float]) -> list[int]:
    """How many of n samples each part gets."""
    total = sum(lengths)
    if math.isclose(total, 1) and total <= 1:
        for k, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise OptionError(f"fraction {k} is not between 0 and 1: {fraction}")
        counts = [math.floor(n * fraction) for fraction in lengths]
        for k in range(n - sum(counts)):
            counts[k % len(counts)] += 1
        for k, count in enumerate(counts):
            if count == 0:
                warn(f"part {k} of the split is empty: {lengths[k]} of {n} samples")
        return counts
    if any(not isinstance(length, int | np.integer) or length < 0 for length in lengths):
        raise OptionError(
            f"lengths must be whole numbers that add up to {n}, or fractions that add up to 1, got {list(lengths)}"
        )
    if total != n:
        raise OptionError(f"the lengths {list(lengths)} add up to {total}, the dataset has {n} samples")
    return [int(length) for length in lengths]


def table_of(dataset: Any) -> tuple[tuple[np.ndarray[Any, Any], ...], np.ndarray[Any, Any] | None] | None:
    """The arrays that a dataset's samples are the rows of, and which rows (None: all); or None.

    That is so for a `TensorDataset` that records nothing, and for subsets of one, but not where a
    subclass has its own way to a sample.
    """
    rows: np.ndarray[Any, Any] | None = None
    while type(dataset) is Subset:
        indices = np.asarray(dataset.indices, dtype=np.intp)
        rows = indices if rows is None else indices[rows]
        dataset = dataset.dataset
    if not isinstance(dataset, TensorDataset) or type(dataset).__getitem__ is not TensorDataset.__getitem__:
        return None
    if any(t.requires_grad for t in dataset.tensors):
        return None
    return tuple(t.array for t in dataset.tensors), rows


def samples_at(dataset: Any, indices: Sequence[int]) -> list[Any]:
    """The samples at some indices, asked for all at once of a dataset that can do that."""
    kind = type(dataset)
    of_its_own = isinstance(dataset, Subset) and kind.__getitem__ is not Subset.__getitem__
    at_once = getattr(dataset, "__getitems__", None)
    if at_once is None or (of_its_own and kind.__getitems__ is Subset.__getitems__):
        return [dataset[k] for k in indices]
    samples: list[Any] = at_once(indices)
    return samples


def listed(values: Iterable[Any]) -> str:
    """Values in words."""
    return ", ".join(map(str, values))
