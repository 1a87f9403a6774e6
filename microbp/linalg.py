"""Linear algebra, as ``torch.linalg`` has it: norms, linear systems, determinants, factorisations.

Where functions of the same name are at the top level too, they are the same, but for `norm`:
``microbp.norm`` is the older one, and always takes the elements as one vector.
"""

from microbp.errors import LinAlgError
from microbp.functions.contraction import linalg_cross as cross
from microbp.functions.linalg import matmul
from microbp.functions.linear_algebra import (
    cholesky,
    det,
    inv,
    matrix_power,
    slogdet,
    solve,
    solve_triangular,
)
from microbp.functions.norms import matrix_norm, norm, vector_norm
from microbp.functions.products import multi_dot
from microbp.functions.spectrum import eigh, eigvalsh, svd, svdvals

__all__ = [
    "LinAlgError",
    "cholesky",
    "cross",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "multi_dot",
    "norm",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vector_norm",
]
