"""What sending to many must cost, and how much goes at all: a bare loop in one Python process.

    .venv/bin/python bench/sendloop.py [--clients 1000] [--bytes 570000] [--fps 9.7] [--seconds 3]

The same bytes go to each connection, and its reader throws them away: so many times a second, and
then as fast as they go; by one thread and by two; with a buffer of 128 KiB a connection, and with
one that holds a frame.  What a server does between sending and sending is not in it.
"""

import argparse
import itertools
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cost import Audience
from running import ROOT, end

_SETTLE, _LOOK_SECONDS = 1.5, 0.1
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=part\r\n\r\n--part\r\n"
)
_SMALL, _LARGE = 64 * 1024, 1024 * 1024
"""Linux doubles them."""


class Sender(threading.Thread):
    """Sends messages to some connections; who has not taken one is left out of the next."""

    def __init__(self, connections: Sequence[socket.socket], message: bytes, fps: float) -> None:
        super().__init__(daemon=True)
        self.stopped = threading.Event()
        self._message = memoryview(message)
        self._period = 1 / fps if fps else 0.0
        self._connections = {one.fileno(): one for one in connections}
        self._left = dict.fromkeys(self._connections, 0)
        """Bytes to come of the message on its way."""

    def run(self) -> None:
        poll = select.epoll()
        for descriptor in self._connections:
            poll.register(descriptor, select.EPOLLOUT | select.EPOLLET)
        due = time.monotonic()
        while not self.stopped.is_set():
            if time.monotonic() >= due:
                due = max(due + self._period, time.monotonic()) if self._period else due
                for descriptor, left in self._left.items():
                    if not left:
                        self._left[descriptor] = len(self._message)
                        self._push(descriptor)
            if self._period:
                wait = max(0.0, due - time.monotonic())
            else:
                wait = _LOOK_SECONDS if all(self._left.values()) else 0.0
            for descriptor, _ in poll.poll(wait):
                self._push(descriptor)

    def _push(self, descriptor: int) -> None:
        left, connection = self._left[descriptor], self._connections[descriptor]
        try:
            while left:
                left -= connection.send(self._message[-left:])
        except BlockingIOError:
            pass
        self._left[descriptor] = left


@contextmanager
def watched(clients: int, buffer: int) -> Iterator[tuple[list[socket.socket], Audience]]:
    """Have clients connect; gives our ends, and theirs."""
    with socket.create_server(("127.0.0.1", 0), backlog=clients) as listener:
        port = str(listener.getsockname()[1])
        command = (sys.executable, str(ROOT / "bench/audience.py"), port, "/", str(clients))
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        connections = []
        try:
            for _ in range(clients):
                connection, _ = listener.accept()
                connections.append(connection)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
                connection.sendall(_HEAD)
                connection.setblocking(False)
            yield connections, Audience(process)
        finally:
            end(process)
            for connection in connections:
                connection.close()


def measured(given: argparse.Namespace, fps: float, threads: int, buffer: int) -> str:
    """Send for a while; gives a line."""
    head = f"Content-Type: image/jpeg\r\nContent-Length: {given.bytes}\r\n\r\n".encode()
    message = head + os.urandom(given.bytes) + b"\r\n--part\r\n"
    with watched(given.clients, buffer) as (connections, audience):
        senders = [Sender(connections[at::threads], message, fps) for at in range(threads)]
        for sender in senders:
            sender.start()
        audience.wait()
        time.sleep(_SETTLE)
        first, own, readers = audience.account(), time.process_time(), audience.cpu_seconds()
        time.sleep(given.seconds)
        own, readers = time.process_time() - own, audience.cpu_seconds() - readers
        last = audience.account()
        for sender in senders:
            sender.stopped.set()
            sender.join()
    elapsed = last["moment"] - first["moment"]
    each = [after - before for before, after in zip(first["frames"], last["frames"], strict=True)]
    return (
        f"{threads} threads, {f'{fps:g} fps' if fps else 'all that goes'}, {2 * buffer >> 10} KiB: "
        f"sending {own / elapsed:.2f} cores, reading {readers / elapsed:.2f}, "
        f"{(last['bytes'] - first['bytes']) / elapsed / 1e9:.2f} GB/s, "
        f"{1e6 * own / sum(each):.0f} µs a frame, least {min(each) / elapsed:.1f} fps"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--bytes", type=int, default=570_000, help="a frame's (570000)")
    parser.add_argument("--fps", type=float, default=9.7, help="of each client (9.7)")
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    for fps, threads, buffer in itertools.product((given.fps, 0.0), (1, 2), (_SMALL, _LARGE)):
        print(measured(given, fps, threads, buffer), flush=True)


if __name__ == "__main__":
    main()
