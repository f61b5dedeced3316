"""The incremental JPEG: the coded bands of a frame are kept from frame to frame."""

from collections.abc import Hashable

from webcapd.capture.bands import BAND_ROWS
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.encoder.bandcoder import BandCoder
from webcapd.encoder.jpeg import EOI, frame_header, interleave, restart_interval, split


class BandedJpeg:
    """One frame of a fixed size, quality and subsampling, kept in parts.

    Encoder thread only.  A part is coded again when the key of its band is not
    the one it was coded from, whenever that change came about.
    """

    def __init__(self, coder: BandCoder, quality: int, subsampling: str) -> None:
        self._coder = coder
        self._quality = quality
        self._subsampling = subsampling
        self._size = (0, 0)
        self._coded: list[Hashable] = []
        """Key that each band was coded from."""
        self._parts: list[bytes] = []
        """Header, band 0, RST0, band 1, …, EOI."""
        self._header_length = 0
        self.bands_coded = 0
        self.version = 0
        """Differs whenever the frame does."""

    def update(self, frame_buffer: FrameBuffer) -> list[int]:
        """Encode the bands that look different now; lists those that came out as they were.

        Every band of the frame buffer must have been looked at.
        """
        if self._size != (frame_buffer.width, frame_buffer.height):
            self._begin(frame_buffer)
        keys = frame_buffer.keys
        stale = [band for band, key in enumerate(keys) if key != self._coded[band]]
        alike = []
        for band, jpeg in zip(stale, self._encode(frame_buffer, stale), strict=True):
            # All bands have headers of one length: the same tables.
            coded = jpeg[self._header_length : -len(EOI)]
            if coded == self._parts[2 * band + 1]:
                alike.append(band)
            self._parts[2 * band + 1] = coded
            self._coded[band] = keys[band]
        if len(alike) < len(stale):
            self.version += 1
        return alike

    def frame(self) -> bytes:
        """Join the parts to the whole frame."""
        return b"".join(self._parts)

    def _begin(self, frame_buffer: FrameBuffer) -> None:
        """Start over for a frame buffer of another size."""
        width, height = self._size = (frame_buffer.width, frame_buffer.height)
        count = frame_buffer.layout.count
        (first,) = self._encode(frame_buffer, [0])
        header, _ = split(first)
        interval = restart_interval(width, BAND_ROWS, self._subsampling) if count > 1 else 0
        self._header_length = len(header)
        self._parts = interleave(frame_header(header, height, interval), [b""] * count)
        self._coded = [None] * count

    def _encode(self, frame_buffer: FrameBuffer, bands: list[int]) -> list[bytes]:
        self.bands_coded += len(bands)
        pixels = [frame_buffer.band(band) for band in bands]
        with frame_buffer.composed(bands):
            return self._coder.encode(pixels, self._quality, self._subsampling)
