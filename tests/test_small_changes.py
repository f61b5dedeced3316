"""A letter is seen at once, however much moves beside it; on a real display."""

import queue

import numpy as np
from motion import moving
from painter import Painter
from program import webcapd
from updateclient import updates
from updatereader import UpdateReader
from waiting import wait_until
from xserver import Pixels, XServer

# What moves is at the left, and what is typed at the right.
_MOVING, _TYPED = (240, 320), 500


class Desktop:
    """Something moves all the time, and a letter is drawn when one is asked for."""

    def __init__(self) -> None:
        self._letters: queue.SimpleQueue[int] = queue.SimpleQueue()

    def type(self, y: int) -> None:
        self._letters.put(y)

    def draw(self, brush: Painter, number: int) -> None:
        if number == 0:
            # What a window has covered is grey when that is gone.
            brush.window.change_attributes(background_pixel=0x808080)
        generator = np.random.default_rng(number)
        width, height = _MOVING
        brush.image(generator.integers(0, 256, (height, width, 3), np.uint8), 0, 80)
        if not self._letters.empty():
            brush.rectangle(0x00FF00, _TYPED, self._letters.get(), 8, 16)


class Watcher:
    """Tells letters that came alone from those that came with what moves."""

    def __init__(self) -> None:
        self.letters: dict[int, bool] = {}
        """By place, whether what moves was as at the mark before when it was there first."""
        self._moved: Pixels = np.zeros(0, np.uint8)

    def on_mark(self, reader: UpdateReader) -> None:
        moved = reader.picture[:, : _MOVING[0]].copy()
        for y in np.flatnonzero((reader.picture[:, _TYPED] == (0, 255, 0)).all(1)).tolist():
            self.letters.setdefault(y // 16 * 16, np.array_equal(moved, self._moved))
        self._moved = moved


def test_letter_is_seen_at_once_however_much_moves_beside_it(server: XServer) -> None:
    desktop, watcher = Desktop(), Watcher()
    with (
        # What moves has its turn each second.
        webcapd("--display", server.name, "--fps", "1") as program,
        moving(server, desktop.draw),
        updates(program, on_mark=watcher.on_mark) as client,
    ):
        client.wait_for_mark(0)
        # Above and below what moves: bands are read as wide as the screen.
        for y in (16, 48, 416, 448, *range(352, 416, 16), 0, 32, 64, 432, 464):
            desktop.type(y)
            wait_until("the letter", lambda: client.check() and y in watcher.letters)  # noqa: B023
            # At first all of the screen was drawn; and others may have had their turn by chance,
            # the more where much else is done.
            if sum(watcher.letters.values()) >= 2:
                break
        assert sum(watcher.letters.values()) >= 2


def test_picture_is_that_of_the_screen_once_nothing_moves_any_more(server: XServer) -> None:
    desktop, watcher = Desktop(), Watcher()
    with (
        webcapd("--display", server.name, "--fps", "20") as program,
        updates(program, on_mark=watcher.on_mark) as client,
        updates(program, "&cursor=baked&scale=0.5"),
    ):
        with moving(server, desktop.draw):
            for y in range(16, 400, 16):
                desktop.type(y)
                wait_until("the letter", lambda: client.check() and y in watcher.letters)  # noqa: B023
        client.wait_for(server.pixels)


def test_masked_window_is_never_seen_though_small_changes_go_ahead(server: XServer) -> None:
    desktop, watcher = Desktop(), Watcher()
    seen: list[int] = []

    def on_mark(reader: UpdateReader) -> None:
        watcher.on_mark(reader)
        red, green, blue = np.moveaxis(reader.picture[:, _MOVING[0] + 16 :], 2, 0)
        seen.append(int(((red > 200) & (green < 60) & (blue > 200)).sum()))

    with (
        webcapd("--display", server.name, "--fps", "1", "--mask-window", "Secret") as program,
        moving(server, desktop.draw),
        server.connected() as display,
        updates(program, on_mark=on_mark) as client,
    ):
        client.wait_for_mark(0)
        window = display.screen().root.create_window(
            560, 0, 40, 20, 0, 24, override_redirect=True, background_pixel=0xFF00FF
        )
        window.set_wm_name("Secret letters")
        for top, letters in ((3, (0, 48, 64)), (430, (416, 448, 464))):
            window.configure(y=top)
            window.map()
            for y in letters:
                # What is drawn in it is small, too.
                window.clear_area()
                display.flush()
                desktop.type(y)
                wait_until("the letter", lambda: client.check() and y in watcher.letters)  # noqa: B023
        for y in (16, 32, *range(352, 416, 16), 432):
            # Where much else is done, all may have had their turn.
            if any(watcher.letters.values()):
                break
            desktop.type(y)
            wait_until("the letter", lambda: client.check() and y in watcher.letters)  # noqa: B023
        client.check()
        assert not any(seen)
        assert any(watcher.letters.values())
