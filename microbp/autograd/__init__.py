"""Differentiation on demand: gradients of anything with respect to anything, and checks of them."""

from microbp.autograd import functional
from microbp.autograd.anomaly import detect_anomaly, set_detect_anomaly
from microbp.autograd.check_graph import check_graph
from microbp.autograd.function import Function
from microbp.autograd.gradcheck import gradcheck, gradgradcheck
from microbp.autograd.mutation import detect_mutation
from microbp.autograd.variable import Variable
from microbp.autograd.why_no_grad import why_no_grad
from microbp.backward import backward, grad
from microbp.mode import enable_grad, inference_mode, no_grad, observe, set_grad_enabled

__all__ = [
    "Function",
    "Variable",
    "backward",
    "check_graph",
    "detect_anomaly",
    "detect_mutation",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "observe",
    "set_detect_anomaly",
    "set_grad_enabled",
    "why_no_grad",
]
