"""Which Host headers are answered."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.http.access.hosts import host_is_served, own_names

NAMES = own_names("Lab3.example.org", ("Screen.Example.NET.",))


@pytest.mark.parametrize(
    "header",
    [
        "localhost",
        "localhost:8080",
        "LocalHost:8080",
        "localhost.",
        "localhost.:8080",
        " localhost ",
        "wall.localhost:8080",
        "lab3.example.org",
        "LAB3.EXAMPLE.ORG.:80",
        "lab3.local:8080",
        "screen.example.net",
        "screen.example.net:443",
    ],
)
def test_own_and_allowed_names_are_served(header: str) -> None:
    assert host_is_served(header, NAMES)


@pytest.mark.parametrize(
    "header",
    [
        "127.0.0.1",
        "127.0.0.1:8080",
        "127.0.0.1.:8080",
        "192.168.1.20:80",
        "[::1]",
        "[::1]:8080",
        "[2001:DB8::7]:8080",
        "[fe80::1%eth0]:8080",
        "[::ffff:127.0.0.1]:80",
        "::1",
    ],
)
def test_addresses_are_served(header: str) -> None:
    """No name server can make a browser send one that it did not go to."""
    assert host_is_served(header, NAMES)


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ".",
        ":8080",
        "evil.com",
        "evil.com:8080",
        "localhost.evil.com",
        "evil.localhost.com",
        "evillocalhost",
        "lab3",
        "other.example.org",
        "example.org",
        "net",
        "127.0.0.1.evil.com",
        "127.0.0.1.evil.com:80",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "2130706433",
        "0x7f.0.0.1",
        "[]",
        "[]:80",
        "[evil.com]",
        "localhost:80:80",
        "localhost/evil",
        "localhost evil.com",
        "localhost,evil.com",
        "localhost\0",
    ],
)
def test_other_hosts_are_refused(header: str) -> None:
    assert not host_is_served(header, NAMES)


@pytest.mark.parametrize(
    "header",
    [
        "localhost@evil.com",
        "evil.com@localhost",
        "user:password@localhost",
        "localhost:80@evil.com",
        "127.0.0.1:80@evil.com",
        "evil.com@wall.localhost",
        "localhost:evil.com",
        "[::1].evil.com",
        "[::1]evil.com:80",
        "[::1]@evil.com",
        "[::1",
    ],
)
def test_host_that_only_begins_well_is_refused(header: str) -> None:
    """A Host is a name or an address and perhaps a port, and nothing else."""
    assert not host_is_served(header, NAMES)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_served_or_not(header: str) -> None:
    assert host_is_served(header, NAMES) in (True, False)


@settings(deadline=None)
@given(st.from_regex(r"[a-z0-9-]{1,10}(\.[a-z0-9-]{1,10}){0,3}", fullmatch=True))
def test_attackers_name_is_refused_whatever_stands_before_it(label: str) -> None:
    assert not host_is_served(f"{label}.evil.com", NAMES)
    assert not host_is_served(f"{label}.evil.com:8080", NAMES)


@settings(deadline=None)
@given(st.ip_addresses(v=4), st.integers(0, 65535))
def test_every_ipv4_address_is_served_on_every_port(address: object, port: int) -> None:
    assert host_is_served(f"{address}:{port}", NAMES)


@settings(deadline=None)
@given(st.ip_addresses(v=6), st.integers(0, 65535))
def test_every_ipv6_address_is_served_on_every_port(address: object, port: int) -> None:
    assert host_is_served(f"[{address}]:{port}", NAMES)


def test_own_names_are_lower_case_and_without_a_last_dot() -> None:
    assert sorted(NAMES) == ["lab3.example.org", "lab3.local", "localhost", "screen.example.net"]
