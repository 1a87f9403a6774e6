"""The layers of transformers: attention and a small network, each with a way around it.

Every part adds what it finds to its input, and there is a normalisation: after the sum, as in
the paper, or before the part (`norm_first`), which learns more steadily in deep stacks.

Sources: Vaswani et al., "Attention Is All You Need" (2017); Xiong et al., "On Layer
Normalization in the Transformer Architecture" (2020), for `norm_first`.

Masks are as in `MultiheadAttention`: of truth values, with True where a query may **not** look
at a key, or of numbers that are added.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microbp.errors import OptionError
from microbp.nn import functional
from microbp.nn.attention import MultiheadAttention
from microbp.nn.dropout import Dropout
from microbp.nn.linear import Linear
from microbp.nn.module import Module
from microbp.nn.normalization import LayerNorm
from microbp.tensor import Tensor

__all__ = ["TransformerDecoderLayer", "TransformerEncoderLayer"]

Activation = Callable[[Tensor], Tensor]


class TransformerLayer(Module):
    """Base of the layers of encoders and decoders: makes the parts of both.

    Parameters
    ----------
    d_model : int
        E, the number of features.
    nhead : int
        The number of heads, which divides E.
    dim_feedforward : int
        The number of features inside the network.
    dropout : float
        The probability that a value, or a weight of the attention, is left out in training.
    activation : {'relu', 'gelu'} or callable
        What the network applies inside.
    layer_norm_eps : float
        Added to the variance in the normalisation.
    batch_first : bool
        Whether sequences are (N, S, E) rather than (S, N, E).
    norm_first : bool
        Normalise before each part, not after it.
    bias : bool
        Whether linear maps and normalisations have biases.
    device, dtype : optional
        As for `microbp.empty`.

    Raises
    ------
    OptionError
        If an option makes no sense.
    """

    attentions: tuple[str, ...] = ()
    """The names of the attentions, which come before the network."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        for name in self.attentions:
            attention = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
            self.add_module(name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **place)
        self.norm_first = norm_first
        parts = range(1, len(self.attentions) + 2)
        for k in parts:
            self.add_module(f"norm{k}", LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place))
        for k in parts:
            self.add_module(f"dropout{k}", Dropout(dropout))
        self.activation = activation_of(activation)

    def _sa_block(
        self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False
    ) -> Any:
        """Attention of the sequence to itself."""
        return self.dropout1(heard(self.self_attn, x, x, attn_mask, key_padding_mask, is_causal))

    def _network(self, x: Tensor) -> Any:
        """The network of two linear layers."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(TransformerLayer):
    """Attention of a sequence to itself, then a network of two linear layers at each step.

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype
        As for `TransformerLayer`.

    Examples
    --------
    >>> import microbp
    >>> layer = TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(microbp.ones(5, 3, 8)).shape
    (5, 3, 8)
    """

    attentions = ("self_attn",)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Read a sequence.

        Parameters
        ----------
        src : Tensor
            (S, N, E), with `batch_first` (N, S, E), or (S, E) for a single sample.
        src_mask : Tensor, optional
            (S, S) or (N * nhead, S, S).
        src_key_padding_mask : Tensor, optional
            (N, S), or (S,).
        is_causal : bool
            A hint that `src_mask`, which must be given, is causal.

        Returns
        -------
        Tensor
            Of the shape of `src`.
        """
        x: Any = src
        own = (src_mask, src_key_padding_mask, is_causal)
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *own)
            x = x + self._ff_block(self.norm2(x))
        else:
            x = self.norm1(x + self._sa_block(x, *own))
            x = self.norm2(x + self._ff_block(x))
        found: Tensor = x
        return found

    def _ff_block(self, x: Tensor) -> Any:
        """The network, and what is left out of its output."""
        return self.dropout2(self._network(x))


class TransformerDecoderLayer(TransformerLayer):
    """Attention of a sequence to itself, then to the output of an encoder, then a network of two linear layers.

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype
        As for `TransformerLayer`.

    Examples
    --------
    >>> import microbp
    >>> layer = TransformerDecoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(microbp.ones(5, 4, 8), microbp.ones(5, 3, 8)).shape
    (5, 4, 8)
    """

    attentions = ("self_attn", "multihead_attn")

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Read a sequence together with what an encoder made of another.

        Parameters
        ----------
        tgt : Tensor
            (T, N, E), with `batch_first` (N, T, E), or (T, E) for a single sample.
        memory : Tensor
            (S, N, E), (N, S, E) or (S, E): the output of the encoder.
        tgt_mask, memory_mask : Tensor, optional
            (T, T) and (T, S), or one for each sample and head.
        tgt_key_padding_mask, memory_key_padding_mask : Tensor, optional
            (N, T) and (N, S), or without N.
        tgt_is_causal, memory_is_causal : bool
            Hints that the masks, which must be given, are causal.

        Returns
        -------
        Tensor
            Of the shape of `tgt`.
        """
        x: Any = tgt
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *own)
            x = x + self._mha_block(self.norm2(x), *other)
            x = x + self._ff_block(self.norm3(x))
        else:
            x = self.norm1(x + self._sa_block(x, *own))
            x = self.norm2(x + self._mha_block(x, *other))
            x = self.norm3(x + self._ff_block(x))
        found: Tensor = x
        return found

    def _mha_block(
        self,
        x: Tensor,
        mem: Tensor,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Any:
        """Attention of the sequence to the output of the encoder."""
        return self.dropout2(heard(self.multihead_attn, x, mem, attn_mask, key_padding_mask, is_causal))

    def _ff_block(self, x: Tensor) -> Any:
        """The network, and what is left out of its output."""
        return self.dropout3(self._network(x))


def heard(
    attention: Any, x: Tensor, mem: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool
) -> Any:
    """What a sequence finds in another, or in itself."""
    return attention(
        x,
        mem,
        mem,
        attn_mask=attn_mask,
        key_padding_mask=key_padding_mask,
        is_causal=is_causal,
        need_weights=False,
    )[0]


def activation_of(activation: str | Activation) -> Activation:
    """An activation by its name, or as it is."""
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise OptionError(f"activation should be relu/gelu, or a function of a tensor, not {activation}")
    found: Activation = getattr(functional, activation)
    return found
