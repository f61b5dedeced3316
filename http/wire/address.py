"""Addresses as users and proxies write them: 192.168.1.5:8080, [::1]:8080, 10.0.0.0/8.  Pure."""

import ipaddress
from collections.abc import Callable
from typing import NamedTuple

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Endpoint(NamedTuple):
    """An IP address, and a port if one was given."""

    address: IPAddress
    port: int | None


def parse_endpoint(text: str) -> Endpoint:
    """Read an address with or without a port, brackets around IPv6; raises ValueError."""
    host, port = text, ""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ValueError(f"{text!r} has no closing bracket, or more than a port behind it")
        port = port[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        return Endpoint(plain(ipaddress.ip_address(host)), _port(port) if port else None)
    except ValueError:
        raise ValueError(
            f"{text!r} is no address to listen on; one looks like 192.168.1.5:8080 or [::1]:8080"
        ) from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ValueError
    return int(text)


def plain(address: IPAddress) -> IPAddress:
    """Give an IPv4 address where an IPv6 one stands for it (RFC 4291, 2.5.5.2)."""
    return getattr(address, "ipv4_mapped", None) or address


def url_host(address: str) -> str:
    """Write an address as it stands in a URL."""
    return f"[{address}]" if ":" in address else address


def check_ipv4(address: str) -> None:
    """Raise ValueError with a sentence if an IPv4 address is none."""
    _check(address, ipaddress.IPv4Address, "IPv4 address; one looks like 192.168.1.5")


def check_ipv6(address: str) -> None:
    """Raise ValueError with a sentence if an IPv6 address is none."""
    _check(address, ipaddress.IPv6Address, "IPv6 address; one looks like fd00::5")


def check_proxy(text: str) -> None:
    """Raise ValueError with a sentence if it names no proxy: an address, a network or "unix"."""
    if text != "unix":
        _check(text, ipaddress.ip_network, 'address or network, nor "unix"; one is 10.0.0.0/8')


def _check(address: str, kind: Callable[[str], object], what: str) -> None:
    try:
        kind(address)
    except ValueError:
        raise ValueError(f"{address!r} is no {what}") from None
