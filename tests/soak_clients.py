"""Clients that come and go by the thousand."""

import socket
import struct

import mjpeg
from attack import WATCHED, attacked
from soak import scenario

_STREAM = b"GET /?stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
_SNAPSHOT = _STREAM.replace(b"stream", b"snapshot")

_CHECK_EACH = 250


@scenario("hang-ups", 4000)
def hang_ups(count: int) -> str:
    """Connect and hang up at each place of a request, by a reset and by an end."""
    with attacked() as attack:
        for number in range(count):
            # Within the request, after it, and before it.
            attack.connect(_STREAM[: number % (len(_STREAM) + 1)])
            attack.give_up(reset=bool(number % 2))
            if number % _CHECK_EACH == 0:
                attack.see_changes()
    return WATCHED


@scenario("half-answers", 4000)
def half_answers(count: int) -> str:
    """Leave with a reset or an end, with a word or without, in the middle of an answer too."""
    said = (b"", _SNAPSHOT, _STREAM[:9], b"")
    with attacked() as attack:
        for number in range(count):
            with socket.create_connection((attack.program.host, attack.program.port)) as one:
                if number % 3:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.sendall(said[number % 4])
            if number % _CHECK_EACH == 0:
                attack.see_changes()
        assert not [line for line in attack.program.lines if "cannot accept" in line]
        mjpeg.decode(attack.program.snapshot())
    return WATCHED
