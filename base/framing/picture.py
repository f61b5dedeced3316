"""A picture as it comes from elsewhere, and how large it may be."""

from typing import NamedTuple

MAX_BYTES = 16 * 1024 * 1024
"""Of one coded picture."""


class TooLarge(ValueError):
    """A picture has more bytes than are taken; one sentence."""


def check_bytes(size: int, most: int = MAX_BYTES) -> None:
    """Raise TooLarge if a coded picture has more bytes than are taken."""
    if size > most:
        raise TooLarge(f"the picture has more than {most} bytes")


class Stamped(NamedTuple):
    """A picture, and when it was captured."""

    captured: int
    """Nanoseconds since 1970, by the sender's clock; 0 if it does not say."""
    data: bytes
