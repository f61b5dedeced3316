"""What a pattern costs as a source, and the same as a window of an Xvfb.

    .venv/bin/python bench/patterns.py [NAME] [--size 1920x1080] [--seconds 8] [--rounds 3]

CPU seconds a second with one viewer, by turns.  Of the window only what webcapd itself takes is
counted: not the X server, and not the program that draws.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from Xlib.display import Display

from running import ROOT, cpu_seconds, running, x_server
from workload import put

sys.path.append(str(ROOT))

from webcapd.capture.patterns.patterns import painter_class

_SETTLE = 2.0


def draw(name: str, width: int, height: int) -> None:
    """Draw a pattern into a window that covers the display, for ever."""
    display = Display()
    screen = display.screen()
    window = screen.root.create_window(
        0, 0, width, height, 0, screen.root_depth, override_redirect=True
    )
    window.map()
    gc = window.create_gc()
    painter = painter_class(name)(width, height, 0)
    print("drawing", flush=True)
    began, frame = time.monotonic(), 0
    while True:
        for place in painter.paint(frame, time.time()):
            rows = painter.pixels[place.y : place.bottom, place.x : place.right]
            put(display, window, gc, rows, place.x, place.y)
        frame += 1
        time.sleep(max(0.0, began + frame / painter.fps - time.monotonic()))


@contextmanager
def window(name: str, size: str) -> Iterator[tuple[str, ...]]:
    """Have a pattern on a display; gives the options that show it."""
    with x_server(size) as (display, _):
        command = (sys.executable, __file__, name, "--size", size, "--draw")
        with running("drawing", *command, environment={**os.environ, "DISPLAY": display}):
            yield "--display", display, "--no-capture-cursor"


def cost(options: tuple[str, ...], seconds: float) -> tuple[float, float]:
    """Give CPU seconds a second, and frames a second, with one viewer."""
    command = (sys.executable, str(ROOT / "webcapd.py"), "--port", "0", *options)
    with running("serving", *command) as (process, line):
        port = line.strip().rstrip("/").rpartition(":")[2]
        audience = (sys.executable, str(ROOT / "bench/audience.py"), port, "/?stream", "1")
        with running("watching", *audience) as (viewer, _):
            time.sleep(_SETTLE)
            first, before = account(viewer), cpu_seconds(process.pid)
            time.sleep(seconds)
            last, after = account(viewer), cpu_seconds(process.pid)
    passed = last["moment"] - first["moment"]
    return (after - before) / passed, (last["frames"][0] - first["frames"][0]) / passed


def account(viewer: "subprocess.Popen[str]") -> Any:
    """Have the audience tell the moment, its bytes and its frames."""
    assert viewer.stdin is not None and viewer.stdout is not None
    viewer.stdin.write("\n")
    viewer.stdin.flush()
    return json.loads(viewer.stdout.readline())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="?", default="clock")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--draw", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.draw:
        draw(given.name, *map(int, given.size.split("x")))
    for _ in range(given.rounds):
        source = cost(("--source", f"pattern:{given.name},size={given.size}"), given.seconds)
        print("pattern: {:.4f} cores, {:.1f} frames a second".format(*source))
        with window(given.name, given.size) as options:
            shown = cost(options, given.seconds)
            print("window:  {:.4f} cores, {:.1f} frames a second".format(*shown))


if __name__ == "__main__":
    main()
