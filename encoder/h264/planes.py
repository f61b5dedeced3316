"""Pixels of the screen as the planes that an H.264 encoder takes.

Only rows that changed are converted.  OpenCV knows BT.601 alone: that is what the stream says of
itself, too, as decoders would take BT.709 for granted from 720 rows on.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from webcapd.base.process.late import NDArray, cv2, np
from webcapd.capture.geometry import Rectangle
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
        rows = [
            np.asarray(memoryview(plane)).reshape(-1, plane.line_size)
            for plane in self.frame.planes
        ]
        self._planes = [
            one[: plane.height, : plane.width]
            for one, plane in zip(rows, self.frame.planes, strict=True)
        ]
        self.words: NDArray[np.uint64] = rows[0][:height].view(np.uint64)[:, : max(1, width // 8)]
        """Its Y, 8 pixels a number."""

    def follow(self, pixels: Pixels, changed: Iterable[Rows] | None) -> None:
        """Take rows over from ``pixels``, (height, width, 4) B, G, R, X; all if None.

        What they have in width or height beyond an even number is left out.
        """
        whole = [(0, self.height)] if changed is None else changed
        self.follow_parts(
            pixels, (Rectangle(0, top, self.width, bottom - top) for top, bottom in whole)
        )

    def follow_parts(self, pixels: Pixels, changed: Iterable[Rectangle]) -> None:
        """Take over what lies in rectangles, as follow() does; left edges and widths are even."""
        for part in changed:
            left, right = part.x, min(part.right, self.width)
            # Two rows have their colours in common.
            first, end = part.y - part.y % 2, min(part.bottom + part.bottom % 2, self.height)
            if left < right and first < end:
                rows = _as_rows(pixels[first:end, left:right])
                (self._convert_full if self.full_color else self._convert)(rows, first, left)

    def drop_colors(self) -> None:
        """Leave grey of what is there."""
        for plane in self._planes[1:]:
            plane[:] = 128

    def _convert(self, rows: Pixels, top: int, left: int) -> None:
        count, width = rows.shape[:2]
        packed = cv2.cvtColor(rows, cv2.COLOR_BGRA2YUV_I420)
        self._planes[0][top : top + count, left : left + width] = packed[:count]
        halves = packed[count:].reshape(2, count // 2, width // 2)
        lines, columns = slice(top // 2, (top + count) // 2), slice(left // 2, (left + width) // 2)
        for plane, half in zip(self._planes[1:], halves, strict=True):
            plane[lines, columns] = half

    def _convert_full(self, rows: Pixels, top: int, left: int) -> None:
        count, width = rows.shape[:2]
        luma_red_blue = cv2.cvtColor(rows, cv2.COLOR_BGR2YCrCb)
        for plane, channel in zip(self._planes, (0, 2, 1), strict=True):
            part = plane[top : top + count, left : left + width]
            cv2.extractChannel(luma_red_blue, channel, part)


def _as_rows(pixels: Pixels) -> Pixels:
    """Give pixels that lie beside each other in each row, as OpenCV wants them."""
    lies_well = pixels.strides[1:] == (4, 1) and pixels.strides[0] > 0
    return pixels if lies_well else np.ascontiguousarray(pixels)
