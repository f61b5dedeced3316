"""Rings whose writers die, and that are written faster than they can be read."""

import contextlib
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from program import TIMEOUT, Webcapd, webcapd
from reader import reader
from ringprograms import are_colours, command_of, running
from soak import scenario
from waiting import wait_until
from xserver import Pixels

from webcapd.base.ring.reader import RingReader

WIDTH, HEIGHT = 640, 480

# Frames a second; so many that there is a moment between two frames, and no more.
UNTHROTTLED = 1_000_000


def picture(ring: RingReader) -> Pixels:
    return np.frombuffer(ring.payload, np.uint8).reshape(HEIGHT, WIDTH, 4)


class Follower:
    """Reads a ring in a thread until its writer has ended; all frames must be whole."""

    def __init__(self, path: Path) -> None:
        self._ring = RingReader(path)
        self.frames = 0
        self._failure = ""
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        is_alive = True
        while is_alive and not self._failure:
            # First, so that the last one of the dead is read, too.
            is_alive = self._ring.has_writer()
            if (frame := self._ring.read()) is not None:
                self.frames += 1
                if not are_colours(picture(self._ring)):
                    self._failure = f"frame {frame.number} is torn"

    def end(self) -> int:
        """Wait for the writer's end to be seen; gives how many frames were read."""
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive(), "the end of the writer is not seen"
        self._ring.close()
        assert not self._failure, self._failure
        return self.frames


def see(pixels: Pixels) -> None:
    """Take what was decoded without a warning."""
    assert pixels.shape == (HEIGHT, WIDTH, 3)


@contextlib.contextmanager
def ring_server(path: Path, command: list[str]) -> Iterator[Webcapd]:
    """Run a webcapd that knows already how large the pictures are."""
    with contextlib.ExitStack() as stack:
        with running(command, path, WIDTH, HEIGHT, 30):
            wait_until("it writes", path.exists)
            program = stack.enter_context(webcapd("--source", f"wcf:{path}", "--keepalive", "1"))
        yield program


def files_of(program: Webcapd) -> list[str]:
    """List what a process has open, but for connections, which come and go."""
    folder = Path(f"/proc/{program.process.pid}/fd")
    found = []
    for one in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(one))
    return sorted(name for name in found if not name.startswith("socket:"))


@scenario("ring-kills", 100)
def ring_kills(count: int) -> str:
    """Kill the writer of a ring at any moment: no torn picture, no hang, nothing piles up."""
    chance, frames = random.Random(count), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, command = folder / "a.wcf", command_of("write_ring.c", folder)
        with ring_server(path, command) as program, reader(program, see) as viewer:

            def is_in(state: str) -> bool:
                return viewer.check() and bool(program.info()["encoder"]["state"] == state)

            wait_until("its end is seen", lambda: is_in("lost"))
            before = files_of(program)
            for _ in range(count):
                with running(command, path, WIDTH, HEIGHT, UNTHROTTLED) as writer:
                    wait_until("it is shown", lambda: is_in("live"))
                    follower = Follower(path)
                    time.sleep(chance.uniform(0, 0.02))
                    writer.kill()
                    frames += follower.end()
                wait_until("its end is seen", lambda: is_in("lost"))
            wait_until("nothing is left open", lambda: files_of(program) == before)
            wait_until("a part for each", lambda: viewer.check() and viewer.parts > count)
    return f"{frames} frames, all of them whole"


@scenario("ring-torrent", 2000)
def ring_torrent(count: int) -> str:
    """Read frames that are written as fast as can be, by a reader that is slower."""
    with tempfile.TemporaryDirectory() as name:
        path, command = Path(name) / "a.wcf", command_of("write_ring.c", Path(name))
        with running(command, path, WIDTH, HEIGHT, UNTHROTTLED):
            wait_until("it writes", path.exists)
            with contextlib.closing(RingReader(path)) as ring:
                read, deadline = 0, time.monotonic() + TIMEOUT + count / 20
                while read < count:
                    assert time.monotonic() < deadline, f"only {read} could be read"
                    if (frame := ring.read()) is not None:
                        read += 1
                        assert are_colours(picture(ring)), f"frame {frame.number} is torn"
                dropped = ring.dropped
    return f"all whole, and {dropped} between them were skipped"
