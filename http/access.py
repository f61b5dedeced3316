"""Which Host headers are answered.  Pure.

DNS rebinding points a name of the attacker's at a loopback or LAN address, so
that a page of his may read what is served there.  Only names can be rebound:
a Host that is an IP address is the address the browser really went to.
"""

import ipaddress
from collections.abc import Iterable


def own_names(hostname: str, allowed: Iterable[str]) -> frozenset[str]:
    """Give the names that are answered: this machine's, localhost and those allowed."""
    names = {"localhost", hostname, f"{hostname.split('.')[0]}.local", *allowed}
    return frozenset(name.lower().rstrip(".") for name in names)


def host_is_served(header: str, names: frozenset[str]) -> bool:
    """Whether a Host header (name or address, with or without port) is answered."""
    host = header.strip().lower()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    host = host.rstrip(".")
    if host in names or host.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
