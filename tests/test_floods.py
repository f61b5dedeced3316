"""Few clients that make a server work."""

import base64
import contextlib
import http.client
import itertools
import socket
import threading
from pathlib import Path

import bcrypt
from attack import attacked
from program import TIMEOUT, Webcapd, webcapd
from waiting import wait_until
from xserver import XServer

SOURCES = 4
GUESSES = 8
WRONG = b"Authorization: Basic " + base64.b64encode(b"ann:wrong")


def test_empty_lines_without_end_are_refused() -> None:
    """One may come before a request; more of them are read by nobody."""
    with attacked() as attack:
        for _ in range(20):
            connection = attack.connect(b"\r\n" * 200_000)
            try:
                response = connection.recv(1 << 16)
            except ConnectionResetError:
                response = b""
            # Not at the end of the time that a request may take.
            assert not response.startswith(b"HTTP/1.1 408 "), response
        attack.see_changes()


def test_guesses_at_one_time_hold_few_threads(server: XServer, tmp_path: Path) -> None:
    """Else they would take all that there are, and nobody else were answered."""
    users = tmp_path / "users"
    users.write_bytes(b"ann:" + bcrypt.hashpw(b"right", bcrypt.gensalt(11)) + b"\n")
    with (
        webcapd("--display", server.name, "--auth-file", str(users)) as program,
        contextlib.ExitStack() as guessers,
    ):
        assert get(program, "right", "127.0.0.1") == 200
        guessing = []
        for number in range(300):
            source = (f"127.0.2.{number % 100 + 1}", 0)
            address = (program.host, program.port)
            guessing.append(socket.create_connection(address, TIMEOUT, source))
            guessers.enter_context(guessing[-1])
        for one in guessing:
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + WRONG + b"\r\n\r\n")
        statuses = []
        for one in guessing:
            statuses.append(int(one.recv(1 << 16).split()[1]))
            assert get(program, "right", "127.0.0.1") == 200
        assert set(statuses) == {401, 503}
        # Of who came while others were being checked, few waited for it.
        assert statuses.count(401) < 100


def get(program: Webcapd, password: str, source: str) -> int:
    """Ask for the state with a password; gives the status of the response."""
    word = base64.b64encode(f"ann:{password}".encode()).decode()
    connection = http.client.HTTPConnection(
        program.host, program.port, timeout=TIMEOUT, source_address=(source, 0)
    )
    with contextlib.closing(connection):
        connection.request("GET", "/?info", headers={"Authorization": f"Basic {word}"})
        return connection.getresponse().status


def test_guesses_do_not_hold_up_who_is_known(server: XServer, tmp_path: Path) -> None:
    """A wrong password takes long to check, and one that was right before does not."""
    users = tmp_path / "users"
    users.write_bytes(b"ann:" + bcrypt.hashpw(b"right", bcrypt.gensalt(12)) + b"\n")
    with webcapd("--display", server.name, "--auth-file", str(users)) as program:
        assert get(program, "right", "127.0.0.1") == 200
        statuses: list[int] = []
        enough = threading.Event()
        # Each from an address of its own: one alone is locked out soon.
        numbers = itertools.count(257)

        def guess() -> None:
            while not enough.is_set():
                number = next(numbers)
                statuses.append(get(program, "wrong", f"127.0.{number >> 8}.{number & 255}"))

        threads = [threading.Thread(target=guess) for _ in range(SOURCES)]
        for thread in threads:
            thread.start()
        known = itertools.count(1)

        def outnumbers() -> bool:
            assert get(program, "right", "127.0.0.1") == 200
            # Who waits for the guesses falls further behind with each.
            return next(known) >= len(statuses) >= GUESSES

        try:
            wait_until("who is known is answered more often than who guesses", outnumbers)
        finally:
            enough.set()
            for thread in threads:
                thread.join()
        assert set(statuses) == {401}
