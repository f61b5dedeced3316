"""What viewers see is what is on the screen, on a real X server."""

import mjpeg
import numpy as np
from painter import painter
from program import webcapd
from xserver import XServer


def test_last_frame_is_the_root_window(server: XServer) -> None:
    """Programs draw, stop: the last streamed frame equals a whole-frame encode."""
    generator = np.random.default_rng(7)
    with webcapd("--display", server.name) as program, mjpeg.stream(program) as stream:
        with painter(server) as brush:
            brush.noise(1)
            for _ in range(200):
                x, y = generator.integers(0, 600), generator.integers(0, 440)
                width, height = generator.integers(1, 200, 2)
                brush.rectangle(int(generator.integers(0, 1 << 24)), x, y, width, height)
            expected = mjpeg.decode(mjpeg.encode(server.pixels()))
            assert stream.until(expected)
