"""Which client a request comes from, behind proxies too, and what it is limited by.  Pure."""

import ipaddress
from collections.abc import Hashable, Iterable, Sequence

from webcapd.http.wire.address import IPAddress, Network, parse_endpoint, plain


class Proxies:
    """The proxies whose X-Forwarded-For is believed."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """``trusted`` are addresses, networks, or "unix" for who comes by a socket file."""
        named = set(trusted)
        self._unix = "unix" in named
        self._networks = [ipaddress.ip_network(one) for one in named - {"unix"}]

    def client_of(self, peer: IPAddress | None, forwarded: Sequence[str]) -> IPAddress | None:
        """Give the address of the client; None for one unknown, behind a socket file.

        Each proxy appends its own client to X-Forwarded-For (``forwarded``: its
        values, in order).  So the client is the last one that is no trusted
        proxy itself; what stands before can be forged.
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


def client_key(address: IPAddress | None) -> Hashable:
    """Give what a client's failures and requests are counted by."""
    return "unix" if address is None else client_network(address)


def client_network(address: IPAddress) -> Network:
    """Give the network that one client is likely to have whole: an IPv6 host has a /64.

    Without its scope, which a client behind a proxy can choose as it likes.
    """
    if address.version == 6:
        return ipaddress.IPv6Network((int(address), 64), strict=False)
    return ipaddress.IPv4Network(address)
