"""See how soon the programs that people watch with show a change on a resting screen.

    bench/players.py                 all of them, five changes each
    bench/players.py mpv VLC         those whose names begin so
    bench/players.py --docs          and put the table into docs/http.md

Each is run for real, with what Debian ships, against a webcapd of its own with default options,
on a screen of 640x480 that is one colour; what counts is the colour in its window.  Missing ones
are named, with their packages.  Times are upper bounds: the window is looked at 50 times a second.
"""

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from Xlib.display import Display

from running import ROOT, webcapd, x_server
from viewers import VIEWERS, Desk, Pixels, Viewer, missing

DOCS = ROOT / "docs/http.md"
_PLACE = re.compile(r"(<!-- players:.*?-->\n).*?(<!-- /players -->)", re.DOTALL)

# Far enough from each other to be told apart after JPEG and a player's own arithmetic
# (mpv's X11 output is 64 off).
_COLOURS = (0xE00000, 0x00E000, 0x0000E0, 0xE0E000, 0x00E0E0)
_TOLERANCE = 80

# This much of what a player shows must be of the colour: its window need not fill its screen.
_SHARE = 0.05

_PATIENCE = 40.0
_LOOK_SECONDS = 0.02
_REST_SECONDS = 3.0


class Times(NamedTuple):
    """What was seen of one player, in seconds."""

    first: float | None
    """From its start to the first picture; None if none came."""
    changes: list[float | None]
    """From each change to its being shown."""


def shows(colour: int, pixels: Pixels) -> bool:
    """Whether a 0xRRGGBB colour is to be seen."""
    wanted = np.array([colour & 0xFF, colour >> 8 & 0xFF, colour >> 16])
    near = np.abs(pixels[::4, ::4].astype(int) - wanted).max(axis=2) <= _TOLERANCE
    return bool(near.mean() >= _SHARE)


def seconds_until(condition: Callable[[], bool]) -> float | None:
    """Wait for a condition; gives how long that took, None if it was too long."""
    began = time.monotonic()
    while (taken := time.monotonic() - began) < _PATIENCE:
        if condition():
            return time.monotonic() - began
        time.sleep(_LOOK_SECONDS)
    print(f"  nothing within {taken:.0f} s")
    return None


class Screen:
    """The screen that is watched: one colour."""

    def __init__(self, name: str) -> None:
        self._display = Display(name)
        self._root = self._display.screen().root

    def fill(self, colour: int) -> None:
        self._root.change_attributes(background_pixel=colour)
        self._root.clear_area()
        self._display.sync()


def watched(viewer: Viewer, changes: int, options: list[str]) -> Times:
    """Run a player and change the screen under it."""
    with ExitStack() as stack:
        name, _ = stack.enter_context(x_server("640x480"))
        screen = Screen(name)
        screen.fill(_COLOURS[0])
        _, url = stack.enter_context(webcapd(name, *options))
        desk = Desk(stack.enter_context(x_server("800x600"))[0])
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="player-", ignore_cleanup_errors=True)
        )
        # OpenCV, once imported, has told Qt in here where its own plugins are.
        plain = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
        process = subprocess.Popen(
            viewer.command(url + viewer.query, Path(folder)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={
                **plain,
                **{"DISPLAY": desk.name, "HOME": folder, "XDG_RUNTIME_DIR": folder},
                "SDL_AUDIODRIVER": "dummy",
            },
            start_new_session=True,
        )
        stack.callback(end, process)

        def shown(colour: int) -> bool:
            return shows(colour, viewer.picture(desk))

        first = seconds_until(partial(shown, _COLOURS[0]))
        taken: list[float | None] = []
        for number in range(1, changes + 1):
            # Not in step with anything that is sent again.
            time.sleep(_REST_SECONDS + number * 0.37)
            colour = _COLOURS[number % len(_COLOURS)]
            screen.fill(colour)
            taken.append(seconds_until(partial(shown, colour)))
        return Times(first, taken)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a player and whatever it has started."""
    os.killpg(process.pid, 9)
    process.wait()


def in_words(first: float | None, changes: list[float | None]) -> tuple[str, str]:
    """Give the two cells of the table."""
    came = [one for one in changes if one is not None]
    start = "never" if first is None else f"{first:.1f} s"
    if not came:
        return start, "never"
    if len(came) < len(changes):
        return start, f"{len(changes) - len(came)} of {len(changes)} never"
    return start, f"{statistics.median(came):.2f} s (at most {max(came):.2f})"


def table(rows: list[tuple[str, str, str, str]]) -> str:
    lines = ["| client | what it needs | first picture | one change at rest |", "|---|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows]) + "\n"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help="only those whose names begin so")
    parser.add_argument("--changes", type=int, default=5, help="changes for each (5)")
    parser.add_argument("--docs", action="store_true", help="put the table into docs/http.md")
    parser.add_argument("--option", action="append", default=[], help="an option for webcapd")
    return parser.parse_args()


def main() -> None:
    given = parsed()
    rows = []
    for viewer in VIEWERS:
        if given.names and not viewer.name.startswith(tuple(given.names)):
            continue
        if missing(viewer):
            print(f"{viewer.name} is not here: apt-get install {viewer.package}")
            continue
        times = watched(viewer, given.changes, given.option)
        row = (viewer.name, viewer.needs, *in_words(*times))
        print(" | ".join(row), flush=True)
        rows.append(row)
    if given.docs:
        text = DOCS.read_text()
        DOCS.write_text(_PLACE.sub(lambda match: match[1] + table(rows) + match[2], text))


if __name__ == "__main__":
    main()
