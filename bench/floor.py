"""The least that *full* can cost: grab, encode and send, each measured alone.

    .venv/bin/python bench/floor.py [--size 1920x1080] [--seconds 4]

With the libraries that webcapd uses, once a frame, while the workload runs: the
X server writes the screen into shared memory, OpenCV encodes it whole, the
kernel takes the JPEG for one client.  What lies between them (waiting, waking,
deciding) is not counted: that is what webcapd may take for itself.
"""

import argparse
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import cv2
from Xlib.display import Display

from cost import server_baseline
from running import ROOT, cpu_seconds, workload, x_server
from workload import FULL_FPS

sys.path.append(str(ROOT))

from webcapd.capture.geometry import Rectangle
from webcapd.capture.x11.dial import Dialler
from webcapd.capture.x11.grab import open_grabber
from webcapd.capture.x11.xcb import XcbConnection

_Result = TypeVar("_Result")

_PARAMETERS = [cv2.IMWRITE_JPEG_QUALITY, 75]


class Stopwatch:
    """CPU time of this thread, by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, step: str, work: Callable[[], _Result]) -> _Result:
        before = time.thread_time_ns()
        result = work()
        spent = (time.thread_time_ns() - before) / 1e9
        self.seconds[step] = self.seconds.get(step, 0.0) + spent
        return result


class Bare:
    """What must be done for a frame, and nothing else."""

    def __init__(self, display: str, size: str, client: socket.socket) -> None:
        with closing(Display(display)) as control:
            root = control.screen().root.id
        self._width, self._height = map(int, size.split("x"))
        area = Rectangle(0, 0, self._width, self._height)
        self._connection = XcbConnection(Dialler(display))
        self._grabber, _ = open_grabber(
            self._connection, root, area, 4 * self._width, "auto", lambda: None
        )
        self._client = client

    def close(self) -> None:
        self._grabber.close()
        self._connection.close()

    def frame(self, watch: Stopwatch) -> None:
        """Do it once."""
        rows = self._grabber.raw
        grabber, everything = self._grabber, [(0, self._height)]
        watch.time("grab", lambda: grabber.await_rows(grabber.request(everything)))
        pixels = rows.reshape(self._height, self._width, 4)
        _, coded = watch.time("encode", lambda: cv2.imencode(".jpg", pixels, _PARAMETERS))
        jpeg = coded.tobytes()
        head = f"--x\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
        watch.time("send", lambda: self._client.sendall(head + jpeg))


@contextmanager
def reading_client() -> Iterator[socket.socket]:
    """Give a connection whose other end reads all, in another process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        reading = (sys.executable, str(ROOT / "bench/audience.py"), port, "tcp", "1")
        process = subprocess.Popen(reading, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            client, _ = listener.accept()
            with client:
                yield client
        finally:
            process.terminate()
            process.communicate()


def floor(size: str, seconds: float) -> dict[str, Any]:
    """Measure *full*: CPU seconds a second of each step, and of the X server."""
    watch = Stopwatch()
    with (
        x_server(size) as (display, server),
        workload("full", display),
        reading_client() as client,
        closing(Bare(display, size, client)) as bare,
    ):
        baseline = server_baseline(server, seconds)
        began, before = time.monotonic(), cpu_seconds(server)
        moment = began
        while moment < began + seconds:
            bare.frame(watch)
            moment += 1 / FULL_FPS
            time.sleep(max(0.0, moment - time.monotonic()))
        elapsed = time.monotonic() - began
        spent = cpu_seconds(server) - before
    steps = {step: seconds / elapsed for step, seconds in watch.seconds.items()}
    return {"kind": "floor", "steps": steps, "server": spent / elapsed - baseline}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=4)
    given = parser.parse_args()
    found = floor(given.size, given.seconds)
    for step, spent in (*found["steps"].items(), ("X server", found["server"])):
        print(f"{step:9} {spent:.4f}")
    print(f"together  {sum(found['steps'].values()) + found['server']:.4f} CPU seconds a second")


if __name__ == "__main__":
    main()
