"""Players with a window, which show a frame only when more has come (streaming/quirks.py)."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from resting import Resting, resting
from waiting import wait_until
from xserver import XServer, xvfb

NOBODY = 65534

# What players make of colours differs from what was drawn: mpv's by 64.
TOLERANCE = 80

VLC = ("cvlc", "-q", "--no-video-title-show")
MPV = ("mpv", "--no-config", "--really-quiet", "--vo=x11")


@contextmanager
def player(*words: str, desk: XServer, home: Path) -> Iterator[None]:
    """Run a player on a screen of its own, by nobody: VLC refuses root."""
    home.chmod(0o777)
    become = []
    if os.geteuid() == 0:
        become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    running = subprocess.Popen(
        [*become, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": os.environ["PATH"], "DISPLAY": desk.name, "HOME": str(home)},
    )
    try:
        yield
    finally:
        running.kill()
        running.wait()


def shows(desk: XServer, colour: int) -> bool:
    """Whether the better part of a screen, where the player's window is, has a colour."""
    wanted = [colour & 0xFF, colour >> 8 & 0xFF, colour >> 16]
    near = np.abs(desk.pixels().astype(int) - wanted).max(axis=2) <= TOLERANCE
    return bool(near.mean() > 0.2)


def wait_for(desk: XServer, colour: int) -> None:
    wait_until(f"the player shows {colour:06x}", lambda: shows(desk, colour))


@pytest.fixture
def scene() -> Iterator[Resting]:
    with resting() as running:
        yield running


@pytest.mark.parametrize("words", [VLC, MPV], ids=["VLC", "mpv"])
def test_player_shows_a_change_on_a_resting_screen(scene: Resting, words: tuple[str, ...]) -> None:
    """By itself, VLC would wait for several keepalives of 9 s, and mpv for 25."""
    assert shutil.which(words[0]), f"{words[0]} is missing"
    address = f"{scene.program.url}?stream"
    # pytest's own folders are closed to nobody.
    with (
        xvfb(480, 360) as desk,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        player(*words, address, desk=desk, home=Path(home)),
    ):
        wait_for(desk, scene.colour)
        for _ in range(3):
            wait_for(desk, scene.change())
