"""The switches of a library for GPUs that scripts set to be reproducible; nothing here reads them."""

enabled = False
benchmark = False
deterministic = True


def is_available() -> bool:
    """Always False.

    Examples
    --------
    >>> is_available()
    False
    """
    return False
