"""``/?video``: H.264 in MP4 that shows what is on the screen, to whoever comes and goes."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import pytest
from motion import moving, scatter
from painter import Painter, painter
from program import TIMEOUT, Webcapd, webcapd
from resizing import resize
from videoreader import VideoReader, video
from waiting import wait_until
from xserver import XServer, xvfb

from webcapd.encoder.h264.boxes import TIMESCALE

KEEPALIVE = 0.3


class Scene(NamedTuple):
    server: XServer
    program: Webcapd
    brush: Painter


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with (
        xvfb(640, 480) as server,
        webcapd("--display", server.name) as program,
        painter(server) as brush,
    ):
        brush.image(gradient(brush))
        yield Scene(server, program, brush)


@pytest.fixture(autouse=True)
def nobody_watches(request: pytest.FixtureRequest) -> Iterator[None]:
    """Begin each test without viewers of another: one that is not seen to have left has a slot."""
    if "scene" in request.fixturenames:
        program = request.getfixturevalue("scene").program
        wait_until("nobody watches", lambda: not program.info()["clients"])
    yield


def gradient(brush: Painter, seed: int = 0) -> "np.typing.NDArray[np.uint8]":
    y, x = np.mgrid[: brush.height, : brush.width]
    return np.stack([x // 3, y // 2, 128 + 0 * x + seed], axis=2).astype(np.uint8)


def span(viewer: VideoReader) -> int:
    """Give the time from the first frame to the last."""
    fragments = viewer.fragments
    return fragments[-1].time - fragments[0].time if fragments else 0


def encoded(program: Webcapd) -> tuple[int, int]:
    """Give how many frames were encoded for the usual video, and how many key frames."""
    report = program.info()["encoder"]["videos"][0]
    return report["frames"], report["keyFrames"]


def test_video_shows_the_screen_and_what_changes_on_it(scene: Scene) -> None:
    with video(scene.program) as viewer:
        head = viewer.head
        assert head.code == 200
        assert head.headers["content-type"].startswith('video/mp4; codecs="avc1.42')
        assert "accept-ranges" not in head.headers
        assert "content-length" not in head.headers
        assert head.headers["cache-control"] == "no-store, no-transform"
        viewer.wait_for(scene.server.pixels(), 35)
        scene.brush.rectangle(0x20C040, 100, 100, 301, 57)
        viewer.wait_for(scene.server.pixels(), 35)
        assert list(viewer.init) == ["ftyp", "moov"]
        assert viewer.fragments[0].is_key
        assert [one.sequence for one in viewer.fragments] == [
            number + 1 for number in range(len(viewer.fragments))
        ]
    status, headers, body = scene.program.get("/?video", "HEAD")
    assert (status, headers["Content-Type"], body) == (200, head.headers["content-type"], b"")


def test_at_rest_nothing_is_encoded_and_all_but_nothing_sent(scene: Scene) -> None:
    with video(scene.program, f"&clock=live&keepalive={KEEPALIVE}") as viewer:
        scene.brush.rectangle(0xC02040, 200, 100, 50, 50)
        viewer.wait_for(scene.server.pixels(), 35)

        # What has moved comes once more, finer.
        def rests() -> bool:
            """Whether nothing is encoded for some time; what moved may come to be fine late."""
            frames, seen = encoded(scene.program)[0], viewer.empty
            wait_until("boxes without content", lambda: viewer.empty >= seen + 4)
            return encoded(scene.program)[0] == frames

        wait_until("nothing is encoded any more", rests)


def test_a_recording_is_told_that_time_goes_on(scene: Scene) -> None:
    with video(scene.program, f"&keepalive={KEEPALIVE}") as viewer:
        # As many as ffmpeg looks at before it gives any on.
        wait_until("frames come at rest", lambda: len(viewer.fragments) > 22)
        begun = span(viewer)
        wait_until("time goes on", lambda: span(viewer) > begun + 3 * KEEPALIVE * TIMESCALE)
        times = [one.time for one in viewer.fragments]
        assert times == sorted(times)
        assert viewer.empty == 0


def test_who_comes_while_the_screen_moves_sees_it_within_a_second(scene: Scene) -> None:
    with moving(scene.server, scatter), video(scene.program) as first:
        wait_until("it moves", lambda: len(first.fragments) > 40)
        began, (_, keys) = time.monotonic(), encoded(scene.program)
        for _ in range(4):
            with video(scene.program) as late:
                wait_until("there is a picture", lambda: late.fragments)
                assert late.fragments[0].is_key
                wait_until("it goes on", lambda: len(late.fragments) > 3)
        # At most one a second for all.
        made = encoded(scene.program)[1] - keys
        assert made <= 2 + time.monotonic() - began
    with video(scene.program) as one, video(scene.program) as other:
        scene.brush.image(gradient(scene.brush))
        one.wait_for(scene.server.pixels(), 35)
        other.wait_for(scene.server.pixels(), 35)


def test_slow_viewer_skips_to_a_key_frame_and_never_drifts(scene: Scene) -> None:
    def noise(brush: Painter, number: int) -> None:
        pixels = np.random.default_rng(number % 5).integers(0, 256, (160, 640, 3), np.uint8)
        brush.image(pixels, 0, number % 3 * 160)

    with video(scene.program, bytes_per_second=400_000) as slow, video(scene.program) as quick:
        with moving(scene.server, noise):
            wait_until("much has moved", lambda: len(quick.fragments) > 90)
            wait_until("the slow one gets on", lambda: len(slow.fragments) > 3)
        slow.bytes_per_second = 0
        scene.brush.image(gradient(scene.brush, 40))
        shown = scene.server.pixels()
        slow.wait_for(shown, 35)
        quick.wait_for(shown, 35)
        wait_until("both rest", lambda: slow.picture_bytes() == quick.picture_bytes())
        # It never waited for all that it had not seen.
        assert len(slow.fragments) < len(quick.fragments)


def test_a_view_is_a_video_of_its_own_up_to_a_bound(scene: Scene) -> None:
    with (
        video(scene.program, "&rotate=90&width=241&crf=40") as turned,
        video(scene.program, "&scale=0.5") as small,
    ):
        wait_until("there is a picture", lambda: turned.shape and small.shape)
        # An odd number of columns or rows is cut.
        assert turned.shape == (320, 240, 3)
        assert small.shape == (240, 320, 3)
        with video(scene.program) as third:
            assert third.head.code == 503
            assert int(third.head.headers["retry-after"]) > 0
        assert scene.program.get("/?video")[2] == (
            b"as many videos are encoded as --max-videos allows: 2\n"
        )
    for query in ("&crf=0", "&crf=52", "&clock=sundial", "&rotate=12", "&height=1"):
        assert scene.program.get(f"/?video{query}")[0] == 400


def test_gray_video_has_no_colour(scene: Scene) -> None:
    with video(scene.program, "&gray=1") as viewer:
        grey = cv2.cvtColor(scene.server.pixels(), cv2.COLOR_BGR2GRAY)
        viewer.wait_for(np.dstack([grey] * 3), 35)


def test_ffmpeg_records_every_frame_at_its_time(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "recorded.mp4"
    command = ["ffmpeg", "-v", "error", "-xerror", "-y", "-i", f"{scene.program.url}video.mp4"]
    recorder = subprocess.Popen([*command, "-c", "copy", file], stdin=subprocess.PIPE)
    asked = time.monotonic()
    try:
        with moving(scene.server, scatter):
            # It makes the file when it has looked at the first frames.
            wait_until("it records", file.exists)
            began = time.monotonic()
            wait_until("it has recorded", lambda: time.monotonic() - began > 1)
        # The rest is part of what is recorded.
        rest = time.monotonic() + 1
        wait_until("it has rested", lambda: time.monotonic() > rest)
        with moving(scene.server, scatter):
            rest = time.monotonic() + 1
            wait_until("it has moved again", lambda: time.monotonic() > rest)
    finally:
        ended = time.monotonic()
        scene.brush.image(gradient(scene.brush))
        recorder.communicate(b"q", timeout=TIMEOUT)
        left = time.monotonic()
    assert recorder.returncode == 0
    with av.open(str(file)) as recorded:
        stream = recorded.streams.video[0]
        times = [frame.time for frame in recorded.decode(stream)]
        assert len(times) == stream.frames
    # What is on its way when it is to end may be missing, or be there still.
    assert ended - began - 1.5 < times[-1] - times[0] < left - asked + 0.5


def test_video_ends_with_a_change_of_size_and_begins_anew(scene: Scene) -> None:
    with video(scene.program) as viewer, scene.server.connected() as display:
        wait_until("there is a picture", lambda: viewer.fragments)
        resize(display, 322, 240)
        assert viewer.ended.wait(TIMEOUT)
        with video(scene.program) as anew:
            scene.brush.image(gradient(scene.brush, 20))
            anew.wait_for(scene.server.pixels(), 35)
        resize(display, 640, 480)


def test_without_pyav_it_says_so(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "av.py").write_text("raise ImportError('no such thing')\n")
    (tmp_path / "tokens").write_text("a-token-that-is-long-enough\n")
    with webcapd(
        *("--display", scene.server.name, "--token-file", str(tmp_path / "tokens")),
        environment={"PYTHONPATH": str(tmp_path)},
    ) as program:
        assert program.get("/?video")[0] == 401
        token = "token=a-token-that-is-long-enough"
        status, _, sentence = program.get(f"/?video&{token}")
        assert status == 501
        assert b"PyAV" in sentence and b"pip install webcapd[h264]" in sentence
        assert program.get(f"/?snapshot&{token}")[0] == 200


def test_encoders_are_listed(scene: Scene) -> None:
    assert "x264" in scene.program.info()["encoder"]["encoders"]["h264"]
