"""Layers that normalise each channel, over the batch or in each sample, and remember its moments."""

from __future__ import annotations

from typing import Any

from microbp.dtypes import int64
from microbp.errors import ShapeError, warn
from microbp.functions.creation import ones, tensor, zeros
from microbp.nn import functional
from microbp.nn.functional.check import tensor_for
from microbp.nn.normalization import Normalization
from microbp.tensor import Tensor

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
]


class ChannelNorm(Normalization):
    """Base of both kinds: holds the parameters, and the running moments where these are wanted."""

    ranks: tuple[int, ...]  # the numbers of dimensions that an input may have
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._hold((num_features,), device, dtype, weight=affine, bias=affine and bias)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer("running_var", ones(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", tensor(0, dtype=int64, device=device) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the moments of the batches seen so far."""
        if self.track_running_stats:
            for buffer, value in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
                if buffer is not None:
                    buffer.fill_(value)

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0, and forget the running moments."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input_dim(self, input: Tensor) -> None:
        """Refuse an input that has too few or too many dimensions."""
        dims = tensor_for(self._get_name(), input).ndim
        if dims not in self.ranks:
            expected = " or ".join(f"{rank}D" for rank in self.ranks)
            raise ShapeError(f"expected {expected} input (got {dims}D input, of shape {tuple(input.shape)})")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm(ChannelNorm):
    """Base of the layers that normalise over the batch."""

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        mean, var, count = self.running_mean, self.running_var, self.num_batches_tracked
        by_batch = self.training or (mean is None and var is None)
        if self.training and not self.track_running_stats:
            mean = var = count = None
        momentum = self.momentum
        if momentum is None:  # the running moments are the means over all batches
            momentum = 1 / (count.item() + 1) if self.training and count is not None else 0.0
        out = functional.batch_norm(input, mean, var, self.weight, self.bias, by_batch, momentum, self.eps)
        if self.training and count is not None:
            count.add_(1)
        return out


class BatchNorm1d(BatchNorm):
    """Each channel with mean 0 and variance 1 over the batch, for (N, C) or (N, C, L): see `BatchNorm2d`.

    Examples
    --------
    >>> import microbp
    >>> layer = BatchNorm1d(2)
    >>> layer(microbp.tensor([[1.0, 10.0], [3.0, 30.0]])).detach()
    tensor([[-1.0000, -1.0000],
            [ 1.0000,  1.0000]])
    >>> layer.running_mean
    tensor([0.2000, 2.0000])
    """

    ranks = (2, 3)


class BatchNorm2d(BatchNorm):
    """Each channel of images with mean 0 and variance 1 over the batch: see `microbp.nn.functional.batch_norm`.

    In training, it normalises with the moments of the batch, and the running moments move towards them; in evaluation
    mode (``model.eval()``), it normalises with the running moments.

    Parameters
    ----------
    num_features : int
        The number C of channels of an input (N, C, H, W).
    eps : float
        Added to the variance.
    momentum : float or None
        How far the running moments move with each batch; None makes them the means over all batches.
    affine : bool
        Whether there is a weight, and a bias if `bias`.
    track_running_stats : bool
        Whether there are running moments; without them, those of the batch serve in evaluation too.
    device, dtype : optional
        As for `microbp.empty`.
    bias : bool
        Whether there is a bias.

    Attributes
    ----------
    weight, bias : Parameter or None
        (C,).
    running_mean, running_var, num_batches_tracked : Tensor or None
        Buffers: (C,), (C,) and 0-d.

    Examples
    --------
    >>> import microbp
    >>> layer = BatchNorm2d(3)
    >>> layer
    BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    >>> layer(microbp.ones(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    >>> list(layer.state_dict())
    ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
    """

    ranks = (4,)


class BatchNorm3d(BatchNorm):
    """Each channel of volumes (N, C, D, H, W) with mean 0 and variance 1 over the batch: see `BatchNorm2d`."""

    ranks = (5,)


class InstanceNorm(ChannelNorm):
    """Base of the layers that normalise each channel of each sample."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        batched = input.ndim == max(self.ranks)
        channels = input.shape[1 if batched else 0]
        if channels != self.num_features:
            text = f"{self}: the input, of shape {tuple(input.shape)}, has {channels} channels"
            if self.affine or self.track_running_stats:
                raise ShapeError(f"{text}, expected {self.num_features}, which is num_features")
            warn(f"{text}, which is not num_features; without parameters and running moments, that makes no difference")
        out = functional.instance_norm(
            input if batched else input.unsqueeze(0),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return out if batched else out.squeeze(0)


class InstanceNorm1d(InstanceNorm):
    """Each channel of each signal, (N, C, L) or (C, L), with mean 0 and variance 1: see `InstanceNorm2d`."""

    ranks = (2, 3)


class InstanceNorm2d(InstanceNorm):
    """Each channel of each image with mean 0 and variance 1: see `microbp.nn.functional.instance_norm`.

    Parameters
    ----------
    num_features : int
        The number C of channels of an input (N, C, H, W) or (C, H, W).
    eps : float
        Added to the variance.
    momentum : float or None
        How far the running moments, if there are any, move with each batch; None lets them stay.
    affine : bool
        Whether there is a weight, and a bias if `bias`.
    track_running_stats : bool
        Whether there are running moments, which are used in evaluation mode.
    device, dtype : optional
        As for `microbp.empty`.
    bias : bool
        Whether there is a bias.

    Warns
    -----
    UserWarning
        If the input has another number of channels, and there is nothing that it would not fit.

    Examples
    --------
    >>> import microbp
    >>> layer = InstanceNorm2d(3)
    >>> layer
    InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)
    >>> layer(microbp.ones(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    ranks = (3, 4)


class InstanceNorm3d(InstanceNorm):
    """Each channel of each volume (N, C, D, H, W) or (C, D, H, W) with mean 0 and variance 1: see `InstanceNorm2d`."""

    ranks = (4, 5)
