"""Captures of the Python API whose display is lost, and comes back in another size."""

from collections.abc import Iterator
from typing import TypeVar

import pytest
from mortal import MortalServer, mortal_server
from program import TIMEOUT
from updatereader import UpdateReader
from waiting import wait_until

import webcapd

Taken = TypeVar("Taken", bound=webcapd.Frame | webcapd.Packet)


@pytest.fixture
def mortal() -> Iterator[MortalServer]:
    with mortal_server() as server:
        yield server


def read(frames: webcapd.Frames[Taken]) -> Taken:
    taken = frames.read(TIMEOUT)
    assert taken is not None
    return taken


def test_captures_go_on_when_the_display_is_back(mortal: MortalServer) -> None:
    mortal.start_xvfb(320, 240)
    sizes: list[tuple[int, int]] = []
    settings = webcapd.Settings(display=mortal.name, capture_cursor=False)
    whole = webcapd.Settings(display=mortal.name, capture_cursor=False, h264_fullframe=True)
    reader = UpdateReader()
    with (
        webcapd.Capture(settings, lambda frame: sizes.append(frame.size)) as capture,
        webcapd.frames(settings) as frames,
        webcapd.frames(settings, output="jpeg") as jpegs,
        webcapd.frames(settings, output="updates") as updates,
        webcapd.frames(settings, output="h264") as stripes,
        webcapd.frames(whole, output="h264") as videos,
    ):
        first = read(frames)
        assert first.size == read(jpegs).size == read(videos).size == (320, 240)
        assert read(stripes).is_key
        reader.feed(read(updates).data)
        wait_until("it is called back", lambda: sizes)
        mortal.kill()
        wait_until("both are told", lambda: frames.outage and capture.outage)
        assert "lost" in frames.outage or mortal.name in frames.outage
        # Nothing is given of a placeholder, but records, which say what it is.
        assert frames.read(0.05) is None
        wait_until("the records say so", lambda: _state(updates, reader) == "lost")
        mortal.start_xvfb(200, 130)
        second = read(frames)
        assert (second.size, second.changed[0].size, frames.outage) == ((200, 130),) * 2 + ("",)
        assert read(jpegs).size == (200, 130)
        video, striped = read(videos), read(stripes)
        while striped.size != (200, 130):
            striped = read(stripes)
        while video.size != (200, 130):
            video = read(videos)
        assert video.is_key and striped.is_key
        wait_until("the records say so", lambda: _state(updates, reader) == "live")
        assert reader.picture.shape[1::-1] == (200, 130)
        wait_until("it is called back", lambda: sizes[-1] == (200, 130))
    assert set(sizes) == {(320, 240), (200, 130)}


def _state(updates: webcapd.Frames[webcapd.Packet], reader: UpdateReader) -> object:
    reader.feed(read(updates).data)
    return reader.state["state"]


def test_capture_of_a_display_that_hangs_ends_all_the_same(mortal: MortalServer) -> None:
    mortal.start_xvfb(320, 240)
    with webcapd.frames(display=mortal.name) as frames:
        read(frames)
        mortal.freeze()
        assert frames.read(0.05) is None
    # It was not waited for without end; nor is it when somebody begins.
    mortal.thaw()
    assert webcapd.snapshot(display=mortal.name).size == (320, 240)
