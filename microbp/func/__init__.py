"""Functions that make functions: of f, its gradient, its Jacobian, its Hessian.

They take a pure function and give another, which can be given to them again: ``grad(grad(f))``
is the second derivative.
"""

from microbp.func.call import functional_call
from microbp.func.jacobian import hessian, jacfwd, jacrev
from microbp.func.transform import grad, grad_and_value, jvp, vjp, vmap

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "vjp",
    "vmap",
]
