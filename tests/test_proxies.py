"""On whose behalf a proxy asks: nobody chooses his own address."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.http.access.clients import Proxies, peer_address
from webcapd.http.wire.address import IPAddress, url_host

PROXIES = Proxies(["10.0.0.0/8", "fd00::/8", "192.0.2.1"])
INNER, EDGE = ipaddress.ip_address("10.1.1.1"), ipaddress.ip_address("192.0.2.1")

trusted = st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="fd00::/8")
strangers = st.ip_addresses(network="198.51.100.0/24") | st.ip_addresses(network="2001:db8::/32")
inventions = st.lists(
    st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=20)
    | st.ip_addresses().map(str)
    | st.lists(st.ip_addresses().map(str)).map(", ".join)
)


@settings(deadline=None)
@given(strangers, inventions)
def test_stranger_is_who_he_is_whatever_he_says(peer: IPAddress, forwarded: list[str]) -> None:
    assert PROXIES.client_of(peer, forwarded) == peer


@settings(deadline=None)
@given(strangers, inventions, st.lists(trusted, min_size=1), st.booleans(), st.booleans())
def test_stranger_behind_proxies_is_who_he_is_whatever_he_says(
    stranger: IPAddress, said: list[str], chain: list[IPAddress], apart: bool, ports: bool
) -> None:
    """Each proxy adds whom it was asked by, to the header that came or as another one."""
    forwarded = list(said)
    for asker in (stranger, *chain[:-1]):
        name = f"{url_host(str(asker))}:4711" if ports else str(asker)
        if apart or not forwarded:
            forwarded.append(name)
        else:
            forwarded[-1] += f", {name}"
    assert PROXIES.client_of(chain[-1], forwarded) == stranger


@settings(deadline=None)
@given(inventions)
def test_nobody_is_trusted_without_being_named(forwarded: list[str]) -> None:
    for peer in (INNER, ipaddress.ip_address("127.0.0.1"), None):
        assert Proxies([]).client_of(peer, forwarded) == peer
    assert PROXIES.client_of(None, forwarded) is None


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([], "10.1.1.1"),
        ([""], "10.1.1.1"),
        (["unknown"], "10.1.1.1"),
        (["198.51.100.7"], "198.51.100.7"),
        (["198.51.100.7:80"], "198.51.100.7"),
        (["2001:db8::1"], "2001:db8::1"),
        (["[2001:db8::1]:80"], "2001:db8::1"),
        (["::ffff:198.51.100.7"], "198.51.100.7"),
        (["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        (["198.51.100.7, 192.0.2.1"], "198.51.100.7"),
        (["198.51.100.7", "192.0.2.1 , fd00::1"], "198.51.100.7"),
        (["198.51.100.7, nonsense, 192.0.2.1"], "192.0.2.1"),
        (["192.0.2.1, 10.2.2.2"], "192.0.2.1"),
    ],
)
def test_client_is_the_last_that_is_no_proxy(forwarded: list[str], client: str) -> None:
    assert PROXIES.client_of(INNER, forwarded) == ipaddress.ip_address(client)


def test_who_comes_by_a_socket_file_is_trusted_by_name() -> None:
    proxies = Proxies(["unix"])
    assert proxies.client_of(None, ["1.1.1.1, 198.51.100.7"]) == ipaddress.ip_address(
        "198.51.100.7"
    )
    assert proxies.client_of(EDGE, ["198.51.100.7"]) == EDGE
    assert proxies.client_of(None, []) is None


def test_peer_is_read_as_the_socket_module_gives_it() -> None:
    assert peer_address(("127.0.0.1", 80)) == ipaddress.ip_address("127.0.0.1")
    assert peer_address(("::ffff:10.1.1.1", 80, 0, 0)) == INNER
    assert peer_address(("fe80::1%eth0", 80, 0, 3)) == ipaddress.ip_address("fe80::1%eth0")
    assert peer_address("") is None
    assert peer_address(b"\0name") is None
