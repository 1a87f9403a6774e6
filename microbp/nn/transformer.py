"""Transformers: stacks of layers, and an encoder with a decoder.

Source: Vaswani et al., "Attention Is All You Need" (2017).
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from microbp.dtypes import as_dtype, get_default_dtype
from microbp.errors import ShapeError
from microbp.nn import functional
from microbp.nn.container import ModuleList
from microbp.nn.functional.check import tensor_for
from microbp.nn.init import xavier_uniform_
from microbp.nn.module import Module
from microbp.nn.normalization import LayerNorm
from microbp.nn.transformer_layer import Activation, TransformerDecoderLayer, TransformerEncoderLayer
from microbp.tensor import Tensor, wrap

__all__ = ["Transformer", "TransformerDecoder", "TransformerEncoder"]


def causal_mask(size: int, dtype: Any = None) -> Tensor:
    """(size, size): -inf (True, in a mask of truth values) where a query would look ahead, 0 elsewhere."""
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    ahead = ~np.tri(size, dtype=bool)
    return wrap(np.where(ahead, -np.inf, 0.0).astype(dtype))


def is_causal_mask(mask: Tensor | None, is_causal: bool | None) -> bool:
    """What the caller says; if that is nothing, whether the mask is a causal one."""
    if is_causal is not None or mask is None:
        return bool(is_causal)
    size = mask.shape[-1]
    return mask.shape == (size, size) and np.array_equal(mask.array, causal_mask(size, mask.dtype).array)


class TransformerEncoder(Module):
    """Encoder layers one after the other, all copies of one.

    Parameters
    ----------
    encoder_layer : Module
        The layer to copy; the copies start with its weights.
    num_layers : int
        How many copies.
    norm : Module, optional
        Applied at the end.
    enable_nested_tensor, mask_check : bool
        Accepted, for scripts that set them. PyTorch leaves padding out of its computation when it evaluates, and gives
        zeros in its place; here the padded steps are computed as in training.

    Attributes
    ----------
    layers : ModuleList

    Examples
    --------
    >>> import microbp
    >>> from microbp import nn
    >>> encoder = TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), num_layers=2)
    >>> mask = nn.Transformer.generate_square_subsequent_mask(3)
    >>> encoder(microbp.ones(5, 3, 8), mask=mask).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Read a sequence.

        Parameters
        ----------
        src, mask, src_key_padding_mask
            As for `TransformerEncoderLayer`.
        is_causal : bool, optional
            A hint that `mask` is causal; by default it is found out.

        Returns
        -------
        Tensor
            Of the shape of `src`.
        """
        causal = is_causal_mask(mask, is_causal)
        for layer in self.layers:
            src = layer(src, src_mask=mask, is_causal=causal, src_key_padding_mask=src_key_padding_mask)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Decoder layers one after the other, all copies of one.

    In PyTorch 2.13, copies of a layer whose activation is a module apply relu in its place; here they apply the module.

    Parameters
    ----------
    decoder_layer : Module
        The layer to copy; the copies start with its weights.
    num_layers : int
        How many copies.
    norm : Module, optional
        Applied at the end.

    Attributes
    ----------
    layers : ModuleList

    Examples
    --------
    >>> import microbp
    >>> from microbp import nn
    >>> decoder = TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), num_layers=2)
    >>> decoder(microbp.ones(5, 4, 8), microbp.ones(5, 3, 8)).shape
    (5, 4, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Read a sequence together with what an encoder made of another.

        Parameters
        ----------
        tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, memory_is_causal
            As for `TransformerDecoderLayer`.
        tgt_is_causal : bool, optional
            A hint that `tgt_mask` is causal; by default it is found out.

        Returns
        -------
        Tensor
            Of the shape of `tgt`.
        """
        causal = is_causal_mask(tgt_mask, tgt_is_causal)
        for layer in self.layers:
            tgt = layer(
                tgt,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder that reads one sequence, and a decoder that reads another together with the encoder's output.

    All weights start as Glorot & Bengio (2010) draw them uniformly.

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype
        As for `TransformerEncoderLayer`.
    num_encoder_layers, num_decoder_layers : int
        How many layers.
    custom_encoder, custom_decoder : Module, optional
        To be used instead.

    Attributes
    ----------
    encoder : TransformerEncoder
    decoder : TransformerDecoder

    Examples
    --------
    >>> import microbp
    >>> model = Transformer(8, 2, 1, 1, 16, batch_first=True)
    >>> mask = model.generate_square_subsequent_mask(4)
    >>> model(microbp.ones(5, 3, 8), microbp.ones(5, 4, 8), tgt_mask=mask).shape
    (5, 4, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = functional.relu,
        custom_encoder: Any | None = None,
        custom_decoder: Any | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        if custom_encoder is None:
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
            custom_encoder = TransformerEncoder(TransformerEncoderLayer(*options, **place), num_encoder_layers, norm)
        if custom_decoder is None:
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
            custom_decoder = TransformerDecoder(TransformerDecoderLayer(*options, **place), num_decoder_layers, norm)
        self.encoder = custom_encoder
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Read a sequence, and another together with it.

        Parameters
        ----------
        src : Tensor
            (S, N, E), with `batch_first` (N, S, E), or (S, E) for a single sample.
        tgt : Tensor
            (T, N, E), (N, T, E) or (T, E).
        src_mask, tgt_mask, memory_mask : Tensor, optional
            (S, S), (T, T) and (T, S), or one for each sample and head.
        src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask : Tensor, optional
            (N, S), (N, T) and (N, S), or without N.
        src_is_causal, tgt_is_causal : bool, optional
            Hints that the masks are causal; by default it is found out.
        memory_is_causal : bool
            A hint that `memory_mask` is causal.

        Returns
        -------
        Tensor
            Of the shape of `tgt`.

        Raises
        ------
        ShapeError
            If the sequences do not fit the model or each other.
        """
        src, tgt = tensor_for("Transformer", src, "src"), tensor_for("Transformer", tgt, "tgt")
        if src.shape[-1:] != (self.d_model,) or tgt.shape[-1:] != (self.d_model,):
            raise ShapeError(
                f"Transformer: the feature number of src and tgt must be equal to d_model {self.d_model}, got src "
                f"{src.shape} and tgt {tgt.shape}"
            )
        batch = 0 if self.batch_first else 1
        if src.ndim != tgt.ndim or (src.ndim == 3 and src.shape[batch] != tgt.shape[batch]):
            raise ShapeError(
                f"Transformer: the batch number of src and tgt must be equal, which is dimension {batch} with "
                f"batch_first={self.batch_first}; got src {src.shape} and tgt {tgt.shape}"
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        found: Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )
        return found

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """A causal mask: (sz, sz), -inf where a query would look ahead, 0 elsewhere.

        Parameters
        ----------
        sz : int
            The length of the sequence.
        device : optional
            For PyTorch's scripts.
        dtype : dtype, optional
            The default dtype by default.

        Returns
        -------
        Tensor
            (sz, sz).

        Examples
        --------
        >>> Transformer.generate_square_subsequent_mask(3)
        tensor([[0., -inf, -inf],
                [0., 0., -inf],
                [0., 0., 0.]])
        """
        return causal_mask(sz, dtype)

    def _reset_parameters(self) -> None:
        """Draw all weights anew."""
        for parameter in self.parameters():
            if parameter.ndim > 1:
                xavier_uniform_(parameter)
