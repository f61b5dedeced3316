"""pixelflux behind a WebSocket: ``peer_pixelflux.py PORT WIDTHxHEIGHT``.

Its JPEG mode, or by ``--h264 CRF`` that of H.264, of full frames.

After pixelflux's example, but for one thing: all clients share one capture, and
what it gives is broadcast to them.  The example captures once a client.
"""

import argparse
import asyncio

import pixelflux
from websockets.asyncio.server import ServerConnection, broadcast, serve


def settings(size: str, fps: float, quality: int, pointer: bool) -> pixelflux.CaptureSettings:
    """Say what to capture."""
    wanted = pixelflux.CaptureSettings()
    wanted.capture_width, wanted.capture_height = map(int, size.split("x"))
    wanted.codec, wanted.use_cpu, wanted.use_wayland = "jpeg", True, False
    wanted.target_fps, wanted.jpeg_quality = fps, quality
    wanted.capture_cursor = pointer
    wanted.use_paint_over_quality = False
    return wanted


def as_h264(wanted: pixelflux.CaptureSettings, crf: int) -> None:
    """Ask for H.264 instead, of the full frame."""
    wanted.codec, wanted.video_fullframe, wanted.video_crf = "h264", True, crf


class Relay:
    """The clients, and the capture that lives while there are any."""

    def __init__(self, wanted: pixelflux.CaptureSettings) -> None:
        self._wanted = wanted
        self._loop = asyncio.get_running_loop()
        self._capture = pixelflux.ScreenCapture()
        self._clients: set[ServerConnection] = set()

    def on_stripe(self, stripe: pixelflux.StripeFrame) -> None:
        """Take a stripe, in pixelflux's thread."""
        self._loop.call_soon_threadsafe(self._send, stripe)

    def _send(self, stripe: pixelflux.StripeFrame) -> None:
        broadcast(self._clients, memoryview(stripe))

    async def client(self, connection: ServerConnection) -> None:
        """Serve one client until it leaves."""
        self._clients.add(connection)
        try:
            if len(self._clients) == 1:
                self._capture.start_capture(self.on_stripe, self._wanted)
            else:
                # Stripes that do not change have been sent before it came.
                self._capture.request_idr_frame()
            await connection.wait_closed()
        finally:
            self._clients.discard(connection)
            if not self._clients:
                self._capture.stop_capture()


async def run(port: int, wanted: pixelflux.CaptureSettings) -> None:
    """Serve for ever."""
    relay = Relay(wanted)
    async with serve(relay.client, "127.0.0.1", port, compression=None, backlog=512):
        await asyncio.get_running_loop().create_future()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("size")
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--quality", type=int, default=75)
    parser.add_argument("--pointer", action="store_true")
    parser.add_argument("--h264", type=int, metavar="CRF")
    given = parser.parse_args()
    wanted = settings(given.size, given.fps, given.quality, given.pointer)
    if given.h264 is not None:
        as_h264(wanted, given.h264)
    asyncio.run(run(given.port, wanted))


if __name__ == "__main__":
    main()
