"""Programs that people watch a stream with: how each is started, and what it then shows."""

import os
import shutil
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from Xlib import X
from Xlib.display import Display

Pixels = NDArray[np.uint8]
"""Rows of B, G, R."""

Command = Callable[[str, Path], list[str]]
"""From the address of a stream, and a folder of its own, to words to run."""

_NOBODY = 65534

_MOTION_PORT = 18081

_OPENCV = """
import cv2, sys
capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
while True:
    success, frame = capture.read()
    if not success:
        break
    cv2.imshow("screen", frame)
    cv2.waitKey(1)
"""


@dataclass(frozen=True)
class Viewer:
    """One program, with the flags it is run with."""

    name: str
    package: str
    """Debian's, that brings it."""
    program: str
    """What must be found in PATH."""
    needs: str
    """What it needs to show a change at rest, for the docs."""
    command: Command
    query: str = "?stream"
    picture: Callable[["Desk"], Pixels] = lambda desk: desk.pixels()
    """Tells what it shows."""


class Desk:
    """The screen that viewers are started on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._display = Display(name)
        self._root = self._display.screen().root

    def pixels(self) -> Pixels:
        place = self._root.get_geometry()
        image = self._root.get_image(0, 0, place.width, place.height, X.ZPixmap, 0xFFFFFFFF)
        return np.frombuffer(image.data, np.uint8).reshape(place.height, place.width, 4)[..., :3]

    def close(self) -> None:
        self._display.close()


def _page(url: str, folder: Path) -> str:
    """Make a page with an image; gives its address."""
    page = folder / "page.html"
    page.write_text(f'<!DOCTYPE html><body style="margin:0"><img src="{url}">')
    return page.as_uri()


def _vlc(*flags: str) -> Command:
    def command(url: str, folder: Path) -> list[str]:
        words = ["cvlc", "-q", "--no-video-title-show", *flags, url]
        if os.geteuid():
            return words
        # It refuses to be run by root.
        os.chown(folder, _NOBODY, _NOBODY)
        return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *words]

    return command


def _motion(scheme: str) -> Command:
    def command(url: str, folder: Path) -> list[str]:
        (folder / "motion.conf").write_text(
            f"netcam_url {url.replace('http:', scheme + ':')}\nwidth 640\nheight 480\n"
            f"target_dir {folder}\npicture_output off\nmovie_output off\n"
            f"stream_port {_MOTION_PORT}\nstream_maxrate 100\nstream_quality 90\n"
        )
        return ["motion", "-n", "-c", str(folder / "motion.conf")]

    return command


class _Relay:
    """Reads the stream that motion makes of what it has read: that is what it shows."""

    def __init__(self) -> None:
        self._latest: bytes | None = None
        self._thread: threading.Thread | None = None

    def picture(self, desk: Desk) -> Pixels:
        if self._thread is None or not self._thread.is_alive():
            self._latest = None
            self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
            self._thread.start()
        nothing = np.zeros((1, 1, 3), np.uint8)
        if self._latest is None:
            return nothing
        pixels = cv2.imdecode(np.frombuffer(self._latest, np.uint8), cv2.IMREAD_COLOR)
        return nothing if pixels is None else np.asarray(pixels, np.uint8)

    def _run(self) -> None:
        data = b""
        try:
            with socket.create_connection(("127.0.0.1", _MOTION_PORT)) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                while chunk := connection.recv(1 << 16):
                    data += chunk
                    while (end := data.find(b"\xff\xd9")) >= 0:
                        self._latest = data[max(0, data.find(b"\xff\xd8")) : end + 2]
                        data = data[end + 2 :]
        except OSError:
            return


def _gstreamer(url: str, folder: Path) -> list[str]:
    pipeline = "multipartdemux single-stream=true ! jpegdec ! videoconvert ! ximagesink sync=false"
    return ["gst-launch-1.0", "-q", "souphttpsrc", f"location={url}", "!", *pipeline.split()]


def _firefox(url: str, folder: Path) -> list[str]:
    (folder / "user.js").write_text(
        'user_pref("browser.aboutwelcome.enabled", false);\n'
        'user_pref("datareporting.policy.dataSubmissionEnabled", false);\n'
        'user_pref("termsofuse.bypassNotification", true);\n'
    )
    return ["firefox-esr", "--no-remote", "--profile", str(folder), "--kiosk", _page(url, folder)]


def _chromium(url: str, folder: Path) -> list[str]:
    flags = ["--no-first-run", "--kiosk", "--disable-gpu", "--disable-background-networking"]
    root = [] if os.geteuid() else ["--no-sandbox"]
    return ["chromium", *flags, *root, f"--user-data-dir={folder}", _page(url, folder)]


_AGAIN = "the last frame three times more, 0.1 s apart"
_BURST = "the last frame 25 times more, 0.04 s apart"
_RESENT = "the frame again each 0.25 s"

VIEWERS = (
    Viewer("Firefox, `<img>`", "firefox-esr", "firefox-esr", "the next boundary", _firefox),
    Viewer("Chromium, `<img>`", "chromium", "chromium", "the next part's headers", _chromium),
    Viewer("VLC", "vlc-bin vlc-plugin-video-output", "cvlc", _RESENT, _vlc()),
    Viewer(
        "VLC `--network-caching=200`",
        "vlc-bin vlc-plugin-video-output",
        "cvlc",
        _RESENT,
        _vlc("--network-caching=200"),
    ),
    Viewer(
        "mpv",
        "mpv",
        "mpv",
        _BURST,
        lambda url, folder: ["mpv", "--no-config", "--really-quiet", "--vo=x11", url],
    ),
    Viewer(
        "mpv `--profile=low-latency`",
        "mpv",
        "mpv",
        _BURST,
        lambda url, folder: [
            *("mpv", "--no-config", "--really-quiet", "--vo=x11"),
            *("--profile=low-latency", url),
        ],
    ),
    Viewer(
        "ffplay",
        "ffmpeg",
        "ffplay",
        _AGAIN,
        lambda url, folder: ["ffplay", "-loglevel", "error", url],
    ),
    Viewer(
        "ffplay `-f mpjpeg`",
        "ffmpeg",
        "ffplay",
        _AGAIN,
        lambda url, folder: ["ffplay", "-loglevel", "error", "-f", "mpjpeg", url],
    ),
    Viewer(
        "OpenCV, `VideoCapture`",
        "python3-opencv",
        "python3",
        _AGAIN,
        lambda url, folder: ["/usr/bin/python3", "-c", _OPENCV, url],
    ),
    Viewer(
        "GStreamer, `multipartdemux ! jpegdec`",
        "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-x",
        "gst-launch-1.0",
        "the length of a part",
        _gstreamer,
    ),
    Viewer(
        "motion, `netcam_url http:`",
        "motion",
        "motion",
        _AGAIN,
        _motion("http"),
        picture=_Relay().picture,
    ),
    Viewer(
        "motion, `netcam_url mjpeg:`",
        "motion",
        "motion",
        _AGAIN,
        _motion("mjpeg"),
        picture=_Relay().picture,
    ),
)


def missing(viewer: Viewer) -> bool:
    return shutil.which(viewer.program) is None
