"""``webcapd export``: an .mp4 with the times that were recorded."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mjpeg
import numpy as np
import pytest
from program import ROOT, TIMEOUT
from recordings import ffprobe, frame, probe
from test_matroska import UNEVEN, opened, written
from test_players import MPV, VLC, player, wait_for
from xserver import xvfb


def export(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run it; returns the exit code and what was said."""
    done = subprocess.run(
        [sys.executable, "-P", str(ROOT / "webcapd.py"), "export", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stderr.rstrip("\n")


PLAYABLE = ("-show_streams", "-show_entries", "stream=codec_name,pix_fmt,width,height")


def test_rests_and_bursts_keep_their_time(tmp_path: Path) -> None:
    written(tmp_path / "a.mkv", UNEVEN).close(40.0, repeats=True)
    out = tmp_path / "-out.mp4"
    status, said = export(str(tmp_path / "a.mkv"), str(out))
    assert (status, said) == (0, f"webcapd: {out} is made of {tmp_path / 'a.mkv'}")
    found = probe(out)
    assert sorted(found.times) == pytest.approx([*UNEVEN, 40.0], abs=0.003)
    assert found.duration == pytest.approx(40.0, abs=0.2)
    (stream,) = ffprobe(out, *PLAYABLE)["streams"]
    assert (stream["codec_name"], stream["pix_fmt"]) == ("h264", "yuv420p")
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("words", [VLC, MPV], ids=["VLC", "mpv"])
def test_players_play_what_was_recorded(words: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as name, xvfb(320, 240) as desk:
        home = Path(name)
        file = opened(home / "a.mkv")
        blue = mjpeg.encode(np.full((240, 320, 3), (200, 40, 10), np.uint8))
        file.begin(one := frame(blue, 0, 320, 240), 0.0, 0.0)
        # VLC shows no frame before it has the next.
        for number in range(300):
            file.add(one, number / 5)
        file.close(60.0, repeats=True)
        with player(*words, str(home / "a.mkv"), desk=desk, home=home):
            wait_for(desk, 0x0A28C8)


def test_what_a_killed_one_left_can_be_exported(tmp_path: Path) -> None:
    file = written(tmp_path / "a.mkv", UNEVEN)
    status, _ = export(str(tmp_path / "a.mkv"), str(tmp_path / "b.mp4"))
    file.abandon()
    assert status == 0
    assert sorted(probe(tmp_path / "b.mp4").times) == pytest.approx(UNEVEN, abs=0.003)


def test_mistakes_are_answered_in_a_sentence(tmp_path: Path) -> None:
    mkv, out, bad = tmp_path / "a.mkv", tmp_path / "b.mp4", tmp_path / "bad.mkv"
    written(mkv, [0.0, 1.0]).close(1.0, repeats=False)
    bad.write_bytes(b"no video")
    cases = [
        ((str(mkv),), 2, "required: OUT.mp4"),
        ((str(tmp_path / "a.mjpeg"), str(out)), 2, "does not end in .mkv"),
        ((str(mkv), str(tmp_path / "b.avi")), 2, "does not end in .mp4"),
        ((str(tmp_path / "nothing.mkv"), str(out)), 1, "there is no recording"),
        ((str(bad), str(out)), 1, "ffmpeg: "),
        ((str(mkv), str(tmp_path / "nowhere" / "b.mp4")), 3, "cannot be written: No such file"),
    ]
    for arguments, status, words in cases:
        found, said = export(*arguments)
        assert found == status, said
        assert words in said and said.count("\n") == 0
    out.write_bytes(b"mine")
    assert export(str(mkv), str(out)) == (3, f"webcapd: {out} exists already")
    assert out.read_bytes() == b"mine"
    status, said = export(str(mkv), str(tmp_path / "c.mp4"), PATH="/nowhere")
    assert (status, "export needs ffmpeg" in said) == (1, True)
