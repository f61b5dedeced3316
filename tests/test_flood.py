"""A screen of which all changes is not hashed, and coded as one; nobody sees that in the frames."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.capture.bands import BAND_ROWS
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.geometry import Rectangle
from webcapd.capture.pixelformat import BGRX
from webcapd.capture.selector import DamageSelector, RefreshCounts
from webcapd.encoder.jpeg.incremental import TiledJpeg
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder

WIDTH, HEIGHT = 64, 13 * BAND_ROWS - 3
EVERYTHING = Rectangle(0, 0, WIDTH, HEIGHT)


class Screen:
    """A screen whose damage is told, one refresh after the other."""

    def __init__(self, coder: TileEncoder, scan_period: float = 1e9) -> None:
        self.generator = np.random.default_rng(1)
        self.drawn = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        self._buffer = FrameBuffer(np.zeros((HEIGHT, WIDTH * 4), np.uint8), WIDTH, BGRX)
        self._reports: list[tuple[int, int, int, int]] = []
        self.counts = RefreshCounts()
        self._selector = DamageSelector(self, self._buffer.layout, scan_period, self.counts)
        self._coder = coder
        self._jpeg = TiledJpeg(coder, TileCache(1 << 20), "420")
        self.unhashed = 0
        self.refresh()

    def take(self) -> list[tuple[int, int, int, int]]:
        reports, self._reports = self._reports, []
        return reports

    def paint(self, area: Rectangle, same: bool = False) -> None:
        """Have something drawn, or drawn again."""
        rows, columns = slice(area.y, area.bottom), slice(area.x, area.right)
        if not same:
            shape = (area.height, area.width, 4)
            self.drawn[rows, columns] = self.generator.integers(0, 256, shape, np.uint8)
        self._reports.append((area.x, area.y, area.width, area.height))

    def refresh(self) -> list[int]:
        """Do what a refresh does; gives the bands that were taken for changed."""
        selection = self._selector.select(EVERYTHING)
        bands = [*selection.hashed, *selection.unhashed]
        for top, bottom in map(self._buffer.layout.rows, bands):
            self._buffer.raw[top:bottom] = self.drawn[top:bottom].reshape(bottom - top, -1)
        changed = self._buffer.rehash(selection.hashed, selection.columns)
        self._buffer.invalidate(selection.unhashed)
        self._selector.refreshed(selection, changed, EVERYTHING)
        self.unhashed += len(selection.unhashed)
        return sorted({*changed, *selection.unhashed})

    def frame(self) -> bytes:
        self._jpeg.update(self._buffer, 75)
        return self._jpeg.frame()

    def wanted(self) -> bytes:
        """Give the frame of who sees the screen for the first time."""
        jpeg = TiledJpeg(self._coder, TileCache(0), "420")
        jpeg.update(FrameBuffer.of_pixels(self.drawn), 75)
        return jpeg.frame()

    @property
    def version(self) -> int:
        return self._jpeg.version


@pytest.fixture(scope="module")
def coder() -> Iterator[TileEncoder]:
    coder = TileEncoder(0)
    yield coder
    coder.close()


parts = st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1)).map(
    lambda corner: Rectangle(*corner, min(20, WIDTH - corner[0]), min(20, HEIGHT - corner[1]))
)
acts = st.tuples(st.just(EVERYTHING) | parts, st.booleans(), st.integers(1, 30))


@settings(deadline=None, max_examples=25)
@given(st.lists(acts, max_size=5), st.sampled_from([0.0, 1e9]))
def test_frames_are_those_of_who_comes_anew(
    coder: TileEncoder, some: list[tuple[Rectangle, bool, int]], scan_period: float
) -> None:
    """However it was coded before: whole, in tiles, hashed or not."""
    screen = Screen(coder, scan_period)
    for _ in range(10):
        screen.paint(EVERYTHING)
        screen.refresh()
        screen.frame()
    for area, same, times in some:
        for _ in range(times):
            screen.paint(area, same)
            screen.refresh()
            frame = screen.frame()
        assert frame == screen.wanted()
    assert screen.frame() == screen.wanted()


def test_film_is_hardly_hashed(coder: TileEncoder) -> None:
    screen = Screen(coder)
    for _ in range(300):
        screen.paint(EVERYTHING)
        assert len(screen.refresh()) == 13
    assert screen.unhashed > 275 * 13


def test_what_is_painted_again_is_found_out_and_changes_no_frame(coder: TileEncoder) -> None:
    screen = Screen(coder)
    for _ in range(12):
        screen.paint(EVERYTHING)
        screen.refresh()
        screen.frame()
    before, found = screen.version, []
    for _ in range(40):
        screen.paint(EVERYTHING, same=True)
        found.append(screen.refresh())
        screen.frame()
    assert screen.version == before
    assert not any(found[18:])


def test_scan_after_a_film_misses_nothing(coder: TileEncoder) -> None:
    screen = Screen(coder, scan_period=0.0)
    for _ in range(20):
        screen.paint(EVERYTHING)
        screen.refresh()
    assert screen.unhashed
    screen.refresh()
    screen.paint(Rectangle(1, 1, 2, 2))
    screen.refresh()
    assert screen.counts.missed == 0
    assert screen.frame() == screen.wanted()
