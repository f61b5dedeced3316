"""What paints a pattern, and which there are."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels


class Painter(ABC):
    """Paints the frames of a pattern.

    Frame n looks the same whichever was painted before, from the same size and seed; and, of a
    clock, at the same moment.
    """

    fps = 30.0
    """Frames a second unless told otherwise; 0 where all are alike."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self.width, self.height, self.seed = width, height, seed
        self.pixels: Pixels = np.zeros((height, width, 4), np.uint8)
        """(height, width, 4) bytes B, G, R, X: the frame painted last; not replaced."""
        self.shown: int | None = None
        """Its number."""

    @property
    def area(self) -> Rectangle:
        return Rectangle(0, 0, self.width, self.height)

    def paint(self, frame: int, moment: float) -> Sequence[Rectangle]:
        """Paint frame number ``frame``, from 0 on, at a moment in seconds of CLOCK_REALTIME.

        Gives where it may differ from what was painted before.
        """
        before, self.shown = self.shown, frame
        if before is None:
            self.begin()
            self.advance(None, frame, moment)
            return [self.area]
        if before == frame and self.fps:
            return []
        return self.advance(before, frame, moment)

    def begin(self) -> None:  # noqa: B027
        """Paint what is the same in all frames."""

    @abstractmethod
    def advance(self, before: int | None, frame: int, moment: float) -> Sequence[Rectangle]:
        """Paint what differs from frame ``before``, which is there (None: just what begin() did).

        Gives where that is; of frames that are all alike, nowhere.
        """
