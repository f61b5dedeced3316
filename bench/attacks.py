"""A server under attack: what somebody who watches sees of it, and what the server grows by.

    .venv/bin/python bench/attacks.py [--size 1280x720] [ATTACK ...]

Each attack has a server of its own, on a screen a part of which changes 30
times a second.  One viewer, in a process of its own, reads a whole stream
before, during and after; half-way through the attack somebody new asks for a
snapshot.  The attackers share the machine with the server.
"""

import argparse
import base64
import contextlib
import http.client
import itertools
import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from ctypes import c_ulong
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import bcrypt

from running import webcapd, workload, x_server

ATTACK_SECONDS = 8.0
QUIET_SECONDS = 4.0
# By then what was left of the attack has been cleared away.
SETTLE_SECONDS = 3.0

ASK = b"GET /?%s HTTP/1.1\r\nHost: %s\r\n%s\r\n"
LOGIN = "ann:correct horse"


def basic(login: str) -> bytes:
    """Give the header line of Basic authentication."""
    return b"Authorization: Basic " + base64.b64encode(login.encode()) + b"\r\n"


class Target:
    """The server, and all connections that trouble it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self.address = (parts.hostname, parts.port)
        self.until = time.monotonic() + ATTACK_SECONDS
        self._held = contextlib.ExitStack()

    @property
    def lasts(self) -> bool:
        return time.monotonic() < self.until

    def connect(self, data: bytes = b"", buffer: int = 0, source: str = "") -> socket.socket:
        """Open a connection that stays, and send what the kernel takes at once."""
        one = self._held.enter_context(socket.socket())
        one.settimeout(1.0)
        if buffer:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        if source:
            one.bind((source, 0))
        with contextlib.suppress(OSError):
            one.connect(self.address)
            one.setblocking(False)
            one.send(data) if data else None
        return one

    def ask(self, data: bytes) -> None:
        """Send something on a new connection, wait for an answer, and close."""
        with contextlib.suppress(OSError), socket.create_connection(self.address, 1.0) as one:
            one.sendall(data)
            one.recv(1 << 16)

    def hold(self) -> None:
        """Keep all as it is to the end of the attack."""
        time.sleep(max(0.0, self.until - time.monotonic()))

    def close(self) -> None:
        self._held.close()


def nothing(target: Target) -> None:
    """Nobody: for comparison."""
    target.hold()


def silence(target: Target) -> None:
    """500 sockets that send nothing."""
    for _ in range(500):
        target.connect()
    target.hold()


def drip(target: Target) -> None:
    """200 sockets, a header byte a second each."""
    sockets = [target.connect(b"GET / HTTP/1.1\r\nX: ") for _ in range(200)]
    while target.lasts:
        for one in sockets:
            with contextlib.suppress(OSError):
                one.send(b"x")
        time.sleep(min(1.0, max(0.0, target.until - time.monotonic())))


def large(target: Target) -> None:
    """Headers of 64 KB, one after the other."""
    while target.lasts:
        target.ask(b"GET / HTTP/1.1\r\nX: " + b"x" * 65536 + b"\r\n\r\n")


def connects(target: Target) -> None:
    """1000 connections that are closed at once."""
    for _ in range(1000):
        target.connect()
        target.close()
    target.hold()


def deaf(target: Target) -> None:
    """50 readers of a stream that never read."""
    for _ in range(50):
        target.connect(ASK % (b"stream", b"localhost", b""), buffer=4096)
    target.hold()


def hosts(target: Target) -> None:
    """Foreign Host headers, one after the other."""
    for number in itertools.count():
        if not target.lasts:
            return
        target.ask(ASK % (b"stream", b"evil-%d.com" % number, b""))


def guesses(target: Target) -> None:
    """300 wrong passwords at a time, from 30 addresses."""
    wrong = ASK % (b"snapshot", b"localhost", basic("ann:wrong"))
    for number in range(300):
        target.connect(wrong, source=f"127.0.1.{number % 30 + 1}")
    target.hold()


def empty(target: Target) -> None:
    """100 sockets that send empty lines without end."""
    lines = b"\r\n" * 4096
    sockets = [target.connect(lines) for _ in range(100)]
    while target.lasts:
        for index, one in enumerate(sockets):
            try:
                one.send(lines)
            except BlockingIOError:
                pass
            except OSError:
                one.close()
                sockets[index] = target.connect(lines)


def slow(target: Target) -> None:
    """200 readers of a snapshot, 1 KB a second each."""
    ask = ASK % (b"snapshot&quality=100", b"localhost", b"")
    sockets = [target.connect(ask, buffer=4096) for _ in range(200)]
    while target.lasts:
        for one in sockets:
            with contextlib.suppress(OSError):
                one.recv(1024)
        time.sleep(min(1.0, max(0.0, target.until - time.monotonic())))


ATTACKS: dict[str, Callable[[Target], None]] = {
    one.__name__: one
    for one in (nothing, silence, drip, large, connects, deaf, hosts, guesses, empty, slow)
}


class Held(NamedTuple):
    """What the server holds of the system."""

    megabytes: float
    threads: int
    files: int

    @classmethod
    def by(cls, pid: int) -> "Held":
        """Look it up; the memory is VmRSS."""
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        files = len(os.listdir(f"/proc/{pid}/fd"))
        return cls(int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"]), files)

    def or_more(self, other: "Held") -> "Held":
        """Give the greater of each figure."""
        return Held(
            max(self.megabytes, other.megabytes),
            max(self.threads, other.threads),
            max(self.files, other.files),
        )


def watch(address: tuple[str, int], frames: "Synchronized[int]") -> None:
    """Read a stream for ever, and count its frames."""
    with socket.create_connection(address) as one, one.makefile("rb") as stream:
        one.sendall(ASK % (b"stream", b"localhost", basic(LOGIN)))
        for line in stream:
            if line.startswith(b"Content-Length:"):
                stream.read(int(line.split(b":")[1]) + len("\r\n"))
                frames.value += 1


@contextlib.contextmanager
def viewer(address: tuple[str, int]) -> Iterator[Callable[[], int]]:
    """Have somebody watch; gives what tells how many frames he has seen."""
    frames = multiprocessing.Value(c_ulong)
    process = multiprocessing.Process(target=watch, args=(address, frames), daemon=True)
    process.start()
    try:
        yield lambda: frames.value
    finally:
        process.kill()
        process.join()


class Rate:
    """Frames a second, since the one before was asked for."""

    def __init__(self, seen: Callable[[], int]) -> None:
        self._seen = seen
        self._count, self._moment = seen(), time.monotonic()

    def __call__(self) -> float:
        count, moment = self._seen(), time.monotonic()
        rate = (count - self._count) / (moment - self._moment)
        self._count, self._moment = count, moment
        return rate


def newcomer(address: tuple[str, int]) -> str:
    """Ask for a snapshot; tells how long that took, or that it was refused."""
    name, _, value = basic(LOGIN).decode().strip().partition(": ")
    began = time.monotonic()
    with contextlib.closing(http.client.HTTPConnection(*address, timeout=15)) as connection:
        try:
            connection.request("GET", "/?snapshot", headers={name: value})
            answer = connection.getresponse()
            answer.read()
        except OSError as error:
            return type(error).__name__
    taken = f"{1000 * (time.monotonic() - began):.0f} ms"
    return taken if answer.status == 200 else f"{answer.status} in {taken}"


def during(target: Target, attack: Callable[[Target], None], pid: int) -> tuple[Held, str]:
    """Attack; gives the most that the server held meanwhile, and what a newcomer saw."""
    attacking = threading.Thread(target=attack, args=(target,))
    attacking.start()
    most, told = Held.by(pid), ""
    while attacking.is_alive():
        attacking.join(0.1)
        most = most.or_more(Held.by(pid))
        if not told and time.monotonic() > target.until - ATTACK_SECONDS / 2:
            told = newcomer(target.address)
    target.close()
    return most, told


def measure(attack: Callable[[Target], None], display: str, *options: str) -> None:
    """Run one attack, and print its row."""
    with webcapd(display, *options) as (pid, url), viewer(Target(url).address) as seen:
        # What is loaded late is there by then.
        time.sleep(QUIET_SECONDS)
        newcomer(Target(url).address)
        rate = Rate(seen)
        time.sleep(QUIET_SECONDS)
        before, rates = Held.by(pid), [rate()]
        most, told = during(Target(url), attack, pid)
        rates.append(rate())
        time.sleep(SETTLE_SECONDS)
        rate()
        time.sleep(QUIET_SECONDS)
        rates.append(rate())
        after = Held.by(pid)
    shown = [
        (attack.__doc__ or "").rstrip("."),
        " / ".join(f"{one:.1f}" for one in rates),
        " / ".join(f"{one.megabytes:.0f}" for one in (before, most, after)),
        " / ".join(str(one.threads) for one in (before, most, after)),
        " / ".join(str(one.files) for one in (before, most, after)),
        told,
    ]
    print(f"| {' | '.join(shown)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("attacks", nargs="*", default=list(ATTACKS), help=", ".join(ATTACKS))
    given = parser.parse_args()
    print("| before / most during / after | frames/s | MB | threads | descriptors | snapshot |")
    print("|---|---|---|---|---|---|")
    with (
        tempfile.NamedTemporaryFile("wb") as users,
        x_server(given.size) as (display, _),
        workload("video", display),
    ):
        user, _, password = LOGIN.partition(":")
        users.write(user.encode() + b":" + bcrypt.hashpw(password.encode(), bcrypt.gensalt()))
        users.flush()
        for name in given.attacks:
            options = ("--auth-file", users.name) if name == "guesses" else ()
            measure(ATTACKS[name], display, *options)


if __name__ == "__main__":
    main()
