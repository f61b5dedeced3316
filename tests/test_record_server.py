"""``--record``: a server that records beside its viewers, started and stopped by requests."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mjpeg
import numpy as np
import pytest
from program import Webcapd, run_to_end, webcapd
from recordings import decoded, probe
from waiting import wait_until
from xserver import XServer

TOKEN = "token-of-the-guard"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PATTERN = ("--source", "pattern:clock,size=160x120")


Answer = tuple[int, str]


def videos(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.mkv"))


def state(program: Webcapd) -> Any:
    return program.info()["record"]


def ask(program: Webcapd, command: str, method: str = "POST", **headers: str) -> Answer:
    status, _, body = program.get(f"/?record={command}", method, **(headers or BEARER))
    return status, body.decode()


def timed(program: Webcapd, command: str) -> tuple[tuple[float, float], Answer]:
    """Give a command; returns the moments before and after it, and the answer."""
    before = time.monotonic()
    answer = ask(program, command)
    return (before, time.monotonic()), answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recorded") / "folder"


@pytest.fixture(scope="module")
def program(folder: Path) -> Iterator[Webcapd]:
    """Run a server that records when it is told to, and then from 2 s before."""
    tokens = folder.with_name("tokens")
    tokens.write_text(f"{TOKEN}\n")
    with webcapd(
        *(*PATTERN, "--record", str(folder), "--min-free", "0", "--pre", "2s"),
        *("--record-token-file", str(tokens), "--allow-origin", "https://wall.example"),
    ) as running:
        yield running


def test_it_is_started_and_stopped_and_has_what_was_before(program: Webcapd, folder: Path) -> None:
    assert state(program)["state"] == "waiting"
    assert ask(program, "mark") == (409, "nothing is being recorded that could be marked\n")
    wait_until("there are pictures", lambda: program.info()["encoder"]["frames"] > 0)
    time.sleep(2.5)
    before = len(videos(folder))
    # Of each command, when it was sent and when it was answered: it was obeyed in between.
    start, (status, body) = timed(program, "start")
    assert status == 200
    assert json.loads(body)["state"] == "recording"
    assert ask(program, "start")[0] == 200
    time.sleep(0.5)
    marked, (status, body) = timed(program, "mark")
    assert (status, json.loads(body)["marks"]) == (200, 1)
    stop, (status, body) = timed(program, "stop")
    assert json.loads(body)["state"] == "stopped"
    (video,) = videos(folder)[before:]
    found = probe(video)
    assert found.duration is not None
    assert 1.5 + stop[0] - start[1] < found.duration < 2.5 + stop[1] - start[0]
    assert decoded(video) == len(found.times) > 30
    lines = [json.loads(line) for line in (folder / ".webcapd-record").read_bytes().splitlines()]
    (mark,) = [line for line in lines if "mark" in line]
    assert mark["file"] == video.name
    assert 1.5 + marked[0] - start[1] < mark["at"] < 2.5 + marked[1] - start[0]


@pytest.mark.parametrize(
    ("headers", "method", "command", "expected"),
    [
        ({"X": "y"}, "POST", "start", 401),
        ({"Authorization": "Bearer wrong"}, "POST", "start", 401),
        # A page's visitor may have such credentials; none sends a Bearer by itself.
        ({"Authorization": "Basic eDp0b2tlbi1vZi10aGUtZ3VhcmQ="}, "POST", "start", 401),
        ({**BEARER, "Origin": "https://evil.example"}, "POST", "start", 403),
        ({**BEARER, "Origin": "https://wall.example"}, "POST", "start", 403),
        ({**BEARER, "Sec_Fetch_Site": "cross-site"}, "POST", "start", 403),
        ({**BEARER, "Host": "evil.example"}, "POST", "start", 403),
        (BEARER, "GET", "start", 405),
        (BEARER, "PUT", "start", 405),
        (BEARER, "POST", "rewind", 400),
        (BEARER, "POST", "", 400),
        (BEARER, "POST", "start&record=stop", 400),
        (BEARER, "POST", "../../etc/passwd", 400),
    ],
)
def test_nobody_else_and_nothing_else_starts_it(
    program: Webcapd, headers: dict[str, str], method: str, command: str, expected: int
) -> None:
    before = state(program)["state"]
    status, body = ask(program, command, method, **headers)
    assert status == expected, body
    assert body.count("\n") == 1
    assert state(program)["state"] == before
    assert TOKEN not in body


@pytest.mark.parametrize("target", ["/?snapshot", "/", "/stream?record=start", "/records?record"])
def test_no_other_address_takes_it(program: Webcapd, target: str) -> None:
    assert program.get(target, "POST", **BEARER)[0] in (404, 405)
    assert state(program)["state"] != "recording"


def test_a_page_may_go_on_asking_for_pictures(program: Webcapd) -> None:
    assert program.get("/?snapshot&recorded=1")[0] == 200


def test_without_a_token_file_nobody_starts_or_stops_it(tmp_path: Path) -> None:
    """It records from the beginning, and what is not there is not there: 405, as for any page."""
    folder = tmp_path / "folder"
    with webcapd(*PATTERN, "--record", str(folder), "--min-free", "0") as program:
        wait_until("it records", lambda: state(program)["frames"] > 20)
        for command in ("start", "stop", "mark"):
            assert ask(program, command)[0] == 405
        assert program.get("/?record=stop")[0] == 200
        assert state(program)["state"] == "recording"
        assert state(program)["free"] > 0
    (video,) = videos(folder)
    assert decoded(video) > 20


def test_viewers_and_recording_get_the_same_bytes(tmp_path: Path) -> None:
    source = ("--source", "pattern:bars,size=160x120")
    more = ("--record", str(tmp_path), "--record-format", "jpg", "--min-free", "0")
    with webcapd(*source, *more) as program:
        wait_until("there is one", (tmp_path / "latest.jpg").exists)
        assert (tmp_path / "latest.jpg").read_bytes() == program.snapshot()


def test_masks_watermark_and_caption_are_in_it(server: XServer, tmp_path: Path) -> None:
    mark = Path(__file__).with_name("mark.png")
    for kind in ("jpg", "mkv"):
        folder = tmp_path / kind
        with webcapd(
            *("--display", server.name, "--mask", "0,0,320,240", "--caption", "Lab 3"),
            *("--watermark-path", str(mark), "--watermark-location", "tr", "--rotate", "180"),
            *("--record", str(folder), "--record-format", kind, "--min-free", "0"),
        ) as program:
            wait_until("it has recorded", lambda: state(program)["frames"] > 0)
            shown = mjpeg.decode(program.snapshot()).astype(int)
        (path,) = folder.glob("0*")
        data = path.read_bytes()
        found = mjpeg.decode(data[data.index(b"\xff\xd8") :]).astype(int)
        assert found.shape == shown.shape
        assert np.abs(found - shown).mean() < 1
        assert found[245:, 325:].max() < 20
        assert shown.max() > 100


def test_a_folder_that_cannot_be_written_ends_it_with_code_3() -> None:
    status, said = run_to_end(*PATTERN, "--port", "0", "--record", "/proc/nothing")
    assert status == 3
    assert said == "webcapd: /proc/nothing cannot be written: No such file or directory"


def test_two_do_not_record_into_one_folder(program: Webcapd, folder: Path) -> None:
    status, said = run_to_end(*PATTERN, "--port", "0", "--record", str(folder))
    assert (status, said) == (3, f"webcapd: another webcapd records into {folder}")


def test_a_token_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    more = ("--record", str(tmp_path), "--record-token-file", "/nowhere/tokens")
    status, said = run_to_end(*PATTERN, "--port", "0", *more)
    assert status == 1
    assert "/nowhere/tokens" in said and said.count("\n") == 0
