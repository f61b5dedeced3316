"""Several sources: the first that has a picture is shown, and viewers see no gap."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from givenfeed import Given, opened_as
from mjpeg import Stream, decode, encode, stream
from mortal import mortal_server
from painter import painter
from program import webcapd
from resting import is_full_of
from waiting import wait_until
from xserver import Pixels, XServer

from webcapd.capture import failover
from webcapd.capture.decoration import Decoration
from webcapd.capture.failover import Failover
from webcapd.capture.feeds.fed import FeedSource
from webcapd.capture.feeds.feed import FeedPicture
from webcapd.capture.feeds.pixels import picture_of
from webcapd.capture.options import CaptureOptions
from webcapd.capture.patterns.patterns import PATTERNS
from webcapd.capture.source import SourceChanged, SourceError, SourceNotReady


class Fickle(Given):
    """A feed that may be absent, and may fail."""

    def __init__(self, level: int) -> None:
        super().__init__(picture_of(np.full((20, 30, 4), level, np.uint8)))
        self.name = f"level:{level}"
        self.is_there = True
        self.fails = False
        self.opened = 0

    def open(self) -> tuple[int, int]:
        self.opened += 1
        if not self.is_there:
            raise SourceNotReady(f"{self.name} is not there")
        return super().open()

    def take(self) -> FeedPicture | None:
        if self.fails or not self.is_there:
            raise SourceError(f"{self.name} is lost")
        return super().take()


def chosen(*feeds: Fickle) -> Failover:
    nothing = Decoration("", "none", 0.0, "")
    return Failover([FeedSource(feed, CaptureOptions(), nothing) for feed in feeds])


def shown(source: Failover) -> int:
    """Refresh, opening it anew where that is asked for; gives the level that is shown."""
    for _ in range(3):
        try:
            source.refresh()
            return int(source.frame_buffer.pixels[0, 0, 0])
        except SourceChanged:
            source.close()
            source.open(lambda: None)
    raise AssertionError("it changes all the time")


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have a clock that a test moves on."""
    time = [1000.0]
    monkeypatch.setattr(failover, "monotonic", lambda: time[0])
    return time


def test_next_is_shown_until_a_better_one_is_back(now: list[float]) -> None:
    first, second = Fickle(1), Fickle(2)
    source = opened_as(chosen(first, second))
    assert shown(source) == 1
    now[0] += 60
    first.is_there = False
    first.give(picture_of(np.zeros((20, 30, 4), np.uint8)))
    assert shown(source) == 2
    assert 0 < source.seconds_until_poll() <= 1
    report = source.status()
    assert report.name == "level:2"
    assert (report.feed or {})["sources"] == [
        {"name": "level:1", "shown": False, "problem": "level:1 is not there"},
        {"name": "level:2", "shown": True, "problem": None},
    ]
    first.is_there = True
    assert shown(source) == 2, "not before it is time to try"
    now[0] += 2
    assert source.seconds_until_poll() == 0
    assert source.pending(poll=True)
    assert shown(source) == 0
    assert source.seconds_until_poll() > 60
    source.close()
    source.dispose()


def test_source_that_is_lost_again_and_again_rests(now: list[float]) -> None:
    first, second = Fickle(1), Fickle(2)
    source = opened_as(chosen(first, second))
    first.fails = True
    assert shown(source) == 2
    for _ in range(600):
        now[0] += 0.1
        assert shown(source) == 2
    # After 1, 2, 4, 8, 16 and 30 s.
    assert 5 <= first.opened <= 8
    source.close()
    source.dispose()


def test_without_any_the_sentence_names_all() -> None:
    feeds = Fickle(1), Fickle(2)
    for feed in feeds:
        feed.is_there = False
    source = chosen(*feeds)
    with pytest.raises(SourceNotReady, match=r"^level:1 is not there; level:2 is not there$"):
        source.open(lambda: None)
    feeds[1].is_there = True
    source.open(lambda: None)
    assert shown(source) == 2
    feeds[1].fails = True
    with pytest.raises(SourceNotReady, match=r"^level:1 is not there; level:2 is lost$"):
        shown(source)
    source.close()
    source.dispose()


def picture(path: Path, level: int) -> Pixels:
    """Write a picture; gives how it looks."""
    pixels = np.full((48, 64, 3), level, np.uint8)
    done, data = cv2.imencode(".png", pixels)
    assert done
    new = path.with_suffix(".new")
    new.write_bytes(data.tobytes())
    new.replace(path)
    return pixels


def test_viewers_stay_while_sources_come_and_go(tmp_path: Path) -> None:
    best, good = tmp_path / "best.png", tmp_path / "good.png"
    with webcapd(
        *("--source", f"file:{best}", "--source", f"file:{good}"),
        *("--source", "pattern:bars,size=64x48"),
    ) as program:
        assert program.size == (64, 48)
        with stream(program) as parts:
            parts.until(picture(good, 60))
            parts.until(picture(best, 120))
            best.unlink()
            parts.until(np.full((48, 64, 3), 60, np.uint8))
            parts.until(picture(best, 180))
        wait_until("nobody saw a placeholder", lambda: program.info()["encoder"]["outages"] == 0)
        assert program.info()["capture"]["display"] == f"file:{best}"


def test_display_is_one_of_several() -> None:
    """Its end is seen at once, and its return soon."""
    bars = PATTERNS["bars"](320, 240, 0)
    bars.paint(0, 0.0)
    wanted = decode(encode(bars.pixels[:, :, :3]))
    with mortal_server() as server:
        server.start_xvfb(400, 300)
        with (
            webcapd(
                *("--source", f"x11:{server.name}", "--source", "pattern:bars,size=320x240"),
                *("--source", "pattern:noise"),
            ) as program,
            stream(program) as parts,
        ):
            assert program.size == (400, 300)
            with painter(server) as brush:
                for colour in (0x00F000, 0xF00000):
                    brush.fill(colour)
                    wait_for_colour(parts, colour)
            server.kill()
            parts.until(wanted)
            server.start_xvfb(400, 300)
            parts.until(np.zeros((300, 400, 3), np.uint8))
            assert program.info()["encoder"]["outages"] == 0


def wait_for_colour(parts: Stream, colour: int) -> None:
    shown = lambda: is_full_of(colour, decode(parts.part().body))  # noqa: E731
    wait_until("the colour is shown", shown)


def test_display_is_mixed_with_a_pattern(server: XServer) -> None:
    with webcapd(
        *("--source", f"mix:max(pattern:bars,size=640x480,x11:{server.name})"),
    ) as program:
        bars = PATTERNS["bars"](640, 480, 0)
        bars.paint(0, 0.0)
        with painter(server) as brush, stream(program) as parts:
            brush.fill(0x000000)
            parts.until(decode(encode(bars.pixels[:, :, :3])))
            for colour in (0x101010, 0x404040):
                brush.rectangle(colour, 400, 0, 240, 480)
                both = bars.pixels[:, :, :3].copy()
                both[:, 400:] = np.maximum(both[:, 400:], colour & 0xFF)
                parts.until(decode(encode(both)))
