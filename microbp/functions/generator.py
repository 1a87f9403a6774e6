"""Where random numbers come from: one generator that `manual_seed` seeds, or one of the user's own.

The streams are NumPy's, not PyTorch's: the same seed gives the same numbers in every run
with microbp, but not those that PyTorch gives.
"""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

import numpy as np

from microbp.device import Device
from microbp.errors import OptionError
from microbp.tensor import Tensor, wrap

__all__ = [
    "Generator",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
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
        What draws the numbers; made when the first one is asked for, as NumPy takes a while to load its random numbers.

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
        self.device = Device(device)
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
        vars(self).pop("numpy", None)
        return self

    def __getattr__(self, name: str) -> Any:
        if name != "numpy":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        # One for all threads, whichever asks first.
        return vars(self).setdefault("numpy", np.random.Generator(np.random.PCG64(self._seed)))

    def seed(self) -> int:
        """Start a stream that no one can foresee, and return its seed."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 1)
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

    Returns
    -------
    Generator

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

    All threads share that generator, as in PyTorch, so that which of them gets which numbers is open. A thread that
    shall draw the same numbers in every run takes a `Generator` of its own.

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

    Returns
    -------
    int

    Examples
    --------
    >>> import microbp
    >>> microbp.seed() == microbp.initial_seed()
    True
    """
    return the_default.seed()


def initial_seed() -> int:
    """The seed of the default generator.

    Returns
    -------
    int

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

    Returns
    -------
    Tensor
        Of dtype uint8.

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
    """Take the default generator to a place in a stream; see `get_rng_state`.

    Parameters
    ----------
    new_state : Tensor
        What `get_rng_state` returned.
    """
    the_default.set_state(new_state)
