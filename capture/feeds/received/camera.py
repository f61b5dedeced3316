"""``camera:N|PATH|URL[,size=WxH][,fps=N]``: what OpenCV opens: devices, films, RTSP."""

import logging
import os
import threading
import time
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import cv2
import numpy as np

from webcapd.base.redaction import redacted_source
from webcapd.capture.feeds.feed import FeedContext, FeedPicture
from webcapd.capture.feeds.pixels import picture_of, size_obstacle
from webcapd.capture.feeds.received.inlet import Inlet
from webcapd.capture.feeds.received.inletfeed import ThreadedFeed
from webcapd.capture.feeds.settings import parse_fps, split_settings
from webcapd.capture.geometry import parse_size
from webcapd.capture.overlay import Pixels

log = logging.getLogger(__name__)

_TIMEOUT_MILLISECONDS = 10_000
# Between attempts: doubled each time, until a picture comes.
_FIRST_WAIT, _MAX_WAIT = 0.5, 10.0
# Of a film that does not tell.
_USUAL_FPS = 25.0


def parse(rest: str, context: FeedContext) -> "CameraFeed":
    """Make the feed; raises ValueError with a sentence."""
    place, settings = split_settings(rest, {"size": parse_size, "fps": parse_fps})
    if not place:
        raise ValueError("camera: is followed by a number, a path or an address: camera:0")
    size = settings.get("size", (0, 0))
    if any(size) and (obstacle := size_obstacle(*size)):
        raise ValueError(obstacle)
    return CameraFeed(_with_secret(place, context.secret_for), size, settings.get("fps", 0.0))


def _with_secret(place: str, secret_for: Callable[[str], str]) -> str:
    """Put what opens an address into it, where it stands for RTSP and HTTP alike."""
    if "://" not in place:
        return place
    try:
        parts = urlsplit(place)
        host = parts.hostname or ""
        named = f"{host}:{parts.port}" if parts.port else host
    except ValueError:
        raise ValueError("this is no address; one looks like rtsp://HOST/stream") from None
    secret = "" if "@" in parts.netloc else secret_for(named)
    user, colon, password = secret.partition(":")
    if not secret:
        return place
    opened = f"{quote(user, '')}{colon}{quote(password, '')}@{parts.netloc}"
    return parts._replace(netloc=opened).geturl()


class CameraFeed(ThreadedFeed):
    """Has a thread that reads pictures, and opens the camera again when it is lost."""

    def __init__(self, place: str, size: tuple[int, int], fps: float) -> None:
        """``size`` and ``fps`` are 0 for what it has by itself."""
        # As FeedContext's registry does later for the whole.
        self._shown = redacted_source(place)
        super().__init__(Inlet[FeedPicture](f"camera {self._shown} has given no picture yet"))
        self._place, self._size, self._fps = place, size, fps
        self._stopping = threading.Event()

    def begin(self) -> None:
        # What these libraries write to standard error may hold an address's password.
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self.start_thread("camera", self._run)

    def end(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        """Have pictures come in until end()."""
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            try:
                count, reason = self._read_all()
            except Exception as error:
                log.debug("camera %s: %r", self._shown, error)
                count, reason = 0, f"camera {self._shown} failed: {type(error).__name__}"
            self.inlet.end(reason)
            # A film that has ended begins again at once.
            wait = _FIRST_WAIT if count else min(2 * wait, _MAX_WAIT)
            self._stopping.wait(0.0 if count > 1 else wait)

    def _read_all(self) -> tuple[int, str]:
        """Read until the end; gives how many pictures came, and why there are no more."""
        camera = self._opened()
        try:
            if not camera.isOpened():
                return 0, f"camera {self._shown} cannot be opened{self._obstacle()}"
            count, period = 0, self._period(camera)
            due = time.monotonic()
            while not self._stopping.is_set():
                done, pixels = camera.read()
                if not done or pixels is None:
                    break
                picture = self._picture(np.asarray(pixels, np.uint8))
                count += 1
                self.inlet.put(picture)
                due = max(due + period, time.monotonic() - period)
                self._stopping.wait(max(0.0, due - time.monotonic()))
            return count, f"camera {self._shown} gives no more pictures"
        finally:
            camera.release()

    def _opened(self) -> cv2.VideoCapture:
        if self._place.isascii() and self._place.isdigit():
            camera = cv2.VideoCapture(int(self._place))
            # Before the first picture; what it cannot do it ignores.
            if any(self._size):
                camera.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
                camera.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
            if self._fps:
                camera.set(cv2.CAP_PROP_FPS, self._fps)
            return camera
        if os.path.exists(self._place) and self._place.startswith("/dev/video"):
            return cv2.VideoCapture(self._place, cv2.CAP_V4L2)
        timeouts = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
        bounds = [number for name in timeouts for number in (name, _TIMEOUT_MILLISECONDS)]
        return cv2.VideoCapture(self._place, cv2.CAP_FFMPEG, bounds)

    def _obstacle(self) -> str:
        """Say what a user may have mistaken, where that is known: OpenCV tells nothing."""
        is_number = self._place.isascii() and self._place.isdigit()
        path = f"/dev/video{self._place}" if is_number else self._place
        if ":" in path:
            return ""
        if not os.path.exists(path):
            return f": there is no {path if is_number else 'such file'}"
        return "" if os.access(path, os.R_OK) else ": it may not be read"

    def _period(self, camera: cv2.VideoCapture) -> float:
        """Give the least time from one picture to the next: files come as fast as they are read."""
        fps = self._fps
        if not fps and os.path.isfile(self._place):
            fps = camera.get(cv2.CAP_PROP_FPS) or _USUAL_FPS
        return 1 / fps if 0 < fps < 1000 else 0.0

    def _picture(self, pixels: Pixels) -> FeedPicture:
        height, width = pixels.shape[:2]
        if any(self._size) and (width, height) != self._size:
            pixels = np.asarray(
                cv2.resize(pixels, self._size, interpolation=cv2.INTER_AREA), np.uint8
            )
        elif obstacle := size_obstacle(width, height):
            raise ValueError(obstacle)
        return picture_of(pixels, "BGR" if pixels.ndim == 3 else "GRAY", captured=time.time())
