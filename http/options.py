"""The options of the HTTP side: where it listens, and how it talks."""

import math
import re
from dataclasses import dataclass

from webcapd.base.option import check_given, option, read_text
from webcapd.base.redaction import Confidential, redacted_source
from webcapd.http.access.hosts import check_name
from webcapd.http.access.origins import check_origin
from webcapd.http.access.policy import check_frame_origin, page_policy, read_wall_url
from webcapd.http.wire.address import check_ipv4, check_ipv6, check_proxy, parse_endpoint

# webcamd's numbers stand for 90 clockwise, 180, and 90 the other way.
QUARTER_TURNS = {"-1": 0, "0": 1, "1": 2, "2": 3, "90": 1, "180": 2, "270": 3, "360": 0}


# Its token is for those who see the wall, and not for those who read /?info.
def _read_wall(text: str) -> Confidential:
    address = read_wall_url(text)
    return Confidential(redacted_source(address), address)


# On the tile of a wall there is not much room.
_MAX_NAME = 100


def _check_mode(text: str) -> None:
    """Raise ValueError with a sentence if permissions of a file are none."""
    if not re.fullmatch("0?[0-7]{3}", text):
        raise ValueError(f"{text!r} is no mode; one looks like 660")


def _read_name(text: str) -> str:
    """Read what the display is called; raises ValueError with a sentence."""
    name = read_text(text).strip()
    if not name or not name.isprintable() or len(name) > _MAX_NAME:
        raise ValueError(f"a name is one line of at most {_MAX_NAME} characters")
    return name


@dataclass(frozen=True)
class HttpOptions:
    """Where and how it is served."""

    port: int = option(8080, "TCP port; 0 takes a free one", metavar="PORT", low=0, high=65535)
    ipv: int = option(
        4, "listen on the IPv4 address, on the IPv6 one, or on both", choices=("4", "6", "46")
    )
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
    listen: tuple[str, ...] = option(
        (),
        "listen here, and not on the addresses above (repeatable); without a port on --port",
        metavar="ADDRESS[:PORT]",
        check=parse_endpoint,
    )
    unix: str = option(
        "",
        "listen on this socket file, and on TCP only with --listen",
        metavar="PATH",
        check=check_given,
    )
    unix_mode: str = option(
        "660", "permissions of the socket file", metavar="MODE", check=_check_mode
    )
    allow_host: tuple[str, ...] = option(
        (),
        "answer requests to this host name too, or to any with * (repeatable); addresses, "
        "localhost and this machine's own name are always answered",
        metavar="NAME",
        check=check_name,
    )
    allow_origin: tuple[str, ...] = option(
        (),
        "let scripts of pages from here read pictures and state (CORS), or of any with * "
        "(repeatable); an <img> needs no permission",
        metavar="ORIGIN",
        check=check_origin,
    )
    allow_frame: tuple[str, ...] = option(
        (),
        "let pages from here show / and /?embed in a frame, or any with * (repeatable); an <img> "
        "needs no permission",
        metavar="ORIGIN",
        check=check_frame_origin,
    )
    wall: tuple[Confidential, ...] = option(
        (),
        "show this other webcapd on /wall as well, by the address of its page (repeatable); it "
        "must --allow-origin this one",
        metavar="URL",
        read=_read_wall,
    )
    name: str = option(
        "",
        "what the display is called on its page, in the state and in the log (default: this host "
        "and the display)",
        metavar="NAME",
        read=_read_name,
    )
    auth_file: str = option(
        "",
        "require a user name and password of this file of bcrypt entries (htpasswd -B); it is "
        "read again when it changes",
        metavar="FILE",
        check=check_given,
    )
    token_file: str = option(
        "",
        "show the picture to who has a token of this file, as ?token= or Bearer; a line is the "
        "token and perhaps the time it expires, such as 2027-01-31T18:00",
        metavar="FILE",
        check=check_given,
    )
    publish_token_file: str = option(
        "",
        "take pictures from who has a token of this file, for push:, tcp: and udp: as --source; "
        "its lines are those of --token-file",
        metavar="FILE",
        check=check_given,
    )
    announce: str = option(
        "",
        "offer the screen to HTTP caches in front of this server, for any number of viewers: "
        "lists at /manifest and tiles at /tiles, which whoever reaches them may see",
        choices=("cache",),
    )
    cache_checks_access: bool = option(
        False,
        "the cache checks each request itself: offer it the screen though there is an --auth-file "
        "or a --token-file, and ask it for no credentials; a token that is withdrawn still passes "
        "those of --print-nginx and --print-varnish for some 10 s",
    )
    trust_proxy: tuple[str, ...] = option(
        (),
        "believe the X-Forwarded-For of a proxy at this address or network, or of clients of "
        'the socket file with "unix" (repeatable)',
        metavar="ADDRESS",
        check=check_proxy,
    )
    keepalive: float = option(
        5.0,
        "seconds after which a picture that has not changed is sent again, so that viewers and "
        "proxies know that the stream lives",
        metavar="SECONDS",
        low=0.5,
        high=9,
    )
    exit_idle: float = option(
        0.0,
        "end when nobody has watched for so long (0: never), where systemd holds the sockets "
        "(webcapd@.socket) and starts it again for who comes next",
        metavar="SECONDS",
        low=0,
        high=1_000_000,
    )
    max_clients: int = option(
        200,
        "most streams at a time; one more is answered 503, and snapshots are still served",
        low=1,
        high=4000,
    )
    max_clients_per_address: int = option(
        100,
        "most requests at a time from one IPv4 address or IPv6 /64, but for this machine",
        low=1,
        high=4000,
    )
    rotate: int = option(
        -1,
        "turn the picture for everybody: 90, 180 or 270 degrees clockwise (webcamd's 0, 1 and 2 "
        "mean 90, 180 and 270, and -1 not at all)",
        choices=tuple(QUARTER_TURNS),
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
        "how old a picture may be when it arrives; a client that gets older ones gets a lower "
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
    log_level: str = option(
        "info", "how much is logged", choices=("debug", "info", "warning", "error")
    )

    @property
    def announces_cache(self) -> bool:
        """Whether caches may ask for the screen."""
        return self.announce == "cache"

    @property
    def max_stream_fps(self) -> float:
        """The most frames a second that --streamwait allows."""
        return 1 / self.streamwait if self.streamwait else math.inf

    @property
    def policy(self) -> str:
        """What the live page may load, and who may show it in a frame."""
        return page_policy(self.allow_frame)

    @property
    def wall_policy(self) -> str:
        """What the wall may load: displays of other hosts, too."""
        return page_policy(self.allow_frame, [address.whole for address in self.wall])
