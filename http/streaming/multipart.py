"""The multipart/x-mixed-replace body, byte by byte.  Pure.

The body begins with a boundary line; each frame is followed, in the same
write, by the boundary of the next: Firefox and VLC show a frame only when
something follows it.  Chromium needs more: it paints a frame when the *headers*
of the next part are complete.  Its <img> gets these early; they have no length
then, which it ignores anyway.  All other clients get exact lengths.
"""

from webcapd.encoder.frame import Frame

BOUNDARY = "webcapd-part"
CONTENT_TYPE = f"multipart/x-mixed-replace;boundary={BOUNDARY}"

_LINE = f"--{BOUNDARY}\r\n".encode()
_TYPE = b"Content-Type: image/jpeg\r\n"


class ExactFraming:
    """Every part with its length and time."""

    opening = _LINE
    closing = b"\r\n" + _LINE

    def __init__(self) -> None:
        self._last: tuple[Frame | None, bytes] = (None, b"")
        """A frame and its header: hundreds of clients get the same."""

    def header(self, frame: Frame) -> bytes:
        """Give what goes between a boundary line and the frame's JPEG."""
        known, header = self._last
        if known is not frame:
            header = (
                _TYPE
                + (
                    f"Content-Length: {len(frame.data)}\r\n"
                    f"X-Timestamp: {frame.captured:.6f}\r\n\r\n"
                ).encode()
            )
            self._last = (frame, header)
        return header


class EagerHeaderFraming:
    """The headers of the next part follow each frame at once."""

    opening = _LINE + _TYPE + b"\r\n"
    closing = b"\r\n" + opening

    def header(self, frame: Frame) -> bytes:
        """Give nothing: the header was sent with the frame before, or with the opening."""
        return b""


Framing = ExactFraming | EagerHeaderFraming

_EXACT, _EAGER = ExactFraming(), EagerHeaderFraming()


def framing_for(accept: str, user_agent: str, advance: bool | None = None) -> Framing:
    """Choose the framing that a client needs; ``advance`` overrides the choice."""
    if advance is None:
        # Scripts that fetch() the stream from the same browser accept */*.
        advance = accept.lstrip().startswith("image/") and "Chrome/" in user_agent
    return _EAGER if advance else _EXACT
