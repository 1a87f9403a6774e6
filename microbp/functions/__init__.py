"""The functions on tensors, with PyTorch's names and arguments.

Where a row is all that is needed, the row is the function (`microbp.functions.rows`). Where
PyTorch's way of calling differs from the row's (``dim`` and ``keepdim``, tuples and several
arguments, named results), a function here turns the one into the other.

Most of these files are loaded when one of their functions or methods is first used, so that
``import microbp`` stays light: `microbp.functions.homes` tells which name is where.
"""

from microbp.functions.homes import METHODS
from microbp.methods import loaded_when_used

for home, names in METHODS.items():
    loaded_when_used(f"microbp.{home}", names.split())
