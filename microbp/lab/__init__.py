"""The lab: what the structure of a network does to what it learns, recorded and filmed."""

from microbp.lab.comparison import compare
from microbp.lab.recorder import Recorder, watch

__all__ = ["Recorder", "compare", "watch"]
