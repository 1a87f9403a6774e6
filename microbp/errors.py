"""Every error and warning of the package, in one place.

Each class also derives from the built-in class that PyTorch raises in the same case, so
that ``except RuntimeError`` or ``except ValueError`` in existing code keeps working.
"""

from __future__ import annotations

import os
import sys
import warnings

import numpy as np

__all__ = [
    "AnomalyError",
    "BroadcastWarning",
    "CheckpointError",
    "CompileError",
    "DivisionError",
    "DtypeError",
    "FileFormatError",
    "GradcheckError",
    "GraphError",
    "LinAlgError",
    "MicrobpError",
    "MutationError",
    "OptionError",
    "RangeError",
    "ShapeError",
    "StaleGraphError",
    "StateError",
    "SummaryError",
    "warn",
]

PACKAGE = os.path.dirname(__file__)


class MicrobpError(Exception):
    """Base of all errors that microbp raises on purpose."""


class CheckpointError(MicrobpError, RuntimeError):
    """A checkpointed function did something else when it was run again for the backward pass."""


class CompileError(MicrobpError, RuntimeError):
    """A call of a compiled function cannot be replayed; the text says why."""


class ShapeError(MicrobpError, RuntimeError, ValueError):
    """Shapes do not fit each other; the text names the operation, its arguments and their shapes."""


class DtypeError(MicrobpError, RuntimeError, TypeError):
    """A value has a dtype that the operation cannot work with."""


class DivisionError(MicrobpError, RuntimeError, ZeroDivisionError):
    """An integer was divided by zero, which has no result."""


class FileFormatError(MicrobpError, RuntimeError, ValueError):
    """A file is of another format, cut off, or damaged; the text names the file."""


class GraphError(MicrobpError, RuntimeError):
    """The graph cannot do what was asked: nothing was recorded, or it was already freed."""


class AnomalyError(MicrobpError, RuntimeError):
    """A gradient became NaN or infinite where `microbp.autograd.detect_anomaly` watches for that."""


class GradcheckError(MicrobpError, RuntimeError):
    """A gradient of the backward pass differs from central differences."""


class LinAlgError(MicrobpError, RuntimeError, np.linalg.LinAlgError):
    """A matrix is singular, or not positive-definite, or does not converge; the text names the operation."""


class MutationError(GraphError):
    """A value that the backward pass needs was overwritten after the forward pass."""


class StaleGraphError(MutationError):
    """A tensor of the graph was changed since the forward pass, so that numbers shown for it would no longer hold."""


class OptionError(MicrobpError, RuntimeError, ValueError):
    """An option has a value that makes no sense, such as a negative learning rate."""


class RangeError(MicrobpError, IndexError, RuntimeError, ValueError):
    """A value, such as a class label or a probability, is out of range; the text names it and its position."""


class StateError(MicrobpError, RuntimeError):
    """A state dict does not fit the module or optimizer that is to load it."""


class SummaryError(MicrobpError, RuntimeError):
    """The forward pass of a model failed while it was summarised; the text names the layer."""


class BroadcastWarning(UserWarning):
    """Two shapes were broadcast where that is most likely a mistake, as in a loss."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line of the user's program, wherever inside the package this is called.

    Parameters
    ----------
    message : str
        The text.
    category : type
        The class of the warning.
    """
    level, frame = 1, sys._getframe(0)
    while frame.f_code.co_filename.startswith(PACKAGE) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
