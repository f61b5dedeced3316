"""A window that shows pictures, by OpenCV.  For the main thread only, as toolkits want it."""

import os

import cv2
import numpy as np

# What keys mean, by what waitKey() gives of them.
_KEYS = {
    ord("q"): "quit",
    27: "quit",
    ord("s"): "snapshot",
    ord(" "): "pause",
    ord("f"): "fullscreen",
    ord("+"): "larger",
    ord("="): "larger",
    ord("-"): "smaller",
    ord("r"): "record",
}

_STEP = 1.25
_MIN_SIDE, _MAX_SIDE = 32, 8192

_NAME = "webcapd"
"""What OpenCV knows the window by; the title is another thing."""


class Window:
    """Shows one picture after the other, as large as wanted."""

    def __init__(self, title: str, scale: float, fullscreen: bool) -> None:
        """Prepare; the window comes with the first picture."""
        # Its warnings on fonts and styles are for nobody here.
        os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false;default.warning=false")
        self._title, self._scale, self._fullscreen = title, scale, fullscreen
        self._size = (0, 0)
        """Of the picture; none is shown yet where it is 0."""

    def show(self, jpeg: bytes) -> None:
        """Show a picture; raises ValueError if it is none."""
        pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise ValueError("a picture cannot be decoded")
        before, self._size = self._size, (pixels.shape[1], pixels.shape[0])
        if not before[0]:
            flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
            cv2.namedWindow(_NAME, flags)
            cv2.setWindowTitle(_NAME, self._title)
        cv2.imshow(_NAME, pixels)
        if before != self._size:
            self._resize()
            if self._fullscreen and not before[0]:
                self._set_fullscreen()

    def _resize(self) -> None:
        width, height = (round(side * self._scale) for side in self._size)
        if not self._fullscreen:
            cv2.resizeWindow(_NAME, max(1, width), max(1, height))

    def _set_fullscreen(self) -> None:
        mode = cv2.WINDOW_FULLSCREEN if self._fullscreen else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(_NAME, cv2.WND_PROP_FULLSCREEN, mode)

    def wait(self, seconds: float) -> str:
        """Let the window work for some time; gives what a key asks for, "" for nothing.

        "quit" also where the window was closed.
        """
        if not self._size[0]:
            return ""
        key = cv2.waitKey(max(1, round(1000 * seconds)))
        if not self._is_there():
            self._size = (0, 0)
            return "quit"
        return _KEYS.get(key & 0xFF, "") if key >= 0 else ""

    def _is_there(self) -> bool:
        try:
            return bool(cv2.getWindowProperty(_NAME, cv2.WND_PROP_VISIBLE) >= 1)
        except cv2.error:
            # What is not there has no properties, by some versions.
            return False

    def toggle_fullscreen(self) -> None:
        self._fullscreen = not self._fullscreen
        self._set_fullscreen()
        self._resize()

    def zoom(self, larger: bool) -> None:
        """Show it larger or smaller by a step, within reason."""
        scale = self._scale * (_STEP if larger else 1 / _STEP)
        if min(self._size) * scale >= _MIN_SIDE and max(self._size) * scale <= _MAX_SIDE:
            self._scale = scale
            self._resize()

    def close(self) -> None:
        if self._size[0]:
            cv2.destroyAllWindows()
        self._size = (0, 0)
