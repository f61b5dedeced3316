"""Where the system gives little, or nothing: served if possible, else said in one sentence."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mjpeg
import pytest
from mortal import mortal_server
from painter import painter
from processes import descendants
from program import READY, ROOT, TIMEOUT, Webcapd, webcapd
from waiting import wait_until
from xserver import XServer, xvfb

from ports import free_port

ME = [sys.executable, "-P", str(ROOT / "webcapd.py")]

# No user has these, so that nobody else's processes count: those of tests side by side, whose
# process numbers are neighbours, neither.
LONELY = 61_000 + os.getpid() % 200 * 20


def outcome(*command: str, ended_by: str = "") -> tuple[int | None, list[str]]:
    """Run a command until it serves or ends; returns its exit code, None if it served.

    When it serves it is asked to end, or the program ``ended_by`` in its display is ended.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines = []
    with process.stderr:
        for line in process.stderr:
            lines.append(line.rstrip("\n"))
            if READY.match(line):
                if ended_by:
                    os.kill(program_in(process, ended_by), signal.SIGTERM)
                else:
                    process.terminate()
                lines += process.stderr.read().splitlines()
                assert process.wait(TIMEOUT) == 0, lines
                return None, lines
    return process.wait(TIMEOUT), lines


def program_in(process: "subprocess.Popen[str]", name: str) -> int:
    """Give the number of a program that somebody started, once it runs."""
    return wait_until(f"{name} runs", lambda: descendants(process.pid).get(name))


def assert_served_or_said(status: int | None, lines: Sequence[str]) -> None:
    """See that it served, or said in one sentence why it does not."""
    assert all(line.startswith("webcapd: ") for line in lines), lines
    if status is not None:
        assert (status, len(lines)) == (1, 1), lines


@pytest.mark.parametrize("virtual", [False, True])
@pytest.mark.parametrize("most", [*range(6, 24, 2), 64])
def test_few_descriptors(server: XServer, most: int, virtual: bool) -> None:
    shown = ("--virtual", "64x64") if virtual else ("--display", server.name)
    status, lines = outcome("prlimit", f"--nofile={most}", *ME, *shown, "--port", "0")
    assert_served_or_said(status, lines)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody without processes")
@pytest.mark.parametrize("virtual", [False, True])
@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6, 7, 8, 12])
def test_few_processes(server: XServer, most: int, virtual: bool) -> None:
    shown = ("--virtual", "64x64") if virtual else ("--display", server.name)
    somebody = (
        *("setpriv", f"--reuid={LONELY + most}", f"--regid={LONELY}", "--clear-groups"),
        # To read Python and us, wherever they lie.
        *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
    )
    command = (*somebody, "prlimit", f"--nproc={most}", *ME, *shown, "--port", "0")
    assert_served_or_said(*outcome(*command))


def threads_of(program: Webcapd) -> list[Path]:
    return list(Path(f"/proc/{program.process.pid}/task").iterdir())


def is_answering(thread: Path) -> bool:
    try:
        return (thread / "comm").read_text().startswith("client")
    except OSError:
        return False  # It has ended meanwhile.


def test_threads_that_are_not_to_be_had_are_done_without() -> None:
    """A picture is encoded by one thread where there are no more."""
    with xvfb(640, 480) as server, painter(server) as brush, webcapd("--display", server.name) as p:
        p.snapshot()
        # The stack of the thread that has answered serves the next one, once it has ended.
        wait_until("it has ended", lambda: not any(map(is_answering, threads_of(p))))
        limits = resource.prlimit(p.process.pid, resource.RLIMIT_AS)
        status = Path(f"/proc/{p.process.pid}/status").read_text()
        size = int(status.split("VmSize:")[1].split()[0]) * 1024
        # No room for another stack of 8 MB, but for everything else.
        resource.prlimit(p.process.pid, resource.RLIMIT_AS, (size + (6 << 20), limits[1]))

        def opened() -> mjpeg.Stream | None:
            # While the system still has hold of that stack, a request is refused, or hung up on.
            with contextlib.suppress(AssertionError, OSError):
                return held.enter_context(mjpeg.stream(p))
            return None

        with contextlib.ExitStack() as held:
            stream = wait_until("a stream is let in", opened)
            brush.noise(1)
            stream.until(mjpeg.decode(mjpeg.encode(server.pixels())))


@pytest.mark.parametrize("to", ["/dev/full", "closed", "nobody"])
def test_standard_error_that_takes_nothing_does_no_harm(server: XServer, to: str) -> None:
    port = free_port()
    options = ["--display", server.name, "--port", str(port), "--loghttp"]
    where = {"/dev/full": "2>/dev/full", "closed": "2>&-", "nobody": ""}[to]
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$@" {where}', "sh", *ME, *options],
        stdin=subprocess.DEVNULL,
        stderr=writer,
    )
    os.close(writer)
    try:
        program = Served(process, port)
        program.wait_until_served()
        for _ in range(20):
            assert program.get("/?snapshot")[0] == 200
        process.terminate()
        assert process.wait(TIMEOUT) == 0
    finally:
        process.kill()
        process.wait()


class Served(Webcapd):
    """One that says nothing of itself."""

    def __init__(self, process: "subprocess.Popen[Any]", port: int) -> None:
        self.process, self.host, self.port = process, "127.0.0.1", port

    def wait_until_served(self) -> None:
        deadline = time.monotonic() + TIMEOUT
        while True:
            assert time.monotonic() < deadline and self.process.poll() is None
            try:
                self.get("/?health")
                return
            except OSError:
                time.sleep(0.05)


LIBRARIES = ["libGL.so.1", "libgthread-2.0.so.0", "libxcb.so.1", "libxcb-shm.so.0"]


def paths_of(library: str) -> list[str]:
    listed = subprocess.run(
        ["ldconfig", "-p"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
    ).stdout
    found = [
        line.split(" => ")[1] for line in listed.splitlines() if line.strip().startswith(library)
    ]
    return sorted({os.path.realpath(path) for path in found})


@pytest.mark.parametrize("library", LIBRARIES)
def test_library_that_is_missing_is_named_in_one_sentence(server: XServer, library: str) -> None:
    hidden = [word for path in paths_of(library) for word in ("--ro-bind", "/dev/null", path)]
    without = ("bwrap", "--dev-bind", "/", "/", *hidden, "--")
    status, lines = outcome(*without, *ME, "--display", server.name, "--port", "0")
    assert (status, len(lines)) == (1, 1), lines
    assert lines[0].startswith("webcapd: ")
    assert library.split(".")[0] in lines[0]
    version = subprocess.run(
        [*without, *ME, "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("webcapd ")
    assert version.stderr == ""


def test_development_mode_finds_nothing_left_open(server: XServer) -> None:
    with mortal_server() as mortal:
        mortal.start_xvfb(64, 64)
        program = Webcapd(
            *("--display", mortal.name, "--port", "0"), environment={"PYTHONDEVMODE": "1"}
        ).wait_ready()
        with mjpeg.stream(program) as stream:
            stream.part()
            program.snapshot()
            mortal.kill()
            program.wait_for_line(lambda line: "waiting for a picture" in line)
            stream.part()
        assert program.stop() == 0
    # It may have tried to open the display again.
    said = [line for line in program.own_lines() if not line.endswith("; still no picture")]
    assert len(said) == 2, program.lines


def test_development_mode_finds_nothing_left_open_by_a_display_of_our_own() -> None:
    program = Webcapd(
        *("--virtual", "64x64", "--port", "0", "--", "sleep", "1000"),
        environment={"PYTHONDEVMODE": "1"},
    ).wait_ready()
    program.snapshot()
    assert program.stop() == 0
    assert len(program.lines) == 1, program.lines


@pytest.mark.parametrize(
    "shown", [("--display", ":4242"), ("--virtual", "64x64", "--", "/nowhere")]
)
def test_development_mode_finds_nothing_left_open_by_a_start_that_fails(
    shown: tuple[str, ...],
) -> None:
    program = Webcapd("--port", "0", *shown, environment={"PYTHONDEVMODE": "1"})
    assert program.ended() == 1
    assert len(program.lines) == 1, program.lines


def full_folder(path: str) -> list[str]:
    """Give the words that put a file system there which takes names and no bytes."""
    return ["--size", "4096", "--tmpfs", path, "--dir", f"{path}/.X11-unix"]


@pytest.mark.skipif(os.geteuid() != 0, reason="Xvfb keeps its keymap in /tmp for other users")
@pytest.mark.parametrize("has_runtime", [True, False])
def test_cookie_goes_where_there_is_room(has_runtime: bool) -> None:
    inside = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    inside += ["--tmpfs", "/var/lib/xkb", *full_folder("/tmp"), "--chdir", "/"]
    for path in sorted({str(ROOT), os.path.realpath(ROOT / ".venv"), sys.base_prefix}):
        if path.startswith("/tmp/"):
            pytest.skip("we are in the folder to be filled")
    if has_runtime:
        inside += ["--tmpfs", "/run", "--setenv", "XDG_RUNTIME_DIR", "/run"]
    else:
        inside += ["--unsetenv", "XDG_RUNTIME_DIR"]
    fill = ["sh", "-c", 'cat /dev/zero 2>/dev/null >/tmp/full; exec "$@"', "sh"]
    # A signal would come to bwrap, and not to what is in it: it ends with the program.
    program = ["sh", "-c", "exec 2>/dev/null; sleep 1000; exit 0"]
    me = [*ME, "--virtual", "64x64", "--port", "0", "--", *program]
    status, lines = outcome(*inside, "--", *fill, *me, ended_by="sleep")
    if has_runtime:
        assert status is None, lines
    else:
        assert (status, len(lines)) == (1, 1), lines
        assert "XDG_RUNTIME_DIR" in lines[0]


@pytest.mark.parametrize("runtime", ["/run", ""])
def test_temporary_folder_that_takes_nothing_is_said(runtime: str) -> None:
    inside = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    if str(ROOT).startswith("/tmp/"):
        pytest.skip("we are in the folder to be hidden")
    inside += ["--tmpfs", "/run", "--setenv", "XDG_RUNTIME_DIR", runtime, "--chdir", "/"]
    inside += ["--tmpfs", "/tmp", "--remount-ro", "/tmp"]
    status, lines = outcome(*inside, "--", *ME, "--virtual", "64x64", "--port", "0")
    assert (status, len(lines)) == (1, 1), lines
    assert ("/tmp" if runtime else "XDG_RUNTIME_DIR") in lines[0]
