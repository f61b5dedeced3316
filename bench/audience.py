"""Clients of a stream that read all of it and look at nothing: ``audience.py PORT WIRE CLIENTS``.

WIRE is a path to GET, ``tcp``, ``mp4``, ``websocket`` or ``rfb``.  When every client has had a
frame, a line says so; then each line on standard input is answered by one on
standard output, JSON: the moment (monotonic), the bytes that all clients have
had so far, and the frames of each.

Reading costs as little as can be: the kernel throws pictures away without
copying them (MSG_TRUNC), and one thread serves all.
"""

import argparse
import contextlib
import json
import select
import socket
import sys
import time

import wires
from rfb import Rfb

_CHUNK = 1 << 22
_PATIENCE = 20.0


class Client:
    """One connection, and where in the stream it is."""

    def __init__(self, port: int, wire: wires.Wire) -> None:
        self.connection = connect(port)
        self.connection.sendall(wire.request)
        self.connection.setblocking(False)
        self._wire = wire
        self._response_to_come = wire.is_http
        self._head = b""
        """What there is of the head of the part that begins."""
        self._left = 0
        """Bytes to come of the part that has begun."""
        self._frame: int | None = None
        self.bytes = self.frames = 0

    def read(self, scrap: bytearray) -> None:
        """Read what there is; raises ConnectionError when the connection has ended."""
        with contextlib.suppress(BlockingIOError):
            while True:
                if self._left:
                    most = min(self._left, _CHUNK)
                    got = self.connection.recv_into(scrap, most, socket.MSG_TRUNC)
                    self._left -= got
                else:
                    # Not by MSG_PEEK: a few bytes left in the kernel keep a whole
                    # buffer there, and may so close the window for good.
                    data = self.connection.recv(wires.HEAD_BYTES - len(self._head))
                    got = len(data)
                    self._head += data
                    self._begin()
                if not got:
                    raise ConnectionError("the stream ended")
                self.bytes += got

    def _begin(self) -> None:
        """Begin the parts whose heads are there."""
        while (length := self._measure()) is not None:
            self._left = max(0, length - len(self._head))
            self._head = self._head[length:]
            if self._left:
                return

    def _measure(self) -> int | None:
        """Give the length of the part that begins, and count it."""
        if self._response_to_come:
            end = self._head.find(b"\r\n\r\n")
            self._response_to_come = end < 0
            return end + 4 if end >= 0 else None
        part = self._wire.part(self._head)
        if part is None:
            return None
        if part.reply:
            self.connection.sendall(part.reply)
        if part.body and (part.frame is None or part.frame != self._frame):
            self.frames += 1
            self._frame = part.frame
        return part.head + part.body


def connect(port: int) -> socket.socket:
    """Connect as soon as somebody listens."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise SystemExit(f"nobody listens on port {port}") from None
            time.sleep(0.02)


def wire_named(name: str) -> wires.Wire:
    """Give the way of sending with a name, for one connection."""
    if name == "websocket":
        return wires.WebSocket()
    if name == "rfb":
        return Rfb()
    if name.startswith("/?updates"):
        return wires.Updates(name)
    if name in ("/?video", "mp4"):
        return wires.Boxes(None if name == "mp4" else name)
    return wires.Multipart(None if name == "tcp" else name)


class Audience:
    """All clients."""

    def __init__(self, port: int, wire_name: str, count: int) -> None:
        self._poll = select.epoll()
        self._scrap = bytearray(_CHUNK)
        self._clients: dict[int, Client] = {}
        while len(self._clients) < count:
            client = Client(port, wire_named(wire_name))
            self._clients[client.connection.fileno()] = client
            # Edge: the beginning of a head that waits for its end is told once.
            self._poll.register(client.connection, select.EPOLLIN | select.EPOLLET)
            # Those who are there must not fall behind while others come.
            self._read(0)

    def _read(self, timeout: float | None = None) -> bool:
        """Have clients read that have something to; tells whether standard input has, too."""
        asked = False
        for descriptor, _ in self._poll.poll(timeout):
            if descriptor == sys.stdin.fileno():
                asked = True
            else:
                self._clients[descriptor].read(self._scrap)
        return asked

    def run(self) -> None:
        """Read until standard input ends, and answer what comes there."""
        deadline = time.monotonic() + _PATIENCE
        while blind := sum(not client.frames for client in self._clients.values()):
            if time.monotonic() > deadline:
                raise SystemExit(f"{blind} clients have had no frame in {_PATIENCE:g} s")
            self._read(0.1)
        print("watching", flush=True)
        self._poll.register(sys.stdin, select.EPOLLIN)
        while True:
            if self._read():
                if not sys.stdin.readline():
                    return
                print(self.account(), flush=True)

    def account(self) -> str:
        clients = self._clients.values()
        return json.dumps(
            {
                "moment": time.monotonic(),
                "bytes": sum(client.bytes for client in clients),
                "frames": [client.frames for client in clients],
            }
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("wire")
    parser.add_argument("clients", type=int)
    given = parser.parse_args()
    Audience(given.port, given.wire, given.clients).run()


if __name__ == "__main__":
    main()
