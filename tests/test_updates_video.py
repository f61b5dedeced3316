"""Updates with video from a real display: bytes, text beside, readers that lag or come late."""

import threading
import time
from collections import deque
from functools import partial

import numpy as np
from motion import moving
from painter import Painter
from program import webcapd
from updateclient import UpdateClient, updates
from updatepictures import film
from updatereader import UpdateReader
from updatevideo import VideoReader
from waiting import wait_until
from xserver import XServer

LEFT, TOP, WIDTH, HEIGHT = 37, 51, 320, 180


def rectangle_of(client: UpdateClient) -> tuple[int, int, int, int] | None:
    client.check()
    assert isinstance(client.reader, VideoReader)
    return client.reader.video.rect if client.reader.video else None


def is_still(client: UpdateClient) -> bool:
    return rectangle_of(client) is None


def test_what_moves_is_video_and_all_else_is_as_it_was(server: XServer) -> None:
    frames = [one[..., :3] for one in film(np.random.default_rng(1), HEIGHT, WIDTH)]
    playing, typed = threading.Event(), deque[tuple[int, int]]()
    playing.set()

    def draw(brush: Painter, number: int) -> None:
        if typed:
            x, y = typed.popleft()
            brush.rectangle(0xFF8040, x, y, 7, 11)
        if playing.is_set():
            brush.image(frames[number % len(frames)], LEFT, TOP)
        time.sleep(0.02)

    lags = threading.Event()
    goes_on = threading.Event()

    def stall(reader: UpdateReader) -> None:
        if lags.is_set():
            goes_on.wait(20)

    with (
        webcapd("--display", server.name) as program,
        moving(server, draw),
        updates(program) as plain,
        updates(program, "&video=1", reader=VideoReader()) as client,
        updates(program, "&video=1", stall, reader=VideoReader()) as slow,
    ):
        assert client.reader.hello["video"] == "h264"
        assert "video" not in plain.reader.hello
        place = (LEFT, TOP, WIDTH, HEIGHT)

        def is_filmed() -> bool:
            """Whether the video is where it belongs; it ends wherever the film falters."""
            return rectangle_of(client) == place

        wait_until("a video", is_filmed)
        wait_until("a video", lambda: rectangle_of(slow))

        def is_cheaper() -> bool:
            before, marks = (plain.bytes, client.bytes), client.marks
            wait_until("frames", lambda: client.check() and client.marks > marks + 45)
            return client.bytes - before[1] < (plain.bytes - before[0]) / 2

        # While nobody lags: there are key frames for him, the more the fewer others there are.
        wait_until("a film of half the bytes", is_cheaper)
        lags.set()
        marks = client.marks
        wait_until("frames", lambda: client.check() and client.marks > marks + 45)

        typed.extend((LEFT + WIDTH + 20 + 8 * column, TOP + 30) for column in range(5))

        def shows_text() -> bool:
            row = client.latest[TOP + 30 + 5, LEFT + WIDTH + 20 :][:39]
            return bool(client.check() and (row.reshape(-1, 3)[::8] == (0x40, 0x80, 0xFF)).all())

        wait_until("the text", shows_text)
        wait_until("a video", is_filmed)
        with updates(program, "&video=1", reader=VideoReader()) as late:
            wait_until("a video", lambda: rectangle_of(late))
            goes_on.set()
            wait_until("a video after a lag", lambda: rectangle_of(slow))

            def is_told() -> bool:
                forms = program.info()["encoder"]["updates"]
                told = [one["videoRectangle"] for one in forms if one["video"]]
                return told == [list(place)]

            wait_until("the video is told of", is_told)
            playing.clear()
            plain.wait_for(server.pixels, 4.0)
            for reader in (client, late, slow):
                wait_until("the end of the video", partial(is_still, reader))
                # A tile that is partly text comes to who lags as JPEG of rest quality.
                reader.wait_for(lambda: plain.latest, 0.1)
