"""What an instance holds of memory: before the first viewer, watched, with updates, after resizes.

    .venv/bin/python bench/memory.py [--size 1920x1080] [--seconds 8] [--resizes 1800]

PSS: of what is shared with other processes only its share, so that other webcapds, and programs
with the same libraries, make it less.  The stages of the table are one process's, one after the
other, on a screen that is typed on.  Resizes are to random sizes up to --size, with one viewer;
--resizes 0 leaves them out.
"""

import argparse
import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
from Xlib.display import Display

from picture import desktop
from running import ROOT, memory, webcapd, workload, x_server
from workload import put

sys.path += [str(ROOT), str(ROOT / "tests")]

from resizing import resize

TARGETS = {"before the first viewer": 30.0, "watched": 72.0, "and updates": 81.0}
"""Megabytes of PSS, at 1080p."""
MORE_AFTER_RESIZES = 1.2
"""Of RSS."""


@contextlib.contextmanager
def viewer(address: str) -> Iterator[None]:
    """Read something for as long as the context lasts."""
    process = subprocess.Popen(["curl", "-sNo", "/dev/null", address])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def stages(size: str, seconds: float) -> dict[str, dict[str, float]]:
    """Measure one process in each state: megabytes, by the names of smaps_rollup."""
    found = {}
    with (
        x_server(size) as (display, _),
        workload("typing", display),
        webcapd(display) as (pid, url),
        contextlib.ExitStack() as viewers,
    ):
        for stage, page in zip(TARGETS, ("", "?stream", "?updates"), strict=True):
            if page:
                viewers.enter_context(viewer(url + page))
            time.sleep(seconds)
            found[stage] = memory(pid)
    return found


def resized(size: str, count: int) -> tuple[float, float]:
    """Give a watched screen another size many times; gives megabytes of RSS before and after."""
    width, height = map(int, size.split("x"))
    generator = random.Random(1)
    with x_server(size) as (name, _), webcapd(name) as (pid, url), viewer(f"{url}?stream"):
        display = Display(name)
        root = display.screen().root
        pixmap = root.create_pixmap(width, height, 24)
        put(display, pixmap, root.create_gc(), np.ascontiguousarray(desktop(width, height)), 0, 0)
        root.change_attributes(background_pixmap=pixmap)
        resize(display, width, height)
        root.clear_area()
        display.sync()
        time.sleep(3)
        before = memory(pid)["Rss"]
        for _ in range(count):
            resize(
                display,
                generator.randrange(width // 2, width + 1),
                generator.randrange(height // 2, height + 1),
            )
            time.sleep(0.04)
        resize(display, width, height)
        time.sleep(3)
        after = memory(pid)["Rss"]
        display.close()
    return before, after


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--resizes", type=int, default=1800)
    given = parser.parse_args()
    print("| MB | PSS | RSS | private | target, PSS |\n| --- | --- | --- | --- | --- |")
    for stage, kinds in stages(given.size, given.seconds).items():
        private = kinds["Private_Clean"] + kinds["Private_Dirty"]
        print(
            f"| {stage} | {kinds['Pss']:.1f} | {kinds['Rss']:.1f} | {private:.1f} "
            f"| ≤ {TARGETS[stage]:g} |",
            flush=True,
        )
    if given.resizes:
        before, after = resized(given.size, given.resizes)
        print(
            f"\nRSS after {given.resizes} resizes: {before:.1f} to {after:.1f} MB, "
            f"{after / before:.2f} (target ≤ {MORE_AFTER_RESIZES})"
        )


if __name__ == "__main__":
    main()
