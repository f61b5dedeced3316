"""What viewers see is what is on the screen, on a real X server."""

import mjpeg
import numpy as np
from painter import painter
from program import webcapd
from xserver import XServer


def test_last_frame_is_the_root_window(server: XServer) -> None:
    """Programs draw, stop: the last streamed frame equals a whole-frame encode."""
    generator = np.random.default_rng(7)
    with (
        webcapd("--display", server.name) as program,
        mjpeg.stream(program) as stream,
        painter(server) as brush,
    ):
        brush.noise(1)
        for x, y, width, height, shade in generator.integers(1, 256, (200, 5)).tolist():
            brush.rectangle(shade * 0x010307, 2 * x, y, width, height)
        expected = mjpeg.decode(mjpeg.encode(server.pixels()))
        assert stream.until(expected)
