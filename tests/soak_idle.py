"""Displays that cost no process while nobody watches."""

import contextlib
import os
import random
import tempfile
import time
from pathlib import Path
from unittest import mock

from activation import OK, Activated, Systemd, activated, ask, can_run_systemd
from front import front, make_certificate
from soak import scenario
from waiting import wait_until
from xserver import xvfb

# Of a first look, from no process to the whole picture.
_LOOK_SECONDS = 1.0


def come_and_go(holder: Activated, times: int) -> int:
    """Come at about the moment at which it ends, and be answered each time; tells how often."""
    generator = random.Random(1)
    asked = 0
    while holder.starts <= times:
        assert ask(holder.path, "/?snapshot") == OK, holder.said
        asked += 1
        ends = len(holder.statuses)
        # It looks once a second whether it is to end.
        until = time.monotonic() + generator.uniform(0.1, 1.3)
        while time.monotonic() < until and len(holder.statuses) == ends:
            time.sleep(0.001)
    return asked


@scenario("first-look", 60)
def first_look(count: int) -> str:
    """Come COUNT times as it ends, and be answered each time."""
    with tempfile.TemporaryDirectory() as folder, xvfb(640, 480) as server:
        with activated(Path(folder), 7, "--display", server.name, "--exit-idle", "0.1") as holder:
            asked = come_and_go(holder, count)
        return f"{asked} requests were answered by {holder.starts} processes"


@scenario("no-start", 600)
def no_start(count: int) -> str:
    """For COUNT seconds, have haproxy and systemd, and nobody who watches: none is started."""
    if not can_run_systemd():
        return "nothing: a systemd of our own cannot run here"
    # The suite has no such time: a twentieth of it is counted in twentieths of seconds.
    pause = 1.0 if count > 60 else 0.05
    with contextlib.ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        make_certificate(folder)
        server = held.enter_context(xvfb(1920, 1080))
        held.enter_context(mock.patch.dict(os.environ, {"WEBCAPD_DISPLAYS": "7"}))
        systemd = Systemd(folder, 7, server.name, "--exit-idle 0.5")
        held.enter_context(contextlib.closing(systemd))
        proxy = held.enter_context(front(folder))
        for _ in range(count):
            assert proxy.get("/displays")[0] == 200
            time.sleep(pause)
            assert systemd.starts == 0
        looks: list[float] = []

        def look_again() -> bool:
            began = time.monotonic()
            assert proxy.get("/display/7/?snapshot")[0] == 200
            if systemd.starts > len(looks):
                looks.append(time.monotonic() - began)
            time.sleep(2)
            return len(looks) > 1

        wait_until("it has ended, and was started again", look_again)
        # In the suite, other tests have the processors.
        assert count <= 60 or min(looks) < _LOOK_SECONDS, looks
        shown = " and ".join(f"{look:.2f}" for look in looks)
        return f"0 starts in {count * pause:g} s; the first looks took {shown} s"
