"""Pages of other sites that show ours in a frame: in Chromium, as the policy allows."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import chromium
from program import Webcapd, webcapd
from waiting import wait_until
from xserver import XServer, xvfb


@contextmanager
def site(page: bytes) -> Iterator[str]:
    """Run another site, of one page; gives its origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="site")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    with xvfb(160, 120) as running:
        yield running


def is_shown(program: Webcapd) -> bool:
    """Whether somebody watches: a frame that is refused loads no script."""
    return bool(program.info()["clients"])


@pytest.mark.parametrize("path", ["?embed", "wall"])
def test_frame_is_shown_where_it_is_allowed(screen: XServer, path: str, tmp_path: Path) -> None:
    with webcapd("--display", screen.name, "--loghttp") as closed:
        page = f'<iframe src="{closed.url}{path}"></iframe>'.encode()
        with (
            site(page) as origin,
            webcapd("--display", screen.name, "--allow-frame", origin) as friend,
            webcapd("--display", screen.name, "--allow-frame", "*") as public,
            site(b"".join(page.replace(closed.url.encode(), one.url.encode())
                          for one in (closed, friend, public))) as elsewhere,
            chromium(tmp_path) as browser,
        ):  # fmt: skip
            browser.visit(elsewhere)
            wait_until("who allows all is shown", lambda: is_shown(public))
            closed.wait_for_line(lambda line: f"GET /{path} " in line)
            assert not is_shown(friend)
            # The site that is allowed shows the page of the one that allows it.
            script = f'document.body.innerHTML = `<iframe src="{friend.url}{path}"></iframe>`'
            browser.visit(origin)
            wait_until("it is there", lambda: browser.evaluate("location.origin") == origin)
            browser.evaluate(script)
            wait_until("who allows the site is shown", lambda: is_shown(friend))
            assert not [line for line in closed.lines if "/page/" in line]
