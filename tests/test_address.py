"""Addresses as people and proxies write them."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.http.access.clients import client_network
from webcapd.http.wire.address import (
    Endpoint,
    IPAddress,
    check_ipv4,
    check_ipv6,
    check_proxy,
    parse_endpoint,
    plain,
    url_host,
)

addresses = st.ip_addresses()


def written(address: IPAddress, port: int | None) -> str:
    return url_host(str(address)) + ("" if port is None else f":{port}")


@settings(deadline=None)
@given(addresses, st.none() | st.integers(0, 65535))
def test_address_that_is_written_is_read_again(address: IPAddress, port: int | None) -> None:
    assert parse_endpoint(written(address, port)) == Endpoint(plain(address), port)


@settings(deadline=None)
@given(st.ip_addresses(v=6))
def test_ipv6_without_a_port_needs_no_brackets(address: IPAddress) -> None:
    assert parse_endpoint(str(address)) == Endpoint(plain(address), None)


@settings(deadline=None)
@given(st.text() | st.text("0123456789.:[]abf%"))
def test_any_text_is_an_address_or_refused_in_one_sentence(text: str) -> None:
    try:
        endpoint = parse_endpoint(text)
    except ValueError as error:
        assert repr(text) in str(error)
    else:
        assert parse_endpoint(written(*endpoint)) == endpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":8080",
        "8080",
        "localhost",
        "localhost:8080",
        "1.2.3:80",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4:٣",
        "1.2.3.4:" + "9" * 5000,
        "1.2.3.4:http",
        "1.2.3.4:80:80",
        "[::1",
        "[::1]8080",
        "[::1]:65536",
        "::1]:80",
        "10.0.0.0/8",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_endpoint(text)


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_ipv4_within_ipv6_is_ipv4(address: IPAddress) -> None:
    mapped = ipaddress.ip_address(f"::ffff:{address}")
    assert plain(mapped) == address
    assert plain(address) == address
    assert parse_endpoint(f"[::ffff:{address}]:80").address == address


@settings(deadline=None)
@given(addresses, addresses)
def test_neighbours_share_an_ipv6_network_and_an_ipv4_address(
    one: IPAddress, other: IPAddress
) -> None:
    def upper(address: IPAddress) -> tuple[int, int]:
        return address.version, int(address) >> (64 if address.version == 6 else 0)

    assert (client_network(one) == client_network(other)) == (upper(one) == upper(other))


@settings(deadline=None)
@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_all_of_a_64_are_neighbours(address: IPAddress, host: int) -> None:
    other = ipaddress.IPv6Address(int(address) >> 64 << 64 | host)
    assert client_network(address) == client_network(other)


def test_link_local_neighbour_has_a_scope() -> None:
    scoped = ipaddress.ip_address("fe80::1%eth0")
    assert client_network(scoped) == ipaddress.ip_network("fe80::/64")
    # The last half of this one is zero, and would have kept its scope.
    assert client_network(ipaddress.ip_address("fe80::%1")) == client_network(scoped)
    assert parse_endpoint("[fe80::1%eth0]:80") == Endpoint(scoped, 80)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (check_ipv4, "0.0.0.0", "::"),
        (check_ipv6, "::", "0.0.0.0"),
        (check_proxy, "unix", "unix:"),
        (check_proxy, "10.0.0.0/8", "10.0.0.1/8"),
        (check_proxy, "fd00::5", "proxy.example"),
    ],
)
def test_checks_name_what_they_refuse(check: object, good: str, bad: str) -> None:
    assert callable(check)
    check(good)
    with pytest.raises(ValueError, match=bad):
        check(bad)
