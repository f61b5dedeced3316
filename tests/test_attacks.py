"""Clients that flood, stall or lie, while somebody watches: who watches sees all the same."""

import mjpeg
from attack import Attack, attacked
from rawhttp import raw
from waiting import wait_until

STREAM = b"GET /?stream HTTP/1.1\r\nHost: localhost\r\n\r\n"


def streams(attack: Attack) -> int:
    return len(attack.program.info()["clients"])


def test_readers_that_never_read() -> None:
    with attacked() as attack:
        for _ in range(50):
            attack.connect(STREAM, buffer=4096)
        wait_until("they stream", lambda: streams(attack) == 51)
        attack.see_changes()
        mjpeg.decode(attack.program.snapshot())


def test_snapshots_that_are_never_read() -> None:
    request = STREAM.replace(b"stream", b"snapshot")
    with attacked() as attack:
        for _ in range(20):
            attack.connect(request * 200, buffer=4096)
        attack.see_changes()
        mjpeg.decode(attack.program.snapshot())


def test_foreign_hosts_by_the_hundred() -> None:
    evil = b"GET /?stream HTTP/1.1\r\nHost: evil-%d.com\r\n\r\n"
    with attacked() as attack:
        with raw(attack.program) as client:
            for number in range(300):
                client.send(evil % number)
                head = client.head()
                assert head.code == 403
                client.body(head)
        attack.see_changes()
        for number in range(300):
            assert attack.connect(evil % number).recv(1 << 16).startswith(b"HTTP/1.1 403 ")
            attack.give_up()
        attack.see_changes()
        # Refusals do not fill the disk with their log.
        assert len(attack.program.own_lines()) == 1


def test_lines_of_sixty_four_kilobytes() -> None:
    long = b"x" * 65_600
    heads = (b"GET /" + long, b"GET / HTTP/1.1\r\nX: " + long, b"GET / HTTP/1.1\r\n" + long)
    with attacked() as attack:
        for head in heads * 20:
            answer = attack.connect(head + b"\r\n\r\n").recv(1 << 16)
            assert answer.startswith((b"HTTP/1.1 414 ", b"HTTP/1.1 431 ")), answer
        attack.see_changes()
