"""The embedded display: a private Xvfb, and a program in it.

Both die with webcapd, however it ends: the kernel sends them SIGTERM when
their parent is gone (setpriv --pdeathsig).  The program has a keeper (keeper.py),
which ends with it all that it has started.  The cookie is a file, since programs
that drop their privileges must be able to read it; one that a killed webcapd has
left is taken away by the next.
"""

import contextlib
import itertools
import os
import secrets
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from webcapd.base.shutdown import Shutdown
from webcapd.capture.source import SourceError

_START_SECONDS = 15.0
_END_SECONDS = 0.4
# The keeper asks the program's family first, and takes a moment to see it gone.
_KEEPER_SECONDS = 0.8
_KEEPER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("keeper.py")))
_DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")

_numbers = itertools.count(1)
"""Of the cookies' files."""

# Where it puts its lock, its keymap and its socket, whatever TMPDIR says.
_XVFB_WRITES = ("/tmp", "/tmp/.X11-unix")

_FAMILY_LOCAL, _FAMILY_WILD = 256, 0xFFFF


def authority(cookie: bytes, hostname: bytes) -> bytes:
    """Give an X authority file with one cookie for any display.

    Two entries: python-xlib finds cookies by host name alone, and libXau takes
    the wild one wherever the host name changes.  Format: Xau(3).
    """

    def counted(data: bytes) -> bytes:
        return struct.pack(">H", len(data)) + data

    def entry(family: int, address: bytes) -> bytes:
        fields = (address, b"", b"MIT-MAGIC-COOKIE-1", cookie)
        return struct.pack(">H", family) + b"".join(map(counted, fields))

    return entry(_FAMILY_LOCAL, hostname) + entry(_FAMILY_WILD, b"")


class VirtualDisplay:
    """A private Xvfb of our own.  Main thread only."""

    def __init__(self, width: int, height: int) -> None:
        self._screen = f"{width}x{height}x24"
        self._server: subprocess.Popen[bytes] | None = None
        self._program: subprocess.Popen[bytes] | None = None
        self._cookie_file: Path | None = None
        self._waiters: list[threading.Thread] = []
        """Those that wait for the end of a process."""
        self._ending = False  # Written by the main thread only.
        self.name = ""
        self.environment: Mapping[str, str] = {}
        """DISPLAY and XAUTHORITY for whoever shall connect."""

    def start(self, on_end: Callable[[int], None], stop: Shutdown) -> bool:
        """Start the server and wait until it listens; raises SourceError.

        ``on_end`` gets the server's exit status, in a thread of its own.  False
        if ``stop`` turned readable meanwhile: somebody wants to end it all.
        """
        for needed in ("Xvfb", "setpriv"):
            if shutil.which(needed) is None:
                raise SourceError(f"--virtual needs the program {needed}, which is not installed")
        self._cookie_file = _write_cookie(authority(secrets.token_bytes(16), _hostname()))
        path = str(self._cookie_file)
        # Xvfb says why it cannot start on standard error, and it says much else.
        with open(os.memfd_create("xvfb-says"), "w+b") as complaints:
            number = self._start_server(path, complaints, stop)
        if number is None:
            return False
        assert self._server is not None
        self._call_at_end(self._server, on_end, "xvfb")
        self.name = f":{number}"
        self.environment = {"DISPLAY": self.name, "XAUTHORITY": path}
        return True

    def _start_server(
        self, authority_path: str, complaints: IO[bytes], stop: Shutdown
    ) -> int | None:
        """Start Xvfb; returns the display number it chose, None if stopped meanwhile."""
        reader, writer = os.pipe()
        try:
            self._server = subprocess.Popen(
                [
                    *_DIES_WITH_US, "Xvfb",
                    "-displayfd", str(writer),
                    "-screen", "0", self._screen,
                    "-auth", authority_path,
                    # Reset would throw away all windows when the last client
                    # leaves, and the screen saver the picture.
                    "-nolisten", "tcp", "-noreset", "-s", "0",
                ],
                pass_fds=(writer,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                # A Ctrl-C at the terminal is for us alone.
                start_new_session=True,
            )  # fmt: skip
            os.close(writer)
            writer = -1
            answer = _read_line(reader, stop)
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)
        if answer is None:
            return None
        if not answer:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace")
            self.close()
            raise SourceError(f"Xvfb did not start: {_last_words(said)}")
        return int(answer)

    def run(self, command: Sequence[str], on_end: Callable[[int], None]) -> None:
        """Start a program in the display; ``on_end`` gets its exit status.

        It is called in a thread of its own.  Raises SourceError.
        """
        if shutil.which(command[0]) is None:
            raise SourceError(f"the program {command[0]} is not there or not executable")
        program = subprocess.Popen(
            [*_DIES_WITH_US, *_KEEPER, *command],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._program = program
        self._call_at_end(program, on_end, "program")

    def _call_at_end(
        self, process: "subprocess.Popen[bytes]", on_end: Callable[[int], None], name: str
    ) -> None:
        """Have a thread wait for a process, and report its end if it is not our doing."""

        def wait() -> None:
            status = process.wait()
            if not self._ending:
                on_end(status)

        waiter = threading.Thread(target=wait, name=name[:15], daemon=True)
        waiter.start()
        self._waiters.append(waiter)

    def ask_program_to_end(self) -> None:
        """Ask the program to end, while its display is still there; returns at once."""
        self._ending = True
        if self._program is not None:
            _signal(self._program, signal.SIGTERM)

    def close(self) -> None:
        """End program and server; safe at any time.  Takes 2 s at the very most."""
        self._ending = True
        # The program first: whoever of its family ignores the signal loses
        # the display next.
        if self._program is not None:
            # Not made to: without its keeper, what it has started would live on.  One that is
            # late, for want of a processor, goes on by itself.
            _end(self._program, signal.SIGTERM, _KEEPER_SECONDS)
        if self._server is not None and not _end(self._server, signal.SIGTERM, _END_SECONDS):
            _end(self._server, signal.SIGKILL, _END_SECONDS)
        self._program = self._server = None
        for waiter in self._waiters:
            waiter.join(_END_SECONDS)
        self._waiters.clear()
        if self._cookie_file is not None:
            self._cookie_file.unlink(missing_ok=True)
            self._cookie_file = None


def _write_cookie(content: bytes) -> Path:
    """Write the cookie where only this user reads it; raises SourceError."""
    folder = _runtime_folder()
    for left in folder.glob("webcapd-*-*.xauth"):
        with contextlib.suppress(OSError, ValueError):
            if not Path(f"/proc/{int(left.stem.split('-')[1])}").exists():
                left.unlink()
    # There may be several displays in a process.
    path = folder / f"webcapd-{os.getpid()}-{next(_numbers)}.xauth"
    try:
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise SourceError(
            f"cannot write the display's cookie to {path}: {error.strerror}"
        ) from None
    return path


def _runtime_folder() -> Path:
    """Give a folder for files of a run; raises SourceError."""
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or "")
    if os.access(folder, os.W_OK) and folder.is_absolute():
        return folder
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        raise SourceError(
            "there is no folder to be written to for the display's cookie; "
            "XDG_RUNTIME_DIR or TMPDIR may name one"
        ) from None


def _last_words(said: str) -> str:
    """Give the reason for which Xvfb did not start, out of all that it said."""
    lines = [line.replace("(EE)", "").strip() for line in said.splitlines()]
    reason = next((line for line in reversed(lines) if line), "no answer")
    # It does not say so itself.
    closed = [path for path in _XVFB_WRITES if not os.access(path, os.W_OK)]
    return f"{reason} (it needs to write to {closed[0]})" if closed else reason


def _hostname() -> bytes:
    return socket.gethostname().encode()


def _read_line(reader: int, stop: Shutdown) -> bytes | None:
    """Read the line Xvfb writes when it listens; empty if it ends or takes too long.

    None if ``stop`` turned readable first.
    """
    line = b""
    deadline = time.monotonic() + _START_SECONDS
    while not line.endswith(b"\n"):
        rest = max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([reader, stop.fileno()], [], [], rest)
        if stop.fileno() in ready:
            return None
        chunk = os.read(reader, 64) if ready else b""
        if not chunk:
            return b""
        line += chunk
    return line.strip()


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    """Send a signal to a process and its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _end(process: "subprocess.Popen[bytes]", number: int, timeout: float) -> bool:
    """Send a signal to a process and its group; tells whether the process ends within seconds."""
    _signal(process, number)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    return True
