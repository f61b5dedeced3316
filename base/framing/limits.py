"""What a picture from elsewhere may be, so that nobody fills the memory."""

MAX_BYTES = 16 * 1024 * 1024
"""Of one coded picture."""

MAX_SIDE = 16384
"""Width and height, in pixels."""

MAX_PIXELS = 8192 * 4320
"""Of one picture: four bytes each once it is decoded, 142 MB."""


class TooLarge(ValueError):
    """A picture has more bytes or pixels than are taken; one sentence."""


def check_bytes(size: int, most: int = MAX_BYTES) -> None:
    """Raise TooLarge if a coded picture has more bytes than are taken."""
    if size > most:
        raise TooLarge(f"the picture has more than {most} bytes")


def check_size(width: int, height: int) -> None:
    """Raise TooLarge if a picture has more pixels than are taken."""
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise TooLarge(f"a picture of {width}x{height} pixels is larger than is taken")
