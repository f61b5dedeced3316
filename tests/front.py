"""haproxy with the file we ship, in front of webcapds that listen on unix sockets."""

import contextlib
import http.client
import json
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from program import ROOT, TIMEOUT, Webcapd, dashed
from waiting import wait_until

SHIPPED = (ROOT / "haproxy.cfg").read_text()


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """Change a text; each change must find something."""
    for old, new in changes:
        assert old in text, f"haproxy.cfg has no {old!r} any more"
        text = text.replace(old, new)
    return text


def impatient(text: str, milliseconds: int = 500) -> str:
    """Cut all timeouts to half a second or so, but for those that only a stream has (tunnel).

    A busy machine may be too slow for that: ask again, as Front.served() does.
    """
    return re.sub(r"( timeout (?!tunnel)\S+) \S+", rf"\1 {milliseconds}ms", text)


def make_certificate(folder: Path) -> Path:
    """Make a self-signed certificate and its key, in one file."""
    path = folder / "tls.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-nodes", "-days", "2", "-keyout", path, "-out", path),
        ],
        check=True,
        capture_output=True,
    )
    return path


class Front:
    """A running haproxy, and the webcapds behind it."""

    def __init__(self, folder: Path, text: str, name: str = "haproxy") -> None:
        """``text`` is the shipped file, or what became of it.

        Only what another machine has at another place is changed: paths, the
        user it becomes, and listening sockets, which are ours and inherited.
        """
        self.folder = folder
        certificate = folder / "tls.pem"
        self.path = folder / f"{name}.cfg"
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        plain, tls, statistics = self._sockets
        self.plain_port, self.port, self.statistics_port = (
            one.getsockname()[1] for one in self._sockets
        )
        self.path.write_text(
            replaced(
                text,
                ("/etc/haproxy/webcapd.pem", str(certificate)),
                ("/run/webcapd", str(folder)),
                ("    user haproxy\n    group webcapd\n", ""),
                ("log /dev/log local0", "log stdout format raw local0"),
                ("bind :::80 v4v6", f"bind fd@{plain.fileno()}"),
                ("bind :::443 v4v6", f"bind fd@{tls.fileno()}"),
                ("bind 127.0.0.1:8404", f"bind fd@{statistics.fileno()}"),
                # Patience is for production.
                ("inter 2s", "inter 100ms"),
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it wrote to its outputs."""
        return self.path.with_suffix(".log")

    def check(self) -> str:
        """Have haproxy look for faults; returns what it found."""
        done = subprocess.run(
            ["haproxy", "-c", "-f", self.path],
            pass_fds=[one.fileno() for one in self._sockets],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        faults = [line for line in done.stderr.splitlines() if not line.startswith("[NOTICE]")]
        return "\n".join(faults) if done.returncode == 0 else done.stderr

    def start(self) -> None:
        """Start; who connects meanwhile waits, as the sockets listen already."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["haproxy", "-f", self.path],
                pass_fds=[one.fileno() for one in self._sockets],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it at once; its sockets go on listening."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(TIMEOUT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(TIMEOUT)
        for one in self._sockets:
            one.close()

    def connect(self) -> http.client.HTTPSConnection:
        """Give an HTTP/1.1 connection, whatever the certificate."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=TIMEOUT, context=context)

    def get(self, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """Make one request; returns status, headers and body."""
        with contextlib.closing(self.connect()) as connection:
            connection.request("GET", path, headers=dashed(headers))
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()

    def served(
        self, path: str, **headers: str
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Ask until it is served, however impatient haproxy is; gives the connection, too."""

        def asked() -> tuple[http.client.HTTPConnection, http.client.HTTPResponse] | None:
            connection = self.connect()
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("GET", path, headers=dashed(headers))
                response = connection.getresponse()
                if response.status == 200:
                    return connection, response
            connection.close()
            return None

        return wait_until(f"{path} is served", asked)

    def info(self, display: int) -> Any:
        return json.loads(self.get(f"/display/{display}/?info")[2])


def socket_of(folder: Path, number: int) -> Path:
    """Give the socket of an instance, in its runtime directory."""
    path = folder / str(number) / "http.sock"
    path.parent.mkdir(exist_ok=True)
    return path


def instance(folder: Path, number: int, display: str, *arguments: str) -> Webcapd:
    """Start webcapd as its unit would."""
    unix = ("--unix", str(socket_of(folder, number)), "--unix-mode", "660")
    program = Webcapd("--display", display, *unix, "--trust-proxy", "unix", *arguments)
    program.wait_for_line(lambda line: line.startswith("webcapd: serving "))
    return program


def end(program: Webcapd) -> None:
    """End an instance, if it has not ended."""
    if program.process.poll() is None:
        program.process.kill()
    program.ended()


@contextlib.contextmanager
def front(folder: Path, text: str = SHIPPED, name: str = "haproxy") -> Iterator[Front]:
    """Run haproxy with a folder for its runtime files; the certificate is in there."""
    running = Front(folder, text, name)
    try:
        running.start()
        yield running
    finally:
        running.stop()
