"""Sequences of unequal lengths as one tensor, filled up to the longest, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

from microbp.errors import OptionError, ShapeError
from microbp.functions.joining import stack
from microbp.nn.functional.padding import pad
from microbp.tensor import Tensor

__all__ = [
    "PackedSequence",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences, the shorter ones filled up to the length T of the longest.

    Parameters
    ----------
    sequences : iterable of Tensor
        B tensors of shapes ``(length, *)``, equal but for their lengths.
    batch_first : bool
        ``(B, T, *)`` instead of ``(T, B, *)``.
    padding_value : float
        What to fill up with.
    padding_side : {"right", "left"}
        Whether to fill up after a sequence, or before it.

    Returns
    -------
    Tensor
        ``(T, B, *)``, or ``(B, T, *)``.

    Raises
    ------
    TypeError
        If `sequences` is not iterable, or holds what is no tensor.
    ShapeError
        If there are no sequences, or their shapes differ in more than the length.
    OptionError
        For another `padding_side`.

    Examples
    --------
    >>> import microbp
    >>> pad_sequence([microbp.tensor([1, 2, 3]), microbp.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    if padding_side not in ("right", "left"):
        raise OptionError(f"padding_side should be either 'right' or 'left', got {padding_side!r}")
    if not isinstance(sequences, Iterable):
        raise TypeError(f"pad_sequence expects an iterable of tensors, got {type(sequences).__name__}")
    listed = list(sequences)
    for sequence in listed:
        if not isinstance(sequence, Tensor):
            raise TypeError(f"pad_sequence expects an iterable of tensors, it holds a {type(sequence).__name__}")
    if not listed:
        raise ShapeError("pad_sequence needs at least one sequence, got none")
    shapes = [sequence.shape for sequence in listed]
    if any(len(shape) == 0 or shape[1:] != shapes[0][1:] for shape in shapes):
        raise ShapeError(f"pad_sequence expects shapes that differ in the first dimension only, got {shapes}")
    longest = max(shape[0] for shape in shapes)
    rest = (0, 0) * (len(shapes[0]) - 1)
    padded = []
    for sequence in listed:
        lacking = longest - sequence.shape[0]
        if lacking:
            sides = (0, lacking) if padding_side == "right" else (lacking, 0)
            sequence = pad(sequence, (*rest, *sides), value=padding_value)
        padded.append(sequence)
    return stack(padded, dim=0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The sequences that `pad_sequence` filled up on the right, as a list.

    Parameters
    ----------
    padded_sequences : Tensor
        ``(T, B, *)``, or ``(B, T, *)`` if `batch_first`.
    lengths : Tensor or sequence of int
        (B,): how long each sequence is.
    batch_first : bool
        Whether the sequences come first.

    Returns
    -------
    list of Tensor
        Of shapes ``(length, *)``.

    Raises
    ------
    ShapeError
        If there are not as many lengths as sequences, or a length is below 0 or above T.

    Examples
    --------
    >>> import microbp
    >>> unpad_sequence(microbp.tensor([[1, 2, 3], [4, 0, 0]]), [3, 1], batch_first=True)
    [tensor([1, 2, 3]), tensor([4])]
    """
    if padded_sequences.ndim < 2:
        raise ShapeError(f"unpad_sequence expects at least 2 dimensions, got {padded_sequences.shape}")
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    counts = np.asarray(lengths.array if isinstance(lengths, Tensor) else lengths).tolist()
    size, longest = padded_sequences.shape[:2]
    if not isinstance(counts, list) or len(counts) != size or not all(0 <= count <= longest for count in counts):
        raise ShapeError(
            f"unpad_sequence expects {size} lengths, one for each sequence, between 0 and {longest}; got {counts}"
        )
    return [padded_sequences[k, : int(count)] for k, count in enumerate(counts)]


def refuse(name: str) -> NoReturn:
    """Say what to do instead of packing."""
    raise NotImplementedError(
        f"{name}: there are no packed sequences; pad them to one length (pad_sequence), and pick the outputs by the "
        "lengths, as with unpad_sequence or output[range(n), lengths - 1]"
    )


class PackedSequence:
    """Not supported; there so that ``isinstance(x, PackedSequence)`` can be asked.

    Raises
    ------
    NotImplementedError
        Always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse("PackedSequence")


def pack_padded_sequence(input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True) -> NoReturn:
    """Not supported: raises NotImplementedError."""
    refuse("pack_padded_sequence")


def pad_packed_sequence(
    sequence: Any, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> NoReturn:
    """Not supported: raises NotImplementedError."""
    refuse("pad_packed_sequence")


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> NoReturn:
    """Not supported: raises NotImplementedError."""
    refuse("pack_sequence")


def unpack_sequence(packed_sequences: Any) -> NoReturn:
    """Not supported: raises NotImplementedError."""
    refuse("unpack_sequence")
