"""L-BFGS: a quasi-Newton method, which learns the curvature of the loss from its own last steps.

The direction is d = -H g, where H approximates the inverse of the Hessian by the last m pairs of
steps s and changes of the gradient y; H is never written down, only applied.

Source: Nocedal & Wright, *Numerical Optimization*, 2nd ed. (Springer 2006), algorithms 7.4 and 7.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from microbp.errors import OptionError
from microbp.optim.line_search import Point, strong_wolfe
from microbp.optim.optimizer import Optimizer
from microbp.tensor import Tensor, wrap
from microbp.version import write

__all__ = ["LBFGS"]

Array = np.ndarray[Any, Any]


class LBFGS(Optimizer):
    """Quasi-Newton steps; for small, smooth problems whose whole loss a closure computes.

    Parameters
    ----------
    params : iterable
        Tensors, or (name, tensor) pairs; one group only.
    lr : float
        The step length, or the first one that the line search tries.
    max_iter : int
        The largest number of iterations in a step.
    max_eval : int, optional
        The largest number of evaluations of the loss in a step; by default 5/4 of `max_iter`.
    tolerance_grad : float
        Stop when no element of the gradient is larger.
    tolerance_change : float
        Stop when the loss, or all parameters, change by less.
    history_size : int
        How many pairs are remembered.
    line_search_fn : {'strong_wolfe', None}
        How the step length is found.

    Raises
    ------
    OptionError
        If there are several groups, or an option makes no sense.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([4.0, -3.0], requires_grad=True)
    >>> optimizer = LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 1) ** 2 * microbp.tensor([1.0, 10.0])).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure)
    tensor(169., grad_fn=<sum>)
    >>> w
    tensor([1.0000, 1.0000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        if self.param_groups:
            raise OptionError("LBFGS takes one parameter group only: its direction is that of all parameters together")
        super().add_param_group(param_group)

    def validate(self, options: Mapping[str, Any], place: str | int) -> None:
        super().validate(options, place)
        if options.get("line_search_fn") not in (None, "strong_wolfe"):
            raise OptionError(f"LBFGS: line_search_fn is 'strong_wolfe' or None, got {options['line_search_fn']!r}")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to `max_iter` quasi-Newton steps.

        Parameters
        ----------
        closure : callable
            Sets the gradients to zero, computes the loss and its gradients, and returns it.

        Returns
        -------
        What the closure returned at first.
        """
        if closure is None:
            raise TypeError("LBFGS.step() needs a closure that computes the loss anew, with its gradients")
        (group,) = self.param_groups
        parameters = group["params"]
        lr, tolerance = float(group["lr"]), group["tolerance_change"]
        state = self.state[parameters[0]]  # that of all parameters together
        for name in ("func_evals", "n_iter"):
            state.setdefault(name, 0)

        def evaluate() -> tuple[Any, Array]:
            returned = self.evaluate(closure)
            self.ready()
            state["func_evals"] += 1
            return returned, gradient_of(parameters)

        first, g = evaluate()
        loss = float(first)
        evaluations = 1
        for iteration in range(1, group["max_iter"] + 1):
            if largest(g) <= group["tolerance_grad"]:
                break
            state["n_iter"] += 1
            d = self.direction(g, state, group["history_size"])
            state["prev_flat_grad"], state["prev_loss"] = wrap(g.copy()), loss
            t = min(1.0, 1 / float(np.abs(g).sum())) * lr if state["n_iter"] == 1 else lr
            state["d"], state["t"] = wrap(d), t
            slope = float(g.dot(d))
            if slope > -tolerance:
                break
            before = loss
            if group["line_search_fn"] is not None:
                origin = [p.array.copy() for p in parameters]

                def along(t: float, d: Array = d, origin: list[Array] = origin) -> Point:
                    move(parameters, t, d)
                    found, gradient = evaluate()
                    put_back(parameters, origin)
                    return Point(t, float(found), gradient, float(gradient.dot(d)))

                point, count = strong_wolfe(
                    along, Point(0.0, loss, g, slope), t, largest(d), most=group["max_eval"] - evaluations
                )
                loss, g, t = point.loss, point.gradient, point.t
                state["t"] = t
                evaluations += count
                move(parameters, t, d)
            else:
                move(parameters, t, d)
                if iteration == group["max_iter"]:
                    break  # the loss after the last iteration is for the next step to compute
                found, g = evaluate()
                loss = float(found)
                evaluations += 1
            if evaluations >= group["max_eval"] or largest(t * d) <= tolerance or abs(loss - before) < tolerance:
                break
        return first

    def direction(self, g: Array, state: dict[str, Any], most: int) -> Array:
        """-H g, after what the last step showed of the curvature has been taken into H."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -g
        changes, steps, curvatures = state["old_dirs"], state["old_stps"], state["ro"]
        y = g - state["prev_flat_grad"].array
        s = state["d"].array * float(state["t"])
        ys = float(y.dot(s))
        if ys > 1e-10:
            if len(changes) == most:
                for remembered in (changes, steps, curvatures):
                    remembered.pop(0)
            changes.append(wrap(y))
            steps.append(wrap(s))
            curvatures.append(1 / ys)
            state["H_diag"] = ys / float(y.dot(y))
        q = -g
        shares = []
        for y_k, s_k, r_k in zip(reversed(changes), reversed(steps), reversed(curvatures), strict=True):
            shares.append(float(s_k.array.dot(q)) * float(r_k))
            q -= shares[-1] * y_k.array
        q *= float(state["H_diag"])
        for y_k, s_k, r_k, share in zip(changes, steps, curvatures, reversed(shares), strict=True):
            q += (share - float(y_k.array.dot(q)) * float(r_k)) * s_k.array
        return q


def gradient_of(parameters: list[Tensor]) -> Array:
    """The gradients of all parameters in one vector; zeros where there is none."""
    parts = [np.zeros(p.array.size, p.array.dtype) if p._grad is None else p._grad.array.ravel() for p in parameters]
    return np.concatenate(parts)


def move(parameters: list[Tensor], t: float, d: Array) -> None:
    """Go a step of length t along a direction that is a vector for all parameters."""
    now = write()
    start = 0
    for p in parameters:
        p._versioned().written = now
        p.array += (t * d[start : start + p.array.size]).reshape(p.array.shape).astype(p.array.dtype, copy=False)
        start += p.array.size


def put_back(parameters: list[Tensor], values: list[Array]) -> None:
    """Give the parameters these values again."""
    now = write()
    for p, array in zip(parameters, values, strict=True):
        p._versioned().written = now
        p.array[...] = array


def largest(a: Array) -> float:
    """The largest modulus of an element."""
    return float(np.abs(a).max(initial=0.0))
