"""Attention in several heads, as a layer."""

from __future__ import annotations

from typing import Any

from microbp.errors import OptionError, ShapeError
from microbp.functions.creation import empty
from microbp.nn import functional
from microbp.nn.functional.check import tensor_for
from microbp.nn.init import constant_, xavier_normal_, xavier_uniform_
from microbp.nn.linear import Linear
from microbp.nn.module import Module
from microbp.nn.parameter import Parameter
from microbp.tensor import Tensor

__all__ = ["MultiheadAttention"]


class NonDynamicallyQuantizableLinear(Linear):
    """A `Linear` under the name that PyTorch prints for the output projection."""


class MultiheadAttention(Module):
    """Several attentions side by side, each in a subspace of its own, and a linear map of what they find.

    MultiHead(Q, K, V) = [head_1, ..., head_h] W_Oᵀ + b_O with
    head_i = softmax(Q_i K_iᵀ / √(E/h) + mask) V_i, where Q_i, K_i and V_i are the i-th part, E/h wide, of the linear
    maps of queries, keys and values: see `microbp.nn.functional.multi_head_attention_forward`.

    The weights of the three maps start as Glorot & Bengio (2010) draw them uniformly, that of the output between
    ±1/√E, `bias_k` and `bias_v` normally, all other biases as 0.

    Source: Vaswani et al., "Attention Is All You Need" (2017).

    Parameters
    ----------
    embed_dim : int
        E, the number of features of a query and of an output.
    num_heads : int
        h, which divides E.
    dropout : float
        The probability that a weight of the attention is left out in training.
    bias : bool
        Whether the linear maps have biases.
    add_bias_kv : bool
        Add one more key and value, which are learned.
    add_zero_attn : bool
        Add one more key and value of zeros.
    kdim, vdim : int, optional
        The number of features of a key and of a value, E by default. If one differs, the maps have a weight each.
    batch_first : bool
        Whether sequences are (N, L, features) rather than (L, N, features).
    device, dtype : optional
        As for `microbp.empty`.

    Attributes
    ----------
    in_proj_weight : Parameter or None
        (3 E, E), the maps of queries, keys and values one below the other.
    q_proj_weight, k_proj_weight, v_proj_weight : Parameter or None
        (E, E), (E, kdim) and (E, vdim), in place of `in_proj_weight` where `kdim` or `vdim` differs.
    in_proj_bias : Parameter or None
        (3 E,).
    out_proj : Linear
        The map of what the heads find.
    bias_k, bias_v : Parameter or None
        (1, 1, E).

    Raises
    ------
    OptionError
        If an option makes no sense.

    Examples
    --------
    >>> import microbp
    >>> attention = MultiheadAttention(embed_dim=8, num_heads=2, batch_first=True)
    >>> x = microbp.ones(5, 3, 8)  # 5 sequences of 3 steps
    >>> output, weights = attention(x, x, x)
    >>> output.shape, weights.shape
    ((5, 3, 8), (5, 3, 3))
    """

    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise OptionError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads}"
            )
        if embed_dim % num_heads:
            raise OptionError(
                f"embed_dim must be divisible by num_heads, got embed_dim={embed_dim} and num_heads={num_heads}"
            )
        if not 0 <= dropout <= 1:
            raise OptionError(f"dropout probability has to be between 0 and 1, but got {dropout}")
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim == self.vdim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn

        separate = not self._qkv_same_embed_dim
        for name, columns, wanted in (
            ("q_proj_weight", embed_dim, separate),
            ("k_proj_weight", self.kdim, separate),
            ("v_proj_weight", self.vdim, separate),
            ("in_proj_weight", embed_dim, not separate),
        ):
            rows = embed_dim if separate else 3 * embed_dim
            weight = Parameter(empty(rows, columns, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, weight)
        if bias:
            self.in_proj_bias = Parameter(empty(3 * embed_dim, device=device, dtype=dtype))
        else:
            self.register_parameter("in_proj_bias", None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        for name in ("bias_k", "bias_v"):
            more = Parameter(empty(1, 1, embed_dim, device=device, dtype=dtype)) if add_bias_kv else None
            setattr(self, name, more)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw the weights of queries, keys and values and `bias_k` and `bias_v` anew; other biases become 0."""
        for name, parameter in self._parameters.items():
            if parameter is None:
                continue
            if name.endswith("weight"):
                xavier_uniform_(parameter)
            elif name == "in_proj_bias":
                constant_(parameter, 0.0)
                constant_(self.out_proj.bias, 0.0)
            else:
                xavier_normal_(parameter)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Let queries look at keys.

        Parameters
        ----------
        query : Tensor
            (L, N, E), with `batch_first` (N, L, E), or (L, E) for a single sample.
        key, value : Tensor
            (S, N, kdim) and (S, N, vdim), with `batch_first` (N, S, ...), or without N.
        key_padding_mask : Tensor, optional
            (N, S), or (S,): of truth values, with True for a key that nobody may look at, or numbers that are added.
        need_weights : bool
            Return the weights, too.
        attn_mask : Tensor, optional
            (L, S) or (N * num_heads, L, S): of truth values, with True where a query may **not** look at a key, or
            numbers that are added.
        average_attn_weights : bool
            Return the mean of the heads' weights.
        is_causal : bool
            A hint that `attn_mask`, which must be given, is causal.

        Returns
        -------
        output : Tensor
            Of the shape of `query`.
        weights : Tensor or None
            (N, L, S), or (N, num_heads, L, S) if not averaged, without N for a single sample. A query that may look at
            no key has weights of NaN, and so has its output; without `need_weights` its output is `out_proj.bias`.

        Raises
        ------
        ShapeError, DtypeError, OptionError
            If shapes or dtypes do not fit.
        """
        query, key, value = self._checked(query, key, value)
        swapped = self.batch_first and query.ndim == 3
        if swapped:
            before = (query, key, value)
            query = before[0].transpose(0, 1)  # one tensor stays one, so that it is mapped in one product
            key = query if before[1] is before[0] else before[1].transpose(0, 1)
            value = key if before[2] is before[1] else before[2].transpose(0, 1)
        output, weights = functional.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return output.transpose(0, 1) if swapped else output, weights

    def _checked(self, query: Any, key: Any, value: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values as tensors, after their shapes were found to fit the layer and each other."""
        layer = f"MultiheadAttention(embed_dim={self.embed_dim}, num_heads={self.num_heads})"
        found: list[Tensor] = []
        for name, x, size in (("query", query, self.embed_dim), ("key", key, self.kdim), ("value", value, self.vdim)):
            x = tensor_for(layer, x, name)
            if x.ndim not in (2, 3) or x.shape[-1] != size or (found and x.ndim != found[0].ndim):
                expected = f"(N, S, {size})" if self.batch_first else f"(S, N, {size})"
                raise ShapeError(
                    f"{layer} with batch_first={self.batch_first} expects a {name} of shape {expected}, or (S, {size}) "
                    f"for a single sample, got {x.shape}"
                    + (f" beside a query of shape {found[0].shape}" if found and x.shape[-1] == size else "")
                )
            found.append(x)
        query, key, value = found
        batch = 0 if self.batch_first else 1
        if query.ndim == 3 and not query.shape[batch] == key.shape[batch] == value.shape[batch]:
            raise ShapeError(
                f"{layer} with batch_first={self.batch_first} takes dimension {batch} for the samples of the batch, of "
                f"which query, key and value have to have the same number; got query {query.shape}, key {key.shape} "
                f"and value {value.shape}"
            )
        return query, key, value
