"""One encoded form of the screen, shared by all who ask for the same."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from webcapd.base.pace import Pace
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.encoder.frame import Frame
from webcapd.encoder.jpeg.cache import TileCache
from webcapd.encoder.jpeg.incremental import Picture, TiledJpeg
from webcapd.encoder.jpeg.tiles import TileEncoder
from webcapd.encoder.latest import LatestFrame
from webcapd.encoder.view import UPRIGHT, View
from webcapd.encoder.viewbuffer import ViewBuffer


@dataclass(frozen=True)
class VariantSpec:
    """What distinguishes one variant from another."""

    view: View = UPRIGHT
    quality: int | None = None
    """A fixed JPEG quality, or None for the one that follows motion."""

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of the form."""
        view = self.view
        return {
            "rotate": 90 * view.quarter_turns,
            "width": view.fit[0],
            "height": view.fit[1],
            "scale": view.scale,
            "crop": view.crop,
            "flip": view.flip,
            "gray": view.gray,
            "fixedQuality": self.quality,
        }


PLAIN = VariantSpec()


class Variant:
    """A form of the screen, and its newest frame.

    ``latest`` is for any thread, the rest for the encoder thread only.
    """

    def __init__(
        self,
        form: VariantSpec,
        coder: TileEncoder,
        cache: TileCache,
        subsampling: str,
        wake: Callable[[], None],
        sequence: int = 0,
    ) -> None:
        """``sequence`` is the number before that of the first frame."""
        self.form = form
        self.latest = LatestFrame(wake)
        self.pace = Pace()
        self.behind = True
        """Whether the newest frame may not be what the screen looks like."""
        view = form.view
        self._jpeg = TiledJpeg(coder, cache, "gray" if view.gray else subsampling)
        plain = replace(view, gray=False) == UPRIGHT
        self._buffer = None if plain else ViewBuffer(view)
        self.frames = 0
        """How many were published."""
        self._before_first = sequence
        self._shown: tuple[int, str] | None = None
        """The jpeg's version in the newest frame, and the outage it tells of."""

    @property
    def bands_coded(self) -> int:
        return self._jpeg.bands_coded

    @property
    def sequence(self) -> int:
        """Number of the newest frame."""
        return self._before_first + self.frames

    def expire(self) -> None:
        """Say that nothing is known of the screen any more."""
        self.behind = True
        self.latest.expire()

    def note(self, changed: bool, quality: int) -> None:
        """Hear that the screen changed, or that another quality is in force."""
        if changed or (self.form.quality is None and quality != self._jpeg.quality):
            self.behind = True

    @property
    def plain(self) -> bool:
        """Whether its bands are those of the screen."""
        return self._buffer is None

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of the variant; for any thread."""
        fps = self.latest.demand().fps
        return {
            **self.form.report(),
            "wantedFps": fps if math.isfinite(fps) else None,
            "quality": self._jpeg.quality,
            "frames": self.frames,
            "bandsCoded": self.bands_coded,
        }

    def _seen(self, source: FrameBuffer) -> AbstractContextManager[Picture]:
        """Give the source as the form's view shows it."""
        return nullcontext(source) if self._buffer is None else self._buffer.following(source)

    def update(
        self, source: FrameBuffer, quality: int, captured: float, as_of: float, outage: str = ""
    ) -> list[int]:
        """Bring the newest frame up to date; lists the bands coded to the bytes they had.

        ``captured`` and ``as_of`` are those of Frame and LatestFrame.
        """
        with self._seen(source) as picture:
            alike = self._jpeg.update(picture, self.form.quality or quality)
        self.behind = False
        if self._shown == (self._jpeg.version, outage):
            self.latest.confirm(as_of)
        else:
            self._shown = (self._jpeg.version, outage)
            self.frames += 1
            self.latest.publish(
                Frame(
                    self.sequence,
                    self._jpeg.frame(),
                    picture.width,
                    picture.height,
                    self._jpeg.quality,
                    captured,
                    time.time(),
                    outage,
                ),
                as_of,
            )
        return alike
