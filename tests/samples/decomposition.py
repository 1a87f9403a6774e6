"""Samples for inverses, determinants and factorisations."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.samples import Samples, normal

unit = np.eye(3)
regular = [normal(3, 3) + 2 * unit, normal(2, 3, 3) + 2 * unit, (normal(3, 3) - 2 * unit).T]
regular += [normal(1, 1) + 2, normal(0, 3, 3)]
empty = normal(0, 0)
rank_two = normal(3, 2) @ normal(2, 3)
positive = [a @ a.mT + np.eye(a.shape[-1]) for a in regular]
symmetric = [a + a.mT for a in regular]
tall_and_wide = [normal(4, 3), normal(3, 4), normal(2, 3, 3), normal(2, 5, 2), normal(4, 3).T, normal(0, 3)]


def minors(lib: Any, a: Any) -> Any:
    """The cofactors by their definition: the determinants without a row and a column."""
    n = a.shape[-1]
    rest = [[k for k in range(n) if k != i] for i in range(n)]
    found = [[(-1) ** (i + j) * lib.linalg.det(a[..., rest[i], :][..., rest[j]]) for j in range(n)] for i in range(n)]
    return lib.stack([lib.stack(line, -1) for line in found], -2)


samples = {
    "inv": Samples(lambda lib, a: lib.linalg.inv(a), [(a,) for a in [*regular, empty]]),
    "solve": Samples(
        lambda lib, a, b: lib.linalg.solve(a, b),
        [
            (regular[0], normal(3, 2)),
            (regular[1], normal(2, 3, 2)),
            (regular[1], normal(3, 2)),
            (regular[0], normal(2, 3, 1)),
            (regular[2], normal(2, 3).T),
            (regular[4], normal(0, 3, 2)),
            (regular[0], normal(3, 0)),
        ],
    ),
    "det": Samples(lambda lib, a: lib.linalg.det(a), [(a,) for a in [*regular, empty, rank_two]]),
    "cofactor": Samples(minors, [(a,) for a in [*regular[:3], normal(2, 2)]]),
    "cofactor_change": Samples(
        None,
        [(a, b) for a, b in zip(regular, [normal(*a.shape, seed=1) for a in regular], strict=True)],
        why="PyTorch has no function for it; tests of det compare second derivatives",
    ),
    "logabsdet": Samples(lambda lib, a: lib.linalg.slogdet(a)[1], [(a,) for a in [*regular, empty]]),
    "cholesky": Samples(lambda lib, a: lib.linalg.cholesky(a), [(a,) for a in [*positive, empty]], smooth=False),
    "half_tril": Samples(
        lambda lib, a: lib.tril(a) - lib.diag_embed(lib.diagonal(a, dim1=-2, dim2=-1)) / 2, [(a,) for a in regular]
    ),
    "eigh": Samples(
        None,
        [(a,) for a in symmetric],
        smooth=False,
        why="the signs of eigenvectors are arbitrary; tests of eigh compare what does not depend on them",
    ),
    "eigvalsh": Samples(lambda lib, a: lib.linalg.eigvalsh(a), [(a,) for a in [*symmetric, empty]], smooth=False),
    "svd": Samples(
        None,
        [(a,) for a in tall_and_wide],
        why="the signs of singular vectors are arbitrary; tests of svd compare what does not depend on them",
    ),
    "svdvals": Samples(lambda lib, a: lib.linalg.svdvals(a), [(a,) for a in tall_and_wide]),
}
