"""Random numbers, from one generator that `manual_seed` seeds, or from one of the user's own.

The streams are NumPy's, not PyTorch's: the same seed gives the same numbers in every run
with microbp, but not those that PyTorch gives.
"""

from __future__ import annotations

import secrets
from itertools import pairwise
from typing import Any

import numpy as np

from microbp.dtypes import as_dtype
from microbp.errors import OptionError
from microbp.functions.creation import finished, floating_or, shape_for
from microbp.methods import method
from microbp.tensor import Tensor, wrap

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "generator_or_default",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
]

FIRST_SEED = 67280421310721  # what PyTorch gives a new generator


class Generator:
    """A source of random numbers.

    Parameters
    ----------
    device : optional
        Only ``"cpu"``.

    Attributes
    ----------
    numpy : numpy.random.Generator
        What draws the numbers.

    Examples
    --------
    >>> import microbp
    >>> generator = microbp.Generator().manual_seed(0)
    >>> a = microbp.rand(2, generator=generator)
    >>> b = microbp.rand(2, generator=generator.manual_seed(0))
    >>> bool((a == b).all())
    True
    """

    numpy: np.random.Generator

    def __init__(self, device: Any = "cpu") -> None:
        finished(np.empty(0), device, False)
        self.device = device
        self.manual_seed(FIRST_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of numbers that belongs to a seed.

        Parameters
        ----------
        seed : int
            Any integer; negative ones count from 2^64.

        Returns
        -------
        Generator
            This one.
        """
        self._seed = int(seed) % 2**64
        self.numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self

    def seed(self) -> int:
        """Start a stream that no one can foresee, and return its seed."""
        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the current stream began with."""
        return self._seed

    def get_state(self) -> Tensor:
        """Where in its stream the generator is, as a tensor of bytes that can be saved.

        Returns
        -------
        Tensor
            Of dtype uint8.
        """
        state: Any = self.numpy.bit_generator.state
        numbers = (
            (state["state"]["state"], 16),
            (state["state"]["inc"], 16),
            (state["has_uint32"], 4),
            (state["uinteger"], 4),
            (self._seed, 8),
        )
        data = b"".join(number.to_bytes(length, "little") for number, length in numbers)
        return wrap(np.frombuffer(data, np.uint8).copy())

    def set_state(self, new_state: Tensor) -> None:
        """Go to a place in a stream.

        Parameters
        ----------
        new_state : Tensor
            What `get_state` returned.

        Raises
        ------
        OptionError
            If it is not such a tensor.
        """
        if new_state.array.dtype != np.uint8 or new_state.array.shape != (48,):
            raise OptionError(
                f"set_state() takes what get_state() returned, got shape {new_state.shape} and dtype {new_state.dtype}"
            )
        data = new_state.array.tobytes()
        bounds = (0, 16, 32, 36, 40, 48)
        state, increment, has_half, half, seed = (
            int.from_bytes(data[start:stop], "little") for start, stop in pairwise(bounds)
        )
        self._seed = seed
        self.numpy.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": state, "inc": increment},
            "has_uint32": has_half,
            "uinteger": half,
        }


the_default = Generator()
the_default.seed()


def default_generator() -> Generator:
    """The generator that random numbers come from where none is given.

    Examples
    --------
    >>> import microbp
    >>> microbp.default_generator().initial_seed() == microbp.initial_seed()
    True
    """
    return the_default


def generator_or_default(generator: Generator | None) -> Generator:
    """The generator given, or else the default one.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if generator is None:
        return the_default
    if not isinstance(generator, Generator):
        raise TypeError(f"generator must be a microbp.Generator, got {type(generator).__name__}")
    return generator


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, so that a program draws the same numbers in every run.

    Parameters
    ----------
    seed : int
        Any integer.

    Returns
    -------
    Generator
        The default generator.

    Examples
    --------
    >>> import microbp
    >>> generator = microbp.manual_seed(42)
    >>> generator.initial_seed()
    42
    """
    return the_default.manual_seed(seed)


def seed() -> int:
    """Seed the default generator with a number that no one can foresee, and return it.

    Examples
    --------
    >>> import microbp
    >>> microbp.seed() == microbp.initial_seed()
    True
    """
    return the_default.seed()


def initial_seed() -> int:
    """The seed of the default generator.

    Examples
    --------
    >>> import microbp
    >>> generator = microbp.manual_seed(7)
    >>> microbp.initial_seed()
    7
    """
    return the_default.initial_seed()


def get_rng_state() -> Tensor:
    """Where in its stream the default generator is, as a tensor of bytes.

    Examples
    --------
    >>> import microbp
    >>> state = microbp.get_rng_state()
    >>> a = microbp.rand(3)
    >>> microbp.set_rng_state(state)
    >>> bool((microbp.rand(3) == a).all())
    True
    """
    return the_default.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Take the default generator to a place in a stream; see `get_rng_state`."""
    the_default.set_state(new_state)


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers uniformly distributed over [0, 1).

    Parameters
    ----------
    *size : int, or one tuple of int
        The shape.
    generator : Generator, optional
        Where they come from.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.rand(2, 3).shape
    (2, 3)
    """
    array = drawn("rand", generator_or_default(generator).numpy.random, shape_for("rand", size), dtype)
    return finished(array, device, requires_grad)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normally distributed numbers with mean 0 and variance 1.

    Parameters
    ----------
    *size : int, or one tuple of int
        The shape.
    generator : Generator, optional
        Where they come from.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.randn(2, 3).shape
    (2, 3)
    """
    array = drawn("randn", generator_or_default(generator).numpy.standard_normal, shape_for("randn", size), dtype)
    return finished(array, device, requires_grad)


def drawn(name: str, draw: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Numbers of a floating-point dtype; those of float16 are drawn as float32."""
    kind = floating_or(dtype)
    if kind.kind != "f":
        raise OptionError(f"{name} draws floating-point numbers, not {kind}")
    array: np.ndarray[Any, Any] = draw(shape, dtype=np.float32 if kind.itemsize == 2 else kind)
    if kind.itemsize < 4:  # what is rounded up to 1 would no longer be below it
        array = array.astype(kind)
        if name == "rand":
            np.minimum(array, np.nextafter(kind.type(1), kind.type(0)), out=array)
    return array


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers uniformly distributed over [0, 1), in the shape and dtype of another tensor.

    Examples
    --------
    >>> import microbp
    >>> microbp.rand_like(microbp.zeros(2, 3)).shape
    (2, 3)
    """
    kind = input.array.dtype if dtype is None else dtype
    return rand(input.array.shape, generator=generator, dtype=kind, requires_grad=requires_grad)


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """Normally distributed numbers, in the shape and dtype of another tensor.

    Examples
    --------
    >>> import microbp
    >>> microbp.randn_like(microbp.zeros(2, 3)).shape
    (2, 3)
    """
    kind = input.array.dtype if dtype is None else dtype
    return randn(input.array.shape, generator=generator, dtype=kind, requires_grad=requires_grad)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers uniformly distributed over low, ..., high - 1; ``randint(high, size)`` starts from 0.

    Parameters
    ----------
    low, high : int
        The first number, and the first one beyond.
    size : tuple of int
        The shape.
    generator : Generator, optional
        Where they come from.
    dtype, device, requires_grad
        As for `tensor`; int64 if no dtype is given.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If there is no number to draw.

    Examples
    --------
    >>> import microbp
    >>> microbp.randint(0, 10, (2, 3)).shape
    (2, 3)
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if not isinstance(size, tuple | list):
        raise TypeError(f"randint: size must be a tuple of int, got {size!r}")
    if low >= high:
        raise OptionError(f"randint: there is no integer from {low} to below {high}")
    numbers = generator_or_default(generator).numpy.integers(low, high, shape_for("randint", (size,)), np.int64)
    return finished(numbers.astype(as_dtype(np.int64 if dtype is None else dtype), copy=False), device, requires_grad)


def randint_like(
    input: Tensor, low: int, high: int | None = None, *, generator: Generator | None = None, dtype: Any = None
) -> Tensor:
    """Integers uniformly distributed over low, ..., high - 1, in the shape and dtype of another tensor.

    Examples
    --------
    >>> import microbp
    >>> microbp.randint_like(microbp.zeros(2, 3), 10).shape
    (2, 3)
    """
    kind = input.array.dtype if dtype is None else dtype
    return randint(low, high, input.array.shape, generator=generator, dtype=kind)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """The numbers 0, ..., n - 1 in random order.

    Parameters
    ----------
    n : int
        How many.
    generator : Generator, optional
        Where the order comes from.
    dtype, device
        As for `tensor`; int64 if no dtype is given.

    Returns
    -------
    Tensor
        Of shape (n,).

    Examples
    --------
    >>> import microbp
    >>> sorted(microbp.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    (count,) = shape_for("randperm", (n,))
    order = generator_or_default(generator).numpy.permutation(count)
    return finished(order.astype(as_dtype(np.int64 if dtype is None else dtype), copy=False), device, False)


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normally distributed numbers.

    Parameters
    ----------
    mean, std : number or Tensor
        Mean and standard deviation; if one is a tensor, each of its elements is the parameter of one number.
    size : tuple of int, optional
        The shape, where both are numbers.
    generator : Generator, optional
        Where they come from.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If a standard deviation is negative.
    TypeError
        If both are numbers and there is no size, or there is one with a tensor.

    Examples
    --------
    >>> import microbp
    >>> microbp.normal(5.0, 2.0, (2, 3)).shape
    (2, 3)
    """
    tensors = [value.array for value in (mean, std) if isinstance(value, Tensor)]
    if bool(tensors) == (size is not None):
        raise TypeError("normal() takes a size if, and only if, mean and std are both numbers")
    if np.min(std.array if isinstance(std, Tensor) else std, initial=np.inf) < 0:
        raise OptionError(f"normal: std must not be negative, got {std}")
    shape = np.broadcast_shapes(*(array.shape for array in tensors)) if tensors else shape_for("normal", (size,))
    kind = tensors[0].dtype if tensors and dtype is None else dtype
    noise = drawn("normal", generator_or_default(generator).numpy.standard_normal, shape, kind)
    centre, width = (value.array if isinstance(value, Tensor) else float(value) for value in (mean, std))
    return finished((noise * width + centre).astype(noise.dtype, copy=False), device, requires_grad)


@method("bernoulli")
def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Ones with the probabilities given, else zeros.

    Parameters
    ----------
    input : Tensor
        Probabilities, of a floating-point dtype.
    generator : Generator, optional
        Where the draws come from.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`; it has no gradient.

    Raises
    ------
    OptionError
        If a number is no probability.

    Examples
    --------
    >>> import microbp
    >>> microbp.bernoulli(microbp.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    p = input.array
    if p.dtype.kind != "f":
        raise OptionError(f"bernoulli needs probabilities of a floating-point dtype, got {p.dtype}")
    if not ((p >= 0) & (p <= 1)).all():
        raise OptionError("bernoulli: probabilities must be from 0 to 1")
    return wrap((generator_or_default(generator).numpy.random(p.shape) < p).astype(p.dtype))
