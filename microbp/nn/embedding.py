"""Tables of vectors that are looked up by label, one by one or in bags."""

from __future__ import annotations

from typing import Any, Self

from microbp.errors import OptionError, ShapeError
from microbp.functions.creation import empty
from microbp.mode import no_grad
from microbp.nn import functional
from microbp.nn.functional.check import tensor_for
from microbp.nn.init import normal_
from microbp.nn.module import Module
from microbp.nn.parameter import Parameter
from microbp.tensor import Tensor

__all__ = ["Embedding", "EmbeddingBag"]


class Table(Module):
    """Base of both layers: the table and the options. Vectors start normally distributed, that of padding as 0."""

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        weight: Tensor | None,
        freeze: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        name = self._get_name()
        if sparse:
            raise NotImplementedError(
                f"{name} has no sparse gradients; leave sparse=True out, the numbers are the same"
            )
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise OptionError(
                    f"{name}: padding_idx must be within num_embeddings ({num_embeddings}), got {padding_idx}"
                )
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        shape = (num_embeddings, embedding_dim)
        if weight is None:
            self.weight = Parameter(empty(shape, device=device, dtype=dtype), requires_grad=not freeze)
            self.reset_parameters()
        elif tensor_for(name, weight, "weight").shape != shape:
            raise ShapeError(
                f"{name}: a weight of shape {weight.shape} is not (num_embeddings, embedding_dim), {shape}"
            )
        else:
            self.weight = Parameter(weight, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        """Draw the vectors anew, but for that of padding, which is 0."""
        normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    @classmethod
    def _holding(cls, embeddings: Tensor, freeze: bool, **options: Any) -> Self:
        """A layer with a table that is given."""
        table = tensor_for(cls.__name__, embeddings, "embeddings")
        if table.ndim != 2:
            raise ShapeError(f"{cls.__name__}: embeddings is expected to be 2-dimensional, got shape {table.shape}")
        build: Any = cls
        made: Self = build(*table.shape, _weight=table, **options)
        made.weight.requires_grad = not freeze
        return made


class Embedding(Table):
    """A vector for each label: see `microbp.nn.functional.embedding`.

    Parameters
    ----------
    num_embeddings : int
        The number V of labels.
    embedding_dim : int
        The length D of a vector.
    padding_idx : int, optional
        A label whose vector starts as 0 and gets no gradient; a negative one counts from the end.
    max_norm, norm_type, scale_grad_by_freq, sparse
        As for `microbp.nn.functional.embedding`.
    device, dtype : optional
        As for `microbp.empty`.

    Attributes
    ----------
    weight : Parameter
        (V, D).

    Raises
    ------
    OptionError
        If `padding_idx` is no label.

    Examples
    --------
    >>> import microbp
    >>> layer = Embedding(10, 3, padding_idx=0)
    >>> layer
    Embedding(10, 3, padding_idx=0)
    >>> layer(microbp.tensor([[0, 9, 4], [1, 1, 0]])).shape
    (2, 3, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        super().__init__(num_embeddings, embedding_dim, *options, _weight, _freeze, device, dtype)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A layer with vectors that are given.

        Parameters
        ----------
        embeddings : Tensor
            (V, D); the memory is shared.
        freeze : bool
            Whether the vectors stay as they are.
        padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse
            As for `Embedding`.

        Returns
        -------
        Embedding

        Examples
        --------
        >>> import microbp
        >>> layer = Embedding.from_pretrained(microbp.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> layer(microbp.tensor([1]))
        tensor([[3., 4.]])
        """
        return cls._holding(
            embeddings,
            freeze,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
        )

    def forward(self, input: Tensor) -> Tensor:
        options = (self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)
        return functional.embedding(input, self.weight, *options)

    def extra_repr(self) -> str:
        parts = [str(self.num_embeddings), str(self.embedding_dim)]
        usual = (("padding_idx", None), ("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False))
        parts += [f"{name}={getattr(self, name)}" for name, value in usual if getattr(self, name) != value]
        return ", ".join(parts)


class EmbeddingBag(Table):
    """The sum, the mean or the maximum of the vectors of each bag of labels: see `microbp.nn.functional.embedding_bag`.

    Parameters
    ----------
    num_embeddings : int
        The number V of labels.
    embedding_dim : int
        The length D of a vector.
    max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset
        As for `microbp.nn.functional.embedding_bag`.
    padding_idx : int, optional
        A label that does not count; its vector starts as 0.
    device, dtype : optional
        As for `microbp.empty`.

    Attributes
    ----------
    weight : Parameter
        (V, D).

    Raises
    ------
    OptionError
        If `padding_idx` is no label.

    Examples
    --------
    >>> import microbp
    >>> layer = EmbeddingBag(10, 3, mode="sum")
    >>> layer
    EmbeddingBag(10, 3, mode='sum')
    >>> layer(microbp.tensor([1, 2, 4, 5, 4]), offsets=microbp.tensor([0, 2])).shape
    (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        super().__init__(num_embeddings, embedding_dim, *options, _weight, False, device, dtype)
        self.mode = mode
        self.include_last_offset = include_last_offset

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A layer with vectors that are given.

        Parameters
        ----------
        embeddings : Tensor
            (V, D); the memory is shared.
        freeze : bool
            Whether the vectors stay as they are.
        max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset, padding_idx
            As for `EmbeddingBag`.

        Returns
        -------
        EmbeddingBag

        Examples
        --------
        >>> import microbp
        >>> layer = EmbeddingBag.from_pretrained(microbp.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> layer(microbp.tensor([[0, 1]]))
        tensor([[2., 3.]])
        """
        return cls._holding(
            embeddings,
            freeze,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            mode=mode,
            sparse=sparse,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
        )

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """Compute the output.

        Parameters
        ----------
        input, offsets, per_sample_weights
            As for `microbp.nn.functional.embedding_bag`.

        Returns
        -------
        Tensor
            As for `microbp.nn.functional.embedding_bag`.
        """
        return functional.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        parts = [str(self.num_embeddings), str(self.embedding_dim)]
        usual = (
            ("max_norm", None),
            ("norm_type", 2),
            ("scale_grad_by_freq", False),
            ("mode", ""),
            ("padding_idx", None),
        )
        parts += [f"{name}={getattr(self, name)!r}" for name, value in usual if getattr(self, name) != value]
        return ", ".join(parts)
