"""``webcapd export``: an .mp4 with the times that were recorded."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mjpeg
import numpy as np
import pytest
from browser import chromium
from program import ROOT, TIMEOUT
from recordings import ffprobe, frame, probe
from test_matroska import UNEVEN, opened, written
from test_players import MPV, VLC, player, wait_for
from waiting import wait_until
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


DURATION = (
    "document.querySelector('video')?.readyState ? document.querySelector('video').duration : 0"
)
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


# What is in the middle of the picture at a moment, once the browser is there.
SEEN_AT = """
(async (moment) => {
  const video = document.querySelector("video");
  video.pause();
  video.currentTime = moment;
  while (video.seeking || video.readyState < 2) await new Promise((go) => setTimeout(go, 20));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  return context.getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data[0];
})(%s)
"""


def test_browser_plays_it_with_the_times_that_were_recorded(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.mkv")
    # A burst after a rest, and a rest at the end.
    times = [0.0, 5.0, 5.25, 5.5, 9.0]
    greys = [40, 80, 120, 160, 200]
    for time, grey in zip(times, greys, strict=True):
        jpeg = mjpeg.encode(np.full((240, 320, 3), grey, np.uint8))
        one = frame(jpeg, 0, 320, 240)
        if time == 0.0:
            file.begin(one, 0.0, 0.0)
        file.add(one, time)
    file.close(12.0, repeats=True)
    assert export(str(tmp_path / "a.mkv"), str(tmp_path / "a.mp4"))[0] == 0
    with chromium(tmp_path / "profile", "--allow-file-access-from-files") as browser:
        browser.visit((tmp_path / "a.mp4").as_uri())
        # It may begin with a guess.
        wait_until(
            "it is read, and as long as it was",
            lambda: browser.evaluate(DURATION) == pytest.approx(12.0, abs=0.3),
        )
        for time, end, grey in zip(times, [*times[1:], 11.0], greys, strict=True):
            seen = browser.promised(SEEN_AT % ((time + end) / 2))
            assert seen == pytest.approx(grey, abs=8), f"at {(time + end) / 2} s"


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
