"""Real X servers for tests, and a slow, obvious look at what they show."""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from program import TIMEOUT
from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, xerror_class
from Xlib.protocol.display import Display as Protocol
from Xlib.protocol.event import event_class

Pixels = NDArray[np.uint8]

_PAUSE = 0.05

_connecting = threading.Lock()


class XServer:
    """A running X server: its display name and its process."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        self.name = name
        self.process = process

    @contextlib.contextmanager
    def connected(self) -> Iterator[Display]:
        """Give a python-xlib connection, closed afterwards."""
        # python-xlib keeps the numbers of extensions for the whole process,
        # but servers number differently, and several threads connect.
        with _connecting:
            Protocol.event_classes = dict(event_class)
            Protocol.error_classes = dict(xerror_class)
            Protocol.extension_major_opcodes = {}
            display = Display(self.name)
            for name in ("event_classes", "error_classes", "extension_major_opcodes"):
                # Unless webcapd has been imported, which sees to that.
                vars(display.display).setdefault(name, getattr(Protocol, name))
        try:
            yield display
        finally:
            # Some tests kill the server.
            with contextlib.suppress(ConnectionClosedError):
                display.close()

    def pixels(self) -> Pixels:
        """Fetch the root window as (height, width, 3) bytes B, G, R, through GetImage."""
        with self.connected() as display:
            root = display.screen().root
            geometry = root.get_geometry()
            width, height = geometry.width, geometry.height
            image = root.get_image(0, 0, width, height, X.ZPixmap, 0xFFFFFFFF)
            return np.frombuffer(image.data, np.uint8).reshape(height, width, 4)[:, :, :3].copy()


@contextlib.contextmanager
def xvfb(
    width: int = 640, height: int = 480, *arguments: str, depth: int = 24
) -> Iterator[XServer]:
    """Run an Xvfb of one screen on a free display number."""
    name, process = _started(width, height, *arguments, depth=depth)
    try:
        yield XServer(name, process)
    finally:
        # Killed, it would leave a lock, in which its number is soon another process's: then no
        # server starts there, and the others do not look further.
        process.terminate()
        # Some tests have stopped it.
        process.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(TIMEOUT)
        process.kill()
        process.wait()


def _started(
    width: int, height: int, *arguments: str, depth: int
) -> tuple[str, "subprocess.Popen[bytes]"]:
    """Start an Xvfb; gives its name, once it takes clients."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        process, name = _start(width, height, *arguments, depth=depth)
        if name:
            return f":{name}", process
        # The one before it under that number is not quite gone.
        process.kill()
        process.wait()
        assert time.monotonic() < deadline, "Xvfb did not start"
        time.sleep(_PAUSE)


def _start(
    width: int, height: int, *arguments: str, depth: int
) -> tuple["subprocess.Popen[bytes]", str]:
    """Start an Xvfb; gives its number when it takes clients, or nothing if it has ended."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [
            *("Xvfb", "-displayfd", str(writer), "-noreset", "-s", "0"),
            *("-screen", "0", f"{width}x{height}x{depth}"),
            *(arguments or ("-nolisten", "tcp")),
        ],
        pass_fds=(writer,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with open(reader) as lines:
        in_time = select.select([reader], [], [], TIMEOUT)[0]
        return process, lines.readline().strip() if in_time else ""
