"""A screen on which nothing happens but one change at a time: the hardest case for viewers."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from painter import Painter, painter
from program import Webcapd, webcapd
from waiting import wait_until
from xserver import Pixels, xvfb

# Large enough for OpenCV, which looks at 2048 bytes before anything else.
WIDTH, HEIGHT = 400, 300

# Far enough from each other to be told apart after JPEG.
_COLOURS = (0xF00000, 0x00F000, 0x0000F0, 0xF0F000, 0x00F0F0)
_TOLERANCE = 12

# The longest there is: no frame comes to help a viewer that shows one too late.
KEEPALIVE = 9

# So many times in a row the same number of frames was sent: they have all been counted.
_LOOKS = 5


def is_full_of(colour: int, pixels: Pixels) -> bool:
    """Whether B, G, R pixels are all of a 0xRRGGBB colour."""
    wanted = [colour & 0xFF, colour >> 8 & 0xFF, colour >> 16]
    return bool(np.abs(pixels.astype(int) - wanted).max() <= _TOLERANCE)


class Resting:
    """A webcapd and the screen it serves, which is full of one colour."""

    def __init__(self, program: Webcapd, brush: Painter) -> None:
        self.program = program
        self.brush = brush
        self.colour = _COLOURS[0]
        brush.fill(self.colour)

    def change(self) -> int:
        """Fill the screen with the next colour; gives that."""
        self.colour = _COLOURS[(_COLOURS.index(self.colour) + 1) % len(_COLOURS)]
        self.brush.fill(self.colour)
        return self.colour

    @contextmanager
    def one_change(self, streams: int = 1, times: int = 1) -> Iterator[int]:
        """Give the screen another colour; the context has to see it in the client.

        The client must have been sent one frame for it, so many times, and nothing more.
        """
        before = self._frames_sent(streams, times, 1)
        yield self.change()
        assert self._frames_sent(streams, times, before + 1) == before + streams * times

    def _frames_sent(self, streams: int, times: int, least: int) -> int:
        """Count the frames that all clients were sent, when it has come to rest."""
        counts: list[int] = []

        def settled() -> bool:
            # A frame is counted a moment after the client has it.
            clients = self.program.info()["clients"]
            assert len(clients) == streams
            counts.append(sum(client["frames"] for client in clients))
            rests = len(counts) >= _LOOKS and len({*counts[-_LOOKS:]}) == 1
            return rests and counts[-1] >= least and counts[-1] % (streams * times) == 0

        wait_until("the streams rest", settled)
        return counts[-1]


@contextmanager
def resting(*options: str) -> Iterator[Resting]:
    """Serve a screen at rest."""
    with (
        xvfb(WIDTH, HEIGHT) as server,
        painter(server) as brush,
        webcapd("--display", server.name, "--keepalive", str(KEEPALIVE), *options) as program,
    ):
        yield Resting(program, brush)
