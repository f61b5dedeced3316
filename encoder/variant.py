"""One encoded variant of the screen, shared by all who ask for the same."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from webcapd.base.pace import Pace
from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import Demand, Moment
from webcapd.encoder.frame import Frame, LatestFrame
from webcapd.encoder.jpeg.incremental import TiledJpeg
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder
from webcapd.encoder.transform import UPRIGHT, TransformedPicture, View


@dataclass(frozen=True)
class VariantSpec:
    """What distinguishes one variant from another."""

    view: View = UPRIGHT
    quality: int | None = None
    """A fixed JPEG quality, or None for the one that follows motion."""

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it."""
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
    """A variant of the screen, and its newest frame: the consumer that makes JPEG.

    ``latest``, report() and what Consumer says are for any thread, the rest for the encoder
    thread only.
    """

    takes_pointer = True
    takes_small = False  # A frame is a frame, however little is new.

    def __init__(
        self,
        spec: VariantSpec,
        coder: TileEncoder,
        cache: TileCache,
        subsampling: str,
        wake: Callable[[], None],
        sequence: int = 0,
    ) -> None:
        """``sequence`` is the number before that of the first frame."""
        self.spec = spec
        self.latest = LatestFrame(wake)
        self.pace = Pace()
        self.behind = True
        view = spec.view
        self._jpeg = TiledJpeg(coder, cache, "gray" if view.gray else subsampling)
        plain = replace(view, gray=False) == UPRIGHT
        self._buffer = None if plain else TransformedPicture(view)
        self.frames = 0
        """How many were published."""
        self._before_first = sequence
        self._shown: tuple[int | bytes, str] | None = None
        """The jpeg's version in the newest frame, or all of it, and the outage it tells of."""

    @property
    def bands_coded(self) -> int:
        return self._jpeg.bands_coded

    @property
    def sequence(self) -> int:
        """Number of the newest frame."""
        return self._before_first + self.frames

    def __str__(self) -> str:
        return str(self.spec)

    def demand(self) -> Demand:
        return self.latest.demand()

    def expire(self) -> None:
        self.latest.expire()

    def close(self) -> None:
        self.latest.close()

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of the variant; for any thread."""
        fps = self.latest.demand().fps
        return {
            **self.spec.report(),
            "wantedFps": fps if math.isfinite(fps) else None,
            "quality": self._jpeg.quality,
            "frames": self.frames,
            "bandsCoded": self.bands_coded,
        }

    def _seen(self, picture: Picture) -> AbstractContextManager[Picture]:
        """Give a picture as its view shows it."""
        return nullcontext(picture) if self._buffer is None else self._buffer.following(picture)

    def feed(self, picture: Picture, moment: Moment) -> None:
        """Bring the newest frame up to date, and encode what is new.

        A picture that came as JPEG is passed on as that to who asks for nothing else.
        """
        coded = picture.coded if self.spec == PLAIN else None
        if coded is None:
            with self._seen(picture) as seen:
                self._jpeg.update(seen, self.spec.quality or moment.quality)
                width, height = seen.width, seen.height
        else:
            width, height = picture.width, picture.height
        version = (coded or self._jpeg.version, moment.outage)
        if self._shown == version:
            self.latest.confirm(moment.as_of)
            return
        self._shown = version
        self.frames += 1
        frame = Frame(
            self.sequence,
            coded or self._jpeg.frame(),
            "image/jpeg",
            width,
            height,
            0 if coded else self._jpeg.quality,
            moment.captured,
            time.time(),
            moment.outage,
        )
        self.latest.publish(frame, moment.as_of)
