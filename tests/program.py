"""webcapd as a user runs it: a process of its own, spoken to by HTTP."""

import contextlib
import http.client
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
READY = re.compile(r"^webcapd: serving (\S+) (\d+)x(\d+) on (\S+(?: and \S+)*)$")

# What is answered where there is no picture for 4 s: to be asked again, as a user would, on a
# machine that is busy with much else.
NO_PICTURE = b"the display gives no picture at the moment\n"

# A bound on waiting for what must happen; never a measure of speed.
TIMEOUT = 30.0


def dashed(headers: Mapping[str, str]) -> dict[str, str]:
    """Turn keyword arguments into header names: User_Agent is User-Agent."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


# Off, where a test does not speak of it: the pointer, which the root window does
# not have that most tests compare with, and a quality that follows motion.
_OFF = {"capture-cursor": "--no-capture-cursor", "paint-over": "--no-use-paint-over-quality"}


def _plainly(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Switch off what would blur a comparison of pixels, unless a test speaks of it."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    off = [flag for word, flag in _OFF.items() if word not in " ".join(arguments)]
    return (*arguments[:cut], *off, *arguments[cut:])


class Webcapd:
    """A running webcapd."""

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
        descriptors: Sequence[int] = (),
    ) -> None:
        """Start it; ``wrapper`` is a command before its own, ``descriptors`` are handed on."""
        self.process = subprocess.Popen(
            [*wrapper, sys.executable, "-P", str(ROOT / "webcapd.py"), *_plainly(arguments)],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
        self._condition = threading.Condition()
        # Guarded by _condition, as is reading the pipe.
        self._lines: list[str] = []
        self._rest = b""
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def _pipe(self) -> IO[bytes]:
        assert self.process.stderr is not None
        return self.process.stderr

    def _read(self) -> None:
        while not self._ended:
            self._is_readable(None)
            self._take()

    def _is_readable(self, timeout: float | None) -> bool:
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        return bool(poll.poll(timeout))

    def _take(self) -> None:
        """Take what waits in the pipe."""
        with self._condition:
            while not self._ended and self._is_readable(0):
                data = os.read(self._pipe.fileno(), 1 << 16)
                self._ended = not data
                # What has no end of line counts when nothing more comes.
                *whole, self._rest = (self._rest + (data or b"\n" * bool(self._rest))).split(b"\n")
                self._lines += [line.decode() for line in whole]
            self._condition.notify_all()

    @property
    def lines(self) -> list[str]:
        """All it has said on standard error by now: what it wrote is here, not still on its way."""
        self._take()
        return self._lines

    def wait_for_line(self, wanted: Callable[[str], Any]) -> str:
        """Wait for a line on standard error that ``wanted`` finds true."""

        def found() -> list[str]:
            return [line for line in self._lines if wanted(line)]

        with self._condition:
            self._condition.wait_for(lambda: found() or self._ended, TIMEOUT)
            assert found(), f"the line did not come; standard error was {self._lines}"
            return found()[0]

    def own_lines(self) -> list[str]:
        """Give the lines on standard error, but those on clients that come and go."""
        return [line for line in self.lines if " watch" not in line]

    def wait_ready(self) -> "Webcapd":
        match = READY.match(self.wait_for_line(READY.match))
        assert match
        self.display, self.urls = match[1], match[4].split(" and ")
        self.size = int(match[2]), int(match[3])
        self.url = self.urls[0]
        self.host, self.port = urlsplit(self.url).hostname or "", urlsplit(self.url).port or 0
        return self

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)

    def get(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Make one request; returns status, headers and body."""
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, headers=dashed(headers))
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()

    def snapshot(self) -> bytes:
        deadline = time.monotonic() + TIMEOUT
        while (answer := self.get("/?snapshot"))[2] == NO_PICTURE:
            assert time.monotonic() < deadline, "there is no picture"
        status, _, body = answer
        assert status == 200, body
        return body

    def info(self) -> Any:
        return json.loads(self.get("/?info")[2])

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Ask it to end; returns its exit code."""
        self.process.send_signal(signal_number)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end; returns the exit code."""
        status = self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        with self._condition:
            self._ended = True
            self._pipe.close()
        return status


@contextlib.contextmanager
def webcapd(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    wrapper: Sequence[str] = (),
    descriptors: Sequence[int] = (),
) -> Iterator[Webcapd]:
    """Run webcapd on a free port until the context ends; it must then end well."""
    program = Webcapd(
        *("--port", "0", *arguments),
        environment=environment,
        wrapper=wrapper,
        descriptors=descriptors,
    )
    try:
        yield program.wait_ready()
        if program.process.poll() is None:
            assert program.stop() == 0, program.lines
        assert not [line for line in program.lines if "Traceback" in line], program.lines
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.ended()


def run_to_end(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    wrapper: Sequence[str] = (),
) -> tuple[int, str]:
    """Run webcapd with arguments that end it; returns exit code and standard error."""
    program = Webcapd(*arguments, environment=environment, wrapper=wrapper)
    status = program.ended()
    return status, "\n".join(program.lines)
