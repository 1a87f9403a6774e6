"""Strategies for inverses, determinants and factorisations."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.strategies import Array, Case, Domain, Tries, arrays, side

SMALL: Domain = ((-0.25, 0.25),)  # with an offset, no element is 0: there, LAPACK jumps to vectors of the other sign
STACKS = st.sampled_from([(), (), (1,), (2,), (2,), (0,)])


@st.composite
def regular(draw: st.DrawFn, wide: int = 0) -> Array:
    """Stacks of matrices with singular values of about 1, 2, 3..., in any order and with any sign; `wide` by more."""
    before, n = draw(STACKS), draw(side(3))
    signs = draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=n, max_size=n))
    order = draw(st.permutations(range(n)))
    sizes = np.diag(signs * (np.arange(n) + 1.0))[order]
    return draw(arrays((*before, n, n + wide), SMALL, offset=0.25)) + sizes @ np.eye(n, n + wide)


@st.composite
def square(draw: st.DrawFn) -> Array:
    """Any square matrices, also singular ones."""
    return draw(arrays((*draw(STACKS), *(draw(side(3)),) * 2)))


@st.composite
def oblong(draw: st.DrawFn) -> Array:
    """Tall and wide matrices with singular values that are well apart."""
    a = draw(regular(wide=draw(side(2))))
    return a.mT if draw(st.booleans()) else a


@st.composite
def systems(draw: st.DrawFn) -> Case:
    """Systems of equations, with stacks that are broadcast against each other."""
    a = draw(regular())
    before = draw(st.sampled_from([(), a.shape[:-2], (1,) * (a.ndim - 2)]))
    return (a, draw(arrays((*before, a.shape[-1], draw(side(2)))))), {}


@st.composite
def directions(draw: st.DrawFn) -> Case:
    """Matrices, and others of their shape."""
    a = draw(regular())
    return (a, draw(arrays(a.shape))), {}


def symmetric(a: Any) -> tuple[Any, ...]:
    """As rows take matrices that they read one triangle of: eigenvalues about as far apart as singular values were."""
    return ((a + a.mT) / 2,)


def positive(a: Any) -> tuple[Any, ...]:
    """Symmetric matrices whose eigenvalues are positive."""
    return (a @ a.mT,)


def of(matrices: st.SearchStrategy[Array], **how: Any) -> Tries:
    """For a row of one matrix."""
    return Tries(st.tuples(st.tuples(matrices), st.just({})), **how)


@st.composite
def diagonal_first(draw: st.DrawFn) -> Array:
    """Matrices with a diagonal of 1, 2, 3... in any order, and little else."""
    before, n = draw(STACKS), draw(side(3))
    return draw(arrays((*before, n, n), SMALL, offset=0.25)) + np.diag(
        np.array(draw(st.permutations(range(n))), float) + 1
    )


strategies = {
    "inv": of(regular()),
    "solve": Tries(systems()),
    "det": of(square()),
    "cofactor": of(regular()),
    "cofactor_change": Tries(directions()),
    "logabsdet": of(regular()),
    "cholesky": of(regular(), prepare=positive),
    "half_tril": of(square()),
    "eigh": of(diagonal_first(), prepare=symmetric),
    "eigvalsh": of(diagonal_first(), prepare=symmetric),
    "svd": of(oblong()),
    "svdvals": of(oblong()),
}
