"""What the Python API costs beyond the capture itself.

    .venv/bin/python bench/api.py [--size 1920x1080] [--seconds 10] [--rounds 3] [WORKLOAD ...]

Each way runs in this process, by turns, on the same X server; what counts is the CPU time of
this process.  *bare* is the encoder thread with a consumer that takes pictures and does nothing
with them; *raw* a callback that does nothing; the others are loops over frames() of that output.
The last column is the median of what is beyond *bare*.
"""

import argparse
import logging
import math
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from running import ROOT, workload, x_server

sys.path.append(str(ROOT))

import webcapd
from webcapd.app.engine import Engine
from webcapd.base.pace import Pace
from webcapd.base.shutdown import Shutdown
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import NO_DEMAND, Demand, Moment

Count = Callable[[], int]


class Nothing:
    """A consumer that follows the screen and counts."""

    takes_pointer = True
    takes_small = False

    def __init__(self) -> None:
        self.pace = Pace()
        self.behind = True
        self.count = 0
        self._closed = False

    def demand(self) -> Demand:
        return NO_DEMAND if self._closed else Demand(math.inf, False, -math.inf)

    def feed(self, picture: Picture, moment: Moment) -> None:
        self.count += 1

    def expire(self) -> None:
        pass

    def close(self) -> None:
        self._closed = True


@contextmanager
def bare(settings: webcapd.Settings) -> Iterator[Count]:
    """Run an engine without the API."""
    options, shutdown, nothing = settings.options, Shutdown(), Nothing()
    engine = Engine(options.capture, options.encoder, shutdown, Reception(None))
    engine.encoder.consumers.add(nothing)
    engine.start()
    engine.wait_begun()
    try:
        yield lambda: nothing.count
    finally:
        engine.stop()
        engine.join(5)
        engine.close()
        shutdown.close()


@contextmanager
def called(settings: webcapd.Settings) -> Iterator[Count]:
    """Have raw frames called back."""
    counted = [0]

    def on_frame(frame: webcapd.Frame) -> None:
        counted[0] = frame.number

    with webcapd.Capture(settings, on_frame):
        yield lambda: counted[0]


@contextmanager
def iterated(settings: webcapd.Settings, output: Any) -> Iterator[Count]:
    """Take all frames of an output, in a thread, as the waiting is not to be ours."""
    counted = [0]
    with webcapd.frames(settings, output=output) as frames:

        def take() -> None:
            for frame in frames:
                counted[0] = frame.number

        taker = threading.Thread(target=take, name="taker")
        taker.start()
        try:
            yield lambda: counted[0]
        finally:
            frames.close()
            taker.join()


WAYS: dict[str, Callable[[webcapd.Settings], Any]] = {
    "bare": bare,
    "raw": called,
    "bgr": lambda settings: iterated(settings, "bgr"),
    "jpeg": lambda settings: iterated(settings, "jpeg"),
}


class Cost(NamedTuple):
    """What one way took."""

    core: float
    """CPU seconds a second."""
    fps: float


def measure(way: str, settings: webcapd.Settings, seconds: float) -> Cost:
    """Run one way for some time."""
    with WAYS[way](settings) as count:
        time.sleep(1.0)
        began, cpu, frames = time.monotonic(), time.process_time(), count()
        time.sleep(seconds)
        cpu, frames = time.process_time() - cpu, count() - frames
        elapsed = time.monotonic() - began
    return Cost(cpu / elapsed, frames / elapsed)


def compare(name: str, size: str, seconds: float, rounds: int) -> None:
    """Print a line a way for one workload."""
    costs: dict[str, list[Cost]] = {way: [] for way in WAYS}
    with x_server(size) as (display, _), workload(name, display):
        settings = webcapd.Settings(display=display, fps=30)
        for _ in range(rounds):
            for way, taken in costs.items():
                taken.append(measure(way, settings, seconds))
    print(f"{name} {size}, at most 30 frames a second, {rounds} x {seconds:g} s each")
    print("way       core   frames/s   beyond bare: core   us a frame")
    for way, taken in costs.items():
        core = statistics.median(one.core for one in taken)
        fps = statistics.median(one.fps for one in taken)
        pairs = zip(taken, costs["bare"], strict=True)
        beyond = statistics.median(one.core - other.core for one, other in pairs)
        each = f"{beyond / fps * 1e6:12.0f}" if fps else ""
        print(f"{way:6} {core:7.4f} {fps:10.1f} {beyond:19.4f} {each}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a round of 3 s")
    parser.add_argument("workloads", nargs="*", default=["typing"])
    given = parser.parse_args()
    logging.basicConfig(level="WARNING")
    seconds, rounds = (3.0, 1) if given.quick else (given.seconds, given.rounds)
    for name in given.workloads:
        compare(name, given.size, seconds, rounds)


if __name__ == "__main__":
    main()
