"""Pixels and damage take the best way there is, the state page names it, and each one is true."""

import os
import re
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import mjpeg
import numpy as np
import pytest
from painter import Painter, painter
from program import Webcapd, webcapd
from waiting import wait_until
from Xlib.error import xerror_class
from Xlib.protocol.display import Display as Protocol
from Xlib.protocol.event import event_class
from xserver import XServer, xvfb

NO_SHM = ("-extension", "MIT-SHM")
NO_DAMAGE = ("-extension", "DAMAGE")
BY_TCP = ("-listen", "tcp", "-ac")


@pytest.fixture(autouse=True)
def xlib_knows_one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let python-xlib learn the numbers of each server's extensions anew.

    It keeps them for the whole process, and the servers here number differently.
    """
    monkeypatch.setattr(Protocol, "event_classes", event_class.copy())
    monkeypatch.setattr(Protocol, "error_classes", xerror_class.copy())
    monkeypatch.setattr(Protocol, "extension_major_opcodes", {})


@dataclass(frozen=True)
class Way:
    """One way for the pixels, and what webcapd has to say about it."""

    name: str
    server: tuple[str, ...] = ()
    webcapd: tuple[str, ...] = ()
    shm: str = "fd"
    damage: str = "xdamage"
    reasons: tuple[str, ...] = ()
    """A telling piece of each reason in shmNotUsed, in order."""


WAYS = [
    Way("default"),
    Way("fd", webcapd=("--shm", "fd")),
    Way("sysv", webcapd=("--shm", "sysv"), shm="sysv", reasons=("fd: not wanted",)),
    Way(
        "off",
        webcapd=("--shm", "off"),
        shm="off",
        reasons=("fd: not wanted", "sysv: not wanted"),
    ),
    Way(
        "server without MIT-SHM",
        server=NO_SHM,
        shm="off",
        reasons=("fd: the X server has no MIT-SHM", "sysv: the X server has no MIT-SHM"),
    ),
    Way("server without DAMAGE", server=NO_DAMAGE, damage="poll"),
    Way(
        "server without either",
        server=NO_SHM + NO_DAMAGE,
        shm="off",
        damage="poll",
        reasons=("fd: the X server has no MIT-SHM", "sysv: the X server has no MIT-SHM"),
    ),
    Way("server by TCP", server=BY_TCP, shm="off", reasons=("fd: ", "sysv: ")),
]


def follow(program: Webcapd, server: XServer, brush: Painter) -> None:
    """See that stream and snapshot are the root window, and go on being it."""
    with mjpeg.stream(program) as stream:
        for seed in range(3):
            brush.noise(seed)
            brush.rectangle(0x00FF00 >> seed, 100 * seed, 90, 50, 33)
            wanted = mjpeg.decode(mjpeg.encode(server.pixels()))
            stream.until(wanted)
            assert np.array_equal(mjpeg.decode(program.snapshot()), wanted)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_each_way_is_named_and_shows_the_screen(way: Way) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(xvfb(640, 480, *way.server))
        name = f"127.0.0.1{server.name}" if way.server == BY_TCP else server.name
        program = stack.enter_context(webcapd("--display", name, *way.webcapd))
        brush = stack.enter_context(painter(server))
        follow(program, server, brush)
        capture = program.info()["capture"]
        assert (capture["shm"], capture["damage"]) == (way.shm, way.damage)
        not_used = capture["shmNotUsed"]
        assert len(not_used) == len(way.reasons)
        for reason, piece in zip(not_used, way.reasons, strict=True):
            assert piece in reason
        if way.damage == "poll":
            assert "DAMAGE" in capture["damageNotUsed"]
            not_used = [*not_used, capture["damageNotUsed"]]
        else:
            assert capture["damageNotUsed"] is None
        for reason in not_used:
            told = [line for line in program.lines if line.endswith(reason)]
            assert len(told) == 1, program.lines
        # Nothing else is worth a line: the fallbacks and the ready line are all.
        assert len(program.own_lines()) == len(not_used) + 1, program.lines


def test_snapshot_of_a_screen_that_reports_no_damage_is_up_to_date() -> None:
    with (
        xvfb(640, 480, *NO_DAMAGE) as server,
        webcapd("--display", server.name) as program,
        painter(server) as brush,
    ):
        for seed in range(3):
            brush.noise(seed)
            wanted = mjpeg.decode(mjpeg.encode(server.pixels()))
            assert np.array_equal(mjpeg.decode(program.snapshot()), wanted)


@dataclass(frozen=True)
class SysvSegment:
    """A row of /proc/sysvipc/shm."""

    creator: int
    attached: int
    marked: bool
    """Whether it goes away with the last process attached."""


def segments_of(creator: int) -> list[SysvSegment]:
    """List the SysV segments that a process has made, dead or alive."""
    header, *rows = Path("/proc/sysvipc/shm").read_text().splitlines()
    names = header.split()
    found = []
    for row in rows:
        fields = dict(zip(names, row.split(), strict=True))
        if int(fields["cpid"]) == creator:
            marked = bool(int(fields["perms"], 8) & 0o1000)
            found.append(SysvSegment(creator, int(fields["nattch"]), marked))
    return found


def test_sysv_segment_is_one_that_cannot_be_left_behind(server: XServer) -> None:
    with webcapd("--display", server.name, "--shm", "sysv") as program:
        pid = program.process.pid
        program.snapshot()
        assert segments_of(pid) == [SysvSegment(pid, attached=2, marked=True)]
        program.stop()
        # The server lets go when it sees that its client has left.
        wait_until("the segment is gone", lambda: not segments_of(pid))


def test_sysv_segment_is_gone_after_a_kill(server: XServer) -> None:
    with webcapd("--display", server.name, "--shm", "sysv") as program:
        pid = program.process.pid
        program.snapshot()
        assert segments_of(pid)
        os.kill(pid, signal.SIGKILL)
        assert program.ended() == -signal.SIGKILL
        wait_until("the segment is gone", lambda: not segments_of(pid))


def test_server_in_reach_by_tcp_only_is_never_sent_a_descriptor() -> None:
    """The reason given is the kind of connection and not a failed attempt."""
    with xvfb(320, 240, *BY_TCP) as server:
        name = f"127.0.0.1{server.name}"
        with webcapd("--display", name, "--shm", "fd") as program:
            reasons = program.info()["capture"]["shmNotUsed"]
            assert re.fullmatch(r"fd: .*local socket.*", reasons[0])
