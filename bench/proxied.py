"""What haproxy adds to the age of a frame: ``bench/proxied.py [--rate BYTES_PER_SECOND]``.

    .venv/bin/python bench/proxied.py
    .venv/bin/python bench/proxied.py --rate 1000000 --workload full --page updates

haproxy runs with the file that is shipped, in front of webcapd on a unix
socket.  The age of a frame is the time from its capture (X-Timestamp) to the
reading of its last byte, that of updates the same for each mark, by clients
that all watch at the same time: one at the socket itself, the others behind
haproxy and TLS.  With a rate, each of them reads no faster than that.  Of
updates there is a further one, which asks for one after the other.
"""

import argparse
import json
import re
import socket
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded

from running import ROOT, running, webcapd, workload, x_server

_HEAD = re.compile(
    rb"Content-Length: (\d+)\r\n(?:[^\r]+\r\n)*?X-Timestamp: ([\d.]+)\r\n(?:[^\r]+\r\n)*\r\n"
)
_PATIENCE = 30


@contextmanager
def haproxy(folder: Path) -> Iterator[int]:
    """Run haproxy in front of the sockets below a folder; gives its port."""
    certificate = str(folder / "tls.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", "/CN=localhost", "-keyout", certificate, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    ports = []
    for _ in range(3):
        with socket.create_server(("127.0.0.1", 0)) as one:
            ports.append(one.getsockname()[1])
    text = (ROOT / "haproxy.cfg").read_text()
    for old, new in (
        ("/etc/haproxy/webcapd.pem", certificate),
        ("/run/webcapd", str(folder)),
        ("    user haproxy\n    group webcapd\n", ""),
        ("log /dev/log local0", "log stdout format raw local0"),
        (":::80 v4v6", f"127.0.0.1:{ports[0]}"),
        (":::443 v4v6", f"127.0.0.1:{ports[1]}"),
        ("127.0.0.1:8404", f"127.0.0.1:{ports[2]}"),
    ):
        text = text.replace(old, new)
    (folder / "haproxy.cfg").write_text(text)
    with running("is DOWN", "haproxy", "-f", str(folder / "haproxy.cfg")):
        yield ports[1]


class Paced:
    """Reads a connection no faster than a rate; a small buffer, as of a slow link, before it."""

    def __init__(self, connection: socket.socket, rate: float) -> None:
        self.connection = connection
        self._rate = rate
        self._free = time.monotonic()

    def read(self) -> bytes:
        data = self.connection.recv(8192 if self._rate else 1 << 18)
        if self._rate:
            self._free = max(self._free, time.monotonic() - 0.05) + len(data) / self._rate
            time.sleep(max(0.0, self._free - time.monotonic()))
        return data


def dial(where: str | int, rate: float, protocol: str) -> Paced:
    """Connect to a unix socket, or to a port with TLS."""
    connection = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
    connection.settimeout(_PATIENCE)
    if rate:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    if isinstance(where, str):
        connection.connect(where)
        return Paced(connection, rate)
    connection.connect(("127.0.0.1", where))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return Paced(context.wrap_socket(connection), rate)


def http1(paced: Paced, path: str) -> Iterator[bytes]:
    """Give a stream's bytes as they come, over HTTP/1.1."""
    paced.connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    while True:
        yield paced.read()


def http2(paced: Paced, path: str) -> Iterator[bytes]:
    """Give a stream's bytes as they come, over HTTP/2, with windows like a browser's."""
    session = H2Connection(H2Configuration())
    session.initiate_connection()
    session.increment_flow_control_window(1 << 24)
    yield from _requested(session, paced, path)


def one_by_one(paced: Paced, path: str) -> Iterator[bytes]:
    """Give the bytes of one update after the other, asked for as a page does that lags."""
    session = H2Connection(H2Configuration())
    session.initiate_connection()
    session.increment_flow_control_window(1 << 24)
    after = ""
    while True:
        body = bytearray()
        for data in _requested(session, paced, f"{path}&once=1{after}"):
            body += data
            yield data
        at, number, run = 0, 0, ""
        while at < len(body):
            end = at + 4 + int.from_bytes(body[at + 1 : at + 4], "big")
            if body[at : at + 1] == b"W":
                facts = json.loads(body[at + 8 : end])
                run, number = facts["run"], facts.get("after", 0)
            elif body[at : at + 1] == b"E":
                number = int.from_bytes(body[at + 4 : at + 8], "big")
            at = end
        after = f"&after={run}-{number}"


def _requested(session: H2Connection, paced: Paced, path: str) -> Iterator[bytes]:
    """Ask for something, and give its bytes until it ends."""
    head = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
    number = session.get_next_available_stream_id()
    session.send_headers(number, head, end_stream=True)
    session.increment_flow_control_window(6 << 20, number)
    while True:
        paced.connection.sendall(session.data_to_send())
        for event in session.receive_data(paced.read()):
            if isinstance(event, DataReceived):
                session.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                yield event.data
            elif isinstance(event, StreamEnded):
                return


Ages = list[tuple[float, float]]
"""When each picture was read, and its age."""


def ages_of_frames(stream: Iterator[bytes], until: float) -> Ages:
    """Read frames until a moment."""
    found: list[tuple[float, float]] = []
    data = bytearray()
    head: re.Match[bytes] | None = None
    while time.monotonic() < until:
        data += next(stream)
        head = head or _HEAD.search(bytes(data[:2048]))
        while head and len(data) >= (end := head.end() + int(head[1])):
            found.append((time.monotonic(), time.time() - float(head[2])))
            del data[:end]
            head = _HEAD.search(bytes(data[:2048]))
    return found


def ages_of_marks(stream: Iterator[bytes], until: float) -> Ages:
    """Read records of updates until a moment."""
    found: Ages = []
    data = bytearray()
    while (begin := data.find(b"WCU1") - 4) < 0:
        data += next(stream)
    # HTTP/1.1 has a head before that.
    del data[:begin]
    while time.monotonic() < until:
        data += next(stream)
        while len(data) >= 4 and len(data) >= (end := 4 + int.from_bytes(data[1:4], "big")):
            if data[:1] == b"E":
                captured = int.from_bytes(data[9:17], "big") / 1e6
                found.append((time.monotonic(), time.time() - captured))
            del data[:end]
    return found


READ = {"stream": ages_of_frames, "updates": ages_of_marks}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=float, default=0, help="0: as fast as it comes")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--workload", default="typing")
    parser.add_argument("--page", choices=READ, default="stream")
    given, options = parser.parse_known_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        x_server(given.size) as (display, _),
        workload(given.workload, display),
    ):
        path = f"{folder}/0/http.sock"
        Path(path).parent.mkdir()
        with (
            webcapd(display, "--unix", path, "--trust-proxy", "unix", *options),
            haproxy(Path(folder)) as port,
        ):
            page = f"/display/0/?{given.page}"
            streams = {
                "direct": http1(dial(path, given.rate, ""), f"/?{given.page}"),
                "HTTP/1.1 in TLS": http1(dial(port, given.rate, "http/1.1"), page),
                "HTTP/2": http2(dial(port, given.rate, "h2"), page),
            }
            if given.page == "updates":
                streams["HTTP/2, one by one"] = one_by_one(dial(port, given.rate, "h2"), page)
            report(given, streams)


def report(given: argparse.Namespace, streams: dict[str, Iterator[bytes]]) -> None:
    """Watch all streams at the same time, and print what they were like."""
    until = time.monotonic() + given.seconds
    results: dict[str, Ages] = {}

    def watch(name: str) -> None:
        results[name] = READ[given.page](streams[name], until)

    threads = [threading.Thread(target=watch, args=(name,), daemon=True) for name in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    base = 0.0
    for name in streams:
        # The first half is for what settles.
        settled = sorted(age for when, age in results[name] if when > until - given.seconds / 2)
        median = statistics.median(settled)
        base = base or median
        print(
            f"{name}: age median {median * 1000:.2f} ms ({median / base:.2f} of direct), "
            f"p95 {settled[int(len(settled) * 0.95)] * 1000:.2f} ms, "
            f"{len(settled) / (given.seconds / 2):.1f} pictures/s"
        )


if __name__ == "__main__":
    main()
