"""Makes frames of pixels: as a view of the capture's own memory, or converted by OpenCV."""

import weakref
from collections.abc import Callable, Mapping, Sequence

from webcapd.app.api.changed import changed_places
from webcapd.app.api.error import Error
from webcapd.app.api.frame import Frame, Pixels, Taken
from webcapd.base.process.late import cv2, np
from webcapd.capture.geometry import Rectangle
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.consumer import NO_DEMAND, Demand, Moment


def _converted(code: int) -> Callable[[Pixels], Pixels]:
    def convert(pixels: Pixels) -> Pixels:
        return np.asarray(cv2.cvtColor(pixels, code), np.uint8)

    return convert


_to_i420 = _converted(cv2.COLOR_BGRA2YUV_I420)


def _to_nv12(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    planar = _to_i420(pixels)
    made = np.empty_like(planar)
    made[:height] = planar[:height]
    # Two planes become pairs.
    made[height:] = planar[height:].reshape(2, -1).T.reshape(height // 2, width)
    return made


CONVERSIONS: Mapping[str, Callable[[Pixels], Pixels]] = {
    "raw": np.array,
    "bgr": _converted(cv2.COLOR_BGRA2BGR),
    "rgb": _converted(cv2.COLOR_BGRA2RGB),
    "gray": _converted(cv2.COLOR_BGRA2GRAY),
    "i420": _to_i420,
    "nv12": _to_nv12,
}
"""Each gives pixels of its own of (height, width, 4) B, G, R, X."""

# Their colours are of two by two pixels.
_EVEN = ("i420", "nv12")


class FrameMaker:
    """Makes frames; see Maker."""

    takes_pointer = True
    takes_small = False  # A frame is a frame, however little is new.
    shows_outages = False

    def __init__(self, output: str, lends: bool) -> None:
        """With ``lends``, a raw frame is what the capture has, for as long as it is handed out."""
        self._output = output
        self._lends = lends and output == "raw"
        self._size = (0, 0)
        self._keys: Sequence[BandKey] = []
        self._lent: weakref.ref[Pixels] | None = None

    def make(self, picture: Picture, moment: Moment, taken: Taken) -> Frame | None:
        # Of one that came as JPEG, the pixels are to be there before the keys are asked for.
        pixels, keys = picture.pixels, list(picture.keys)
        size = (picture.width, picture.height)
        if size == self._size:
            changed = changed_places(picture.layout, picture.width, self._keys, keys)
            if not changed:
                return None
        else:
            changed = (Rectangle(0, 0, *size),)
        self._size, self._keys = size, keys
        if self._output in _EVEN:
            pixels, size, changed = _even(pixels, changed)
        made = self._lend(pixels) if self._lends else CONVERSIONS[self._output](pixels)
        return Frame(made, self._output, size, changed, taken)

    def _lend(self, pixels: Pixels) -> Pixels:
        # All that is made of an array whose memory is no array's keeps that very array.
        lent = np.asarray(pixels.data.toreadonly())
        self._lent = weakref.ref(lent)
        return lent

    def finish(self, made: Frame) -> None:
        """Take back what was lent; raises Error if it was kept."""
        if self._lent is None:
            return
        made.revoke()
        if self._lent() is not None:
            raise Error(
                "a callback kept pixels of a raw frame, which change when it has returned: "
                "keep frame.pixels.copy(), or ask for another output"
            )

    def demand(self) -> Demand:
        return NO_DEMAND

    def request_keyframe(self) -> None:
        """All that is made can do without what was before."""

    def close(self) -> None:
        """Nothing is held."""


def _even(
    pixels: Pixels, changed: tuple[Rectangle, ...]
) -> tuple[Pixels, tuple[int, int], tuple[Rectangle, ...]]:
    """Cut a last odd row and column; raises Error if nothing is left."""
    height, width = (side & ~1 for side in pixels.shape[:2])
    if not height or not width:
        raise Error(f"a picture of {pixels.shape[1]}x{pixels.shape[0]} has no two by two pixels")
    whole = Rectangle(0, 0, width, height)
    within = tuple(filter(None, (place.within(whole) for place in changed)))
    return pixels[:height, :width], (width, height), within
