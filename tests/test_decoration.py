"""Watermark and caption: right pixels at the right place, and no more damage than that."""

import itertools
import math
from pathlib import Path

import mjpeg
import numpy as np
import pytest
from buffers import noise
from painter import painter
from PIL import Image
from program import Webcapd, run_to_end, webcapd
from waiting import wait_until
from xserver import Pixels, XServer

from webcapd.capture.bands import BAND_ROWS
from webcapd.capture.decoration import Caption, Watermark
from webcapd.capture.options import LOCATIONS, location_name
from webcapd.capture.overlay import SpriteImage

SIZE = (160, 120)


def mark(width: int = 40, height: int = 24) -> Image.Image:
    """Make a picture whose colours and transparency both vary."""
    generator = np.random.default_rng(3)
    return Image.fromarray(generator.integers(0, 256, (height, width, 4), np.uint8), "RGBA")


def composed_by_pillow(screen: Pixels, image: Image.Image, x: int, y: int) -> Pixels:
    """Lay an image over B, G, R pixels the way Pillow does."""
    base = Image.fromarray(np.ascontiguousarray(screen[:, :, 2::-1])).convert("RGBA")
    over = Image.new("RGBA", base.size)
    over.paste(image, (x, y))
    merged = np.asarray(Image.alpha_composite(base, over).convert("RGB"))
    return np.ascontiguousarray(merged[:, :, ::-1])


@pytest.mark.parametrize(
    ("location", "place"),
    [("tl", (0, 0)), ("tr", (120, 0)), ("bl", (0, 96)), ("br", (120, 96)), ("middle", (60, 48))],
)
def test_watermark_is_what_pillow_composes(location: str, place: tuple[int, int]) -> None:
    screen = noise(*SIZE)
    clean = screen.pixels.copy()
    watermark = Watermark(SpriteImage.of_image(mark()), location, 60)
    screen.set_overlays(watermark.overlays(*SIZE, 0.0))
    with screen.composed():
        seen = screen.pixels[:, :, :3].copy()
    expected = composed_by_pillow(clean, mark(), *place)
    # Each rounds where it sees fit, by one at most.
    assert np.abs(seen.astype(int) - expected.astype(int)).max() <= 1
    assert np.array_equal(screen.pixels, clean)


def test_locations_have_the_seed_librarys_numbers() -> None:
    assert [location_name(str(number)) for number in range(7)] == list(LOCATIONS)


def test_animated_watermark_stays_on_the_screen_and_goes_everywhere() -> None:
    watermark = Watermark(SpriteImage.of_image(mark()), "animated", 60)
    places = [watermark.overlays(*SIZE, tick / 30)[0].area for tick in range(3000)]
    assert {place.x for place in places} <= set(range(121))
    assert {place.y for place in places} <= set(range(97))
    assert (min(place.x for place in places), max(place.x for place in places)) == (0, 120)
    assert (min(place.y for place in places), max(place.y for place in places)) == (0, 96)
    steps = [abs(b.x - a.x) for a, b in itertools.pairwise(places)]
    assert max(steps) <= 3


def test_animated_watermark_touches_only_its_bands() -> None:
    screen = noise(*SIZE)
    watermark = Watermark(SpriteImage.of_image(mark()), "animated", 60)
    before = watermark.overlays(*SIZE, 0.1)
    after = watermark.overlays(*SIZE, 0.2)
    screen.set_overlays(before)
    rows = (before[0].area.y, after[0].area.bottom)
    expected = set(range(rows[0] // BAND_ROWS, -(-rows[1] // BAND_ROWS)))
    assert set(screen.set_overlays(after)) <= expected


def test_watermark_larger_than_the_screen_shows_its_upper_left() -> None:
    for location in LOCATIONS[1:]:
        watermark = Watermark(SpriteImage.of_image(mark(300, 300)), location, 60)
        assert watermark.overlays(*SIZE, 12.3)[0].area[:2] == (0, 0)


def test_caption_is_drawn_anew_only_when_it_reads_anew() -> None:
    caption = Caption("Lab %H:%M:%S")
    keys = [caption.overlays(*SIZE, moment)[0].key for moment in (10.0, 10.5, 10.99, 11.0)]
    assert keys[0] == keys[1] == keys[2] != keys[3]


def test_caption_is_due_when_the_second_it_was_drawn_in_is_over() -> None:
    """However often it is asked meanwhile."""
    caption = Caption("%S")
    caption.overlays(*SIZE, 10.25)
    assert caption.seconds_until_due(10.25) == 0.75
    assert caption.seconds_until_due(10.75) == 0.25
    assert caption.seconds_until_due(11.0) == 0
    assert caption.seconds_until_due(11.5) == 0
    still = Caption("Lab")
    still.overlays(*SIZE, 10.0)
    assert still.seconds_until_due(1e9) == math.inf


def test_watermark_is_in_the_stream(server: XServer, tmp_path: Path) -> None:
    path = tmp_path / "mark.png"
    mark().save(path)
    arguments = ("--watermark-path", str(path), "--watermark-location", "tl")
    with (
        webcapd("--display", server.name, *arguments) as program,
        painter(server) as brush,
        mjpeg.stream(program) as stream,
    ):
        brush.noise(5)
        screen = noise(1, 1)  # Only to blend as the product does.
        screen = type(screen).of_pixels(
            np.dstack([server.pixels(), np.zeros((480, 640), np.uint8)])
        )
        screen.set_overlays(
            Watermark(SpriteImage.of_image(mark()), "tl", 0).overlays(640, 480, 0.0)
        )
        with screen.composed():
            expected = mjpeg.decode(mjpeg.encode(screen.pixels[:, :, :3]))
        assert stream.until(expected)


def counts(program: Webcapd) -> tuple[int, int]:
    """Tell how many bands were coded, and how many frames published."""
    encoder = program.info()["encoder"]
    return encoder["bandsCoded"], encoder["frames"]


def test_caption_with_the_time_moves_by_itself(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--caption", "%H:%M:%S") as program,
        mjpeg.stream(program) as stream,
    ):
        stream.part()
        coded, frames = counts(program)
        wait_until("three more seconds are shown", lambda: counts(program)[1] >= frames + 3)
        later, shown = counts(program)
        # One line of text: a band or two each second, and not the screen.
        assert later - coded <= 2 * (shown - frames + 1)


def test_caption_is_drawn_in_a_locale_without_its_letters(server: XServer) -> None:
    drawn = []
    for locale in ({}, {"LC_ALL": "C", "PYTHONUTF8": "0"}):
        with webcapd(
            *("--display", server.name, "--caption", "Büro → 100% %% %-d."), environment=locale
        ) as program:
            assert program.info()["config"]["caption"] == "Büro → 100% %% %-d."
            drawn.append(program.snapshot())
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--watermark-path", "/nowhere.png"),
        ("--watermark-path", "/etc/passwd"),
        ("--watermark-path", "/"),
        ("--watermark-location", "nowhere"),
        ("--watermark-location", "7"),
        ("--watermark-speed", "-1"),
        ("--caption", "two\nlines"),
        ("--caption", "x" * 400),
    ],
)
def test_what_cannot_be_laid_over_is_told_in_one_sentence(arguments: tuple[str, ...]) -> None:
    status, said = run_to_end("--display", ":0", *arguments)
    assert status == 2
    assert said.startswith("webcapd: ")
    assert "\n" not in said
