"""The one device there is, so that scripts which choose a device run unchanged."""

from __future__ import annotations

__all__ = ["Device", "cpu", "cuda", "device"]


class Device:
    """Where a tensor lives: always ``cpu``.

    Parameters
    ----------
    type : str or Device
        ``"cpu"``, or ``"cpu:0"``.
    index : int, optional
        Not looked at: there is one device.

    Raises
    ------
    NotImplementedError
        For any other device.

    Examples
    --------
    >>> Device("cuda" if cuda.is_available() else "cpu")
    device(type='cpu')
    """

    index = None

    def __init__(self, type: str | Device = "cpu", index: int | None = None) -> None:
        name = str(type).split(":")[0]
        if name != "cpu":
            raise NotImplementedError(f"microbp computes on the CPU only; there is no device {type!r}")
        self.type = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device)

    def __hash__(self) -> int:
        return hash(self.type)

    def __str__(self) -> str:
        return self.type

    def __repr__(self) -> str:
        return f"device(type={self.type!r})"


device = Device
Device.__name__ = Device.__qualname__ = "device"  # as PyTorch calls it
cpu = Device()


class cuda:
    """Answers scripts that ask for a GPU.

    Examples
    --------
    >>> cuda.is_available()
    False
    """

    @staticmethod
    def is_available() -> bool:
        """Always False."""
        return False

    @staticmethod
    def device_count() -> int:
        """Always 0."""
        return 0

    @staticmethod
    def manual_seed(seed: int) -> None:
        """Nothing: `microbp.manual_seed` seeds the only generator.

        Parameters
        ----------
        seed : int
            Not looked at.
        """

    @staticmethod
    def manual_seed_all(seed: int) -> None:
        """Nothing: `microbp.manual_seed` seeds the only generator.

        Parameters
        ----------
        seed : int
            Not looked at.
        """

    @staticmethod
    def synchronize(device: object = None) -> None:
        """Nothing: there is no device to wait for.

        Parameters
        ----------
        device
            Not looked at.
        """

    @staticmethod
    def empty_cache() -> None:
        """Nothing: there is no memory of a device."""
