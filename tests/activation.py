"""Sockets that somebody else holds, who starts webcapd when a client comes, as systemd does.

Each has the socket file of display N in a folder, and knows how often webcapd was started.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from front import socket_of
from program import ROOT, TIMEOUT
from waiting import wait_until

OK = b"HTTP/1.1 200 OK"

_COMMAND = [sys.executable, "-P", str(ROOT / "webcapd.py"), "--trust-proxy", "unix"]


class Activated:
    """Holds a socket and starts webcapd for who connects, one at a time; a stand-in for systemd."""

    def __init__(self, folder: Path, number: int, *arguments: str) -> None:
        """Listen at once; nothing is started yet."""
        self.path = socket_of(folder, number)
        self.statuses: list[int] = []
        """The exit codes of all that have ended."""
        self.starts = 0
        self.said: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self._arguments = [*_COMMAND, "--unix", str(self.path), *arguments]
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen(128)
        self._end_reader, self._end_writer = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            watched = [self._listening.fileno(), self._end_reader]
            ready, _, _ = select.select(watched, [], [])
            if self._end_reader in ready:
                return
            self._serve_once()

    def _serve_once(self) -> None:
        self.starts += 1
        # Its number is known to the process alone.
        script = f'exec 3<&{self._listening.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "bash", *self._arguments],
            pass_fds=[self._listening.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said += self.process.communicate()[1].splitlines()
        self.statuses.append(self.process.returncode)

    def wait_for_end(self) -> None:
        """Wait until as many have ended as were started."""
        wait_until("it ends", lambda: self.starts and len(self.statuses) == self.starts)

    def close(self) -> None:
        os.write(self._end_writer, b"x")
        if self.process is not None:
            self.process.terminate()
        self._thread.join(TIMEOUT)
        for descriptor in (self._end_reader, self._end_writer):
            os.close(descriptor)
        self._listening.close()


@contextlib.contextmanager
def activated(folder: Path, number: int, *arguments: str) -> Iterator[Activated]:
    """Hold the socket of a display; whatever was started must have ended well."""
    with contextlib.closing(Activated(folder, number, *arguments)) as holder:
        yield holder
    # The last may have been ended by us before it was Python's business how.
    ended = holder.statuses[:-1] if holder.statuses[-1:] == [-signal.SIGTERM] else holder.statuses
    assert set(ended) <= {0}, holder.said


def ask(path: Path, target: str) -> bytes:
    """Make one request by a connection of its own; returns the status line, empty if hung up on."""
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rb") as answer:
        connection.settimeout(TIMEOUT)
        connection.connect(str(path))
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return answer.readline().rstrip()


_IN_NAMESPACE = """
mount -t tmpfs none /run && mkdir -p /run/systemd/system /run/user/0
exec env XDG_RUNTIME_DIR=/run/user/0 SYSTEMD_UNIT_PATH="$1": \
    /lib/systemd/systemd --user --log-level=warning --unit="$2"
"""


class Systemd:
    """A systemd of our own, a user's, with the units that are shipped but for the sandbox."""

    def __init__(self, folder: Path, number: int, display: str, options: str) -> None:
        """Have it hold the socket of one display."""
        self.path = socket_of(folder, number)
        self._units = Path(tempfile.mkdtemp(dir=folder, prefix="units-"))
        self._started = self._units / "started"
        unit = (ROOT / "webcapd@.service").read_text()
        # What a user's systemd cannot do, or a test's folder does not allow.
        head, _, _ = unit.partition("# Nothing but unix sockets")
        left_out = ("LoadCredential", "SetCredential", "User=", "Group=", "RuntimeDirectory")
        lines = [line for line in head.splitlines() if not line.startswith(left_out)]
        text = "\n".join(lines).replace("/usr/local/bin/webcapd", " ".join(_COMMAND[:3]))
        text = text.replace("%t/webcapd", str(folder)).replace("DISPLAY=:%i", f"DISPLAY={display}")
        text += f"\nEnvironment='WEBCAPD_OPTIONS={options}'\n"
        text += f"ExecStartPre=/bin/sh -c 'echo >>{self._started}'\n"
        (self._units / "webcapd@.service").write_text(text)
        text = (ROOT / "webcapd@.socket").read_text().replace("%t/webcapd", str(folder))
        lines = [line for line in text.splitlines() if not line.startswith("Socket")]
        (self._units / "webcapd@.socket").write_text("\n".join(lines))
        self._process = subprocess.Popen(
            [
                *("unshare", "-m", "--propagation", "private"),
                *("sh", "-c", _IN_NAMESPACE, "sh", str(self._units), f"webcapd@{number}.socket"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until("it has the socket", self.path.exists)
        # The file is there a moment before anybody can connect.
        unit = f"webcapd@{number}.socket"
        wait_until("systemd listens", lambda: self.control("is-active", unit) == "active")

    @property
    def starts(self) -> int:
        return len(self._started.read_text().splitlines()) if self._started.exists() else 0

    def control(self, *arguments: str) -> str:
        """Give what its systemctl prints, whether it could do what it was asked to or not."""
        there = ("nsenter", f"--mount=/proc/{self._process.pid}/ns/mnt")
        command = [*there, "env", "XDG_RUNTIME_DIR=/run/user/0", "systemctl", "--user", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
        return done.stdout.strip()

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(TIMEOUT)
        finally:
            self._process.kill()
            self._process.wait()


def can_run_systemd() -> bool:
    """Whether a systemd of our own can run here: it takes root, and a hierarchy of cgroups."""
    probe = "mount -t tmpfs none /run && test -x /lib/systemd/systemd -a -d /sys/fs/cgroup/systemd"
    command = ["unshare", "-m", "--propagation", "private", "sh", "-c", probe]
    return subprocess.run(command, capture_output=True, timeout=TIMEOUT).returncode == 0
