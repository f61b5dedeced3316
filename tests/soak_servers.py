"""Servers that start and end in one process, as those of the Python API do."""

import tempfile

from soak import scenario
from test_server import TOKEN, assert_no_more_than, holdings, options, serve_two
from xserver import xvfb


def _start_and_end(count: int, shm: str) -> str:
    """Start two servers with displays of their own, and end them, again and again."""
    with (
        tempfile.NamedTemporaryFile("w") as tokens,
        xvfb(320, 240) as first,
        xvfb(240, 160) as second,
    ):
        tokens.write(f"{TOKEN}\n")
        tokens.flush()
        more = ("--shm", shm, "--token-file", tokens.name)
        pair = [options("--display", one.name, *more) for one in (first, second)]
        # What is loaded once, with the first of all, is no leak.
        serve_two(*pair)
        before = holdings()
        for _ in range(count):
            serve_two(*pair)
        assert_no_more_than(before)
    return "two at a time, and no thread, descriptor, process or shared memory is left"


@scenario("servers", 200)
def servers(count: int) -> str:
    """Start and end servers whose pixels come through memory without a name."""
    return _start_and_end(count, "fd")


@scenario("servers-sysv", 200)
def servers_sysv(count: int) -> str:
    """Start and end servers whose pixels come through SysV segments."""
    return _start_and_end(count, "sysv")


@scenario("servers-without-shm", 200)
def servers_without_shm(count: int) -> str:
    """Start and end servers whose pixels come through the connection."""
    return _start_and_end(count, "off")
