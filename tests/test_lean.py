"""What a server takes that nobody watches, and when its libraries are loaded."""

import os
import subprocess
import sys
import threading
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import ROOT, TIMEOUT, Webcapd, webcapd
from waiting import wait_until
from xserver import XServer

from webcapd.http.wire.response import http_date

# By what is in the paths of their native parts.
_HEAVY = (
    *("/numpy", "/av/", "/_decimal.", "/cv2/", "/opencv_python", "/PIL/", "/bcrypt/"),
    *("/turbojpeg", "/ssl."),
)


def loaded(program: Webcapd) -> set[str]:
    """Tell which heavy libraries a process has in memory."""
    maps = Path(f"/proc/{program.process.pid}/maps").read_text()
    return {name for name in _HEAVY if name in maps}


def kilobytes(program: Webcapd, kind: str) -> int:
    rollup = Path(f"/proc/{program.process.pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(kind))


def test_libraries_are_loaded_for_the_first_viewer(server: XServer) -> None:
    with webcapd("--display", server.name) as program:
        assert program.get("/?health")[0] == 200
        assert program.info()["capture"]["shm"] == "fd"
        assert loaded(program) == set(), "import it from base/process/late.py, or where it is used"
        # RSS, as PSS depends on what else runs; it was 83 MB.
        assert kilobytes(program, "Rss:") < 34 * 1024
        program.snapshot()
        assert {"/numpy", "/cv2/"} <= loaded(program)
        assert not loaded(program) & {"/PIL/", "/bcrypt/", "/ssl."}
        # What shows figures has a library of its own.
        assert b"webcapd_up" in program.get("/?metrics")[2]


def test_many_first_viewers_at_a_time_are_all_served(server: XServer) -> None:
    """OpenCV cannot be loaded by two threads at a time."""
    pages = ["/?snapshot", "/?updates&once=1", "/?snapshot&width=100", "/?metrics"] * 3
    with webcapd("--display", server.name) as program:
        begin = threading.Barrier(len(pages))
        answers: list[int] = []

        def answer(page: str) -> int | None:
            status = program.get(page)[0]
            # Who waits for one picture is told after some seconds that there is none yet.
            return None if status == 503 else status

        def look(page: str) -> None:
            begin.wait(TIMEOUT)
            answers.append(wait_until("an answer", lambda: answer(page)))

        threads = [threading.Thread(target=look, args=(page,)) for page in pages]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * TIMEOUT)
        assert answers == [200] * len(pages)


def test_every_module_can_be_imported() -> None:
    """Those, too, that are loaded late: an annotation may name what is not loaded."""
    names = [
        ".".join(("webcapd", *path.relative_to(ROOT).with_suffix("").parts))
        for room in ("app", "base", "capture", "encoder", "http", "outputs")
        for path in (ROOT / room).rglob("*.py")
        if path.stem not in ("__init__", "keeper")
    ]
    source = "import importlib, sys, webcapd\n[importlib.import_module(n) for n in sys.argv[1:]]"
    subprocess.run([sys.executable, "-c", source, *names], cwd=ROOT, check=True, timeout=TIMEOUT)


def shadowed(folder: Path, name: str, text: str) -> dict[str, str]:
    """Give the environment in which a package is another; an empty text makes it unimportable."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(text)
    return {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize("name", ["cv2", "h11", "prometheus_client"])
def test_package_that_is_missing_is_missed_at_the_start(name: str) -> None:
    hide = (
        "import sys, runpy\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {name!r}: raise ModuleNotFoundError('No module named '+repr(name))\n"
        "sys.meta_path.insert(0, Hide())\n"
        f"sys.argv = ['webcapd', '--source', 'pattern:clock', '--port', '0']\n"
        f"runpy.run_path({str(ROOT / 'webcapd.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", hide], capture_output=True, text=True, timeout=TIMEOUT
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"webcapd: cannot be loaded: No module named {name!r} "
        "(are the packages of requirements.txt installed?)\n"
    )


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            "ImportError('libnone.so.1: no such file')",
            "libnone.so.1: no such file (on Debian and Ubuntu: "
            "apt install libgl1 libglib2.0-0 libxcb1 libxcb-shm0)",
        ),
        ("RuntimeError('this processor is too old')", "this processor is too old"),
    ],
)
def test_library_that_cannot_be_loaded_ends_the_server_with_its_sentence(
    server: XServer, tmp_path: Path, fault: str, told: str
) -> None:
    broken = shadowed(tmp_path, "cv2", f"raise {fault}")
    program = Webcapd("--display", server.name, "--port", "0", environment=broken).wait_ready()
    with pytest.raises(OSError):
        program.snapshot()
    assert program.ended() == 1
    assert program.lines[1:] == [f"webcapd: cannot be loaded: {told}"]


def test_slow_disk_is_not_taken_for_a_display_that_does_not_answer(
    server: XServer, tmp_path: Path
) -> None:
    slow = (
        "import sys, time\n"
        "time.sleep(5)\n"
        f"sys.path.remove({str(tmp_path)!r})\n"
        "del sys.modules['numpy']\n"
        "import numpy\n"
    )
    with webcapd(
        "--display", server.name, environment=shadowed(tmp_path, "numpy", slow)
    ) as program:
        # Who waits for one picture is told after some seconds that there is none yet.
        wait_until("there is a picture", lambda: program.get("/?snapshot")[0] == 200)
        assert program.info()["encoder"]["outages"] == 0


def test_program_in_the_display_gets_the_environment_that_we_got(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with webcapd(
        *(
            "--virtual",
            "64x64",
            "--",
            "sh",
            "-c",
            f"env >{told}.part; mv {told}.part {told}; sleep 99",
        )
    ):
        wait_until("the program runs", told.exists)
    environment = dict(line.split("=", 1) for line in told.read_text().splitlines() if "=" in line)
    assert "OPENBLAS_NUM_THREADS" not in environment or "OPENBLAS_NUM_THREADS" in os.environ


def test_opencv_works_in_one_thread() -> None:
    """A second one halves no time, and waits for more to do by spinning."""
    script = """if True:
        import contextlib, webcapd
        with contextlib.suppress(SystemExit):
            webcapd.main(["--help"])
        import cv2
        print(cv2.getNumThreads())
    """
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "1"


@given(st.floats(0, 250_000_000_000))
def test_dates_are_those_of_the_standard_library(moment: float) -> None:
    """Which takes a tenth of a start to load."""
    assert http_date(moment) == formatdate(moment, usegmt=True)


_FRAMES = """
import resource, threading
from webcapd.base.process.memory import keep_for_frames

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def frame():
    parts = [bytes(1 << 20), bytes(1_000_000), bytes(600_000)]

def work():
    for _ in range(5):
        frame()
    before = faults()
    for _ in range(100):
        frame()
    print(faults() - before)

keep_for_frames()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def test_memory_that_a_frame_took_is_kept_for_the_next() -> None:
    """Given back and fetched again each time, it would be 600 faults for one such frame."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _FRAMES]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1000
