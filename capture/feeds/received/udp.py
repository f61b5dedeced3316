"""``udp://[ADDRESS]:PORT``: pictures in datagrams, signed where there are tokens."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Mapping

from webcapd.base.framing.datagrams import SILENCE_SECONDS, DatagramReader
from webcapd.capture.feeds.feed import FeedContext, FeedPicture
from webcapd.capture.feeds.received.endpoint import Endpoint, check_permitted, parse_endpoint
from webcapd.capture.feeds.received.inlet import Inlet
from webcapd.capture.feeds.received.inletfeed import ThreadedFeed
from webcapd.capture.feeds.received.jpeg import check_decoder, jpeg_picture
from webcapd.capture.feeds.received.reception import Keys

log = logging.getLogger(__name__)

_MAX_DATAGRAM = 65535
# Two pictures of a usual size, should this thread have to wait for its turn.
_BUFFER_BYTES = 1024 * 1024
# How long the end may take to be noticed.
_TICK_SECONDS = 0.5


def parse(rest: str, context: FeedContext) -> "UdpFeed":
    """Make the feed; raises ValueError with a sentence."""
    endpoint = parse_endpoint("udp", rest)
    check_permitted("udp", endpoint, context.reception)
    check_decoder()
    return UdpFeed(endpoint, context.reception.keys)


class UdpFeed(ThreadedFeed):
    """Listens, and shows each picture all of whose datagrams come."""

    def __init__(self, endpoint: Endpoint, keys: Keys | None) -> None:
        """``keys`` gives the SHA-256 of the tokens that datagrams are signed with, if any is."""
        self._place = f"udp://{endpoint}"
        super().__init__(Inlet[FeedPicture](f"{self._place} waits for pictures"))
        self._endpoint, self._keys = endpoint, keys
        self._socket: socket.socket | None = None
        self._stopping = threading.Event()
        # That thread only; others read single numbers:
        self._reader = DatagramReader()
        self._datagrams = 0

    def begin(self) -> None:
        family = socket.AF_INET6 if ":" in self._endpoint.address else socket.AF_INET
        receiving = socket.socket(family, socket.SOCK_DGRAM)
        try:
            receiving.bind((self._endpoint.address, self._endpoint.port))
            receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            receiving.settimeout(_TICK_SECONDS)
        except OSError:
            receiving.close()
            raise
        self._socket = receiving
        self.start_thread("udp-receiver", self._receive)

    def end(self) -> None:
        self._stopping.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def status(self) -> Mapping[str, object]:
        return {
            **super().status(),
            "datagrams": self._datagrams,
            "datagramsRefused": self._reader.refused,
        }

    def _receive(self) -> None:
        """Take datagrams until end()."""
        assert self._socket is not None
        while not self._stopping.is_set():
            try:
                datagram = self._socket.recv(_MAX_DATAGRAM)
            except OSError:
                continue
            self._datagrams += 1
            keys = () if self._keys is None else self._keys()
            if self._keys is not None and not keys:
                continue
            picture = self._reader.feed(datagram, time.monotonic(), keys)
            if picture is None:
                continue
            try:
                self.inlet.put(jpeg_picture(picture.data), picture.data)
            except ValueError:
                self.inlet.refuse()
                continue
            self.inlet.end(f"no pictures come to {self._place} any more", SILENCE_SECONDS)
