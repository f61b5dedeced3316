"""Which client is sent a frame again, and when."""

import math

import pytest
from program import webcapd
from rawhttp import RawClient, raw
from test_multipart import CHROME, CHROME_OF_IOS, EDGE, FIREFOX, HEADLESS, SAFARI
from xserver import XServer

from webcapd.http.streaming.quirks import quirks_of

VLC = "VLC/3.0.24 LibVLC/3.0.24"
LAVF = "Lavf/59.27.100"
MPV = "libmpv"
HOME_ASSISTANT = "HomeAssistant/2026.11.1 httpx/0.28.1 Python/3.13"
PLAIN = (CHROME, HEADLESS, EDGE, FIREFOX, "curl/7.88.1", "")


@pytest.mark.parametrize(
    ("agent", "repeats", "keepalive", "fill"),
    [
        *((agent, 0, 5.0, 0) for agent in PLAIN),
        (SAFARI, 1, 5.0, 0),
        (CHROME_OF_IOS, 1, 5.0, 0),
        (LAVF, 3, 5.0, 0),
        ("Motion-netcam/4.5.1", 3, 5.0, 0),
        (MPV, 25, 5.0, 0),
        (VLC, 0, 0.25, 0),
        (HOME_ASSISTANT, 0, 5.0, 106496),
    ],
)
def test_habits_follow_from_the_name(agent: str, repeats: int, keepalive: float, fill: int) -> None:
    quirks = quirks_of(agent, None, 5.0)
    assert (quirks.repeats, quirks.keepalive, quirks.fill) == (repeats, keepalive, fill)
    assert 0 < quirks.gap < math.inf


@pytest.mark.parametrize("agent", [VLC, LAVF, ""])
def test_asking_counts_more_than_the_name(agent: str) -> None:
    assert quirks_of(agent, 0.1, 5.0).keepalive == 0.1
    assert quirks_of(agent, 9.0, 5.0).keepalive == 9.0


def test_everybody_may_be_served_more_often_than_vlc() -> None:
    assert quirks_of(VLC, None, 0.2).keepalive == 0.2


def parts(client: RawClient, count: int) -> list[bytes]:
    """Read head and so many parts, each with the boundary behind it."""
    kind = client.head().headers["content-type"]
    boundary = f"--{kind.partition('boundary=')[2]}\r\n".encode()
    assert client.exactly(len(boundary)) == boundary
    return [client.until(b"\r\n" + boundary) for _ in range(count)]


# More than come in the time that a test waits, where it is sent again only each 9 s.
@pytest.mark.parametrize(
    ("agent", "query", "count"),
    [(MPV, "", 26), (LAVF, "", 4), (VLC, "", 12), ("curl/7.88.1", "&keepalive=0.1", 12)],
)
def test_resting_frame_is_sent_again(server: XServer, agent: str, query: str, count: int) -> None:
    with webcapd("--display", server.name, "--keepalive", "9") as program, raw(program) as client:
        client.request("/?stream" + query, f"User-Agent: {agent}")
        assert len(set(parts(client, count))) == 1


@pytest.mark.parametrize("value", ["0.09", "9.1", "0", "-1", "nan", "inf", "soon", ""])
def test_other_keepalives_are_refused(server: XServer, value: str) -> None:
    with webcapd("--display", server.name) as program:
        for page in ("stream", "snapshot"):
            status, _, body = program.get(f"/?{page}&keepalive={value}")
            assert status == 400
            assert b"keepalive" in body
