"""What is wrong with a training, in plain language: `doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from microbp.lab import gradient_checks, loss_checks, training_checks, unit_checks
from microbp.lab.evidence import Evidence
from microbp.lab.finding import Finding, Findings
from microbp.nn import Module
from microbp.optim import Optimizer
from microbp.tensor import Tensor

__all__ = ["doctor"]

CHECKS: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    gradient_checks.not_finite,
    loss_checks.softmax_before_cross_entropy,
    loss_checks.no_logarithm,
    loss_checks.broadcast_loss,
    loss_checks.labels_off_by_one,
    training_checks.unscaled_inputs,
    gradient_checks.no_gradient,
    training_checks.outside_optimizer,
    training_checks.forgotten_zero_grad,
    unit_checks.dead_relus,
    unit_checks.saturated_units,
    gradient_checks.vanishing_gradients,
    gradient_checks.exploding_gradients,
    training_checks.learning_rate,
)
"""In the order of the report: causes before what may be their symptoms."""


def doctor(
    model: Module,
    loss: Tensor,
    optimizer: Optimizer | None = None,
    *,
    data: Any = None,
    target: Any = None,
) -> Findings:
    """Look for what keeps a network from learning.

    Call it on the loss of a batch after ``loss.backward(retain_graph=True)`` and before ``optimizer.step()``; before
    ``backward()`` it works as well, but cannot see a forgotten ``zero_grad()``. It reads the recorded graph and changes
    nothing: no gradient, no parameter, no random number, no state of the optimizer.

    Parameters
    ----------
    model : Module
        The network, whose names the findings use.
    loss : Tensor
        One element, computed from the model as it is.
    optimizer : Optimizer, optional
        What is to train the model. Its next step is tried on a copy.
    data, target : Tensor or array, optional
        The inputs and the labels of the whole data set, where one batch shows too little.

    Returns
    -------
    Findings
        A list of `Finding`; printed, it is a report.

    Raises
    ------
    GraphError
        If nothing was recorded, or the graph was freed by ``backward()``.
    MutationError
        If a parameter was changed since the loss was computed.

    Notes
    -----
    =============================== ===================================================================
    finding                         what triggers it
    =============================== ===================================================================
    vanishing gradients             the gradient norm of a layer's weights is below 1/1000 of the last layer's
    exploding gradients             it is above 1000 times that, or 1000 times the norm of its weights
    NaN or infinite                 the loss or a gradient is
    no gradient                     a parameter that requires grad is not in the graph of the loss
    dead ReLUs                      over 70 % of a layer's units are 0 for all values of the batch, at least 8
    saturated units                 over half of a layer's units have below 5 % of the steepest slope for 90 % of them
    softmax before cross entropy    the loss takes logits and is given a softmax or sigmoid
    no logarithm before nll_loss    it is given numbers above 0, as no logarithm of a probability is
    broadcast loss                  N predictions and N labels became N x N errors
    labels off by one               class 0 never occurs and all others do; binary labels beyond 0 and 1
    parameter outside the optimizer a parameter that requires grad is in no group
    forgotten zero_grad             ``grad`` holds more than the gradient of this loss
    learning rate too high, low     the next step changes a weight by over its own size, and the loss does not fall;
                                    it changes none by 1e-7
    unscaled inputs                 the root mean square of the first layer's inputs is over 10 or below 0.001
    =============================== ===================================================================

    Where there are dead or saturated units, vanishing gradients are their symptom and are not reported beside them;
    nor are symptoms of unscaled inputs (these units among them), of exploding gradients or of NaN.

    Examples
    --------
    >>> import microbp
    >>> from microbp import nn
    >>> from microbp.lab import doctor
    >>> generator = microbp.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
    >>> loss = nn.CrossEntropyLoss()(model(microbp.randn(8, 4)), microbp.randint(3, (8,)))
    >>> [finding.kind for finding in doctor(model, loss)]
    ['softmax before cross entropy']
    """
    evidence = Evidence(model, loss, optimizer, as_array(data), as_array(target))
    findings = Findings()
    explained: set[str] = set()
    for check in CHECKS:
        found = [finding for finding in check(evidence) if finding.kind not in explained]
        explained.update(symptom for finding in found for symptom in EXPLAINS.get(finding.kind, ()))
        findings += found
    return findings


EXPLAINS = {
    "dead ReLUs": {"vanishing gradients"},
    "saturated units": {"vanishing gradients"},
    "unscaled inputs": {
        "dead ReLUs",
        "saturated units",
        "vanishing gradients",
        "exploding gradients",
        "learning rate too high",
    },
    "exploding gradients": {"learning rate too high"},
    "NaN or infinite": {"vanishing gradients", "exploding gradients", "learning rate too high"},
}
"""Findings that are consequences of others."""


def as_array(values: Any) -> Any:
    """A tensor's array, or an array, or nothing."""
    if values is None:
        return None
    return values.array if isinstance(values, Tensor) else np.asarray(values)
