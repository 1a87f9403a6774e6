"""The lab: what the structure of a network does to what it learns, and what is wrong with a training that fails."""

from microbp.lab.doctor import doctor
from microbp.lab.finding import Finding, Findings

__all__ = ["Finding", "Findings", "doctor"]
