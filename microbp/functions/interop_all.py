"""All of NumPy's functions that tensors know: loaded when NumPy first hands on one that no row names."""

from microbp.functions import (  # noqa: F401
    interop,
    interop_arranging,
    interop_mathematics,
    interop_statistics,
    interop_ufuncs,
    interop_values,
)
