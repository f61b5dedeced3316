"""The example that shows a screen by WebSocket, as programs for pixelflux 1.2.2 do."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from browser import Browser, chromium
from painter import Painter, painter
from program import ROOT, TIMEOUT
from stripepictures import Canvas, psnr, scene
from waiting import wait_until
from websockets.sync.client import ClientConnection, connect
from xserver import XServer, xvfb

from ports import free_port

WIDTH, HEIGHT = 480, 300


@contextlib.contextmanager
def example(display: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """Run it; gives the ports of its page and of its WebSocket.  Ctrl-C ends it."""
    ports = free_port(), free_port()
    process = subprocess.Popen(
        [
            *("env", "--default-signal=INT", sys.executable),
            *(str(ROOT / "examples" / "pixelflux_websocket.py"), *arguments, *map(str, ports)),
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT), "DISPLAY": display},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout and "open http" in process.stdout.readline()
        yield ports
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=TIMEOUT) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def receive(client: ClientConnection, canvas: Canvas) -> None:
    """Paint a stripe, as the page does."""
    message = client.recv(TIMEOUT)
    assert isinstance(message, bytes)
    top = int.from_bytes(message[4:6])
    if message[0] == 3:
        # Of a JPEG the header does not tell the height; the last reaches to the bottom.
        canvas.show(top, None, message[6:], is_video=False)
    else:
        assert message[0] == 4
        canvas.show(top, int.from_bytes(message[8:10]), message[10:], is_video=True)


@pytest.fixture(scope="module")
def screen() -> Iterator[tuple[XServer, Painter]]:
    with xvfb(WIDTH, HEIGHT) as server, painter(server) as brush:
        yield server, brush


MODES: Sequence[Sequence[str]] = (["--jpeg"], [])


def test_clients_come_and_go(screen: tuple[XServer, Painter]) -> None:
    server, brush = screen
    picture = scene(WIDTH, HEIGHT)
    brush.image(picture)
    for arguments in MODES:
        with example(server.name, *arguments) as (_, port):
            for _ in range(2):
                canvas = Canvas(WIDTH, HEIGHT)
                with connect(f"ws://localhost:{port}", max_size=None) as client:
                    while psnr(canvas.pixels, picture) < 33:
                        receive(client, canvas)


def test_page_shows_the_screen(screen: tuple[XServer, Painter], tmp_path: Path) -> None:
    """Also to who comes when another has left."""
    server, brush = screen

    def shows(page: Browser, seed: int) -> bool:
        if not page.evaluate("document.querySelectorAll('canvas').length"):
            return False
        shown = page.screenshot()[:HEIGHT, :WIDTH]
        return psnr(shown, scene(WIDTH, HEIGHT, seed)) > 32

    with chromium(tmp_path) as browser:
        for arguments, seeds in zip(MODES, [(1,), (2, 3)], strict=True):
            with example(server.name, *arguments) as (port, _):
                for seed in seeds:
                    with contextlib.closing(browser.tab()) as page:
                        page.set_window(WIDTH, HEIGHT)
                        page.watch()
                        page.visit(f"http://localhost:{port}/")
                        brush.image(scene(WIDTH, HEIGHT, seed))
                        wait_until("it is shown", partial(shows, page, seed))
                        assert page.complaints() == []
