"""From the flush of a frame in shared memory to the last byte of the JPEG that shows it.

    .venv/bin/python bench/ring.py [--size 1920x1080] [--fps 30] [--frames 150]

One process writes a frame, and reads the stream until it is there, and so on.  What the
encode alone takes is measured in between, of the same pixels: OpenCV's, of the whole frame,
or of the rectangle that changed.  Then nothing is written, and it is counted how often the encoder
thread wakes.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from audience import connect
from running import ROOT, running

sys.path.append(str(ROOT))

from webcapd.base.ring.layout import FrameHeader
from webcapd.base.ring.writer import RingWriter

_PARAMETERS = [cv2.IMWRITE_JPEG_QUALITY, 75]
_SMALL = (600, 400, 240, 32)
"""x, y, width, height of what changes where little does: a line of text."""
_IDLE_SECONDS = 4.0


class Viewer:
    """Reads a stream, part by part."""

    def __init__(self, port: int) -> None:
        self._connection = connect(port)
        self._connection.sendall(b"GET /?stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self._data = b""

    def part(self) -> bytes:
        """Read the next JPEG; the boundary before it is found by its length."""
        while True:
            _, end, rest = self._data.partition(b"Content-Length: ")
            if end and b"\r\n\r\n" in rest:
                size = int(rest.partition(b"\r\n")[0])
                begin = rest.index(b"\r\n\r\n") + 4
                if len(rest) >= begin + size:
                    self._data = rest[begin + size :]
                    return rest[begin : begin + size]
            data = self._connection.recv(1 << 20)
            if not data:
                raise SystemExit("the stream ended")
            self._data += data

    def close(self) -> None:
        self._connection.close()


@contextmanager
def shown(path: Path) -> Iterator[tuple[int, int]]:
    """Have a ring streamed; gives the process and its port."""
    options = ("--port", "0", "--source", f"wcf:{path}", "--keepalive", "9", "--fps", "60")
    command = (sys.executable, str(ROOT / "webcapd.py"), *options)
    with running("serving", *command, "--no-use-paint-over-quality") as (process, line):
        yield process.pid, int(line.strip().rstrip("/").rpartition(":")[2])


def texture(width: int, height: int) -> NDArray[np.uint8]:
    """Make a picture as hard to encode as a photograph."""
    noise = np.random.default_rng(1).integers(
        0, 256, (height // 8 + 1, width // 8 + 1, 4), np.uint8
    )
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def encode_seconds(pixels: NDArray[np.uint8]) -> float:
    began = time.perf_counter()
    cv2.imencode(".jpg", pixels, _PARAMETERS)
    return time.perf_counter() - began


def measure(
    viewer: Viewer,
    writer: RingWriter,
    pixels: NDArray[np.uint8],
    given: argparse.Namespace,
    small: bool,
) -> tuple[list[float], list[float]]:
    """Give the seconds from flush to JPEG of each frame, and of each encode alone."""
    height, width = pixels.shape[:2]
    x, y, wide, high = _SMALL if small else (0, 0, width, height)
    part = pixels[y : y + high, x : x + wide]
    frame = FrameHeader("XR24", width, height, 4 * width, dirty=_SMALL if small else (0, 0, 0, 0))
    delays, encodes = [], []
    moment = time.monotonic()
    for _ in range(given.frames):
        part[:] = np.roll(part, 8, axis=1)
        writer.put(frame, pixels.data)
        flushed = time.perf_counter()
        viewer.part()
        delays.append(time.perf_counter() - flushed)
        encodes.append(encode_seconds(part))
        moment += 1 / given.fps
        time.sleep(max(0.0, moment - time.monotonic()))
    return delays, encodes


def encoder_sleeps(pid: int) -> int:
    """Count how often the encoder thread of a process, the first that it starts, has slept."""
    main, encoder, *_ = sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
    assert main == pid
    status = Path(f"/proc/{pid}/task/{encoder}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def milliseconds(values: list[float]) -> str:
    ordered = sorted(values)
    return (
        f"{1000 * statistics.median(ordered):6.2f} {1000 * ordered[-1 - len(ordered) // 100]:6.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--frames", type=int, default=150)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path, pixels = Path(name) / "bench.wcf", texture(width, height)
        with closing(RingWriter(path, pixels.nbytes)) as writer:
            writer.put(FrameHeader("XR24", width, height, 4 * width), pixels.data)
            with shown(path) as (pid, port), closing(Viewer(port)) as viewer:
                viewer.part()
                print("milliseconds      delay: median, 99 %   encode   beside it, median")
                for small in (False, True):
                    delays, encodes = measure(viewer, writer, pixels, given, small)
                    beside = statistics.median(delays) - statistics.median(encodes)
                    print(
                        f"{'a line' if small else 'everything':10}  {milliseconds(delays)}"
                        f"   {milliseconds(encodes)}   {1000 * beside:6.2f}"
                    )
                time.sleep(1)
                before = encoder_sleeps(pid)
                time.sleep(_IDLE_SECONDS)
                woken = encoder_sleeps(pid) - before
                print(f"at rest, the encoder thread woke {woken} times in {_IDLE_SECONDS:g} s")


if __name__ == "__main__":
    main()
