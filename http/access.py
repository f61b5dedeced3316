"""Which Host headers are answered.  Pure.

DNS rebinding points a name of the attacker's at a loopback or LAN address, so
that a page of his may read what is served there.  Only names can be rebound:
a Host that is an IP address is the address the browser really went to.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable

_HOST = re.compile(r"(?:\[([^\]@]+)\]|([a-z0-9._-]+))(?::[0-9]*)?|([0-9a-f:.]+)")


def check_name(name: str) -> None:
    """Raise ValueError with a sentence if a host name is none."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise ValueError(f"{name!r} is no host name; one looks like wall.example")


def check_ipv4(address: str) -> None:
    """Raise ValueError with a sentence if an IPv4 address is none."""
    _check_address(address, ipaddress.IPv4Address, "IPv4 address; one looks like 192.168.1.5")


def check_ipv6(address: str) -> None:
    """Raise ValueError with a sentence if an IPv6 address is none."""
    _check_address(address, ipaddress.IPv6Address, "IPv6 address; one looks like fd00::5")


def _check_address(address: str, kind: Callable[[str], object], what: str) -> None:
    try:
        kind(address)
    except ValueError:
        raise ValueError(f"{address!r} is no {what}") from None


def own_names(hostname: str, allowed: Iterable[str]) -> frozenset[str]:
    """Give the names that are answered: this machine's, localhost and those allowed."""
    names = {"localhost", hostname, f"{hostname.split('.')[0]}.local", *allowed}
    return frozenset(name.lower().rstrip(".") for name in names)


def host_is_served(header: str, names: frozenset[str]) -> bool:
    """Whether a Host header (name or address, with or without port) is answered."""
    match = _HOST.fullmatch(header.strip().lower())
    if match is None:
        return False
    host = (match[1] or match[2] or match[3]).rstrip(".")
    if host in names or host.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
