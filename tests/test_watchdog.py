"""The service manager is told that all is well only while each thread that matters answers."""

import contextlib
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import mjpeg
import pytest
from program import Webcapd, webcapd
from rawhttp import raw
from test_systemd import Manager
from waiting import wait_until
from xserver import XServer


def connect(program: Webcapd, stack: contextlib.ExitStack) -> None:
    for _ in range(3):
        stack.enter_context(raw(program))


def watch(program: Webcapd, stack: contextlib.ExitStack) -> None:
    stream = stack.enter_context(mjpeg.stream(program))
    for _ in range(2):
        assert stream.part().body


def leave_alone(program: Webcapd) -> None:
    """End the strace that watches a program; what it held up goes on."""
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    (tracer,) = re.findall(r"^TracerPid:\s*(\d+)$", status, re.MULTILINE)
    os.kill(int(tracer), signal.SIGKILL)


@pytest.mark.parametrize(
    ("call", "trigger"),
    [pytest.param("accept4", connect, id="accept"), pytest.param("sendmsg", watch, id="fanout")],
)
def test_watchdog_hears_nothing_while_a_thread_hangs(
    server: XServer,
    tmp_path: Path,
    call: str,
    trigger: Callable[[Webcapd, contextlib.ExitStack], None],
) -> None:
    """The third such call of a thread does not return, and no other thread makes so many."""
    inject = f"inject={call}:delay_exit=100000000:when=3"
    strace = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
    with contextlib.ExitStack() as stack:
        manager = stack.enter_context(contextlib.closing(Manager(str(tmp_path / "notify"))))
        environment = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "300000"}
        options = ("--display", server.name, "--keepalive", "0.5")
        program = stack.enter_context(webcapd(*options, environment=environment, wrapper=strace))
        manager.hear_until("WATCHDOG=1")
        trigger(program, stack)

        def is_silent() -> bool:
            """Whether between two things that are told every few seconds there is nothing."""
            told = [manager.hear()[0].partition("=")[0] for _ in range(2)]
            return told == ["STATUS", "STATUS"]

        try:
            wait_until("the watchdog hears nothing", is_silent)
        finally:
            leave_alone(program)
        manager.hear_until("WATCHDOG=1")
