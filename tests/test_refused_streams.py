"""A stream that is refused after all: one answer, one line in the log, nothing left behind."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from program import TIMEOUT
from waiting import wait_until

from webcapd.base.rate import Rate
from webcapd.encoder.consumer import Consumers
from webcapd.encoder.h264.slots import VideoSlots
from webcapd.encoder.h264.videos import Videos
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.updates.factory import open_updates
from webcapd.encoder.variant import Variant, VariantSpec
from webcapd.encoder.variants import Variants
from webcapd.http.access.access import Access, Grant
from webcapd.http.access.hosts import own_names
from webcapd.http.options import HttpOptions
from webcapd.http.requestthreads import RequestThreads
from webcapd.http.site import Site
from webcapd.http.streaming import start as streaming
from webcapd.http.streaming.fanout import Sendable
from webcapd.http.streaming.forms import Forms
from webcapd.http.wire.descriptors import share
from webcapd.http.wire.pending import PendingConnection, Received


def site_without_pictures() -> Site:
    """Give what is served while nobody encodes."""
    coder, cache = TileEncoder(0), TileCache(1 << 20)

    def make(form: VariantSpec, sequence: int) -> Variant:
        return Variant(form, coder, cache, "420", lambda: None, sequence)

    consumers = Consumers()
    return Site(
        version="0",
        name="lab3 :0",
        options=HttpOptions(loghttp=True),
        capacity=share(1 << 20, 1),
        access=Access("", ""),
        names=own_names("localhost", ()),
        forms=Forms(
            Variants(make, 1),
            open_updates(EncoderOptions(), consumers, coder, lambda: None),
            Videos(EncoderOptions(), consumers, lambda: None, VideoSlots(1)),
        ),
        encode_rate=Rate(),
        picture_size=lambda: (1, 1),
        status=lambda: {},
        motion_quality=75,
        config={},
    )


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(TIMEOUT)
    with ours, theirs:
        yield ours, theirs


def request(path: str) -> Received:
    return Received(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), b"")


def test_connection_that_is_back_before_its_thread_has_ended_is_hung_up_on_at_the_end(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fan-out thread may have answered, and the next request have come, by then."""
    monkeypatch.setattr(streaming, "PICTURE_SECONDS", TIMEOUT)
    ours, theirs = pair
    site = site_without_pictures()

    def hand_over(stream: Sendable, grant: Grant, end: Callable[[str], None]) -> None:
        assert clients.serve(ours, "", request("/?stream"))

    clients = RequestThreads(site, hand_over, lambda pending: None)
    assert clients.serve(ours, "", request("/?updates"))
    wait_until(
        "it has ended", lambda: "client-1" not in {one.name for one in threading.enumerate()}
    )
    clients.stop()
    assert theirs.recv(1) == b""
    for variant in site.forms.variants.listed():
        variant.close()
    assert clients.join(TIMEOUT)


def test_stream_without_a_picture_is_refused_once(
    pair: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # In earnest it waits some seconds for one.
    monkeypatch.setattr(streaming, "PICTURE_SECONDS", 0.1)
    caplog.set_level(logging.INFO)
    ours, theirs = pair
    site = site_without_pictures()
    begun: list[Sendable] = []
    returned: list[PendingConnection] = []
    clients = RequestThreads(site, lambda stream, grant, end: begun.append(stream), returned.append)
    assert clients.serve(ours, "", request("/?stream"))
    with contextlib.closing(theirs.makefile("rb")) as file:
        assert b"".join(file).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    wait_until("the thread has ended", lambda: clients.join(TIMEOUT))
    (record,) = caplog.records
    assert record.getMessage().endswith('"GET /?stream HTTP/1.1" 503 -')
    assert (begun, returned, site.limits.long_requests(), site.sessions.listed()) == ([], [], 0, [])
