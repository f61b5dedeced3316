"""Pictures that come by TCP, TLS and UDP, over real sockets: good ones, bad ones, from anybody."""

import contextlib
import hashlib
import itertools
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from feedreader import reason, shown, wait_shown
from front import make_certificate
from mjpeg import decode
from pictures import BAD, jpeg
from program import TIMEOUT, run_to_end
from program import webcapd as running
from waiting import wait_until

import webcapd.capture.feeds.received.tcp
from ports import free_port
from webcapd.base.framing.datagrams import SILENCE_SECONDS, datagrams
from webcapd.base.framing.picture import Stamped
from webcapd.base.framing.prefixed import prefixed
from webcapd.capture.feeds.feed import Feed, FeedContext
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.feeds.registry import make_feed
from webcapd.capture.source import SourceError, SourceNotReady

TOKEN = "token-of-the-camera"
KEY = hashlib.sha256(TOKEN.encode()).digest()

PERMITTED: list[bytes] = []
"""SHA-256 of the tokens that are valid now."""


@contextlib.contextmanager
def made(source: str, *keys: bytes) -> Iterator[Feed]:
    """Make a feed that listens; with keys it demands tokens, which PERMITTED has."""
    PERMITTED[:] = keys
    reception = Reception((lambda: tuple(PERMITTED)) if keys else None)
    feed = make_feed(source, FeedContext(reception=reception))
    try:
        assert "waits for pictures" in reason(feed)
        yield feed
    finally:
        feed.close()
        feed.dispose()
    wait_until(
        "its threads end",
        lambda: not [one for one in threading.enumerate() if one.name.startswith(("tcp", "udp"))],
    )


@contextlib.contextmanager
def tcp(*keys: bytes) -> Iterator[tuple[Feed, int]]:
    port = free_port()
    with made(f"tcp://:{port}", *keys) as feed:
        yield feed, port


class Clock:
    """Says whether the picture of who has gone still counts; it stands still by itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic()
        module = "webcapd.capture.feeds.received.inlet.time"
        monkeypatch.setattr(module, SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), TIMEOUT)


def answer(connection: socket.socket) -> str:
    """Read what it is told until it is hung up on."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1000):
            data += piece
    return data.decode()


def test_pictures_behind_their_lengths_are_shown(clock: Clock) -> None:
    began = clock.now
    with tcp() as (feed, port):
        with connect(port) as sender:
            for seed in (1, 2):
                sender.sendall(prefixed(Stamped(0, jpeg(seed=seed))))
                wait_shown(feed, jpeg(seed=seed))
            assert feed.fileno() is not None
            assert not feed.pending()
            sender.sendall(prefixed(Stamped(0, jpeg(seed=2))) * 5)
            wait_until("they have come", lambda: feed.status()["pictures"] != 2)
            assert not feed.pending(), "a still picture is no news"
        wait_until("nobody is there", lambda: not feed.status()["sender"])
        assert np.array_equal(shown(feed), decode(jpeg(seed=2))), "for a moment it still counts"
        assert not feed.pending()
        clock.now += feed.seconds_until_new()
        assert clock.now <= began + 2
        assert feed.pending(), "it counts no more"
        with pytest.raises(SourceNotReady, match=r"nobody sends pictures to tcp://127\.0\.0\.1"):
            feed.take()
        feed.close()
        with connect(port) as sender:
            sender.sendall(prefixed(Stamped(0, jpeg(seed=3))))
            wait_shown(feed, jpeg(seed=3))


def test_one_sender_at_a_time() -> None:
    with tcp() as (feed, port), connect(port) as sender:
        sender.sendall(prefixed(Stamped(0, jpeg(seed=1))))
        wait_shown(feed, jpeg(seed=1))
        with connect(port) as second:
            assert answer(second) == "another one is sending pictures here\n"
        sender.sendall(prefixed(Stamped(0, jpeg(seed=2))))
        wait_shown(feed, jpeg(seed=2))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "WCP1"),
        (b"\x80\x04\x95\x1c\0\0\0\0\0\0\0\x8c\x05posix", "WCP1"),
        (struct.pack(">4sIQ", b"WCP1", 2**32 - 1, 0), "more than 16777216 bytes"),
        (prefixed(Stamped(0, BAD["truncated"][0])) * 1, ""),
        *((prefixed(Stamped(0, bad)), "") for bad, _ in BAD.values()),
    ],
)
def test_bad_input_is_told_in_a_line_and_harms_nobody(data: bytes, why: str) -> None:
    with tcp() as (feed, port):
        with connect(port) as sender:
            sender.sendall(prefixed(Stamped(0, jpeg(seed=1))))
            wait_shown(feed, jpeg(seed=1))
            for _ in range(1 if why else 10):
                with contextlib.suppress(OSError):
                    sender.sendall(data)
                    time.sleep(0 if why else 0.02)
            if not why:
                # Ten come together, or each by itself: the last of them counts each time.
                wait_until("it is refused", lambda: feed.status()["refused"])
                sender.shutdown(socket.SHUT_WR)
            words = answer(sender)
            assert why in words and words.count("\n") <= 1
        wait_until("nobody is there", lambda: not feed.status()["sender"])
        with connect(port) as sender:
            sender.sendall(prefixed(Stamped(0, jpeg(seed=2))))
            wait_shown(feed, jpeg(seed=2))


def test_who_sends_nothing_makes_room(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(webcapd.capture.feeds.received.tcp, "_SILENCE_SECONDS", 0.3)
    with tcp(KEY) as (feed, port), connect(port) as silent:
        assert answer(silent) == "", "a stranger is told nothing"

        def is_told() -> bool:
            """Send a picture, and then nothing; if we took too long for it, we are a stranger."""
            with connect(port) as sender, contextlib.suppress(OSError):
                sender.sendall(TOKEN.encode() + b"\n" + prefixed(Stamped(0, jpeg(seed=1))))
                return answer(sender) == "nothing came for 0.3 s\n"
            return False

        wait_until("it is told", is_told)
        wait_shown(feed, jpeg(seed=1))


def test_a_connection_begins_with_a_token_where_there_are_some() -> None:
    with tcp(KEY) as (feed, port):
        for wrong in (b"wrong\n", b"WCP1" + bytes(2000), b"\n"):
            with connect(port) as sender:
                sender.sendall(wrong)
                assert "token" in answer(sender)
        assert reason(feed)
        # Who says nothing keeps nobody out.
        with connect(port), connect(port), connect(port) as sender:
            sender.sendall(TOKEN.encode() + b"\r\n" + prefixed(Stamped(0, jpeg(seed=1))))
            wait_shown(feed, jpeg(seed=1))
            PERMITTED.clear()
            sender.sendall(prefixed(Stamped(0, jpeg(seed=2))))
            assert answer(sender) == "access was revoked meanwhile\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def test_over_tls_a_far_machine_is_shown(certificate: Path, tmp_path: Path) -> None:
    """The program as a whole, reached by an address that is not loopback alone."""
    tokens = tmp_path / "tokens"
    tokens.write_text(TOKEN + "\n")
    port = free_port()
    source = f"tcps://0.0.0.0:{port},cert={certificate}"
    with running("--source", source, "--publish-token-file", str(tokens)) as program:
        context = ssl.create_default_context(cafile=str(certificate))
        with connect(port) as plain:
            plain.sendall(b"no TLS\n")
            answer(plain)
        with (
            connect(port) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as sender,
        ):
            sender.sendall(TOKEN.encode() + b"\n" + prefixed(Stamped(0, jpeg(seed=1))))
            wait_until("it is shown", lambda: program.get("/?snapshot")[0] == 200)
            assert np.array_equal(decode(program.snapshot()), decode(jpeg(seed=1)))
            assert TOKEN not in program.get("/?info")[2].decode()
        assert not any(TOKEN in line for line in program.lines)


@contextlib.contextmanager
def udp(*keys: bytes) -> Iterator[tuple[Feed, socket.socket]]:
    port = free_port(socket.SOCK_DGRAM)
    with (
        made(f"udp://:{port}", *keys) as feed,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.connect(("127.0.0.1", port))
        yield feed, sender


def send(sender: socket.socket, picture: bytes, frame: int, key: bytes = b"") -> None:
    for datagram in datagrams(Stamped(time.time_ns(), picture), 1, frame, key):
        sender.send(datagram)


_NUMBERS = itertools.count(2)


def send_until(
    condition: Callable[[], object], sender: socket.socket, picture: bytes, key: bytes = b""
) -> None:
    """Send again and again, under new numbers: what takes 0.2 s to come is given up."""

    def holds() -> bool:
        send(sender, picture, next(_NUMBERS), key)
        return bool(condition())

    wait_until("what comes of it", holds)


def shows(feed: Feed, seed: int) -> bool:
    return not reason(feed) and np.array_equal(shown(feed), decode(jpeg(seed=seed)))


def test_datagrams_are_shown_until_they_stay_away(clock: Clock) -> None:
    with udp() as (feed, sender):
        for seed in (1, 2):
            send_until(partial(shows, feed, seed), sender, jpeg(seed=seed))
        send(sender, jpeg(seed=3), 1)
        wait_until("it is refused", lambda: feed.status()["datagramsRefused"])
        assert np.array_equal(shown(feed), decode(jpeg(seed=2)))
        assert not feed.pending()
        clock.now += SILENCE_SECONDS
        assert feed.pending(), "it counts no more"
        with pytest.raises(SourceNotReady, match=r"no pictures come to udp://127\.0\.0\.1"):
            feed.take()


def test_datagrams_are_signed_where_there_are_tokens(clock: Clock) -> None:
    with udp(KEY) as (feed, sender):
        send(sender, jpeg(), 1)
        send(sender, jpeg(), 1, b"another key")
        sender.send(b"")
        sender.send(bytes(60_000))
        wait_until("they are refused", lambda: int(str(feed.status()["datagramsRefused"])) >= 4)
        assert reason(feed)
        send_until(partial(shows, feed, 2), sender, jpeg(seed=2), KEY)


def test_a_bad_picture_in_datagrams_is_refused(clock: Clock) -> None:
    with udp() as (feed, sender):
        send_until(lambda: feed.status()["refused"], sender, BAD["truncated"][0])
        send_until(partial(shows, feed, 2), sender, jpeg(seed=2))


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with tcp() as (_, port):
        feed = make_feed(f"tcp://:{port}")
        with pytest.raises(SourceError, match=f"tcp://:{port} cannot be opened: Address already"):
            feed.open()
        feed.close()
        feed.dispose()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("tcp://0.0.0.0:5000", "needs --publish-token-file"),
        ("udp://[::]:5000", "needs --publish-token-file"),
        ("tcp:5000", "tcp: is written tcp://ADDRESS:PORT"),
        ("tcp://localhost", "tcp: is written tcp://ADDRESS:PORT"),
        ("tcp://example.com:5000", "tcp: is written tcp://ADDRESS:PORT"),
        ("tcp://:99999", "tcp: is written tcp://ADDRESS:PORT"),
        ("tcp://:5000/path", "tcp: is written tcp://ADDRESS:PORT"),
        ("tcps://:5000", "needs ,cert=FILE"),
        ("tcps://:5000,cert=/nowhere", "/nowhere cannot be used for TLS: No such file"),
        ("tcps://:5000,cert=/etc/passwd", "/etc/passwd cannot be used for TLS"),
    ],
)
def test_a_mistake_is_said_in_a_sentence(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make_feed(source, FeedContext(reception=Reception(None)))


def test_a_mistake_ends_the_program_with_a_sentence() -> None:
    code, words = run_to_end("--source", "tcp://0.0.0.0:5000")
    assert code == 2
    assert "can be reached from elsewhere" in words and words.count("\n") == 0
