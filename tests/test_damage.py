"""Damage reports say where to look, the hash says what changed, and the state page tells both."""

import contextlib
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mjpeg
import numpy as np
import pytest
from motion import moving, scatter
from painter import painter
from program import Webcapd, webcapd
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

# Long enough for no scan to come by while a test counts.
NO_SCANS = ("--full-scan-period", "3600")
BANDS = 480 // 16


def counters(program: Webcapd) -> Any:
    """Give the counters of capture, and how many frames there were."""
    info = program.info()
    return {**info["capture"], "frames": info["encoder"]["frames"]}


def expected(server: XServer) -> Pixels:
    return mjpeg.decode(mjpeg.encode(server.pixels()))


def wait_for_bands(program: Webcapd, more_than: int) -> int:
    """Wait until more bands have been looked at; gives how many have been since the start."""

    def looked_at() -> int:
        count = int(counters(program)["bandsLookedAt"])
        return count if count > more_than else 0

    return wait_until("another look", looked_at)


def test_first_look_is_at_everything_and_counts_nothing_as_missed(server: XServer) -> None:
    with webcapd("--display", server.name, *NO_SCANS) as program:
        program.snapshot()
        now = counters(program)
        assert (now["looks"], now["fullScans"], now["bandsLookedAt"]) == (1, 1, BANDS)
        assert (now["bandsChanged"], now["bandsMissedByDamage"]) == (BANDS, 0)


def test_only_what_was_drawn_on_is_looked_at(server: XServer) -> None:
    with (
        painter(server) as brush,
        webcapd("--display", server.name, *NO_SCANS) as program,
        mjpeg.stream(program) as stream,
    ):
        brush.noise(1)
        stream.until(expected(server))
        for top, height, bands in ((0, 1, 1), (15, 2, 2), (32, 16, 1), (100, 100, 7), (479, 1, 1)):
            before = counters(program)
            brush.rectangle(0xFF0000, 17, top, 9, height)
            stream.until(expected(server))
            after = counters(program)
            assert after["bandsLookedAt"] - before["bandsLookedAt"] == bands
            assert after["bandsChanged"] - before["bandsChanged"] == bands
            assert after["frames"] == before["frames"] + 1


def test_what_is_drawn_as_it_was_is_looked_at_and_not_coded(server: XServer) -> None:
    with (
        painter(server) as brush,
        webcapd("--display", server.name, *NO_SCANS) as program,
        mjpeg.stream(program) as stream,
    ):
        brush.rectangle(0xFF0000, 10, 40, 50, 50)
        stream.until(expected(server))
        before, encoder = counters(program), program.info()["encoder"]
        # A stream that repeats its frame has a look at nothing, too: that counts as one.
        now = looked_at = before["bandsLookedAt"]
        for _ in range(10):
            brush.rectangle(0xFF0000, 10, 40, 50, 50)
            now = wait_for_bands(program, now)
        assert now - looked_at == 10 * 4
        assert counters(program)["bandsChanged"] == before["bandsChanged"]
        assert program.info()["encoder"] == encoder


def test_scans_find_nothing_missed_while_much_is_drawn(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--full-scan-period", "0.1", "--fps", "120") as program,
        mjpeg.stream(program) as stream,
    ):
        with moving(server, scatter):
            while counters(program)["fullScans"] < 20:
                stream.part()
        stream.until(expected(server))
        assert counters(program)["bandsMissedByDamage"] == 0


def test_scans_go_on_while_the_screen_rests(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--full-scan-period", "0.1") as program,
        mjpeg.stream(program) as stream,
    ):
        stream.until(expected(server))
        before = counters(program)
        wait_until("ten scans", lambda: counters(program)["fullScans"] > before["fullScans"] + 10)
        after = counters(program)
        assert (after["frames"], after["bandsChanged"]) == (before["frames"], BANDS)


def test_masked_window_that_moves_is_nothing_missed(server: XServer) -> None:
    """Everything is looked at then, for another reason than mistrust."""
    with (
        painter(server) as brush,
        webcapd("--display", server.name, "--mask-window", "secret", *NO_SCANS) as program,
        mjpeg.stream(program) as stream,
    ):
        brush.noise(1)
        window = brush.display.screen().root.create_window(
            10, 10, 50, 50, 0, 24, override_redirect=True
        )
        window.set_wm_name("secret")
        window.map()
        for x in range(20, 300, 40):
            window.configure(x=x, y=x)
            brush.display.sync()
            pixels = server.pixels()
            pixels[x : x + 50, x : x + 50] = 0
            stream.until(mjpeg.decode(mjpeg.encode(pixels)))
        assert counters(program)["bandsMissedByDamage"] == 0
        assert np.array_equal(mjpeg.decode(program.snapshot()), mjpeg.decode(mjpeg.encode(pixels)))


@contextlib.contextmanager
def secretive(folder: Path, width: int = 640) -> Iterator[tuple[XServer, Pixels]]:
    """Run a server whose frame buffer can be written to behind its back, and give that."""
    with xvfb(width, 480, "-fbdir", str(folder)) as server:
        with (folder / "Xvfb_screen0").open("r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
        # An XWD file: the length of its head is its first number, that of its
        # colours, of 12 bytes each, its twentieth.
        head = np.frombuffer(memory, ">u4", 25)
        begin = int(head[0]) + 12 * int(head[19])
        pixels = np.frombuffer(memory, np.uint8, 480 * width * 4, begin).reshape(480, width, 4)
        yield server, pixels


def test_unreported_change_beside_a_reported_one_is_shown_and_counted(tmp_path: Path) -> None:
    with (
        secretive(tmp_path) as (server, pixels),
        painter(server) as brush,
        webcapd("--display", server.name, *NO_SCANS) as program,
        mjpeg.stream(program) as stream,
    ):
        brush.noise(1)
        stream.until(expected(server))
        for number in range(5):
            missed = counters(program)["bandsMissedByDamage"]
            pixels[100:124, 600:630] = 40 * number + 20
            brush.rectangle(0xFF0000 >> number, 10, 104, 20, 20)
            stream.until(expected(server))
            assert np.array_equal(mjpeg.decode(program.snapshot()), expected(server))
            # Of their last column nothing was told.
            assert counters(program)["bandsMissedByDamage"] == missed + 2


def test_unreported_change_alone_is_found_by_a_scan(tmp_path: Path) -> None:
    with (
        secretive(tmp_path) as (server, pixels),
        painter(server) as brush,
        webcapd("--display", server.name, "--full-scan-period", "0.3") as program,
        mjpeg.stream(program) as stream,
    ):
        brush.noise(1)
        stream.until(expected(server))
        pixels[200:240, 300:310] = 7
        stream.until(expected(server))
        assert counters(program)["bandsMissedByDamage"] == 3


@pytest.mark.parametrize("form", ["width=320", "rotate=90", "quality=50"])
def test_unreported_change_beside_a_reported_one_is_in_every_form(
    tmp_path: Path, form: str
) -> None:
    with (
        secretive(tmp_path) as (server, pixels),
        painter(server) as brush,
        webcapd("--display", server.name, *NO_SCANS) as program,
    ):
        brush.noise(1)
        target = f"/?snapshot&{form}"
        program.get(target)
        brush.rectangle(0xFF0000, 10, 104, 20, 4)
        pixels[100:112, 600:630] = 99
        seen = program.get(target)[2]
        # One whose memory of the screen begins now.
        with webcapd("--display", server.name) as other:
            assert np.array_equal(mjpeg.decode(seen), mjpeg.decode(other.get(target)[2]))
