"""Answers scripts that ask for the GPU of a Mac."""


def is_available() -> bool:
    """Always False.

    Examples
    --------
    >>> is_available()
    False
    """
    return False


def is_built() -> bool:
    """Always False.

    Examples
    --------
    >>> is_built()
    False
    """
    return False
