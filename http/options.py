"""The options of the HTTP side: where it listens, and how it talks."""

import math
from dataclasses import dataclass

from webcapd.capture.option import option
from webcapd.http.access import check_ipv4, check_ipv6, check_name
from webcapd.http.form import ROTATIONS


@dataclass(frozen=True)
class HttpOptions:
    """Where and how it is served."""

    port: int = option(8080, "TCP port; 0 takes a free one", metavar="PORT", low=0, high=65535)
    ipv: str = option("4", "listen on the IPv4 or on the IPv6 address", choices=("4", "6"))
    v4bindaddress: str = option(
        "127.0.0.1",
        "IPv4 address to listen on; 0.0.0.0 lets everybody in the network watch",
        metavar="ADDRESS",
        check=check_ipv4,
    )
    v6bindaddress: str = option(
        "::1",
        "IPv6 address to listen on; :: lets everybody in the network watch",
        metavar="ADDRESS",
        check=check_ipv6,
    )
    allow_host: tuple[str, ...] = option(
        (),
        "answer requests to this host name too (repeatable); addresses, localhost and this "
        "machine's own name are always answered",
        metavar="NAME",
        check=check_name,
    )
    keepalive: float = option(
        5.0,
        "seconds after which a picture that has not changed is sent again, so that viewers and "
        "proxies know that the stream lives",
        metavar="SECONDS",
        low=0.5,
        high=10,
    )
    max_clients: int = option(
        200, "most connections at a time; one more is answered 503", low=1, high=900
    )
    rotate: str = option(
        "-1",
        "turn the picture for everybody: 90, 180 or 270 degrees clockwise (webcamd's 0, 1 and 2 "
        "mean 90, 180 and 270, and -1 not at all)",
        choices=ROTATIONS,
        metavar="DEGREES",
    )
    streamwait: float = option(
        0.0,
        "least seconds from one frame of a stream to the next",
        metavar="SECONDS",
        low=0,
        high=3600,
    )
    max_age: float = option(
        1.0,
        "how old a picture may be when it arrives; a client for whom it is older gets a lower "
        "quality, until it keeps up",
        metavar="SECONDS",
        low=0.05,
        high=60,
    )
    min_quality: int = option(
        30, "least quality that slow clients are given", metavar="1-100", low=1, high=100
    )
    showfps: bool = option(False, "log the rates every 5 seconds")
    loghttp: bool = option(False, "log each request")

    @property
    def most_stream_fps(self) -> float:
        """The rate that --streamwait allows."""
        return 1 / self.streamwait if self.streamwait else math.inf
