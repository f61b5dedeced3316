"""webcapd as a service: in the sandbox of its unit, and asked through its socket file."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
from typing import Any

from program import ROOT, TIMEOUT
from sandbox import Sandbox


class Service:
    """webcapd in its sandbox, as the unit starts it."""

    def __init__(self, sandbox: Sandbox, options: str, **environment: str) -> None:
        """Start it; ``options`` are what /etc/webcapd/7.env would say."""
        self.path = sandbox.runtime / "http.sock"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(sandbox.notify / "notify"))
        os.chmod(sandbox.notify / "notify", 0o777)
        self.manager.settimeout(1)
        environment = {
            **{"PATH": os.environ["PATH"], "NOTIFY_SOCKET": "/run/systemd/notify"},
            **{"WATCHDOG_USEC": "500000", "WEBCAPD_OPTIONS": options},
            **sandbox.unit.environment(),
            **environment,
        }
        _, *arguments = sandbox.unit.command(environment)
        self.process = subprocess.Popen(
            [*sandbox.launcher(), sys.executable, "-P", str(ROOT / "webcapd.py"), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def hear(self, wanted: str) -> None:
        """Wait for what systemd is told."""
        told: list[str] = []
        while wanted not in told:
            assert self.process.poll() is None, "it has ended"
            with contextlib.suppress(TimeoutError):
                told += self.manager.recv(4096).decode().splitlines()

    def get(self, path: str) -> bytes:
        """Ask through the socket file, as haproxy does."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT)
            connection.connect(str(self.path))
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            with http.client.HTTPResponse(connection) as response:
                response.begin()
                assert response.status == 200
                return response.read()

    def info(self) -> Any:
        return json.loads(self.get("/?info"))

    def end(self) -> str:
        """End it, if it has not; returns what it said on standard error."""
        self.process.terminate()
        self.process.wait(TIMEOUT)
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        self.process.stderr.close()
        self.manager.close()
        return said
