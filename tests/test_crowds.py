"""Clients that take what is limited, and leave enough of it to others."""

import mjpeg
import pytest
from attack import Attack, attacked

REQUEST = b"GET /?health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def see_newcomers_served(attack: Attack) -> None:
    """See that somebody who comes now gets a picture, and a stream."""
    mjpeg.decode(attack.program.snapshot())
    with mjpeg.stream(attack.program) as newcomer:
        mjpeg.decode(newcomer.part().body)


def test_sockets_that_say_nothing_keep_nobody_out() -> None:
    """Browsers open some in advance; whoever has not spoken is not a client."""
    with attacked() as attack:
        for _ in range(500):
            attack.connect()
        see_newcomers_served(attack)
        attack.see_changes()


@pytest.mark.parametrize("said", [REQUEST[:1], REQUEST[:-2]], ids=["begun", "all but the end"])
def test_requests_that_never_end_keep_nobody_out(said: bytes) -> None:
    with attacked() as attack:
        for _ in range(300):
            attack.connect(said)
        see_newcomers_served(attack)
        attack.see_changes()


def test_connections_kept_for_later_keep_nobody_out() -> None:
    with attacked() as attack:
        for _ in range(300):
            attack.connect(REQUEST).recv(1)
        see_newcomers_served(attack)
        attack.see_changes()


def test_head_of_megabytes_is_refused() -> None:
    """Each line and their number are bounded; so must their sum be."""
    head = b"GET /?health HTTP/1.1\r\nHost: localhost\r\n" + (b"X: " + b"x" * 60_000 + b"\r\n") * 90
    with attacked() as attack:
        for _ in range(5):
            answer = attack.connect(head + b"\r\n").recv(1 << 16)
            assert answer.startswith(b"HTTP/1.1 431 "), answer[:80]
        attack.see_changes()
