"""How alike vectors are, and how far apart, as modules."""

from __future__ import annotations

from microbp.nn import functional
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """The cosine of the angle between vectors: see `microbp.nn.functional.cosine_similarity`.

    Parameters
    ----------
    dim : int
        The dimension along which the vectors lie.
    eps : float
        Keeps the divisors away from 0.

    Examples
    --------
    >>> import microbp
    >>> CosineSimilarity()(microbp.tensor([[3.0, 4.0]]), microbp.tensor([[4.0, 3.0]]))
    tensor([0.9600])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of the difference of vectors: see `microbp.nn.functional.pairwise_distance`.

    Parameters
    ----------
    p : float
        The exponent of the norm.
    eps : float
        Added to each difference.
    keepdim : bool
        Leave the last dimension with size 1.

    Examples
    --------
    >>> import microbp
    >>> PairwiseDistance()(microbp.tensor([[3.0, 0.0]]), microbp.tensor([[0.0, 4.0]]))
    tensor([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return functional.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
