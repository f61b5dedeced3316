"""On whose behalf a proxy asks.  Pure."""

import ipaddress
from collections.abc import Iterable, Sequence

from webcapd.http.wire.address import IPAddress, parse_endpoint, plain


class Proxies:
    """The proxies whose X-Forwarded-For is believed."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """``trusted`` are addresses, networks, or "unix" for who comes by a socket file."""
        named = set(trusted)
        self._unix = "unix" in named
        self._networks = [ipaddress.ip_network(one) for one in named - {"unix"}]

    def client_of(self, peer: IPAddress | None, forwarded: Sequence[str]) -> IPAddress | None:
        """Give the address of who really asks; None for one unknown, behind a socket file.

        Each proxy appends whom it was asked by to X-Forwarded-For (``forwarded``:
        its values, in order).  So the client is the last one that is no trusted
        proxy itself; what stands before may be anybody's invention.
        """
        client = peer
        for text in reversed([one.strip() for value in forwarded for one in value.split(",")]):
            if not self._trusts(client):
                break
            try:
                client = parse_endpoint(text).address
            except ValueError:
                break
        return client

    def _trusts(self, peer: IPAddress | None) -> bool:
        if peer is None:
            return self._unix
        return any(peer in network for network in self._networks)


def peer_address(name: object) -> IPAddress | None:
    """Read the address of a socket's peer as the socket module gives it; None for unix."""
    if not isinstance(name, tuple):
        return None
    return plain(ipaddress.ip_address(name[0]))
