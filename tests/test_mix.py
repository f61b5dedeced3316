"""Several feeds in one picture: pixel by pixel what the operator says, whatever changed where."""

import contextlib
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from givenfeed import Given, ended, opened
from hypothesis import given
from hypothesis import strategies as st
from mjpeg import decode, encode, stream
from program import ROOT, TIMEOUT, Webcapd, run_to_end, webcapd
from waiting import wait_until
from xserver import Pixels

from webcapd.capture.feeds.fed import FeedSource
from webcapd.capture.feeds.feed import FeedPicture
from webcapd.capture.feeds.pixels import picture_of
from webcapd.capture.feeds.registry import make_feed
from webcapd.capture.geometry import Rectangle
from webcapd.capture.mix.feed import split_sources
from webcapd.capture.mix.layouts import Combined, Faded, Grid
from webcapd.capture.mix.mixed import MixedFeed
from webcapd.capture.mix.operators import OPERATORS
from webcapd.capture.patterns.patterns import PATTERNS
from webcapd.capture.source import SourceChanged, SourceNotReady

Colour = tuple[int, int, int]

# As slow and as plain as can be.
MEANT: Mapping[str, Callable[[Colour, Colour], Sequence[int]]] = {
    "and": lambda left, right: [a & b for a, b in zip(left, right, strict=True)],
    "avg": lambda left, right: [(a + b) // 2 for a, b in zip(left, right, strict=True)],
    "behind": lambda left, right: right if any(right) else left,
    "diff": lambda left, right: [abs(a - b) for a, b in zip(left, right, strict=True)],
    "mask": lambda left, right: left if any(right) else (0, 0, 0),
    "max": lambda left, right: [max(a, b) for a, b in zip(left, right, strict=True)],
    "or": lambda left, right: [a | b for a, b in zip(left, right, strict=True)],
    "sum": lambda left, right: [min(a + b, 255) for a, b in zip(left, right, strict=True)],
    "xor": lambda left, right: [a ^ b for a, b in zip(left, right, strict=True)],
}


def patchwork(seed: int, width: int, height: int) -> Pixels:
    """Give pixels of all colours, many of them black; X is anything."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (height, width, 4), np.uint8)
    pixels[generator.random((height, width)) < 0.4, :3] = 0
    return pixels


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_operator_does_to_each_pixel_what_it_says(name: str) -> None:
    left, right = patchwork(1, 40, 30), patchwork(2, 40, 30)
    out = np.zeros((32, 50, 4), np.uint8)
    OPERATORS[name](left, right, out[1:31, 5:45])
    for y, x in np.ndindex(30, 40):
        wanted = MEANT[name](tuple(left[y, x, :3].tolist()), tuple(right[y, x, :3].tolist()))
        assert out[1 + y, 5 + x, :3].tolist() == list(wanted)
    assert not out[0].any() and not out[:, :5].any() and not out[:, 45:].any()


def test_all_operators_of_the_ancestor_are_there() -> None:
    assert set(OPERATORS) == set(MEANT)


changes = st.lists(
    st.tuples(
        st.integers(0, 1), st.integers(0, 39), st.integers(0, 29), st.integers(1, 40), st.booleans()
    ),
    max_size=6,
)


@given(
    st.sampled_from(sorted(OPERATORS)),
    st.sampled_from([(40, 30), (20, 30), (80, 61), (7, 5)]),
    st.sampled_from([None, (40, 30), (33, 64)]),
    changes,
)
def test_mix_follows_its_parts(
    name: str,
    other: tuple[int, int],
    size: tuple[int, int] | None,
    history: Sequence[tuple[int, int, int, int, bool]],
) -> None:
    """What is told to have changed suffices, also where a part is scaled."""
    currents = [patchwork(1, 40, 30), patchwork(2, *other)]
    feeds = [Given(picture_of(current)) for current in currents]
    source = opened(MixedFeed(feeds, Combined(OPERATORS[name], size)))
    try:
        source.refresh()
        for number, (which, x, y, side, tells) in enumerate(history):
            current = currents[which]
            area = Rectangle(0, 0, current.shape[1], current.shape[0])
            place = Rectangle(x, y, side, side).within(area)
            fresh = patchwork(number + 3, area.width, area.height)
            rows, columns = slice(place.y, place.bottom), slice(place.x, place.right)
            current[rows, columns] = fresh[rows, columns]
            feeds[which].give(picture_of(current, changed=[place] if tells else None))
            source.refresh()
            again = opened(
                MixedFeed(
                    [Given(picture_of(one)) for one in currents], Combined(OPERATORS[name], size)
                )
            )
            again.refresh()
            shown, wanted = source.frame_buffer.pixels, again.frame_buffer.pixels
            assert np.array_equal(shown[:, :, :3], wanted[:, :, :3])
            ended(again)
    finally:
        ended(source)


def test_grid_shows_all_parts_side_by_side() -> None:
    pictures = [patchwork(number, 40, 30) for number in range(3)]
    feeds = [Given(picture_of(picture)) for picture in pictures]
    source = opened(MixedFeed(feeds, Grid(None)))
    try:
        source.refresh()
        pixels = source.frame_buffer.pixels
        assert pixels.shape == (60, 80, 4)
        assert np.array_equal(pixels[:30, :40], pictures[0])
        assert np.array_equal(pixels[:30, 40:], pictures[1])
        assert np.array_equal(pixels[30:, :40], pictures[2])
        assert not pixels[30:, 40:].any()
        pictures[2][:] = 7
        feeds[2].give(picture_of(pictures[2], changed=[Rectangle(0, 0, 40, 30)]))
        assert source.pending()
        assert source.refresh() == [1, 2, 3]
        assert (pixels[30:, :40] == 7).all()
    finally:
        ended(source)


class Absent(Given):
    """A feed that may have no picture."""

    is_there = False

    def open(self) -> tuple[int, int]:
        if not self.is_there:
            raise SourceNotReady("nobody sends")
        return super().open()

    def take(self) -> FeedPicture | None:
        if not self.is_there:
            raise SourceNotReady("nobody sends any more")
        return super().take()


def shown_after_changes(source: FeedSource) -> Pixels:
    """Refresh, opening it anew where that is asked for."""
    for _ in range(3):
        try:
            source.refresh()
            return source.frame_buffer.pixels
        except SourceChanged:
            source.close()
            source.open(lambda: None)
    raise AssertionError("it changes all the time")


def test_grid_shows_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    pictures = [patchwork(number, 40, 30) for number in range(2)]
    absent, here = Absent(picture_of(pictures[0])), Given(picture_of(pictures[1]))
    source = opened(MixedFeed([absent, here], Grid(None)))
    for is_there in (False, True, False, True):
        absent.is_there = is_there
        now += 2
        absent.give(picture_of(pictures[0]))
        pixels = shown_after_changes(source)
        assert np.array_equal(pixels[:, :40], pictures[0]) == is_there
        assert is_there or not pixels[:, :40].any()
        assert np.array_equal(pixels[:, 40:], pictures[1])
    ended(source)
    nobody = MixedFeed([Absent(picture_of(pictures[0]))], Grid(None))
    with pytest.raises(SourceNotReady, match=r"^nobody sends$"):
        nobody.open()
    nobody.close()
    nobody.dispose()


def test_grid_distorts_nothing() -> None:
    feeds = [Given(picture_of(np.full((30, 60, 4), 200, np.uint8))) for _ in range(2)]
    source = opened(MixedFeed(feeds, Grid((80, 80))))
    try:
        source.refresh()
        lit = source.frame_buffer.pixels[:, :, 0] == 200
        assert np.flatnonzero(lit.any(1)).tolist() == list(range(30, 50))
        assert lit[30:50].all()
    finally:
        ended(source)


def test_fade_goes_from_one_to_the_other_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    feeds = [Given(picture_of(np.full((16, 16, 4), level, np.uint8))) for level in (0, 200)]
    source = opened(MixedFeed(feeds, Faded(4.0, None)))
    try:
        levels = []
        for second in range(9):
            now = 1000.0 + second
            assert source.pending()
            source.refresh()
            levels.append(int(source.frame_buffer.pixels[0, 0, 0]))
            assert not source.pending()
            assert 0 < source.seconds_until_poll() <= 4 / 64
        assert levels == [0, 50, 100, 150, 200, 150, 100, 50, 0]
    finally:
        ended(source)


def test_mix_waits_for_each_of_its_parts() -> None:
    """And is told when one is back, or has another size."""
    here, absent = Given(picture_of(patchwork(1, 40, 30))), Absent(picture_of(patchwork(2, 40, 30)))
    mixed = MixedFeed([here, absent], Combined(OPERATORS["max"], None))
    with pytest.raises(SourceNotReady, match=r"^nobody sends$"):
        opened(mixed)
    mixed.close()
    assert mixed.status()["parts"] == [
        {"name": "given:", "problem": "is closed"},
        {"name": "given:", "problem": "nobody sends"},
    ]
    absent.is_there = True
    absent.news.wake()
    assert mixed.pending()
    source = opened(mixed)
    source.refresh()
    assert math.isinf(source.seconds_until_poll())
    assert not source.pending()
    here.give(picture_of(patchwork(3, 20, 20)))
    with pytest.raises(SourceChanged):
        source.refresh()
    ended(source)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("pattern:a,pattern:b", ["pattern:a", "pattern:b"]),
        ("pattern:a,size=1x2,fps=3,file:/b,c", ["pattern:a,size=1x2,fps=3", "file:/b,c"]),
        ("mix:max(a:1,b:2),size=3x4,c:3", ["mix:max(a:1,b:2),size=3x4", "c:3"]),
    ],
)
def test_sources_are_told_apart(text: str, sources: list[str]) -> None:
    assert split_sources(text) == sources


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("mix:max", "a mix is written mix:OP(A,B), A and B being sources"),
        ("mix:max(pattern:bars", "a mix is written mix:OP(A,B), A and B being sources"),
        ("mix:over(pattern:bars,pattern:bars)", "there is no operator 'over' of mix; oper"),
        ("mix:max(pattern:bars)", "mix:max takes two sources, not 1"),
        ("mix:max(pattern:bars,pattern:grid,pattern:ball)", "mix:max takes two sources, not 3"),
        ("mix:max(pattern:bars,pattern:gird)", "there is no pattern 'gird'"),
        ("mix:max(pattern:bars,pattern:grid),seconds=3", "seconds= is for mix:fade(A,B)"),
        ("mix:fade(pattern:bars,pattern:grid),seconds=0", "seconds=0 is not between 0.1 and 3600"),
        ("mix:max(pattern:bars,pattern:grid),big", "behind the sources of a mix there may be"),
        ("mix:max((pattern:bars,pattern:grid)", "parentheses of a mix must match"),
        ("mix:grid(" + ",".join(["pattern:bars"] * 65) + ")", "mix:grid takes 1 to 64 sources"),
        (
            "mix:max(a:,mix:max(a:,mix:max(a:,mix:max(a:,b:))))",
            "parentheses of a mix must match, 2 within each other at most",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_answered_by_one_sentence(source: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        make_feed(source)
    assert str(caught.value).startswith(sentence)


def test_mix_is_served(tmp_path: object) -> None:
    still = "mix:grid(pattern:bars,size=160x120,mix:max(pattern:grid,size=160x120,pattern:bars))"
    with webcapd("--source", still) as program:
        assert program.size == (320, 120)
        with stream(program) as parts:
            assert decode(parts.part().body).shape == (120, 320, 3)
        report = program.info()["capture"]["feed"]["parts"]
        assert [part["problem"] for part in report] == [None, None]
    status, error = run_to_end("--source", "mix:max(pattern:bars)")
    assert (status, len(error.splitlines())) == (2, 1)


def reason(program: Webcapd) -> str:
    """Give why there is no picture."""
    return str(program.info()["encoder"]["reason"])


@contextlib.contextmanager
def screens(name: str, path: Path) -> Iterator[None]:
    """Run webcapd screens, which writes a pattern into a ring."""
    program = [sys.executable, "-P", str(ROOT / "webcapd.py"), "screens", name]
    writer = subprocess.Popen(
        [*program, "--size", "96x64", "-o", str(path)], stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        writer.terminate()
        assert writer.wait(TIMEOUT) is not None


def test_two_programs_are_seen_as_one_picture(tmp_path: Path) -> None:
    """And a placeholder without one of them, at the start too."""
    left, right = tmp_path / "left.wcf", tmp_path / "right.wcf"
    pictures = []
    for name in ("gradient", "grid"):
        painter = PATTERNS[name](96, 64, 0)
        painter.paint(0, 0.0)
        pictures.append(painter.pixels)
    both = np.zeros((64, 96, 4), np.uint8)
    OPERATORS["behind"](pictures[0], pictures[1], both)
    wanted = decode(encode(both[:, :, :3]))
    with (
        webcapd("--source", f"mix:behind(wcf:{left},wcf:{right})") as program,
        stream(program) as parts,
        screens("gradient", left),
    ):
        wait_until("it says whom it waits for", lambda: right.name in reason(program))
        with screens("grid", right):
            parts.until(wanted)
        wait_until("one is gone", lambda: program.info()["encoder"]["state"] == "lost")
        with screens("grid", right):
            parts.until(wanted)
