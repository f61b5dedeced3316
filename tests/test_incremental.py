"""A frame kept in bands decodes to the very pixels of a frame encoded whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import cv2
import mjpeg
import numpy as np
import pytest
from buffers import frame_buffer, noise
from hypothesis import given, settings
from hypothesis import strategies as st
from xserver import Pixels

from webcapd.capture.bands import BAND_ROWS
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.picture import Picture
from webcapd.encoder.jpeg import tiles
from webcapd.encoder.jpeg.bitstream import entropy_coded
from webcapd.encoder.jpeg.incremental import TiledJpeg
from webcapd.encoder.jpeg.shared import TileRun
from webcapd.encoder.jpeg.tiles import JpegParams, TileCache, TileEncoder

SUBSAMPLINGS = ("444", "422", "420")


@dataclass(frozen=True)
class Drawing:
    """A rectangle of noise or of one colour, and whether only its bands are looked at."""

    left: int
    top: int
    width: int
    height: int
    seed: int
    noisy: bool
    looked_at_closely: bool

    def draw(self, screen: FrameBuffer) -> None:
        generator = np.random.default_rng(self.seed)
        area = screen.pixels[self.top :, self.left :][: self.height, : self.width]
        area[:] = generator.integers(0, 256, area.shape if self.noisy else 4, np.uint8)

    def rehash(self, screen: FrameBuffer) -> dict[int, int]:
        if not self.looked_at_closely:
            return screen.rehash(range(screen.layout.count))
        tiles = self.tiles(screen)
        return screen.rehash(sorted(tiles), tiles)

    def tiles(self, screen: FrameBuffer) -> dict[int, int]:
        """Say what a damage report would."""
        return screen.layout.touched_tiles([(self.left, self.top, self.width, self.height)])


drawings = st.builds(
    Drawing,
    left=st.integers(0, 200),
    top=st.integers(0, 150),
    width=st.integers(1, 200),
    height=st.integers(1, 150),
    seed=st.integers(0, 1 << 16),
    noisy=st.booleans(),
    looked_at_closely=st.booleans(),
)
sizes = st.tuples(st.integers(1, 200), st.integers(1, 150))


class CountingCoder(TileEncoder):
    """Notes what it is given to encode."""

    def __init__(self) -> None:
        super().__init__(workers=0)
        self.strips: list[TileRun] = []

    def encode(
        self, picture: Picture, strips: Sequence[TileRun], coding: JpegParams
    ) -> dict[TileRun, list[bytes]]:
        self.strips += strips
        return super().encode(picture, strips, coding)


def banded(coder: TileEncoder, subsampling: str = "420", remembered: int = 0) -> TiledJpeg:
    return TiledJpeg(coder, TileCache(remembered), subsampling)


def updated(jpeg: TiledJpeg, screen: FrameBuffer, quality: int = 75) -> bytes:
    """Bring a frame up to date; returns it."""
    jpeg.update(screen, quality)
    return jpeg.frame()


def whole(screen: FrameBuffer, quality: int, subsampling: str) -> Pixels:
    """Give what a viewer would see had the whole screen been encoded at once."""
    # Two qualities are stepped over: see below.
    quality += quality in (6, 18)
    return mjpeg.decode(mjpeg.encode(screen.pixels[:, :, :3], quality, subsampling))


@pytest.fixture(scope="module")
def coder() -> Iterator[TileEncoder]:
    coder = TileEncoder(workers=1)
    yield coder
    coder.close()


@settings(deadline=None)
@given(sizes, st.sampled_from(SUBSAMPLINGS), st.integers(1, 100), st.lists(drawings, max_size=6))
def test_incremental_frame_decodes_as_the_whole_frame(
    coder: TileEncoder, size: tuple[int, int], subsampling: str, quality: int, drawn: list[Drawing]
) -> None:
    screen = noise(*size)
    jpeg = banded(coder, subsampling)
    frame = updated(jpeg, screen, quality)
    for drawing in drawn:
        drawing.draw(screen)
        drawing.rehash(screen)
        frame = updated(jpeg, screen, quality)
        assert np.array_equal(mjpeg.decode(frame), whole(screen, quality, subsampling))
    assert np.array_equal(mjpeg.decode(frame), whole(screen, quality, subsampling))


@settings(deadline=None)
@given(sizes, st.lists(st.tuples(drawings, st.booleans()), max_size=8))
def test_late_reports_are_made_good(
    coder: TileEncoder, size: tuple[int, int], drawn: list[tuple[Drawing, bool]]
) -> None:
    """What is drawn between taking the damage and the grab is grabbed now and reported later."""
    screen, cache = noise(*size), TileCache(1 << 20)
    jpeg, other = TiledJpeg(coder, cache, "420"), TiledJpeg(coder, cache, "420")
    reported: dict[int, int] = {}
    for drawing, in_time in drawn:
        late = drawing.tiles(screen)
        drawing.draw(screen)
        screen.rehash(sorted(reported), reported)
        jpeg.update(screen, 75)
        reported = late
        if in_time:
            screen.rehash(sorted(reported), reported)
            reported = {}
            assert np.array_equal(mjpeg.decode(updated(jpeg, screen)), whole(screen, 75, "420"))
    screen.rehash(sorted(reported), reported)
    for one in (jpeg, other):
        assert np.array_equal(mjpeg.decode(updated(one, screen)), whole(screen, 75, "420"))


@settings(deadline=None)
@given(sizes, st.lists(drawings, max_size=4), st.lists(drawings, min_size=1, max_size=4))
def test_columns_never_reported_are_found_with_those_that_are(
    coder: TileEncoder, size: tuple[int, int], told: list[Drawing], hidden: list[Drawing]
) -> None:
    """In bands that were reported at once, in others when all are looked at."""
    screen = noise(*size)
    jpeg = banded(coder)
    for one, other in zip_longest(told, hidden):
        for drawing in filter(None, (one, other)):
            drawing.draw(screen)
        tiles = one.tiles(screen) if one else {}
        screen.rehash(sorted(tiles), tiles)
        seen, wanted = mjpeg.decode(updated(jpeg, screen)), whole(screen, 75, "420")
        for band in tiles:
            top, bottom = screen.layout.rows(band)
            # Decoders mix the outermost rows with the colour of the band beside.
            rows = slice(top + 1, bottom - 1)
            assert np.array_equal(seen[rows], wanted[rows])
    screen.rehash(range(screen.layout.count))
    assert np.array_equal(mjpeg.decode(updated(jpeg, screen)), whole(screen, 75, "420"))


def test_what_changes_beside_what_moves_is_found_at_once(coder: TileEncoder) -> None:
    """Whoever comes just then would keep it under what was there before."""
    screen = noise(256, 64)
    jpeg = banded(coder)
    hidden = Drawing(5, 20, 9, 9, 1, True, True)
    for number in range(40):
        film = Drawing(130, 16, 60, 32, number, True, True)
        film.draw(screen)
        if number == 20:
            hidden.draw(screen)
        assert film.rehash(screen).keys() == {1, 2}
        frame = updated(jpeg, screen)
        assert np.array_equal(mjpeg.decode(frame), whole(screen, 75, "420"))
    # At rest nothing is new, and then what is drawn is one tile.
    assert film.rehash(screen) == screen.rehash(range(4)) == {}
    Drawing(140, 20, 4, 4, 1, True, True).draw(screen)
    assert screen.rehash([1], {1: 0b1111}) == {1: 0b100}
    assert np.array_equal(mjpeg.decode(updated(jpeg, screen)), whole(screen, 75, "420"))


def test_one_tile_of_a_band_is_encoded_alone() -> None:
    screen = noise(256, 64)
    coder = CountingCoder()
    jpeg = TiledJpeg(coder, TileCache(0), "420")
    jpeg.update(screen, 75)
    coder.strips.clear()
    drawing = Drawing(130, 20, 4, 4, 1, True, True)
    drawing.draw(screen)
    drawing.rehash(screen)
    jpeg.update(screen, 75)
    assert coder.strips == [TileRun(1, 2, 2)]
    coder.close()


@settings(deadline=None, max_examples=30)
@given(sizes, st.lists(drawings, min_size=1, max_size=4))
def test_only_changed_bands_are_encoded(
    coder: TileEncoder, size: tuple[int, int], drawn: list[Drawing]
) -> None:
    screen = noise(*size)
    jpeg = banded(coder)
    jpeg.update(screen, 75)
    for drawing in drawn:
        drawing.draw(screen)
        changed = drawing.rehash(screen)
        before = jpeg.bands_coded
        jpeg.update(screen, 75)
        assert jpeg.bands_coded == before + len(changed)


def test_update_without_change_gives_the_same_bytes_and_encodes_nothing(coder: TileEncoder) -> None:
    screen = noise(90, 70)
    jpeg = banded(coder)
    frame = updated(jpeg, screen)
    coded = jpeg.bands_coded
    assert updated(jpeg, screen) == frame
    assert jpeg.bands_coded == coded


def test_bands_that_changed_between_two_updates_are_all_encoded(coder: TileEncoder) -> None:
    """What counts is the band's state, not the last settle's answer."""
    screen = noise(90, 70)
    jpeg = banded(coder)
    jpeg.update(screen, 75)
    for band in (0, 4):
        top, bottom = screen.layout.rows(band)
        screen.pixels[top:bottom] = 7
        screen.rehash([band])
    assert np.array_equal(mjpeg.decode(updated(jpeg, screen)), whole(screen, 75, "420"))


@pytest.mark.parametrize("size", [(100, 36), (36, 100), (64, 16), (33, 15), (200, 199)])
def test_frame_of_another_size_is_begun_anew(coder: TileEncoder, size: tuple[int, int]) -> None:
    jpeg = banded(coder, "422")
    for width, height in ((100, 100), size, (100, 100)):
        screen = noise(width, height)
        assert np.array_equal(mjpeg.decode(updated(jpeg, screen, 60)), whole(screen, 60, "422"))


def test_restart_numbers_count_modulo_eight(coder: TileEncoder) -> None:
    # Flat bands: their entropy-coded bytes hold no 0xFF of their own.
    screen = frame_buffer(np.zeros((BAND_ROWS * 19, 16, 4), np.uint8))
    screen.rehash(range(19))
    scan = entropy_coded(updated(banded(coder), screen))
    markers = [scan[i + 1] for i, byte in enumerate(scan[:-1]) if byte == 0xFF and scan[i + 1]]
    assert markers == [0xD0 + number % 8 for number in range(18)]


def test_helpers_make_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if it took long.
    monkeypatch.setattr(tiles, "_LONG_SECONDS", -1.0)
    frames = set()
    for workers in (0, 3):
        coder = TileEncoder(workers)
        try:
            frames.add(updated(banded(coder), noise(70, BAND_ROWS * 11 + 5)))
        finally:
            coder.close()
    assert len(frames) == 1


def test_gray_is_coded_from_brightness_alone(coder: TileEncoder) -> None:
    screen = noise(90, 70)
    wanted = cv2.cvtColor(screen.pixels, cv2.COLOR_BGRA2GRAY)
    _, jpeg = cv2.imencode(".jpg", wanted, [cv2.IMWRITE_JPEG_QUALITY, 75])
    seen = mjpeg.decode(updated(banded(coder, "gray"), screen))
    assert np.array_equal(seen, mjpeg.decode(jpeg.tobytes()))


@pytest.mark.parametrize("quality", range(1, 101))
def test_no_quality_makes_tables_that_look_like_the_begin_or_end(
    coder: TileEncoder, quality: int
) -> None:
    """Some readers look for nothing else: FF D8 and FF D9."""
    frame = updated(banded(coder), noise(32, 32), quality)
    assert frame.count(b"\xff\xd8") == frame.count(b"\xff\xd9") == 1


def test_tiles_of_another_width_are_forgotten_with_it(coder: TileEncoder) -> None:
    """Nothing shows them any more, and they take memory; those of other frames stay."""
    wide, narrow, small = noise(256, 64), noise(192, 64), noise(128, 64)
    cache = TileCache(1 << 20)
    jpeg, other = TiledJpeg(coder, cache, "420"), TiledJpeg(coder, cache, "420")
    other.update(small, 75)
    jpeg.update(wide, 75)
    jpeg.update(narrow, 75)
    for screen, cost in ((wide, 4), (small, 0)):
        again = TiledJpeg(coder, cache, "420")
        again.update(screen, 75)
        assert again.bands_coded == cost


def test_cache_counts_what_tiles_take_however_small(coder: TileEncoder) -> None:
    def remembered(most: int) -> int:
        cache, blank = TileCache(most), np.zeros((640, 64, 4), np.uint8)
        # No two bands look alike, and each is a few bytes.
        blank[:, :, 0] = np.arange(640)[:, None] // BAND_ROWS
        screen = FrameBuffer.of_pixels(blank)
        TiledJpeg(coder, cache, "420").update(screen, 75)
        again = TiledJpeg(coder, cache, "420")
        again.update(screen, 75)
        return screen.layout.count - again.bands_coded

    assert remembered(1 << 20) == 40
    assert remembered(8000) < 16
