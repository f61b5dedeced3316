"""Masked rectangles are black in every frame, whatever goes on under the mask."""

from collections.abc import Iterable, Iterator

import mjpeg
import pytest
from loud import HEIGHT, LOUD, OPTIONS, WIDTH, assert_silent, expected, part_options
from painter import Painter, painter
from program import webcapd
from reader import reader
from waiting import wait_until
from xserver import XServer, xvfb

from webcapd.capture.geometry import Rectangle

# Overlapping, and beyond each edge.
MASKS = [
    Rectangle(10, 20, 50, 41),
    Rectangle(37, 40, 60, 60),
    Rectangle(-10, -10, 33, 30),
    Rectangle(290, 201, 100, 100),
]


@pytest.fixture
def screen() -> Iterator[XServer]:
    with xvfb(WIDTH, HEIGHT) as server:
        yield server


def mask_options(masks: Iterable[Rectangle]) -> list[str]:
    return [f"--mask={mask.x},{mask.y},{mask.width},{mask.height}" for mask in masks]


def scribble(brush: Painter, number: int, loud: int) -> None:
    """Change something under each mask, and something beside them."""
    brush.rectangle(0x00FF00 >> number % 8 & 0x00FF00, 150 + number % 40, 100, 60, 90)
    for mask in MASKS:
        hidden = Rectangle(0, 0, WIDTH, HEIGHT).within(mask)
        brush.rectangle(loud, *hidden)
        brush.rectangle(0, hidden.x + number % 9, hidden.y + number % 5, 7, 7)


@pytest.mark.parametrize("depth", [24, 16])
@pytest.mark.parametrize("part", [Rectangle(0, 0, WIDTH, HEIGHT), Rectangle(13, 7, 291, 215)])
def test_masked_rectangles_are_black_from_the_first_frame_on(depth: int, part: Rectangle) -> None:
    options = (*OPTIONS, *mask_options(MASKS), *part_options(part))
    with xvfb(WIDTH, HEIGHT, depth=depth) as server, painter(server) as brush:
        scribble(brush, 0, LOUD[depth])
        with (
            webcapd("--display", server.name, *options) as program,
            reader(program, assert_silent) as viewer,
        ):
            number = 0
            while viewer.check() and viewer.parts < 100:
                number += 1
                scribble(brush, number, LOUD[depth])
            if depth == 24:
                viewer.wait_for(expected(server, MASKS, part))
            assert viewer.latest[150 - part.y, 250 - part.x].any()
            assert_silent(mjpeg.decode(program.snapshot()))


def test_changes_under_a_mask_make_no_frame(screen: XServer) -> None:
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, *OPTIONS, *mask_options(MASKS)) as program,
        mjpeg.stream(program) as stream,
    ):
        stream.until(expected(screen, MASKS))
        before = program.info()
        for number in range(20):
            looks = program.info()["capture"]["looks"]
            brush.rectangle(0x10000 * number, *MASKS[1])
            wait_until("a look", lambda: program.info()["capture"]["looks"] > looks)  # noqa: B023
        after = program.info()
        assert after["encoder"] == before["encoder"]
        assert after["capture"]["bandsLookedAt"] > before["capture"]["bandsLookedAt"]
        assert after["capture"]["bandsChanged"] == before["capture"]["bandsChanged"]
