"""What two consumers show alike is coded once, and is what each would have had coded by itself."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from updatepictures import photograph

from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.overlay import SpriteImage
from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import Moment
from webcapd.encoder.jpeg import tiles
from webcapd.encoder.jpeg.shared import TileRun
from webcapd.encoder.jpeg.tiles import JpegParams, TileCache, TileEncoder
from webcapd.encoder.updates.making import UpdateFactory
from webcapd.encoder.updates.spec import PLAIN_UPDATES
from webcapd.encoder.variant import PLAIN, Variant

WIDTH = 192
seeds = st.integers(0, 1 << 30)


def params_of(buffer: FrameBuffer, subsampling: str, quality: int) -> JpegParams:
    columns = buffer.layout.columns if subsampling == "420" else 1
    return JpegParams(WIDTH, quality, subsampling, columns, buffer.layout.tile_width)


def some_runs(generator: np.random.Generator, bands: int, columns: int) -> list[TileRun]:
    """Choose a run in some of the bands."""
    runs = []
    for band in np.flatnonzero(generator.random(bands) < 0.7).tolist():
        first, last = sorted(generator.integers(0, columns, 2).tolist())
        runs.append(TileRun(band, first, last))
    return runs


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from(["420", "444", "gray"]))
def test_sharing_changes_no_byte(seed: int, subsampling: str) -> None:
    generator = np.random.default_rng(seed)
    heights = (40, 41, 70)
    pictures = {height: photograph(generator, height, WIDTH) for height in heights}
    sharing = TileEncoder(0)
    pointer = SpriteImage(generator.integers(0, 256, (9, 7, 4), np.uint8))
    for _ in range(12):
        # Pictures of one width: the last band differs in its rows, or is not the last.
        pixels = pictures[heights[generator.integers(3)]]
        y, x = generator.integers(0, 30), generator.integers(0, WIDTH - 8)
        pixels[y : y + 8, x : x + 8] = generator.integers(0, 256)
        buffer = FrameBuffer.of_pixels(pixels)
        buffer.set_pointer(pointer.at(int(x), int(y), (0, 0)))
        params = params_of(buffer, subsampling, int(generator.choice([60, 90])))

        def compare(picture: Picture, params: JpegParams = params) -> None:
            runs = some_runs(generator, picture.layout.count, params.columns)
            if generator.random() < 0.3:
                assert sharing.whole(picture, params) in (
                    None,
                    TileEncoder(0).whole(picture, params),
                )
            alone = TileEncoder(0).encode(picture, runs, params)
            assert sharing.encode(picture, runs, params) == alone

        compare(buffer)
        with buffer.with_pointer() as whole:
            compare(whole)


@pytest.mark.parametrize("subsampling", ["420", "444"])
def test_second_consumer_gets_the_very_tiles_but_those_under_the_pointer(subsampling: str) -> None:
    generator = np.random.default_rng(1)
    buffer = FrameBuffer.of_pixels(photograph(generator, 64, WIDTH))
    params = params_of(buffer, subsampling, 75)
    image = SpriteImage(generator.integers(0, 256, (9, 7, 4), np.uint8))
    buffer.set_pointer(image.at(3, 20, (0, 0)))
    runs = [TileRun(band, 0, params.columns - 1) for band in range(4)]
    encoder = TileEncoder(0)
    first = encoder.encode(buffer, runs, params)
    with buffer.with_pointer() as whole:
        second = encoder.encode(whole, runs, params)
    assert [first[run] is second[run] for run in runs] == [True, False, True, True]
    # And of another quality nothing is the same.
    other = encoder.encode(buffer, runs, params._replace(quality=60))
    assert not any(other[run] == first[run] for run in runs)


@pytest.mark.parametrize(
    ("subsampling", "height", "pictures"),
    # The last is long and high enough to be coded as one, were nobody else there.
    [("420", 64, 2), ("422", 64, 2), ("444", 64, 2), ("420", 256, 12)],
)
def test_frames_and_updates_of_one_view_are_coded_once(
    subsampling: str, height: int, pictures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(1)
    encoder = TileEncoder(0)
    frames = Variant(PLAIN, encoder, TileCache(1 << 20), subsampling, lambda: None)
    updates = UpdateFactory(encoder, subsampling, 90, 1.0, lambda: None)(PLAIN_UPDATES, 0)
    coded: list[int] = []

    def code(pixels: NDArray[np.uint8], params: JpegParams) -> memoryview:
        coded.append(len(pixels))
        return jpeg(pixels, params)

    jpeg = tiles._jpeg
    monkeypatch.setattr(tiles, "_jpeg", code)
    for _ in range(pictures):
        picture = FrameBuffer.of_pixels(photograph(generator, height, WIDTH))
        moment = Moment(time.time(), time.monotonic(), 60)
        updates.feed(picture, moment)
        assert sum(coded) >= height
        coded.clear()
        frames.feed(picture, moment)
    # The first time there was all to begin: headers, too.
    assert coded == []
    assert frames.frames == pictures


@settings(deadline=None, max_examples=20)
@given(seeds, st.integers(1, 13), st.integers(1, 200), st.sampled_from(["420", "422", "gray"]))
def test_however_many_share_the_work_the_whole_is_the_same(
    seed: int, across: int, height: int, subsampling: str
) -> None:
    buffer = FrameBuffer.of_pixels(photograph(np.random.default_rng(seed), height, 16 * across))
    columns = buffer.layout.columns if subsampling == "420" else 1
    params = JpegParams(16 * across, 75, subsampling, columns, buffer.layout.tile_width)
    encoder = TileEncoder(3)
    alone = encoder.whole(buffer, params)
    # As if it had taken long.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "_LONG_SECONDS", 0.0)
        encoder._latest.clear()
        assert encoder.whole(buffer, params) == alone
    encoder.close()
