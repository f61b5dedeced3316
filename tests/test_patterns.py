"""Test screens: the same number, the same frame; and served like a display."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mjpeg import decode, stream
from program import run_to_end, webcapd

from webcapd.capture.feeds.registry import make_feed
from webcapd.capture.patterns.patterns import PATTERNS

MOMENT = 1_800_000_000.25


@given(
    st.sampled_from(sorted(PATTERNS)),
    st.integers(1, 90),
    st.integers(1, 70),
    st.integers(0, 2**63 - 1),
    st.lists(st.integers(0, 600), min_size=1, max_size=4),
)
def test_frame_is_told_by_seed_and_number_alone(
    name: str, width: int, height: int, seed: int, numbers: list[int]
) -> None:
    """Whatever was painted before; and what changed lies within what is told to have."""
    painter = PATTERNS[name](width, height, seed)
    before = painter.pixels.copy()
    for number in numbers:
        changed = painter.paint(number, MOMENT + number)
        fresh = PATTERNS[name](width, height, seed)
        fresh.paint(number, MOMENT + number)
        assert np.array_equal(painter.pixels, fresh.pixels)
        for place in changed:
            assert place.within(painter.area) == place
            before[place.y : place.bottom, place.x : place.right] = painter.pixels[
                place.y : place.bottom, place.x : place.right
            ]
        assert np.array_equal(painter.pixels, before)


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_pattern_shows_something(name: str) -> None:
    painter = PATTERNS[name](320, 240, 1)
    painter.paint(7, MOMENT)
    assert len(np.unique(painter.pixels[:, :, :3].reshape(-1, 3), axis=0)) > 1
    first = painter.pixels.copy()
    painter.paint(1007, MOMENT + 100)
    assert np.array_equal(first, painter.pixels) == (painter.fps == 0)


def test_pattern_is_served_like_a_display() -> None:
    with webcapd("--source", "pattern:clock,size=640x360", "--mask", "0,0,64,64") as program:
        assert program.display == "pattern:clock,size=640x360"
        assert program.size == (640, 360)
        with stream(program) as parts:
            pictures = [decode(parts.part().body) for _ in range(5)]
        assert all(picture.shape == (360, 640, 3) for picture in pictures)
        assert not np.array_equal(pictures[0], pictures[-1])
        assert not pictures[-1][:48, :48].any()
        capture = program.info()["capture"]
        assert capture["display"] == "pattern:clock,size=640x360"
        # Ways of an X server, of which nothing is to be said here.
        assert not {"shm", "shmNotUsed", "damage", "damageNotUsed"} & capture.keys()


def test_still_pattern_is_painted_once() -> None:
    with webcapd("--source", "pattern:bars", "--keepalive", "0.5") as program:
        with stream(program) as parts:
            first = parts.part().body
            while parts.part().body != first:
                pass  # It is refined once.
            for _ in range(3):
                parts.part()
        assert program.info()["capture"]["bandsLookedAt"] == 45


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", "the value is empty"),
        ("pattern", "a source begins with one of "),
        (__file__, "a source begins with one of "),
        ("http//user:hidden@host", "a source begins with one of "),
        ("pattern:", "pattern: lacks the rest"),
        ("pattern:nothing", "there is no pattern 'nothing'; patterns: "),
        ("pattern:clock,size=0x10", "'0x10' is no size"),
        ("pattern:clock,size=16384x16384", "16384x16384 pixels cannot be shown"),
        ("pattern:clock,fps=0", "fps=0 is not between 0.01 and 240"),
        ("pattern:clock,fps=3,fps=4", "fps= is given twice"),
        ("pattern:clock,colour=red", "a pattern has size=WxH, fps=N and seed=N, and no 'colour"),
    ],
)
def test_mistakes_are_answered_by_one_sentence(source: str, sentence: str) -> None:
    status, error = run_to_end("--source", source)
    assert status == 2
    assert error.startswith(f"webcapd: argument --source: {sentence}"), error
    assert "hidden" not in error
    assert len(error.splitlines()) == 1


def test_source_and_display_are_not_mixed_up() -> None:
    status, error = run_to_end("--source", "pattern:bars", "--display", ":1")
    assert (status, error.count("\n")) == (2, 0)
    assert "--display and --source both say what to show" in error
    status, error = run_to_end("--source", "pattern:bars", "--window", "Mail")
    assert status == 2
    assert "--window is for displays, and --source shows none" in error


def test_feed_is_known_by_what_was_typed() -> None:
    assert make_feed("pattern:bars,seed=3").name == "pattern:bars,seed=3"
