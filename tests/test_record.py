"""``webcapd record``: what it writes, as ffprobe sees it, and what it says of mistakes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mjpeg
import pytest
import ringreference
from processes import held_up
from program import ROOT, TIMEOUT, Webcapd, run_to_end
from recordings import decoded, probe
from waiting import wait_until

from webcapd.app.commands.record import prepare

PATTERN = "pattern:clock,size=160x120"


def record(*arguments: str) -> tuple[int, list[str]]:
    """Record until all is recorded; returns the exit code and what was said."""
    status, said = run_to_end("record", *arguments, "--min-free", "0")
    return status, said.splitlines()


@contextmanager
def recording(*arguments: str, says: str = "recording ") -> Iterator[Webcapd]:
    program = Webcapd("record", *arguments, "--min-free", "0")
    try:
        program.wait_for_line(lambda line: says in line)
        yield program
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.ended()


def videos(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.mkv"))


def test_so_many_frames_into_a_folder(tmp_path: Path) -> None:
    status, said = record(PATTERN, "-o", str(tmp_path / "new" / "folder"), "-c", "20")
    assert status == 0
    assert said[0] == f"webcapd: recording {PATTERN} 160x120 into {tmp_path / 'new' / 'folder'}"
    assert said[1].startswith("webcapd: recorded 20 frames, ")
    (video,) = videos(tmp_path / "new" / "folder")
    found = probe(video)
    assert (found.codec, found.width, found.height) == ("mjpeg", 160, 120)
    assert len(found.times) == decoded(video) == 20


def test_a_time_as_long_as_it_was_though_nothing_moves(tmp_path: Path) -> None:
    status, _ = record("pattern:bars,size=64x48", "-o", str(tmp_path / "a.mkv"), "-t", "2s")
    assert status == 0
    found = probe(tmp_path / "a.mkv")
    assert found.duration == pytest.approx(2.0, abs=0.1)
    # The first, perhaps at the higher quality, and the one that stands for the rest.
    assert 2 <= len(found.times) <= 4


def test_one_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    assert record("pattern:bars,size=64x48", "-o", str(path))[0] == 0
    assert mjpeg.decode(path.read_bytes()).shape == (48, 64, 3)


def test_pictures_with_numbers_and_a_link_to_the_latest(tmp_path: Path) -> None:
    name = ("--record-format", "jpg", "--record-name", "frame_{n:04d}.jpg")
    assert record(PATTERN, "-o", str(tmp_path), "-c", "3", *name)[0] == 0
    assert record(PATTERN, "-o", str(tmp_path), "-c", "2", *name)[0] == 0
    names = sorted(path.name for path in tmp_path.glob("frame_*"))
    assert names == [f"frame_000{number}.jpg" for number in range(1, 6)]
    assert os.readlink(tmp_path / "latest.jpg") == "frame_0005.jpg"
    for one in names:
        assert mjpeg.decode((tmp_path / one).read_bytes()).shape == (120, 160, 3)


def test_a_picture_each_so_often(tmp_path: Path) -> None:
    """Never more often; a machine that is late at one leaves it out."""
    kind = ("--record-format", "jpg", "--interval", "0.2s")
    status, said = record("pattern:bars,size=64x48", "-o", str(tmp_path), "-c", "6", *kind)
    assert status == 0
    assert len(list(tmp_path.glob("0*.jpg"))) == 6
    seconds = float(said[1].removeprefix("webcapd: recorded 6 frames, ").partition(" s")[0])
    assert seconds > 0.9


def test_a_picture_each_so_often_if_it_is_another(tmp_path: Path) -> None:
    kind = ("--record-format", "jpg", "--interval", "0.2s", "--changed-only")
    assert record("pattern:bars,size=64x48", "-o", str(tmp_path), "-t", "1s", *kind)[0] == 0
    assert len(list(tmp_path.glob("0*.jpg"))) == 1


@pytest.mark.parametrize("kind", ["mjpeg", "mkv"])
def test_standard_output(kind: str) -> None:
    command = [sys.executable, "-P", str(ROOT / "webcapd.py"), "record", PATTERN]
    with subprocess.Popen(
        [*command, "-o", "-", "-c", "5", "--record-format", kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as program:
        done = subprocess.run(
            ["ffprobe", "-v", "error", "-count_packets", "-show_streams", "-of", "json", "-"],
            stdin=program.stdout,
            capture_output=True,
            timeout=TIMEOUT,
            check=True,
        )
        assert program.wait(TIMEOUT) == 0
    (stream,) = json.loads(done.stdout)["streams"]
    assert (stream["codec_name"], stream["nb_read_packets"]) == ("mjpeg", "5")


def test_who_reads_no_more_is_missed() -> None:
    command = [sys.executable, "-P", str(ROOT / "webcapd.py"), "record", PATTERN, "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None and program.stderr is not None
        assert program.stdout.read(2) == b"\xff\xd8"
        program.stdout.close()
        said = program.stderr.read().decode().splitlines()
        assert program.wait(TIMEOUT) == 3
    assert said[1] == "webcapd: nobody reads standard output any more"


def test_who_reads_nothing_holds_up_no_end() -> None:
    command = [sys.executable, "-P", str(ROOT / "webcapd.py"), "record", "pattern:noise", "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        program.stdout.read(2)
        program.terminate()
        assert program.wait(TIMEOUT) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_has_all(number: signal.Signals, tmp_path: Path) -> None:
    with recording(PATTERN, "-o", str(tmp_path / "a.mkv")) as program:
        path = tmp_path / "a.mkv"
        wait_until("it records", lambda: path.exists() and path.stat().st_size > 2000)
        assert program.stop(number) == 0
    found = probe(tmp_path / "a.mkv")
    (said,) = [line for line in program.lines if "recorded" in line]
    assert f"recorded {len(found.times)} frame" in said or len(found.times) > 1
    assert found.duration == pytest.approx(found.times[-1], abs=0.1)


class UnevenScreen:
    """A ring whose frames come when a test says so."""

    def __init__(self, path: Path) -> None:
        self._writer = ringreference.Writer(path, 4 * 128 * 96)
        self.shown: list[float] = []
        """When each frame was put, in seconds of CLOCK_MONOTONIC."""
        self.took = 0.0
        """The longest that it took to put one."""

    def put(self, width: int = 64, height: int = 48) -> None:
        grey = 40 + 37 * len(self.shown) % 200
        self.shown.append(time.monotonic())
        self._writer.put(bytes([grey]) * 4 * width * height, b"XR24", width, height, 4 * width)
        self.took = max(self.took, time.monotonic() - self.shown[-1])

    def close(self) -> None:
        self._writer.close()


def burst(screen: UnevenScreen, count: int) -> None:
    for _ in range(count):
        screen.put()
        time.sleep(0.1)


def test_rests_and_bursts_keep_their_time(tmp_path: Path) -> None:
    """What is recorded has the pace of what was shown, and so has what is made of it."""
    with contextlib.closing(UnevenScreen(tmp_path / "a.wcf")) as screen:
        screen.put()
        started = time.monotonic()
        with recording(f"wcf:{tmp_path / 'a.wcf'}", "-o", str(tmp_path / "a.mkv")) as program:
            wait_until("it records", lambda: (tmp_path / "a.mkv").exists())
            began, waited = time.monotonic(), held_up(program.process.pid)
            time.sleep(1.5)
            burst(screen, 8)
            time.sleep(2.5)
            burst(screen, 5)
            time.sleep(1.0)
            asked = time.monotonic()
            late = 0.25 + screen.took + held_up(program.process.pid) - waited
            assert program.stop() == 0
            ended = time.monotonic()
    found = probe(tmp_path / "a.mkv")
    # It begins with a picture: after the program, and before the file is seen.
    assert found.duration is not None
    assert asked - began - 0.1 <= found.duration <= ended - started
    # Each is there, beside those that follow at the rest quality: as far from each other as shown.
    first = found.times[0] + screen.shown[1] - began
    ideal = [first + at - screen.shown[1] for at in screen.shown[1:]]
    offset = min(found.times[1:], key=lambda at: abs(at - ideal[0])) - ideal[0]
    for at in ideal:
        nearest = min(abs(at + offset - time) for time in found.times)
        # A busy machine has it see them late.
        assert nearest < late, (late, ideal, found.times)


def test_another_size_begins_another_file(tmp_path: Path) -> None:
    with contextlib.closing(UnevenScreen(tmp_path / "a.wcf")) as screen:
        screen.put()
        folder = tmp_path / "folder"
        with recording(f"wcf:{tmp_path / 'a.wcf'}", "-o", str(folder)) as program:
            wait_until("the first file is there", lambda: videos(folder))
            screen.put(128, 96)
            wait_until("so is the second", lambda: len(videos(folder)) > 1)
            screen.put(64, 48)
            wait_until("so is the third", lambda: len(videos(folder)) > 2)
            assert program.stop() == 0
    sizes = [(found.width, found.height) for found in map(probe, videos(folder))]
    assert sizes == [(64, 48), (128, 96), (64, 48)]
    assert all(decoded(path) for path in videos(folder))


def test_recording_begins_with_the_first_picture(tmp_path: Path) -> None:
    """What has no picture yet is waited for, and no placeholder is recorded meanwhile."""
    ring, path = tmp_path / "a.wcf", tmp_path / "a.mkv"
    with (
        recording(f"wcf:{ring}", "-o", str(path), says="waiting for a picture") as program,
        contextlib.closing(UnevenScreen(ring)) as screen,
    ):
        screen.put()
        program.wait_for_line(lambda line: "recording " in line)
        wait_until("it records", path.exists)
        assert program.stop() == 0
    assert [file.name for file in videos(tmp_path)] == ["a.mkv"]
    assert (probe(path).width, probe(path).height) == (64, 48)


def test_command_that_waits_for_a_picture_ends_when_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with recording(
        f"wcf:{tmp_path / 'a.wcf'}", "-o", str(path), says="waiting for a picture"
    ) as program:
        assert program.stop() == 0
    assert not path.exists()


def test_files_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    status, _ = record(
        "pattern:bars,size=64x48", "-o", str(tmp_path), "-t", "3s", "--segment", "1s"
    )
    assert status == 0
    found = [probe(path) for path in videos(tmp_path)]
    assert len(found) == 3
    lengths = [one.duration or 0.0 for one in found]
    assert lengths[:2] == pytest.approx([1.0, 1.0], abs=0.4)
    assert sum(lengths) == pytest.approx(3.0, abs=0.3)


def test_where_only_changes_count_a_rest_makes_no_file(tmp_path: Path) -> None:
    more = ("-t", "3s", "--segment", "1s", "--changed-only")
    assert record("pattern:bars,size=64x48", "-o", str(tmp_path), *more)[0] == 0
    assert len(videos(tmp_path)) <= 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((PATTERN,), "where to?"),
        ((PATTERN, "-o", ""), "the value is empty"),
        ((PATTERN, "-o", "a.mp4"), "webcapd export makes .mp4"),
        ((PATTERN, "-o", "a.mkv", "--record-format", "jpg"), "a.mkv says mkv"),
        ((PATTERN, "-o", "-", "--record-format", "jpg"), "to standard output goes mjpeg"),
        ((PATTERN, "-o", "a.mkv", "--record-name", "{n}.mkv"), "-o names a file"),
        ((PATTERN, "-o", "a", "--record-name", "a.mkv"), "a name has the number in it once"),
        ((PATTERN, "-o", "a", "--segment", "no"), "a time is written as"),
        ((PATTERN, "-o", "a", "--keep", "0"), "less than a thousandth"),
        ((PATTERN, "-o", "a", "--duration", "1 week"), "a time is written as"),
        (("nonsense", "-o", "a"), "neither a display, such as :0, nor a source"),
        (("pattern:nonsense", "-o", "a"), "nonsense"),
        ((":0", "--source", "pattern:bars", "-o", "a"), "both say what to show"),
        (("--virtual", "640x480", "-o", "a"), "--virtual is for webcapd itself"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        prepare(arguments)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_what_exists_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(b"mine")
    status, said = record(PATTERN, "-o", str(path), "-c", "1")
    assert (status, said) == (
        3,
        [f"webcapd: {path} exists already: name another file, or a folder"],
    )
    assert path.read_bytes() == b"mine"


def test_where_nothing_can_be_written_it_ends_with_code_3(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for output in (tmp_path / "file" / "folder", tmp_path / "file" / "a.mkv", Path("/proc/x")):
        status, said = record(PATTERN, "-o", str(output))
        assert status == 3
        assert len(said) == 1


def test_a_display_that_is_not_there_ends_it_with_code_1(tmp_path: Path) -> None:
    status, said = record(":4242", "-o", str(tmp_path))
    assert status == 1
    assert said == ["webcapd: cannot open display :4242: no X server answers there"]
