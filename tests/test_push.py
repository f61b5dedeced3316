"""``webcapd push``: what is captured here is shown elsewhere, whatever happens on the way."""

import contextlib
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import mjpeg
import numpy as np
import pytest
from front import make_certificate
from hypothesis import given
from hypothesis import strategies as st
from painter import Painter, painter
from program import ROOT, TIMEOUT, Webcapd, run_to_end, webcapd
from waiting import wait_until
from xserver import XServer, xvfb

from ports import free_port
from webcapd.base.framing.prefixed import PrefixedReader
from webcapd.outputs.push.target import parse_target

TOKEN = "0123456789abcdef-token"
BLUE = 0x2080C0
"""As R, G, B; the ball of the pattern and the mask are others."""


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    with xvfb(320, 240) as server:
        yield server


@pytest.fixture(scope="module")
def brush(screen: XServer) -> Iterator[Painter]:
    with painter(screen) as brush:
        brush.fill(BLUE)
        yield brush


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("push") / "tokens"
    path.write_text(f"# of the lab\n{TOKEN}\n")
    return path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@contextlib.contextmanager
def pushing(*arguments: str, status: int = 0) -> Iterator[Webcapd]:
    """Run webcapd push, which must end with a code when it is asked to."""
    program = Webcapd("push", *arguments)
    try:
        yield program
        if program.process.poll() is None:
            assert program.stop() == status, program.lines
        assert not [line for line in program.lines if "Traceback" in line], program.lines
        assert not [line for line in program.lines if TOKEN in line]
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.ended()


def wait_shown(server: Webcapd, colour: int) -> None:
    wanted = [colour & 255, colour >> 8 & 255, colour >> 16]

    def is_shown() -> bool:
        # Where there is no mask.
        status, _, body = server.get("/?snapshot")
        if status != 200:
            return False
        seen = mjpeg.decode(body)
        return seen.shape[:2] == (240, 320) and bool(
            np.abs(seen[200:, 200:].astype(int) - wanted).max() < 12
            and seen[10:40, 10:40].max() < 12
        )

    wait_until("it is shown", is_shown)


@pytest.mark.parametrize("scheme", ["http", "tcp", "tcps", "udp"])
def test_what_is_captured_here_is_shown_there(
    screen: XServer, brush: Painter, tokens: Path, certificate: Path, scheme: str
) -> None:
    """With its masks, and again when it changes."""
    port = free_port(socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM)
    cert = f",cert={certificate}" if scheme == "tcps" else ""
    source = "push:hall" if scheme == "http" else f"{scheme}://127.0.0.1:{port}{cert}"
    shown = ("--display", screen.name, "--mask=0,0,50,50", "--token-file", str(tokens))
    ca = ("--ca", str(certificate)) if scheme == "tcps" else ()
    with webcapd("--source", source, "--publish-token-file", str(tokens)) as server:
        host = "localhost" if cert else "127.0.0.1"
        url = f"{server.url}publish/hall" if scheme == "http" else f"{scheme}://{host}:{port}"
        with pushing(*shown, *ca, url) as sender:
            brush.fill(BLUE)
            wait_shown(server, BLUE)
            brush.fill(0x40A020)
            wait_shown(server, 0x40A020)
            sender.wait_for_line(lambda line: "sending 320x240 to" in line)
        assert "pictures" in sender.lines[-1]


def test_what_is_sent_over_tls_is_recorded_there(
    screen: XServer, brush: Painter, tokens: Path, certificate: Path, tmp_path: Path
) -> None:
    port = free_port()
    source = f"tcps://127.0.0.1:{port},cert={certificate}"
    record = ("--record", str(tmp_path / "record"))
    options = ("--token-file", str(tokens), "--ca", str(certificate), "--mask=0,0,50,50")
    colours = (BLUE, 0x40A020, 0xC03020)
    with webcapd("--source", source, "--publish-token-file", str(tokens), *record) as server:
        with pushing("--display", screen.name, *options, f"tcps://localhost:{port}"):
            for colour in colours:
                brush.fill(colour)
                wait_shown(server, colour)
        assert server.stop() == 0
    brush.fill(BLUE)
    seen = []
    for path in sorted((tmp_path / "record").glob("*.mkv")):
        video = cv2.VideoCapture(str(path))
        while (read := video.read())[0]:
            seen.append(read[1][220, 300])
        video.release()
    for colour in colours:
        wanted = [colour & 255, colour >> 8 & 255, colour >> 16]
        assert [one for one in seen if np.abs(one.astype(int) - wanted).max() < 12]


def test_a_region_is_sent(screen: XServer, brush: Painter) -> None:
    port = free_port()
    with webcapd("--source", f"tcp://:{port}") as server:
        options = ("--display", screen.name, "--region", "10,20,100,50", "--fps", "5")
        with pushing(*options, f"tcp://127.0.0.1:{port}"):

            def has_come() -> bool:
                status, _, body = server.get("/?snapshot")
                return status == 200 and mjpeg.decode(body).shape == (50, 100, 3)

            wait_until("it comes", has_come)


def test_who_is_refused_is_told_why(tokens: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("x" * 20)
    source = ("push", "--source", "pattern:bars")
    with webcapd("--source", "push:hall", "--publish-token-file", str(tokens)) as server:
        place = f"{server.url}publish/hall"
        known = ("--token-file", str(tokens))
        for arguments, sentence in (
            ((place,), "it answers 401: it wants a token: --token-file FILE"),
            (("--token-file", str(wrong), place), "it answers 401: the token is not accepted"),
            ((*known, f"{server.url}publish/attic"), "it answers 404: nothing is shown under"),
        ):
            status, said = run_to_end(*source, *arguments)
            assert status == 1 and sentence in said, said
            assert said.count("\n") == 2
    port = free_port()
    listen = ("--source", f"tcp://:{port}", "--publish-token-file", str(tokens))
    with webcapd(*listen):
        status, said = run_to_end(*source, "--token-file", str(wrong), f"tcp://localhost:{port}")
        assert status == 1 and "it says: the token is unknown or has expired" in said


def test_a_second_one_waits_until_the_first_has_gone(tokens: Path) -> None:
    token = ("--token-file", str(tokens))
    with webcapd("--source", "push:hall", "--publish-token-file", str(tokens)) as server:
        place = f"{server.url}publish/hall"
        with pushing("--source", "pattern:bars,size=320x240", *token, place) as first:
            first.wait_for_line(lambda line: "sending" in line)
            with pushing("--source", "pattern:grid,size=160x120", *token, place) as second:
                second.wait_for_line(lambda line: "409: another one is sending" in line)
                assert first.stop() == 0
                second.wait_for_line(lambda line: "sending 160x120" in line)


@pytest.mark.parametrize("scheme", ["http", "tcp", "udp"])
def test_a_server_comes_and_goes_and_comes_back(tokens: Path, scheme: str) -> None:
    port = free_port(socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM)
    url = f"{scheme}://127.0.0.1:{port}"
    source = f"{scheme}://127.0.0.1:{port}"
    options = ["--publish-token-file", str(tokens)]
    if scheme == "http":
        url, source = f"{url}/publish/hall", "push:hall"
        options += ["--port", str(port)]

    def is_live(server: Webcapd) -> bool:
        server.get("/?snapshot")
        return bool(server.info()["encoder"]["state"] == "live")

    with pushing("--source", "pattern:bars", "--token-file", str(tokens), url) as sender:
        sender.wait_for_line(lambda line: "nobody listens there; trying again" in line)
        for _ in range(2):
            with webcapd("--source", source, *options) as server:
                wait_until("it is live", lambda server=server: is_live(server))  # type: ignore[misc]


def test_certificates_are_checked(certificate: Path) -> None:
    port = free_port()
    with (
        webcapd("--source", f"tcps://127.0.0.1:{port},cert={certificate}"),
        pushing("--source", "pattern:bars", f"tcps://localhost:{port}") as sender,
    ):
        sender.wait_for_line(lambda line: "its certificate is not accepted" in line)


def test_a_line_that_stands_still_gets_the_newest_when_it_goes_on() -> None:
    """And neither a queue from before, nor is there one in the kernel of more than a few."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        listening.settimeout(TIMEOUT)
        url = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        with pushing("--source", "pattern:noise,size=640x480", url):
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(TIMEOUT)
                reader, pictures = PrefixedReader(), list[int]()
                while not pictures:
                    pictures += [one.captured for one in reader.feed(connection.recv(65536))]
                time.sleep(1.5)  # The line stands still; nothing is waited for.
                goes_on, old = time.time_ns(), 0
                while True:
                    for one in reader.feed(connection.recv(65536)):
                        if one.captured > goes_on:
                            assert old <= 4
                            return
                        old += 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_asked_to(how: signal.Signals) -> None:
    url = f"tcp://127.0.0.1:{free_port()}"
    wrapper = ("env", "--default-signal=INT")
    program = Webcapd("push", "--source", "pattern:bars", url, wrapper=wrapper)
    program.wait_for_line(lambda line: "trying again" in line)
    assert program.stop(how) == 0
    assert "sent 0 pictures" in program.lines[-1]


def test_q_on_a_terminal_ends_it_and_leaves_the_terminal_as_it_was() -> None:
    ours, its = pty.openpty()
    command = [sys.executable, "-P", str(ROOT / "webcapd.py"), "push", "--source", "pattern:bars"]
    # A session of its own, whose terminal that is.
    process = subprocess.Popen(
        [
            *("setsid", "--ctty", "--wait", *command),
            f"tcp://127.0.0.1:{free_port()}",
        ],
        stdin=its,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        while "trying again" not in (line := process.stderr.readline()):
            assert line
        os.write(ours, b"xq")
        assert process.wait(TIMEOUT) == 0
        shown = subprocess.run(
            ["stty", "-a"], stdin=its, capture_output=True, text=True, check=True
        ).stdout
        assert " icanon" in shown and " echo " in shown
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
        os.close(its)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ((), "where to? An address is one of http://HOST[:PORT]/publish/NAME"),
        (("ftp://x/",), "where to?"),
        (("http://x:8080/",), "the address lacks where pictures go"),
        (("http://u:secret-pass@x/publish/a",), "the token is not written into the address"),
        (("tcp://x",), "this is no address; one looks like tcp://HOST:PORT"),
        (("tcp://x:99999",), "this is no address"),
        (("tcp://x:1/a",), "this is no address"),
        (("tcp://x:1", "--ca", "/dev/null"), "--ca is for https: and tcps:"),
        (("tcps://x:1", "--ca", "/dev/null"), "cannot be used: it has no certificate in PEM"),
        (("tcp://x:1", "--token-file", "/missing"), "cannot be read: No such file or directory"),
        (("tcp://x:1", "--token-file", "/dev/null"), "has no token"),
        (("tcp://x:1", "--region", "1,2,3"), "is no rectangle"),
        (("tcp://x:1", "--region", "1,2,3,4", "--width", "5"), "both say which part to send"),
        (("tcp://x:1", "--virtual"), "--virtual is for webcapd itself"),
        (("tcp://x:1", "http://me:secret-pass@x/publish/y"), "there is an argument too many"),
        (("tcp://x:1", "--sorce", "pattern:clock"), "there is no option --sorce; --source is one"),
    ],
)
def test_mistakes_are_told_in_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    status, said = run_to_end("push", "--source", "pattern:bars", *arguments)
    assert status == 2 and sentence in said and "\n" not in said
    assert "secret-pass" not in said


@given(st.text())
def test_any_address_is_taken_apart_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_target(text)
    with contextlib.suppress(ValueError):
        target = parse_target(f"http://{text}")
        assert 0 < target.port < 65536 and target.host and target.path.startswith("/")
