"""Where a feed listens: ``//HOST:PORT``, and whether who is elsewhere reaches it.  Pure."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from webcapd.capture.feeds.received.reception import Reception

_HERE = "127.0.0.1"


@dataclass(frozen=True)
class Endpoint:
    """An address and a port to listen on."""

    address: str
    port: int

    def __str__(self) -> str:
        return (
            f"[{self.address}]:{self.port}"
            if ":" in self.address
            else f"{self.address}:{self.port}"
        )

    @property
    def is_here(self) -> bool:
        """Whether only this machine reaches it."""
        return ipaddress.ip_address(self.address).is_loopback


def parse_endpoint(scheme: str, text: str) -> Endpoint:
    """Read ``//[HOST]:PORT``, HOST being an address; raises ValueError with a sentence."""
    form = (
        f"{scheme}: is written {scheme}://ADDRESS:PORT, or {scheme}://:PORT for this machine only"
    )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        extra = parts.scheme or parts.path or parts.query or parts.fragment or "@" in parts.netloc
        address = _HERE if host in ("", "localhost") else str(ipaddress.ip_address(host))
    except ValueError:
        raise ValueError(form) from None
    if extra or not port:
        raise ValueError(form)
    return Endpoint(address, port)


def check_permitted(scheme: str, endpoint: Endpoint, reception: Reception) -> None:
    """Refuse to listen to others who cannot be told from anybody; raises ValueError."""
    if not endpoint.is_here and reception.keys is None:
        raise ValueError(
            f"{scheme}://{endpoint} can be reached from elsewhere: it needs --publish-token-file"
        )
