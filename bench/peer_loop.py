"""A server as one writes it in an afternoon: ``peer_loop.py PORT``.

webcamd's way: a thread grabs the screen (mss) and encodes it (OpenCV), again and
again; the standard library's threading HTTP server sends the newest picture to
each client.
"""

import argparse
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import mss
import numpy as np


class Newest:
    """The newest picture, and who waits for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jpeg, self._number = b"", 0

    def put(self, jpeg: bytes) -> None:
        with self._changed:
            self._jpeg = jpeg
            self._number += 1
            self._changed.notify_all()

    def after(self, number: int) -> tuple[bytes, int]:
        """Wait for a picture other than that of a number."""
        with self._changed:
            self._changed.wait_for(lambda: self._number != number)
            return self._jpeg, self._number


NEWEST = Newest()


def capture(fps: float, quality: int, pointer: bool) -> None:
    """Grab and encode for ever."""
    with mss.mss(with_cursor=pointer) as screen:
        moment = time.monotonic()
        while True:
            shot = screen.grab(screen.monitors[0])
            pixels = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
            _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
            NEWEST.put(jpeg.tobytes())
            moment = max(moment + 1 / fps, time.monotonic() - 1 / fps)
            time.sleep(max(0.0, moment - time.monotonic()))


class Handler(BaseHTTPRequestHandler):
    """One client."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        number = 0
        try:
            while True:
                jpeg, number = NEWEST.after(number)
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
        except ConnectionError:
            pass

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A thread a client."""

    request_queue_size = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--quality", type=int, default=75)
    parser.add_argument("--pointer", action="store_true")
    given = parser.parse_args()
    threading.Thread(
        target=capture, args=(given.fps, given.quality, given.pointer), daemon=True
    ).start()
    Server(("127.0.0.1", given.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
