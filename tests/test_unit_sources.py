"""Sources other than displays, within the sandbox of the unit and a drop-in of docs/deploy.md."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mjpeg
import numpy as np
import pytest
import ringreference as reference
from pictures import jpeg
from program import ROOT, TIMEOUT
from ringprograms import command_of, running
from sandbox import Sandbox
from scripted import serving
from service import Service
from test_unit import analyze
from waiting import wait_until

TOKEN = "token-of-the-camera"
UNIT = ROOT / "webcapd@.service"

# Users that are neither root nor that of the service, whose group is its.
WRITER, GROUP = "31999", "65534"


def drop_in(kind: str) -> str:
    """Give the lines that docs/deploy.md has for a kind of source."""
    text = (ROOT / "docs" / "deploy.md").read_text().partition(f"**{kind}")[2]
    found = re.search(r"^```ini\n\[Service\]\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, f"there is no drop-in for {kind}"
    return found[1]


@contextmanager
def sandbox_with(lines: str) -> Iterator[Sandbox]:
    """Make the sandbox of an instance whose unit has more lines."""
    with tempfile.TemporaryDirectory(prefix="webcapd-unit-") as folder:
        os.chmod(folder, 0o755)
        unit = Path(folder) / "webcapd@7.service"
        unit.write_text(UNIT.read_text().replace("\n[Install]", f"{lines}\n[Install]"))
        yield Sandbox(unit, "7", Path(folder) / "shared")


@pytest.mark.parametrize("scheme", ["wcf", "raw"])
def test_files_of_other_programs_are_shown(scheme: str, tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root starts programs as other users")
    with tempfile.TemporaryDirectory(prefix="webcapd-screens-") as name:
        folder, path = Path(name), Path(name) / "a.wcf"
        os.chown(folder, int(WRITER), int(GROUP))
        os.chmod(folder, 0o2750)
        lines = drop_in("wcf: and raw:").replace("/run/screens", name)
        assert name in lines
        command = command_of("write_ring.c", tmp_path)
        os.chmod(command[0], 0o755)
        allowed = ["setpriv", f"--reuid={WRITER}", f"--regid={GROUP}", "--clear-groups"]
        source = f"wcf:{path}" if scheme == "wcf" else f"raw:{path},64x48,bgr0"
        with sandbox_with(lines) as sandbox, running([*allowed, *command], path, 64, 48):
            wait_until("it writes", path.exists)
            service = Service(sandbox, f"--source {source} --shm-any-owner")
            try:
                service.hear("READY=1")
                # The file is there before its first frame.
                wait_until("it is shown", lambda: service.info()["encoder"]["state"] == "live")
                height, width = mjpeg.decode(service.get("/?snapshot")).shape[:2]
                assert (width, height) == (64, 48)
                if scheme == "wcf":
                    assert service.info()["capture"]["feed"]["wake"] == "inotify"
            finally:
                said = service.end()
        assert "Traceback" not in said


KINDS = ("wcf: and raw:", "http:, https:, tcp:, udp:", "camera:")


@pytest.mark.parametrize("kind", KINDS)
def test_systemd_finds_no_fault_in_a_drop_in(kind: str, tmp_path: Path) -> None:
    unit = tmp_path / "webcapd@.service"
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/webcapd", "/bin/true"))
    folder = tmp_path / "webcapd@.service.d"
    folder.mkdir()
    (folder / "source.conf").write_text(f"[Service]\n{drop_in(kind)}")
    done = analyze("verify", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_pictures_are_pushed_into_the_sandbox_as_it_is() -> None:
    with sandbox_with("") as sandbox:
        (sandbox.runtime / "tokens").write_text(f"{TOKEN}\n")
        tokens = f"/run/{sandbox.unit.one('RuntimeDirectory')}/tokens"
        service = Service(sandbox, f"--source push:hall --publish-token-file {tokens}")
        try:
            service.hear("READY=1")
            command = ["curl", "-s", "--unix-socket", str(service.path), "--oauth2-bearer", TOKEN]
            done = subprocess.run(
                [*command, "-T", "-", "http://localhost/publish/hall"],
                input=jpeg(),
                capture_output=True,
                timeout=TIMEOUT,
            )
            assert done.stdout == b"1 picture taken\n"
            wait_until("it is shown", lambda: service.info()["encoder"]["state"] == "live")
            assert np.array_equal(mjpeg.decode(service.get("/?snapshot")), mjpeg.decode(jpeg()))
            # What needs pixels.
            assert mjpeg.decode(service.get("/?snapshot&scale=0.5")).shape == (24, 32, 3)
        finally:
            said = service.end()
    assert "Traceback" not in said


def test_a_film_is_shown_in_the_sandbox_as_it_is() -> None:
    with sandbox_with("") as sandbox:
        film = ["-f", "lavfi", "-i", "testsrc=size=64x48:duration=1", "-pix_fmt", "yuv420p"]
        path = sandbox.runtime / "film.mp4"
        subprocess.run(["ffmpeg", "-loglevel", "error", *film, path], check=True, timeout=TIMEOUT)
        path.chmod(0o644)
        seen = f"/run/{sandbox.unit.one('RuntimeDirectory')}/film.mp4"
        service = Service(sandbox, f"--source camera:{seen}")
        try:
            service.hear("READY=1")
            wait_until("it is shown", lambda: service.info()["encoder"]["state"] == "live")
            assert mjpeg.decode(service.get("/?snapshot")).shape == (48, 64, 3)
        finally:
            said = service.end()
    assert "Traceback" not in said


@pytest.mark.parametrize("allowed", [True, False])
def test_the_network_is_reached_where_the_drop_in_is(allowed: bool) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg()
    lines = drop_in("http:, https:, tcp:, udp:") if allowed else ""
    with serving(answer) as server, sandbox_with(lines) as sandbox:
        service = Service(sandbox, f"--source http://127.0.0.1:{server.port}/,every=0.1")
        try:
            service.hear("READY=1")
            if allowed:
                wait_until("it is shown", lambda: service.info()["encoder"]["state"] == "live")
                shown = mjpeg.decode(service.get("/?snapshot"))
                assert np.array_equal(shown, mjpeg.decode(jpeg()))
            else:
                why = "Address family not supported"
                wait_until("it is told", lambda: why in service.info()["encoder"]["reason"])
        finally:
            said = service.end()
    assert "Traceback" not in said


def test_what_is_captured_is_in_a_ring_in_the_runtime_directory() -> None:
    with sandbox_with("") as sandbox:
        service = Service(sandbox, "--source pattern:bars --ring /run/webcapd/7/screen.wcf")
        try:
            service.hear("READY=1")
            ring = sandbox.runtime / "screen.wcf"
            frame = wait_until("there is a frame", lambda: reference.read_newest(ring))
            assert (frame.width, frame.height, frame.flags) == (1280, 720, 0)
        finally:
            said = service.end()
        assert "Traceback" not in said
