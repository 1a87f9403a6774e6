"""The loader: a dataset, read in batches.

Where the samples are the rows of arrays (a `TensorDataset`, or a subset of one, as
`random_split` gives) and nothing in the loader is made to measure, a batch is one indexing
of each array, with no work per sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from microbp.errors import OptionError
from microbp.functions.generator import Generator
from microbp.tensor import wrap
from microbp.utils.data.collate import default_collate, default_convert
from microbp.utils.data.dataset import Dataset, IterableDataset, samples_at, table_of
from microbp.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler, batches, positive

__all__ = ["DataLoader", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)

fixed = frozenset({"batch_size", "batch_sampler", "sampler", "drop_last", "dataset"})


class DataLoader(Generic[T_co]):
    """Reads a dataset in batches, in order or shuffled anew in every pass.

    Parameters
    ----------
    dataset : Dataset
        With ``__getitem__`` and ``__len__``, or an `IterableDataset`. One that also has ``__getitems__`` is asked for
        all samples of a batch at once.
    batch_size : int or None
        Samples to a batch; None gives the samples one by one.
    shuffle : bool
        Read in random order.
    sampler : Sampler or iterable, optional
        Gives the indices, instead of `shuffle`.
    batch_sampler : Sampler or iterable, optional
        Gives lists of indices, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
    num_workers : int
        Accepted, for scripts that set it: the batches are made in the calling thread all the same, and are
        the same. So no worker ever runs.
    timeout, worker_init_fn, multiprocessing_context, prefetch_factor, persistent_workers, in_order
        Accepted, as far as they make sense for that number of workers; they have nothing to act on.
    collate_fn : callable, optional
        Makes a batch of a list of samples; `default_collate` by default.
    pin_memory, pin_memory_device
        Accepted; memory is not pinned without a device to copy to.
    drop_last : bool
        Leave out a last batch that is smaller.
    generator : Generator, optional
        Shuffles; the default one otherwise.

    Raises
    ------
    OptionError
        If options contradict each other.

    Examples
    --------
    >>> import microbp
    >>> from microbp.utils.data import TensorDataset
    >>> x, y = microbp.tensor([[1.0], [2.0], [3.0]]), microbp.tensor([0, 1, 0])
    >>> for inputs, labels in DataLoader(TensorDataset(x, y), batch_size=2):
    ...     print(inputs.shape, labels)
    (2, 1) tensor([0, 1])
    (1, 1) tensor([0])
    """

    def __init__(
        self,
        dataset: Dataset[T_co] | Sequence[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        check_workers(num_workers, timeout, multiprocessing_context, prefetch_factor, persistent_workers)
        streaming = isinstance(dataset, IterableDataset)
        if streaming:
            for name, value in (("shuffle", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None and value is not False:
                    raise OptionError(f"an IterableDataset gives its samples in its own order: {name} cannot be set")
        if sampler is not None and shuffle:
            raise OptionError("sampler and shuffle exclude each other: the sampler gives the order")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise OptionError("batch_sampler excludes batch_size, shuffle, sampler and drop_last")
            batch_size = None
        elif batch_size is None:
            if drop_last:
                raise OptionError("batch_size=None gives single samples, so that drop_last cannot be set")
        else:
            positive("batch_size", batch_size)
        if sampler is None and not streaming:
            sized: Any = dataset
            sampler = RandomSampler(sized, generator=generator) if shuffle else SequentialSampler(sized)
        if batch_sampler is None and batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        batched = batch_sampler is not None or batch_size is not None
        self.dataset: Any = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn or (default_collate if batched else default_convert)
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self._ready = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in fixed and "_ready" in self.__dict__:
            raise OptionError(f"{name} cannot be changed once the DataLoader is made; make a new one")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.dataset, IterableDataset):
            return self._stream()
        if self.batch_sampler is None:
            return (self.collate_fn(self.dataset[k]) for k in self.sampler or ())
        table = table_of(self.dataset) if self.collate_fn is default_collate else None
        if table is None:
            return (self.collate_fn(samples_at(self.dataset, indices)) for indices in self.batch_sampler)
        return self._slices(*table)

    def _stream(self) -> Iterator[Any]:
        """Samples or batches as an `IterableDataset` gives them."""
        samples = iter(self.dataset)
        return map(
            self.collate_fn, samples if self.batch_size is None else batches(samples, self.batch_size, self.drop_last)
        )

    def _slices(self, arrays: tuple[np.ndarray[Any, Any], ...], rows: np.ndarray[Any, Any] | None) -> Iterator[Any]:
        """Batches as rows of arrays; always copies, so that they can be written to."""
        for indices in index_arrays(self.batch_sampler):
            if rows is not None:
                indices = rows[indices]
            yield [
                wrap(array[indices].copy() if type(indices) is slice else array.take(indices, 0)) for array in arrays
            ]

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            order = self.sampler if self.batch_sampler is None else self.batch_sampler
            return len(order)  # type: ignore[arg-type]
        n = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def get_worker_info() -> None:
    """What worker process this is: always None, since there are none.

    Examples
    --------
    >>> get_worker_info() is None
    True
    """


def index_arrays(batch_sampler: Any) -> Iterator[Any]:
    """The batches of a batch sampler as slices or index arrays, with no list of indices where that is possible."""
    if type(batch_sampler) is not BatchSampler or type(batch_sampler.sampler) not in (SequentialSampler, RandomSampler):
        for indices in batch_sampler:
            yield np.asarray(indices, dtype=np.intp)
        return
    sampler: Any = batch_sampler.sampler
    size, n = batch_sampler.batch_size, len(sampler)
    stop = n - n % size if batch_sampler.drop_last else n
    order = sampler.order() if isinstance(sampler, RandomSampler) else None
    for start in range(0, stop, size):
        chunk = slice(start, min(start + size, n))
        yield chunk if order is None else order[chunk]


def check_workers(
    num_workers: int, timeout: float, context: Any, prefetch_factor: int | None, persistent: bool
) -> None:
    """Refuse options of workers that contradict each other."""
    if isinstance(num_workers, bool) or not isinstance(num_workers, int) or num_workers < 0:
        raise OptionError(f"num_workers must be an integer of at least 0, got {num_workers!r}")
    if timeout < 0:
        raise OptionError(f"timeout must be at least 0, got {timeout!r}")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise OptionError(f"prefetch_factor must be at least 0, got {prefetch_factor!r}")
    if num_workers == 0:
        for name, value in (
            ("prefetch_factor", prefetch_factor is not None),
            ("persistent_workers", persistent),
            ("multiprocessing_context", context is not None),
        ):
            if value:
                raise OptionError(f"{name} needs num_workers > 0")
