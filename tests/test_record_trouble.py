"""Recordings where something goes wrong: full disks, folders that vanish, clocks that jump."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from program import TIMEOUT, Webcapd, run_to_end, webcapd
from recordings import decoded, probe
from waiting import wait_until

from webcapd.app.engine import Engine
from webcapd.base.shutdown import Shutdown
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.options import CaptureOptions, read_source
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.variant import PLAIN
from webcapd.outputs.options import RecordingOptions
from webcapd.outputs.recording.open import folder_sink
from webcapd.outputs.recording.recorder import Recorder
from webcapd.outputs.recording.settings import RecorderSettings

NOISE = ("--source", "pattern:noise,size=320x240")
MEGABYTE = 1 << 20


def state(program: Webcapd) -> Any:
    return program.info()["record"]


def mounting(commands: str, folder: Path) -> tuple[str, ...]:
    """Give what runs a command where others have been run first, in a mount namespace of its own.

    $0 is the folder; the process keeps its number.
    """
    unshare = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "-r")
    return (*unshare, "sh", "-c", f'{commands} && exec "$@"', str(folder))


@contextlib.contextmanager
def recording_on_small_disk(
    mount: Path, megabytes: int, *arguments: str, filled: int = 0
) -> Iterator[tuple[Webcapd, Path]]:
    """Record noise to a file system of some size; gives the folder as seen from here."""
    mount.mkdir()
    disk = f'mount -t tmpfs -o size={megabytes}m tmpfs "$0"'
    filler = f'head -c {filled}M /dev/zero >"$0/filler"'
    with webcapd(
        *("--source", "pattern:noise,size=640x480"),
        *("--record", str(mount / "folder"), *arguments),
        wrapper=mounting(f"{disk} && {filler}", mount),
    ) as program:
        yield program, Path(f"/proc/{program.process.pid}/root{mount}/folder")


def wait_until_it_shows_more(program: Webcapd) -> None:
    before = program.snapshot()
    wait_until("the stream goes on", lambda: program.snapshot() != before)


def warnings(program: Webcapd) -> list[str]:
    return [line for line in program.own_lines() if "nothing is recorded" in line]


@pytest.mark.parametrize("kind", ["mkv", "jpg"])
def test_a_full_disk_pauses_it_and_says_so_and_the_stream_goes_on(
    kind: str, tmp_path: Path
) -> None:
    more = ("--record-format", kind, "--min-free", "0")
    # There is to be room for many seconds, once it is made.
    with recording_on_small_disk(tmp_path / "disk", 100, *more, filled=99) as (program, folder):
        wait_until("it is full", lambda: state(program)["state"] == "disk-full")
        assert "there is no room left" in state(program)["reason"]
        wait_until_it_shows_more(program)
        files = [path for path in folder.glob(f"*.{kind}") if not path.is_symlink()]
        assert sum(path.stat().st_size for path in files) > MEGABYTE // 2
        assert all(decoded(path) for path in files[:20])
        assert len(warnings(program)) == 1
        if kind == "jpg":
            return
        # Somebody makes room.
        (folder.parent / "filler").unlink()
        wait_until("it goes on", lambda: state(program)["state"] == "recording")
        frames = state(program)["frames"]
        wait_until("it records", lambda: state(program)["frames"] > frames + 10)
        assert len(warnings(program)) == 1


@contextlib.contextmanager
def halted(program: Webcapd) -> Iterator[None]:
    """Have a program do nothing while the context lasts."""
    program.process.send_signal(signal.SIGSTOP)
    try:
        # All its threads have stopped only then.
        os.waitid(os.P_PID, program.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        yield
    finally:
        program.process.send_signal(signal.SIGCONT)


def test_before_it_is_full_the_oldest_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    limits = ("--segment", "1M", "--min-free", "3M", "--record-format", "mkv")
    with recording_on_small_disk(tmp_path / "disk", 8, *limits) as (program, folder):
        wait_until("it records", lambda: state(program)["bytes"] > 0)
        (folder / "000000-foreign.mkv").write_bytes(b"another's")
        wait_until("it went round", lambda: state(program)["bytes"] > 12 * MEGABYTE)
        assert (state(program)["state"], warnings(program)) == ("recording", [])
        # Or the oldest would go on going while they are looked at.
        with halted(program):
            files = sorted(folder.glob("*.mkv"))
            assert files[0].name == "000000-foreign.mkv"
            assert files[0].read_bytes() == b"another's"
            assert not files[1].name.startswith("000001")
            assert all(decoded(path) for path in files[1:-1])


def test_where_nothing_may_be_deleted_it_waits_for_room(tmp_path: Path) -> None:
    with recording_on_small_disk(tmp_path / "disk", 4, "--min-free", "1G") as (
        program,
        _,
    ):
        wait_until("it is full", lambda: state(program)["state"] == "disk-full")
        (said,) = warnings(program)
        assert "too little room left" in said
        wait_until_it_shows_more(program)


def test_a_read_only_folder_ends_it_at_the_start(tmp_path: Path) -> None:
    commands = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'
    for command in (("--port", "0", *NOISE, "--record"), ("record", *NOISE, "-o")):
        status, said = run_to_end(*command, str(tmp_path), wrapper=mounting(commands, tmp_path))
        assert status == 3
        assert said == f"webcapd: {tmp_path} cannot be written: Read-only file system"


def test_a_folder_that_vanishes_is_waited_for_and_not_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    more = ("--record", str(folder), "--min-free", "0", "--segment", "1s")
    with webcapd(*NOISE, *more) as program:
        wait_until("it records", lambda: state(program)["frames"] > 5)
        shutil.rmtree(folder)
        wait_until("that is seen", lambda: state(program)["state"] == "cannot-write")
        wait_until_it_shows_more(program)
        assert not folder.exists()
        folder.mkdir()
        wait_until("it goes on", lambda: state(program)["state"] == "recording")
        wait_until("it has recorded", lambda: len(list(folder.glob("*.mkv"))) > 1)
        assert len(warnings(program)) == 1
    assert all(decoded(path) for path in folder.glob("*.mkv"))


def test_a_file_that_is_deleted_is_followed_by_another(tmp_path: Path) -> None:
    with webcapd(*NOISE, "--record", str(tmp_path), "--min-free", "0") as program:
        wait_until("it records", lambda: list(tmp_path.glob("*.mkv")))
        (first,) = tmp_path.glob("*.mkv")
        first.unlink()
        wait_until("another goes on", lambda: list(tmp_path.glob("*.mkv")))
        program.wait_for_line(lambda line: f"{first.name} was deleted" in line)
    (second,) = tmp_path.glob("*.mkv")
    assert decoded(second)


def test_a_clock_that_jumps_changes_no_time_in_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall, shift = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: wall() + shift)
    shutdown = Shutdown()
    capture = CaptureOptions(source=(read_source("pattern:noise,size=64x48"),))
    engine = Engine(capture, EncoderOptions(), shutdown, Reception(None))
    sink = folder_sink(str(tmp_path), RecordingOptions(min_free="0", keep="1h"))
    recorder = Recorder(engine.variants, PLAIN, sink, RecorderSettings())
    engine.start()
    assert engine.wait_begun() is None
    began = time.monotonic()
    recorder.start()
    wait_until("it records", lambda: recorder.frames)
    recorded = time.monotonic()
    for shift in (0.0, 1e8, -1e9, 0.0):  # noqa: B007
        before, recorded_on = recorder.frames, time.monotonic()
        wait_until("it goes on", lambda before=before: recorder.frames > before + 10)  # type: ignore[misc]
    for part in (recorder, engine):
        part.stop()
        assert part.join(TIMEOUT)
        part.close()
    shutdown.close()
    ended = time.monotonic()
    (video,) = tmp_path.glob("*.mkv")
    found = probe(video)
    # However late this thread saw that it had begun, and that it had ended.
    assert found.duration is not None
    assert recorded_on - recorded - 0.5 < found.duration < ended - began + 0.5
    assert found.times == sorted(found.times)


def test_time_is_up_also_while_nothing_can_be_written(tmp_path: Path) -> None:
    # So long that a picture comes in it also where the libraries are loaded slowly.
    bounds = ("--duration", "5s", "--min-free", "1000000T")
    status, said = run_to_end("record", "pattern:bars,size=64x48", "-o", str(tmp_path), *bounds)
    assert status == 3
    assert "nothing is recorded until" in said
