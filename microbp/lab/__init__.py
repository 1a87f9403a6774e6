"""The lab: what the structure of a network does to what it learns, recorded and filmed, compared and diagnosed."""

from microbp.lab.boundary_plot import plot_decision_boundary
from microbp.lab.comparison import compare
from microbp.lab.doctor import doctor
from microbp.lab.finding import Finding, Findings
from microbp.lab.layered import Block, layered_network
from microbp.lab.plots import plot_activations, plot_grad_flow, plot_loss, plot_weights
from microbp.lab.recorder import Recorder
from microbp.lab.report import Measured, StructureReport
from microbp.lab.structure import Structure, structure_report
from microbp.lab.watch import watch

__all__ = [
    "Block",
    "Finding",
    "Findings",
    "Measured",
    "Recorder",
    "Structure",
    "StructureReport",
    "compare",
    "doctor",
    "layered_network",
    "plot_activations",
    "plot_decision_boundary",
    "plot_grad_flow",
    "plot_loss",
    "plot_weights",
    "structure_report",
    "watch",
]
