"""Samples for contractions, distances and cross products."""

from __future__ import annotations

import string
from typing import Any

from tests.samples import Samples, normal


def spelled(lib: Any, a: Any, b: Any, left: tuple[int, ...], right: tuple[int, ...], out: tuple[int, ...]) -> Any:
    """PyTorch's einsum, with letters for labels."""
    left_, right_, out_ = ("".join(string.ascii_letters[label] for label in labels) for labels in (left, right, out))
    return lib.einsum(f"{left_},{right_}->{out_}", a, b)


def terms(equation: str, a: Any, b: Any) -> Any:
    """A sample for an equation."""
    left, rest = equation.split(",")
    right, out = rest.split("->")
    numbers = {letter: number for number, letter in enumerate(sorted({*left, *right}))}
    labels = [tuple(numbers[letter] for letter in term) for term in (left, right, out)]
    return (a, b), dict(zip(("left", "right", "out"), labels, strict=True))


samples = {
    "contract": Samples(
        spelled,
        [
            terms("ij,jk->ik", normal(3, 4), normal(4, 2)),
            terms("ij,kj->ki", normal(3, 4), normal(2, 4)),
            terms("bij,bjk->bik", normal(5, 3, 4), normal(5, 4, 2)),
            terms("bij,bkj->ibk", normal(5, 3, 4), normal(5, 2, 4)),
            terms("bi,bi->b", normal(3, 4), normal(3, 4, seed=1)),
            terms("bij,bj->bi", normal(5, 3, 4), normal(5, 4)),
            terms("ij,ji->", normal(3, 4), normal(4, 3)),
            terms("i,j->ji", normal(3), normal(4)),
            terms("ij,ij->ij", normal(3, 4), normal(3, 4, seed=1)),
            terms("ij,j->ij", normal(4, 3).T, normal(4)),
            terms("ijkl,lmj->mik", normal(2, 3, 2, 4), normal(4, 2, 3)),
            terms("ij,jk->ik", normal(0, 4), normal(4, 2)),
            terms("ij,jk->ik", normal(3, 0), normal(0, 2)),
            terms(",i->i", normal(), normal(3)),
        ],
    ),
    "cdist": Samples(
        lambda lib, a, b: lib.linalg.vector_norm(a.unsqueeze(-2) - b.unsqueeze(-3), 2, -1),
        [
            (normal(3, 4), normal(5, 4)),
            (normal(2, 3, 4), normal(5, 4)),
            (normal(2, 1, 3, 4), normal(3, 5, 4)),
            (normal(4, 3).T, normal(2, 8)[:, ::-2]),
            (normal(0, 4), normal(5, 4)),
        ],
    ),
    "cross": Samples(
        lambda lib, a, b, dim: lib.linalg.cross(a, b, dim=dim),
        [
            ((normal(3), normal(3, seed=1)), {"dim": 0}),
            ((normal(2, 3), normal(2, 3, seed=1)), {"dim": 1}),
            ((normal(3, 4, 2), normal(3, 1, 2, seed=1)), {"dim": 0}),
            ((normal(3, 4).T, normal(1, 3)), {"dim": 1}),
            ((normal(0, 3), normal(0, 3)), {"dim": 1}),
        ],
    ),
}
