"""Few descriptors: as many clients are served as they allow, and it is said how many."""

import contextlib
from collections.abc import Iterator

import mjpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import Webcapd, run_to_end, webcapd
from rawhttp import raw
from resizing import resize
from waiting import wait_until
from Xlib.display import Display
from xserver import XServer, xvfb

from webcapd.http.wire.descriptors import share


@given(st.integers(31, 20_000), st.integers(1, 4000))
def test_descriptors_are_shared_so_that_everybody_has_some(descriptors: int, most: int) -> None:
    capacity = share(descriptors, most)
    assert capacity.first + capacity.connections <= descriptors
    assert min(capacity) >= 1
    assert capacity.streams <= most
    # Nothing is left over while somebody could use it.
    assert capacity.streams == most or capacity.first + capacity.connections == descriptors


def test_whole_is_given_where_there_is_enough() -> None:
    capacity = share(128 + 200 + 232 + 512, 200)
    assert capacity == (200, 232, 512, 128)
    # Descriptors of the usual limit do for all streams.
    assert share(1024, 200).streams == 200


@pytest.mark.parametrize("descriptors", range(31))
def test_too_few_are_for_nobody(descriptors: int) -> None:
    with pytest.raises(ValueError):
        share(descriptors, 1)


@contextlib.contextmanager
def limited(server: XServer, descriptors: int, *options: str) -> Iterator[Webcapd]:
    """Run webcapd with so many descriptors, and no more to be had."""
    limit = ("bash", "-c", f'ulimit -n {descriptors} && exec "$@"', "bash")
    options = ("--display", server.name, "--keepalive", "0.5", *options)
    with webcapd(*options, wrapper=limit) as program:
        yield program


@pytest.mark.parametrize("descriptors", [31, 64, 128])
def test_as_many_are_served_as_the_limit_allows(descriptors: int) -> None:
    with (
        xvfb(96, 64) as screen,
        limited(screen, descriptors) as program,
        contextlib.closing(Display(screen.name)) as display,
        contextlib.ExitStack() as stack,
    ):
        line = program.wait_for_line(lambda line: "the limit of descriptors" in line)
        limits = program.info()["limits"]
        assert f" allows {limits['streams']} stream" in line
        streams = [stack.enter_context(mjpeg.stream(program)) for _ in range(limits["streams"])]
        assert program.get("/?stream")[0] == 503
        # Who says nothing keeps nobody out either, nor the picture away.
        for _ in range(2 * descriptors):
            stack.enter_context(raw(program))
        wait_until("a snapshot", lambda: program.get("/?snapshot")[0] == 200)
        resize(display, 64, 48)
        for one in streams:
            wait_until("the new size", lambda: mjpeg.decode(one.part().body).shape[:2] == (48, 64))  # noqa: B023
        info = program.info()
        assert info["stats"]["sessionCount"] == limits["streams"]
        assert info["encoder"]["outages"] == 0
        assert not [line for line in program.lines if "cannot" in line]


def test_nobody_can_be_served_and_it_says_so(server: XServer) -> None:
    status, said = run_to_end(
        *("--display", server.name, "--port", "0"),
        wrapper=("bash", "-c", 'ulimit -n 30 && exec "$@"', "bash"),
    )
    assert (status, said) == (1, "webcapd: nobody can be served with 30 descriptors (ulimit -n)")


def test_nothing_is_said_where_there_are_enough(server: XServer) -> None:
    with limited(server, 1024) as program:
        assert program.info()["limits"]["streams"] == 200
    assert not [line for line in program.lines if "descriptors" in line]
