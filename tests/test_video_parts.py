"""The parts of ``/?video``: time stamps, what is kept for viewers, and who encodes."""

import logging
import math
import socket
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import TIMEOUT
from waiting import wait_until

import webcapd
from webcapd.capture.bands import BandLayout
from webcapd.capture.geometry import Rectangle
from webcapd.encoder import leases
from webcapd.encoder.cell import Closed
from webcapd.encoder.consumer import Consumers
from webcapd.encoder.h264.boxes import TIMESCALE
from webcapd.encoder.h264.codec import MAX_SIDE, Coded, H264Encoder, H264Error
from webcapd.encoder.h264.coder import Coder, Job, differing
from webcapd.encoder.h264.consumer import VideoConsumer
from webcapd.encoder.h264.latest import KEY_SECONDS, LatestVideo, Wants
from webcapd.encoder.h264.slots import VideoSlots
from webcapd.encoder.h264.track import Track, VideoFrame, VideoSpec
from webcapd.encoder.h264.videos import Videos
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.transform import UPRIGHT, View
from webcapd.http.streaming.sessions import Session
from webcapd.http.variant_query import check_video_size
from webcapd.http.video.clock import VideoClock
from webcapd.http.video.stream import VideoParams, VideoStream
from webcapd.http.wire.response import HttpError

TRACK = Track(64, 64, "avc1.42C00A", b"")

# From one frame to the next, and whether it is late.
_STEPS = st.lists(st.tuples(st.floats(0, 100), st.booleans()), min_size=1, max_size=40)


@given(st.sampled_from(["live", "real"]), st.floats(0, 1e6), _STEPS)
def test_times_never_go_back_and_frames_never_lie_over_each_other(
    clock: str, began: float, steps: list[tuple[float, bool]]
) -> None:
    times, moment, ended = VideoClock(clock, began), began, 0
    for step, is_late in steps:
        moment += step
        time, duration = times.times(moment, is_late)
        assert time >= ended
        assert 0 < duration <= TIMESCALE
        if clock == "live":
            assert time == ended, "there is a gap"
        ended = time + duration


@given(st.lists(st.floats(0.02, 100), min_size=1, max_size=40))
def test_a_recording_lasts_as_long_as_it_did(steps: list[float]) -> None:
    clock, moment = VideoClock("real", 5), 5.0
    clock.times(moment, False)
    for step in steps:
        moment += step
        assert clock.times(moment, False)[0] == round((moment - 5) * TIMESCALE)


def test_a_rest_takes_no_time_of_a_live_video() -> None:
    clock = VideoClock("live", 0)
    assert clock.times(0, False) == (0, TIMESCALE // 30)
    assert clock.times(0.1, False) == (TIMESCALE // 30, TIMESCALE // 10)
    assert clock.times(60, False)[1] == TIMESCALE // 30


def frame(number: int, is_key: bool = False, size: int = 10) -> VideoFrame:
    return VideoFrame(number, TRACK, bytes(size), is_key, float(number))


def numbers(frames: list[VideoFrame] | None) -> list[int] | None:
    return None if frames is None else [one.sequence for one in frames]


def test_a_viewer_gets_what_follows_or_waits_for_a_key_frame() -> None:
    latest = LatestVideo(lambda: None)
    assert latest.after(0) is None
    latest.publish(frame(7, is_key=True), 1)
    latest.publish(frame(8), 2)
    assert numbers(latest.after(0)) == [7, 8]
    assert numbers(latest.after(7)) == [8]
    assert numbers(latest.after(8)) == []
    for number in range(9, 60):
        latest.publish(frame(number), number)
    # Who has fallen behind by more than is kept.
    assert latest.after(8) is None
    assert numbers(latest.after(57)) == [58, 59]
    latest.publish(frame(60, is_key=True), 60)
    assert numbers(latest.after(8)) == [60]
    assert numbers(latest.after(59)) == [60]
    latest.close()
    with pytest.raises(Closed):
        latest.after(60)


def test_little_is_kept_of_large_frames() -> None:
    latest = LatestVideo(lambda: None)
    for number in range(1, 6):
        latest.publish(frame(number, number == 1, 5_000_000), number)
    assert latest.after(3) is None
    assert numbers(latest.after(4)) == [5]


def test_key_frames_are_asked_for_once_a_second_at_most() -> None:
    latest = LatestVideo(lambda: None)
    latest.request(Wants(key=True))
    assert latest.demand(100).awaited
    assert latest.take_wants(100) == Wants(key=True)
    assert not latest.demand(100).awaited
    # Who asks while it is being made gets that one, however long it takes.
    latest.request(Wants(key=True))
    assert latest.demand(105) == (0, False, math.inf, math.inf)
    latest.publish(frame(1, is_key=True), 1)
    latest.request(Wants(key=True))
    latest.request(Wants(frame=True))
    demand = latest.demand(100.5)
    assert demand.awaited
    assert demand.again == 100 + KEY_SECONDS
    assert latest.take_wants(100.5) == Wants(frame=True)
    assert latest.take_wants(100.9) == Wants()
    assert latest.demand(101).awaited
    assert latest.take_wants(101) == Wants(key=True)
    assert latest.demand(101) == (0, False, math.inf, math.inf)


def test_the_newest_picture_waits_for_the_encoder_and_no_older_one() -> None:
    begun, going_on, done = threading.Event(), threading.Event(), threading.Event()
    moments: list[tuple[float, bool]] = []
    room: list[bool] = []

    def on_coded(coded: Coded, job: Job, encoder: H264Encoder) -> None:
        moments.append((job.moment, coded.is_key))
        begun.set()
        going_on.wait()
        if job.moment == 3:
            done.set()

    def failed(error: Exception) -> None:
        raise error

    coder = Coder(
        lambda width, height: H264Encoder(width, height, 30),
        on_coded,
        lambda: room.append(True),
        failed,
        lambda: None,
    )
    pixels = np.zeros((32, 64, 4), np.uint8)

    def put(moment: float, is_key: bool = False) -> bool:
        slot, given_up = coder.claim(64, 32, False)
        slot.planes.follow(pixels, None)
        coder.put(slot, Job(moment, moment, is_key or bool(given_up and given_up.is_key)))
        return given_up is not None

    assert not put(1)
    assert begun.wait(30)
    assert not put(2, is_key=True)
    assert coder.is_full
    # What was asked for with the one that is given up is still to come.
    assert put(3)
    going_on.set()
    assert done.wait(30)
    assert moments == [(1, True), (3, True)]
    assert room == [True]
    coder.stop()
    assert coder.join(30)


@given(
    st.integers(1, 200),
    st.integers(1, 400),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=20),
)
def test_all_tiles_that_differ_are_covered_and_little_else(
    height: int, width: int, is_tiled: bool, changes: list[tuple[int, int]]
) -> None:
    layout = BandLayout(height, width if is_tiled else 0)
    old = [tuple([0] * layout.columns) for _ in range(layout.count)]
    keys = [list(key) for key in old]
    for band, column in changes:
        keys[band % layout.count][column % layout.columns] = 1
    parts = differing(layout, width, [tuple(key) for key in keys], old)
    seen = np.zeros((height, width), int)
    for part in parts:
        assert part.x % 2 == 0
        assert part.right <= width and part.bottom <= height
        seen[part.y : part.bottom, part.x : part.right] += 1
    assert seen.max(initial=0) <= 1
    for band, key in enumerate(keys):
        top, bottom = layout.rows(band)
        assert seen[top:bottom].any() == any(key)
        for column, is_new in enumerate(key):
            across = layout.tile_width if is_tiled and layout.columns > 1 else width
            assert not is_new or seen[top:bottom, column * across : (column + 1) * across].all()


def test_a_video_that_was_dropped_is_waited_for_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread may have a frame to end, and all threads are to be gone then."""
    go_on = threading.Event()

    def encode(*_: object) -> Coded:
        go_on.wait(TIMEOUT)
        return Coded(b"", False)

    monkeypatch.setattr(H264Encoder, "encode_planes", encode)
    monkeypatch.setattr(VideoConsumer, "_on_coded", lambda *_: None)
    monkeypatch.setattr(leases, "LINGER_SECONDS", -1.0)
    videos = Videos(EncoderOptions(), Consumers(), lambda: None, VideoSlots(1))
    with videos.lease(VideoSpec(UPRIGHT, 25)) as video:
        slot, _ = video._coder.claim(64, 64, False)
        video._coder.put(slot, Job(0.0, 0.0))
    del video, slot
    videos._on_idle()
    assert not videos.listed()
    assert not videos.join(0.0)
    go_on.set()
    assert videos.join(TIMEOUT)


def test_who_missed_the_key_frame_that_he_asked_for_asks_again() -> None:
    latest = LatestVideo(lambda: None)
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        session = Session("somebody", VideoSpec(UPRIGHT, 25))
        stream = VideoStream(here, latest, VideoParams(30, 5, "live"), session)
        latest.publish(frame(1, is_key=True), 1)
        stream.begin(b"", latest.after(0) or [])
        stream.pump(100)
        asked = list[bool]()
        for first, moment in ((2, 100.1), (42, 100.2), (82, 101.2)):
            for number in range(first, first + 39):
                latest.publish(frame(number), number)
            stream.pump(moment)
            asked.append(latest.take_wants(moment).key)
            latest.publish(frame(first + 39, is_key=True), first + 39)
        assert asked == [True, False, True]
        stream.close()


@pytest.mark.parametrize("view", [UPRIGHT, View(fit=(1, 0)), View(crop=Rectangle(5, 5, 9, 1))])
def test_what_x264_does_not_take_is_refused(view: View) -> None:
    with pytest.raises(HttpError, match="2x2 to 16384x16384") as refused:
        check_video_size(view, (17000, 128))
    assert refused.value.status == 400
    check_video_size(View(fit=(300, 0)), (17000, 128))
    with pytest.raises(H264Error):
        H264Encoder(MAX_SIDE + 2, 64, 25)
    H264Encoder(MAX_SIDE, 64, 25).close()


def test_where_x264_fails_viewers_are_told_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    encode, has_memory = H264Encoder.encode_planes, threading.Event()

    def fail_soon(self: H264Encoder, *given: object) -> Coded:
        if not has_memory.is_set():
            raise H264Error("x264 failed: Out of memory")
        return encode(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(H264Encoder, "encode_planes", fail_soon)
    with webcapd.serve(source="pattern:clock,size=64x48", port=0) as server:
        root = server.urls.split()[0]
        with urllib.request.urlopen(f"{root}?stream", timeout=30) as other:
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{root}?video", timeout=30)
            with refused.value as answer:
                assert answer.code == 500
                assert b"the video cannot be encoded: x264 failed: Out of memory" in answer.read()
            has_memory.set()
            with urllib.request.urlopen(f"{root}?video", timeout=30) as viewer:
                seen = b""
                while seen.count(b"moof") < 3:
                    seen += (piece := viewer.read1(1 << 16))
                    assert piece, "it ended before anything failed"
                has_memory.clear()
                viewer.read()
            wait_until(
                "the end is logged",
                lambda: any(
                    "video" in line and line.endswith("x264 failed: Out of memory")
                    for line in caplog.messages
                ),
            )
            for _ in range(2):
                other.read1(100_000)
                assert other.read(1)
