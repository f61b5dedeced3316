"""Senders of pictures that are killed at any moment leave no half of one, and nothing behind."""

import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import mjpeg
import numpy as np
from footprint import Footprint
from pictures import BOUNDARY, noise, part
from program import Webcapd, webcapd
from soak import scenario
from waiting import wait_until

TOKEN = "token-of-the-soak"

# The same two pictures again and again, as fast as they are taken.
SENDER = """
import socket, sys
parts = sys.stdin.buffer.read()
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
    head = "POST /publish/soak HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 99999999999"
    token = f"Authorization: Bearer {sys.argv[2]}"
    connection.sendall(f"{head}\\r\\n{token}\\r\\n\\r\\n--sent\\r\\n".encode())
    print("sending", flush=True)
    while True:
        connection.sendall(parts)
"""


@contextlib.contextmanager
def sending(program: Webcapd, parts: bytes) -> Iterator[None]:
    """Have a process send until the context ends, and kill it then, whatever it does."""
    command = [sys.executable, "-S", "-c", SENDER, str(program.port), TOKEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sender:
        assert sender.stdin is not None and sender.stdout is not None
        sender.stdin.write(parts)
        sender.stdin.close()
        try:
            assert sender.stdout.readline() == b"sending\n"
            yield
        finally:
            sender.kill()


@scenario("senders-are-killed", 100)
def senders_are_killed(count: int) -> str:
    """Kill a sender of pictures at any moment, COUNT times."""
    pictures = [mjpeg.encode(noise(640, 360, seed)) for seed in (1, 2)]
    known = [mjpeg.decode(one) for one in pictures]
    chance = random.Random(count)
    shown = 0
    with tempfile.NamedTemporaryFile("w") as tokens:
        tokens.write(TOKEN + "\n")
        tokens.flush()
        path = str(Path(tokens.name))
        with webcapd("--source", "push:soak", "--publish-token-file", path) as program:
            before: Footprint | None = None

            def is_shown() -> bool:
                status, _, body = program.get("/?snapshot")
                if status == 200:
                    # decode() bears no warning.
                    found = mjpeg.decode(body)
                    assert any(np.array_equal(found, one) for one in known), "it is torn"
                return status == 200

            for number in range(count):
                with sending(program, b"".join(map(part, pictures))):
                    time.sleep(chance.uniform(0, 0.1))
                    if not number:
                        # None may be, of those that are killed before long.
                        wait_until("a picture is shown", is_shown)
                        shown += 1
                shown += is_shown()
                wait_until("nobody sends", lambda: not program.info()["capture"]["feed"]["sender"])
                if number == 0:
                    before = Footprint(program.process.pid)
            assert before is not None
            files, threads, kilobytes = before.files, before.threads, before.kilobytes

            def is_left() -> bool:
                """Whether all is given back; who is served ends a moment after the answer."""
                after = Footprint(program.process.pid)
                assert after.kilobytes < kilobytes + 40_000
                return after.files <= files + 1 and after.threads <= threads + 1

            wait_until("it holds no more than before", is_left)
            assert program.info()["capture"]["feed"]["refused"] == 0
    assert BOUNDARY == b"--sent"
    return f"{shown} pictures seen, all whole"
