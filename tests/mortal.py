"""An X server that is killed, comes back under the same display number, or hangs."""

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from program import TIMEOUT
from xserver import XServer

# Far above what servers take that choose a number by themselves.
_FIRST_NUMBER, _NUMBERS = 2000, 20000
_APART = 16


class MortalServer(XServer):
    """An X server on a display number of its own, started as often as a test likes."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = f":{number}"
        self.rfb = Path(f"/tmp/.X{number}-rfb")

    def start(self, *command: str) -> None:
        """Start it, and wait until it takes clients."""
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            [command[0], self.name, "-displayfd", str(writer), *command[1:]],
            pass_fds=(writer,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        with open(reader) as lines:
            assert select.select([reader], [], [], TIMEOUT)[0], "the server did not start in time"
            assert lines.readline().strip() == str(self.number)

    def start_xvfb(self, width: int = 320, height: int = 240, *arguments: str) -> None:
        screen = ("-screen", "0", f"{width}x{height}x24")
        self.start("Xvfb", "-noreset", "-s", "0", "-nolisten", "tcp", *screen, *arguments)

    def start_xvnc(self, width: int = 320, height: int = 240) -> None:
        """Start a server of another make, which numbers its extensions differently."""
        geometry = ("-geometry", f"{width}x{height}", "-depth", "24")
        # No viewer is served; without any way to one, newer ones do not start.
        ways = ("-SecurityTypes", "None", "-rfbport", "-1", "-rfbunixpath", str(self.rfb))
        self.start("Xvnc", *ways, *geometry)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


def _is_free(number: int) -> bool:
    return not any(
        path.exists() for path in (Path(f"/tmp/.X{number}-lock"), Path(f"/tmp/.X11-unix/X{number}"))
    )


def free_number() -> int:
    """Give the number of a display that there is not."""
    # Tests run side by side, in processes with neighbouring numbers.
    start = os.getpid() * _APART % _NUMBERS
    candidates = (_FIRST_NUMBER + (start + step) % _NUMBERS for step in range(_NUMBERS))
    return next(filter(_is_free, candidates))


@contextmanager
def mortal_server() -> Iterator[MortalServer]:
    """Give a server that is not started yet; it is dead afterwards, and its traces are gone."""
    server = MortalServer(free_number())
    try:
        yield server
    finally:
        if hasattr(server, "process"):
            server.kill()
        # A server that was killed leaves these behind.
        Path(f"/tmp/.X{server.number}-lock").unlink(missing_ok=True)
        Path(f"/tmp/.X11-unix/X{server.number}").unlink(missing_ok=True)
        server.rfb.unlink(missing_ok=True)
