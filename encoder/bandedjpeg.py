"""The incremental JPEG: the coded bands of a frame are kept from frame to frame."""

from webcapd.capture.bands import BAND_ROWS
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.encoder.bandcoder import BandCoder
from webcapd.encoder.jpeg import frame_header, interleave, restart_interval, split


class BandedJpeg:
    """One frame of a fixed size, quality and subsampling, kept in parts.

    Encoder thread only.  A part is coded again when the hash of its band is
    not the one it was coded from, whenever that change came about.
    """

    def __init__(self, coder: BandCoder, quality: int, subsampling: str) -> None:
        self._coder = coder
        self._quality = quality
        self._subsampling = subsampling
        self._size = (0, 0)
        self._coded: list[int | None] = []
        """Hash that each band was coded from."""
        self._parts: list[bytes] = []
        """Header, band 0, RST0, band 1, …, EOI."""
        self._header_length = 0
        self.bands_coded = 0

    def update(self, frame_buffer: FrameBuffer) -> bytes:
        """Encode what changed in the frame buffer; returns the whole frame.

        Every band of the frame buffer must have been settled.
        """
        if self._size != (frame_buffer.width, frame_buffer.height):
            self._begin(frame_buffer)
        hashes = frame_buffer.hashes
        stale = [i for i, found in enumerate(hashes) if found != self._coded[i]]
        for i, jpeg in zip(stale, self._encode(frame_buffer, stale), strict=True):
            # All bands have headers of one length: the same tables.
            self._parts[2 * i + 1] = jpeg[self._header_length : -2]
            self._coded[i] = hashes[i]
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
        return self._coder.encode(pixels, self._quality, self._subsampling)
