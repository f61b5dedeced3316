"""What clients may take: places, time, bytes and descriptors; and that others notice nothing."""

import contextlib
import json
import os
import re
import resource
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import mjpeg
import pytest
from painter import painter
from program import TIMEOUT, Webcapd, webcapd
from rawhttp import RawClient, head_or_none, raw, response_or_none
from waiting import wait_until
from xserver import XServer, xvfb

HOST = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def program() -> Iterator[Webcapd]:
    options = ("--keepalive", "0.5", "--trust-proxy", "127.0.0.1")
    with xvfb(96, 64) as screen, webcapd("--display", screen.name, *options) as running:
        yield running


class Footprint:
    """What a process holds."""

    def __init__(self, program: Webcapd) -> None:
        proc = Path(f"/proc/{program.process.pid}")
        self.threads = len(list((proc / "task").iterdir()))
        self.descriptors = len(list((proc / "fd").iterdir()))

    def is_down_to(self, before: "Footprint") -> bool:
        return self.threads <= before.threads and self.descriptors <= before.descriptors


@contextlib.contextmanager
def leaving_nothing(program: Webcapd) -> Iterator[None]:
    """See that threads and descriptors are as before, some time after the context."""
    assert program.snapshot()
    wait_until("nobody is served", lambda: program.info()["clients"] == [])
    before = Footprint(program)
    yield
    wait_until("all is given back", lambda: Footprint(program).is_down_to(before))


def status_of(client: RawClient) -> int:
    head = client.head()
    client.body(head)
    return head.code


def is_closed(client: RawClient) -> bool:
    """Whether the other side has hung up, with nothing said."""
    return bool(select.select([client], [], [], 0)[0]) and client.rest() == b""


def test_stream_beyond_the_most_is_refused_and_snapshots_are_not(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--max-clients", "2", "--keepalive", "0.5") as program,
        mjpeg.stream(program) as one,
    ):
        with mjpeg.stream(program):
            for page in ("/?stream", "/?snapshot&after=1&timeout=60"):
                sequence = program.get("/?snapshot")[1]["X-Sequence"]
                with raw(program) as client:
                    client.request(page.replace("=1&", f"={sequence}&"))
                    head = client.head()
                    assert head.code == 503
                    assert int(head.headers["retry-after"]) > 0
                    assert b"--max-clients" in client.body(head)
            assert program.get("/?stream", "HEAD")[0] == 200
            assert program.snapshot()
            info = program.info()
            assert info["limits"]["streams"] == info["limits"]["streamsAndWaits"] == 2
            assert info["stats"]["sessionCount"] == 2
            assert one.part().body
        wait_until("one has left", lambda: program.get("/?info") and room(program))
        with mjpeg.stream(program) as another:
            assert another.part().body


def room(program: Webcapd) -> bool:
    return bool(program.info()["limits"]["streamsAndWaits"] < 2)


def test_requests_from_one_address_are_limited_and_this_machines_are_not(server: XServer) -> None:
    most = ("--max-clients-per-address", "2", "--trust-proxy", "127.0.0.1")
    with (
        webcapd("--display", server.name, *most) as program,
        mjpeg.stream(program, X_Forwarded_For="10.0.0.1"),
        mjpeg.stream(program, X_Forwarded_For="10.0.0.1"),
        mjpeg.stream(program, X_Forwarded_For="2001:db8::1"),
        mjpeg.stream(program, X_Forwarded_For="[2001:db8::ffff]:4711"),
        mjpeg.stream(program),
        mjpeg.stream(program),
    ):
        answer = program.get("/?snapshot", X_Forwarded_For="10.0.0.1")
        assert (answer[0], int(answer[1]["Retry-After"]) > 0) == (429, True)

        def status(address: str) -> int:
            return program.get("/?snapshot", X_Forwarded_For=address)[0]

        assert status("2001:db8::2") == 429
        # What stands before the address that the proxy knows is anybody's invention.
        assert status("127.0.0.1, 10.0.0.1") == 429
        for other in ("10.0.0.2", "2001:db8:0:1::1", "127.0.0.1"):
            assert status(other) == 200
        named = [re.sub(r"#\d+$", "", one["client"]) for one in program.info()["clients"]]
        assert named[:4] == ["10.0.0.1", "10.0.0.1", "2001:db8::1", "2001:db8::ffff"]


def test_silent_connections_are_not_counted_and_served_when_they_ask(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--max-clients", "1") as program,
        leaving_nothing(program),
        contextlib.ExitStack() as stack,
    ):
        threads = Footprint(program).threads
        silent = [stack.enter_context(raw(program)) for _ in range(300)]
        assert program.snapshot()
        wait_until("no thread is held", lambda: Footprint(program).threads <= threads)
        assert program.info()["limits"]["streamsAndWaits"] == 0
        # One after the other: where much else is done, some of so many at once were refused.
        for client in silent:
            client.request("/?health")
            assert status_of(client) == 200


def test_who_has_waited_longest_goes_when_too_many_wait(program: Webcapd) -> None:
    most = program.info()["limits"]["waiting"]
    with leaving_nothing(program), contextlib.ExitStack() as stack:
        silent = [stack.enter_context(raw(program)) for _ in range(most + 20)]
        wait_until("the first are hung up on", lambda: is_closed(silent[0]))
        silent[-1].request("/?health")
        assert status_of(silent[-1]) == 200
        assert program.snapshot()


def test_slow_head_is_cut_and_others_wait_for_nothing(program: Webcapd) -> None:
    """The one test that takes the ten seconds that a head may take."""
    with (
        leaving_nothing(program),
        raw(program) as slow,
        raw(program) as stuck,
        raw(program) as blank,
        raw(program) as idle,
        mjpeg.stream(program) as stream,
    ):
        stuck.send(b"GET /?snapshot HTTP/1.1\r\n" + HOST)
        blank.send(b"\r\n")
        idle.request("/?health")
        assert status_of(idle) == 200
        request = iter(b"GET /?snapshot HTTP/1.1\r\nX-Slow: " + b"x" * 10_000)

        def cut() -> bool:
            """Send a byte of one and take a picture of another, until the one is answered."""
            slow.send(bytes([next(request)]))
            assert stream.part().body
            assert program.snapshot()
            return bool(select.select([slow], [], [], 0)[0])

        wait_until("the slow head is cut", cut)
        for client in (slow, stuck):
            head = client.head()
            assert (head.code, head.headers["connection"]) == (408, "close")
            client.body(head)
            assert client.rest() == b""
        # Who has had an answer may rest longer.
        idle.request("/?health")
        assert status_of(idle) == 200


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS"),
        pytest.param(b"GET /" + b"x" * 40_000, 414, id="address without end"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000, 431, id="header without end"),
        pytest.param(b"\r\n" * 20_000, 400, id="empty lines"),
    ],
)
def test_what_can_be_no_request_is_answered_before_it_ends(
    program: Webcapd, data: bytes, code: int
) -> None:
    with leaving_nothing(program), raw(program) as client:
        client.send(data)
        assert status_of(client) == code
        assert client.rest() == b""


def test_pipelined_requests_are_answered_in_order(program: Webcapd) -> None:
    pages = [(b"/?health", 200), (b"/nothing", 404), (b"/?snapshot", 200), (b"/?fps=1", 200)] * 5
    with leaving_nothing(program), raw(program) as client:
        client.send(b"".join(b"GET %s HTTP/1.1\r\n%s\r\n" % (page, HOST) for page, _ in pages))
        kinds = []
        for _, code in pages:
            head = client.head()
            assert head.code == code
            kinds.append(head.headers["content-type"])
            client.body(head)
        assert kinds[:4] == kinds[4:8]
        assert len(set(kinds)) == 4


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (b"POST /?snapshot HTTP/1.1\r\n" + HOST, 405),
        (b"OPTIONS /?snapshot HTTP/1.1\r\n" + HOST, 204),
        (b"PROPFIND / HTTP/1.1\r\n" + HOST, 501),
        (b"GET /?snapshot HTTP/1.1\r\n" + HOST, 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200, 431),
    ],
)
def test_answer_arrives_whole_though_a_body_is_left_unread(
    program: Webcapd, start: bytes, code: int
) -> None:
    """Closing at once would reset the connection, and the answer would be lost."""
    size = 1 << 24  # More than the kernel would hold.
    with leaving_nothing(program), raw(program) as client:
        # More than is taken in at once comes with the head itself.
        client.send(start + b"Content-Length: %d\r\n\r\n" % size + b"z" * (size // 4))
        for _ in range(3):
            client.send(b"z" * (size // 4))
        head = client.head()
        assert head.code == code
        if code != 204:
            client.body(head)
        assert client.rest() == b""


def set_most_descriptors(program: Webcapd, most: int) -> None:
    limits = (most, resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE)[1])
    resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, limits)


def highest_descriptor(program: Webcapd) -> int:
    return max(int(name) for name in os.listdir(f"/proc/{program.process.pid}/fd"))


def test_descriptors_may_run_out_and_come_back(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--keepalive", "0.5") as program,
        leaving_nothing(program),
        mjpeg.stream(program) as stream,
    ):
        set_most_descriptors(program, highest_descriptor(program) + 6)
        with contextlib.ExitStack() as stack:
            for _ in range(12):
                if head_or_none(stack.enter_context(raw(program)), "/?stream") is None:
                    break
            for _ in range(3):
                assert response_or_none(program) is None
                assert stream.part().body
            program.wait_for_line(lambda line: "cannot accept clients" in line)
        assert wait_until("clients are accepted", lambda: response_or_none(program)).code == 200
        program.wait_for_line(lambda line: "accepting clients again" in line)
        assert stream.part().body
        told = [line for line in program.lines if "accept" in line]
        assert len(told) == 2, told
        assert not [line for line in program.lines if "No picture" in line]


def test_silent_connections_make_room_when_descriptors_run_out(server: XServer) -> None:
    """Otherwise a handful of them would shut everybody out for half a minute."""
    with (
        webcapd("--display", server.name) as program,
        leaving_nothing(program),
        contextlib.ExitStack() as stack,
    ):
        with raw(program) as first:
            first.request("/?health")
            assert status_of(first) == 200
            most = highest_descriptor(program) + 6
        set_most_descriptors(program, most)
        for _ in range(20):
            stack.enter_context(raw(program))
        assert program.snapshot()


def test_screen_is_followed_while_nobody_reads(server: XServer) -> None:
    """Streams that never read hold up no other."""
    with (
        webcapd("--display", server.name) as program,
        leaving_nothing(program),
        painter(server) as brush,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(20):
            deaf = stack.enter_context(raw(program))
            deaf.request("/?stream")
            deaf.head()
        with mjpeg.stream(program) as stream:
            for seed in range(5):
                brush.noise(seed)
                stream.until(mjpeg.decode(mjpeg.encode(server.pixels())))


def test_reset_by_curl_is_no_error(program: Webcapd) -> None:
    done = subprocess.run(
        ["curl", "-sS", "--max-filesize", "10", "-o", "/dev/null", f"{program.url}?snapshot"],
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 63
    assert json.loads(program.get("/?health")[2])["healthy"]
