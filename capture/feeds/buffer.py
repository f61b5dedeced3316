"""The frame buffer of a feed, which decodes a JPEG only where somebody wants pixels."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from webcapd.base.process.late import np
from webcapd.capture.bands import BandLayout
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.overlay import Pixels
from webcapd.capture.picture import BandKey, Picture
from webcapd.capture.pixelformat import BGRX


class FeedBuffer(FrameBuffer):
    """A frame buffer to which pixels come late, if at all.  Encoder thread only."""

    def __init__(self, width: int, height: int) -> None:
        """Take the memory, for pixels in black; raises MemoryError."""
        super().__init__(np.zeros((height, width * 4), np.uint8), width, BGRX)
        self._coded = b""
        """The JPEG that is shown; empty where it came as pixels."""
        self._late: Callable[[], object] | None = None
        """Brings the pixels in that are shown; None if they are here."""

    @property
    def lags(self) -> bool:
        """Whether the pixels here are not those that are shown."""
        return self._late is not None

    def postpone(self, coded: bytes, bring_in: Callable[[], object]) -> list[int]:
        """Show a JPEG; ``bring_in`` brings its pixels here, all of them, should they be wanted.

        Lists the bands that may look different.
        """
        if coded == self._coded:
            return []
        self._coded, self._late = coded, bring_in
        return list(range(self.layout.count))

    def take_pixels(self) -> None:
        """Show what the pixels are from now on."""
        self._coded, self._late = b"", None

    def catch_up(self) -> None:
        """Have the pixels here; may raise what bringing them in raises."""
        late, self._late = self._late, None
        if late is not None:
            late()

    def composed(self) -> AbstractContextManager[Picture]:
        if self._coded and not self._laid:
            return nullcontext(_CodedPicture(self, self._coded))
        self.catch_up()
        return super().composed()


class _CodedPicture:
    """A JPEG, and its pixels if they are asked for."""

    pointer = None

    def __init__(self, buffer: FeedBuffer, coded: bytes) -> None:
        self._buffer = buffer
        self.coded = coded
        self.width, self.height = buffer.width, buffer.height
        self.layout: BandLayout = buffer.layout

    @property
    def pixels(self) -> Pixels:
        self._buffer.catch_up()
        return self._buffer.pixels

    @property
    def keys(self) -> Sequence[BandKey]:
        self._buffer.catch_up()
        return self._buffer.keys

    def with_pointer(self) -> AbstractContextManager[Picture]:
        return nullcontext(self)
