"""Which Host headers are served.  Pure.

DNS rebinding points an attacker's name at a loopback or LAN address, so that
the attacker's page may read what is served there.  Only names can be rebound: a
Host that is an IP address is the address the browser really connected to.
"""

import ipaddress
import re
from collections.abc import Iterable

# Stands for all names.
ANY = "*"

_HOST = re.compile(r"(?:\[([^\]@]+)\]|([a-z0-9._-]+))(?::[0-9]*)?|([0-9a-f:.]+)")


def check_name(name: str) -> None:
    """Raise ValueError with a sentence if it is neither a host name nor ANY."""
    if name != ANY and not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise ValueError(f"{name!r} is no host name; one looks like wall.example")


def own_names(hostname: str, allowed: Iterable[str]) -> frozenset[str]:
    """Give the names that are served: this machine's, localhost and those allowed."""
    names = {"localhost", hostname, f"{hostname.split('.')[0]}.local", *allowed}
    return frozenset(name.lower().rstrip(".") for name in names)


def is_host(header: str) -> bool:
    """Whether a Host header names a host at all (RFC 9112, 3.2)."""
    return _HOST.fullmatch(header.strip().lower()) is not None


def host_is_served(header: str, names: frozenset[str]) -> bool:
    """Whether a Host header (name or address, with or without port) is served."""
    if ANY in names:
        return True
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
