"""Sources other than displays, within the sandbox of the unit and a drop-in of docs/deploy.md."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mjpeg
import pytest
from program import ROOT
from ringprograms import command_of, running
from sandbox import Sandbox
from service import Service
from waiting import wait_until

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
                height, width = mjpeg.decode(service.get("/?snapshot")).shape[:2]
                assert (width, height) == (64, 48)
                if scheme == "wcf":
                    assert service.info()["capture"]["feed"]["wake"] == "inotify"
            finally:
                said = service.end()
        assert "Traceback" not in said
