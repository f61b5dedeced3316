"""Pixels of the screen as the planes that an H.264 encoder takes.

Only rows that changed are converted.  OpenCV knows BT.601 alone: that is what the stream says of
itself, too, as decoders would take BT.709 for granted from 720 rows on.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from webcapd.base.process.late import cv2, np
from webcapd.capture.overlay import Pixels

if TYPE_CHECKING:
    from av import VideoFrame

Rows = tuple[int, int]
"""A half-open range of rows."""


class Planes:
    """A frame to be encoded: Y, Cb and Cr, 4:2:0 limited or 4:4:4 full range; for one thread."""

    def __init__(self, width: int, height: int, full_color: bool) -> None:
        """Prepare, all of it unset; width and height are even."""
        import av

        self.width, self.height, self.full_color = width, height, full_color
        self.frame: VideoFrame = av.VideoFrame(
            width, height, "yuv444p" if full_color else "yuv420p"
        )
        self._planes = [
            np.asarray(memoryview(plane)).reshape(-1, plane.line_size)[
                : plane.height, : plane.width
            ]
            for plane in self.frame.planes
        ]

    def follow(self, pixels: Pixels, changed: Iterable[Rows] | None) -> None:
        """Take rows over from ``pixels``, (height, width, 4) B, G, R, X; all if None.

        What they have in width or height beyond an even number is left out.
        """
        for top, bottom in [(0, self.height)] if changed is None else changed:
            # Two rows have their colours in common.
            first, last = top - top % 2, min(bottom + bottom % 2, self.height)
            if first < last:
                rows = _as_rows(pixels[first:last, : self.width])
                (self._convert_full if self.full_color else self._convert)(rows, first)

    def _convert(self, rows: Pixels, first: int) -> None:
        count, width = rows.shape[0], self.width
        packed = cv2.cvtColor(rows, cv2.COLOR_BGRA2YUV_I420)
        self._planes[0][first : first + count] = packed[:count]
        halves = packed[count:].reshape(2, count // 2, width // 2)
        for plane, half in zip(self._planes[1:], halves, strict=True):
            plane[first // 2 : (first + count) // 2] = half

    def _convert_full(self, rows: Pixels, first: int) -> None:
        luma_red_blue = cv2.cvtColor(rows, cv2.COLOR_BGR2YCrCb)
        for plane, channel in zip(self._planes, (0, 2, 1), strict=True):
            cv2.extractChannel(luma_red_blue, channel, plane[first : first + rows.shape[0]])


def _as_rows(pixels: Pixels) -> Pixels:
    """Give pixels that lie beside each other in each row, as OpenCV wants them."""
    lies_well = pixels.strides[1:] == (4, 1) and pixels.strides[0] > 0
    return pixels if lies_well else np.ascontiguousarray(pixels)
