"""The systemd unit: without fault, tight, and a program that lives within it."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mjpeg
import pytest
from program import ROOT, TIMEOUT
from sandbox import Sandbox
from service import Service
from waiting import wait_until
from xserver import XServer, xvfb

from webcapd.capture.x11.xvfb import authority

UNIT = ROOT / "webcapd@.service"

# What a program in the sandbox finds that it cannot do.
PROBE = """
import errno, mmap, os, socket
from pathlib import Path

def refused(*numbers):
    class Refused:
        def __enter__(self): pass
        def __exit__(self, kind, error, trace):
            assert error is not None, "it went through"
            return isinstance(error, OSError) and error.errno in numbers
    return Refused()

for path in ("/etc/x", "/usr/x", "/var/x"):
    with refused(errno.EROFS): Path(path).touch()
Path("/tmp/written-by-the-probe").touch()
assert sorted(path.name for path in Path("/tmp").glob(".X11-*")) == [".X11-unix"]
with refused(errno.EROFS): Path("/tmp/.X11-unix/x").touch()
assert not list(Path("/run/user").glob("*")) if Path("/run/user").exists() else True
with refused(errno.EAFNOSUPPORT): socket.socket(socket.AF_INET)
with refused(errno.EPERM): os.setuid(os.getuid())
with refused(errno.EPERM): os.chroot("/")
with refused(errno.EPERM, errno.EACCES): mmap.mmap(-1, 4096, prot=7)
status = dict(line.split(":\\t") for line in Path("/proc/self/status").read_text().splitlines())
assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == 0, status
assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
assert os.getuid() != 0
print("confined")
"""


def analyze(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    # With a /run that it may write in, also as an ordinary user where systemd does not run.
    sandbox = ("bwrap", "--bind", "/", "/", "--dev", "/dev", "--tmpfs", "/run")
    return subprocess.run(
        [*sandbox, "systemd-analyze", "--no-pager", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Print the files for systemd to where it would look for them."""
    folder = tmp_path_factory.mktemp("units")
    for flag, name in (
        ("--print-unit", "webcapd@.service"),
        ("--print-socket", "webcapd@.socket"),
    ):
        done = subprocess.run(
            [sys.executable, "-P", ROOT / "webcapd.py", flag],
            capture_output=True,
            text=True,
            check=True,
        )
        (folder / name).write_text(done.stdout)
    return folder


@pytest.mark.parametrize("name", ["webcapd@.service", "webcapd@.socket"])
def test_systemd_finds_no_fault(installed: Path, name: str) -> None:
    done = analyze("verify", installed / name)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_exposure_is_low(installed: Path) -> None:
    done = analyze("security", "--offline=yes", "--threshold=3", installed / "webcapd@.service")
    assert done.returncode == 0, done.stdout
    # As which instance it is looked at differs.
    assert re.search(r"exposure level for webcapd@\S*\.service: 0\.2 ", done.stdout), done.stdout


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Make the sandbox of an instance; its folder lies where another user may go."""
    with tempfile.TemporaryDirectory(prefix="webcapd-unit-") as folder:
        os.chmod(folder, 0o755)
        yield Sandbox(UNIT, "7", Path(folder))


def test_sandbox_is_one(sandbox: Sandbox) -> None:
    done = subprocess.run(
        [*sandbox.launcher(), sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert (done.stdout, done.stderr) == ("confined\n", "")


@contextlib.contextmanager
def guarded_server(sandbox: Sandbox) -> Iterator[XServer]:
    """Run an X server that wants to see a cookie, and put it where systemd would."""
    cookie = authority(os.urandom(16), socket.gethostname().encode())
    (sandbox.credentials / "xauth").write_bytes(cookie)
    # The server reads its own anew whenever it has changed.
    own = sandbox.credentials.with_name("server.xauth")
    own.write_bytes(cookie)
    with xvfb(320, 240, "-nolisten", "tcp", "-auth", str(own)) as server:
        yield server


def test_service_serves_within_the_sandbox(sandbox: Sandbox) -> None:
    with guarded_server(sandbox) as server:
        service = Service(sandbox, "--keepalive 1", DISPLAY=server.name)
        try:
            service.hear("READY=1")
            height, width = mjpeg.decode(service.get("/?snapshot")).shape[:2]
            assert (width, height) == (320, 240)
            # Memory goes by descriptor, across namespaces.
            assert service.info()["capture"]["shm"] == "fd"
            service.hear("WATCHDOG=1")
            mode = service.path.stat().st_mode
            assert oct(mode & 0o7777) == "0o660"
            server.process.kill()
            wait_until("the loss is seen", lambda: service.info()["encoder"]["state"] == "lost")
            service.hear("WATCHDOG=1")
        finally:
            said = service.end()
    assert "Traceback" not in said


def test_service_without_a_cookie_says_what_it_lacks(sandbox: Sandbox) -> None:
    with guarded_server(sandbox) as server:
        # As SetCredential= has it, where there is no file.
        (sandbox.credentials / "xauth").write_bytes(bytes(10))
        service = Service(sandbox, "--keepalive 1", DISPLAY=server.name)
        try:
            service.hear("READY=1")
            reason = service.info()["encoder"]["reason"]
        finally:
            said = service.end()
    assert "is XAUTHORITY set to its cookie file?" in reason
    assert reason in said


def test_files_for_haproxy_and_systemd_agree() -> None:
    shipped = (ROOT / "haproxy.cfg").read_text()
    sandbox_less = UNIT.read_text()
    assert "--unix %t/webcapd/%i/http.sock" in sandbox_less
    assert "ListenStream=%t/webcapd/%i/http.sock" in (ROOT / "webcapd@.socket").read_text()
    assert "unix@/run/webcapd/7/http.sock" in shipped
    assert "Group=webcapd" in sandbox_less and "group webcapd" in shipped
