"""What it costs to pass pushed JPEGs on to many viewers, beside sending them and one decode.

    .venv/bin/python bench/push.py [--size 1280x720] [--fps 20] [--clients 50] [--seconds 8]

CPU time a frame, of webcapd that a stream is pushed to, by thread; of a loop that does nothing
but hand the same bytes to as many sockets; and of one decode at 1/8, the check that each picture
undergoes.  The bound is 1.1 times the second, and the third.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
import numpy as np
import turbojpeg

from audience import connect
from running import ROOT, cpu_seconds, running

sys.path.append(str(ROOT))

from webcapd.capture.feeds.received.jpeg import jpeg_picture

_TOKEN = "token-of-the-bench"
_PICTURES = 8
_HEAD = "--x\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n"


def pictures(width: int, height: int) -> list[bytes]:
    """Make pictures as hard to encode as photographs, without metadata."""
    noise = np.random.default_rng(1).integers(
        0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8
    )
    whole = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    found = []
    for number in range(_PICTURES):
        _, coded = cv2.imencode(".jpg", np.roll(whole, 16 * number, axis=1))
        plain = jpeg_picture(coded.tobytes()).coded
        assert plain is not None
        found.append(plain)
    return found


@contextmanager
def audience(port: int, wire: str, clients: int) -> Iterator["subprocess.Popen[str]"]:
    """Have clients watch; the context begins when they may connect."""
    command = (sys.executable, str(ROOT / "bench/audience.py"), str(port), wire, str(clients))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def asked(process: "subprocess.Popen[str]") -> tuple[float, float]:
    """Give the moment, and the frames that a client has had by then, on average."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    return answer["moment"], sum(answer["frames"]) / len(answer["frames"])


class Sender:
    """Sends pictures, one after the other, until the context ends; in a thread of its own."""

    def __init__(self, sockets: Sequence[socket.socket], jpegs: list[bytes], fps: float) -> None:
        self._sockets, self._fps = sockets, fps
        self._parts = [(_HEAD.format(len(one)).encode(), one, b"\r\n") for one in jpegs]
        self._stopping = threading.Event()
        self.seconds = 0.0
        """CPU time."""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Sender":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        moment, number = time.monotonic(), 0
        while not self._stopping.is_set():
            part = self._parts[number % len(self._parts)]
            for one in self._sockets:
                left = sum(map(len, part)) - one.sendmsg(part)
                if left:
                    one.sendall(b"".join(part)[-left:])
            self.seconds = time.thread_time()
            number += 1
            moment += 1 / self._fps
            self._stopping.wait(max(0.0, moment - time.monotonic()))


def alone(jpegs: list[bytes], given: argparse.Namespace) -> float:
    """Measure the CPU seconds a frame of handing it to all sockets."""
    with ExitStack() as held, socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        watching = held.enter_context(audience(listener.getsockname()[1], "tcp", given.clients))
        clients = [held.enter_context(listener.accept()[0]) for _ in range(given.clients)]
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        with Sender(clients, jpegs, given.fps) as sender:
            assert watching.stdout is not None
            watching.stdout.readline()
            (_, before), spent = asked(watching), sender.seconds
            time.sleep(given.seconds)
            (_, after), spent = asked(watching), sender.seconds - spent
    return spent / (after - before)


def by_thread(pid: int) -> dict[int, float]:
    """Give the CPU time of each thread of a process so far, in the order that they began."""
    # Nanoseconds on a processor (Documentation/scheduler/sched-stats.rst).
    tasks = sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
    return {
        task: int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0]) / 1e9
        for task in tasks
    }


def pushed(jpegs: list[bytes], given: argparse.Namespace) -> tuple[float, list[float]]:
    """Measure the CPU seconds a frame of webcapd, and of each of its threads."""
    with ExitStack() as held:
        tokens = held.enter_context(tempfile.NamedTemporaryFile("w"))
        tokens.write(_TOKEN + "\n")
        tokens.flush()
        options = ("--port", "0", "--source", "push:bench", "--publish-token-file", tokens.name)
        command = (sys.executable, "-P", str(ROOT / "webcapd.py"), *options, "--fps", "60")
        process, line = held.enter_context(running("serving", *command))
        port = int(line.strip().rstrip("/").rpartition(":")[2])
        sending = held.enter_context(connect(port))
        sending.sendall(
            b"POST /publish/bench HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n"
            b"Authorization: Bearer " + _TOKEN.encode() + b"\r\n\r\n"
        )
        held.enter_context(Sender([sending], jpegs, given.fps))
        time.sleep(1)
        watching = held.enter_context(audience(port, "/?stream", given.clients))
        assert watching.stdout is not None
        watching.stdout.readline()
        time.sleep(1)
        (_, first), threads, spent = (
            asked(watching),
            by_thread(process.pid),
            cpu_seconds(process.pid),
        )
        time.sleep(given.seconds)
        (_, last) = asked(watching)
        spent = cpu_seconds(process.pid) - spent
        ended = by_thread(process.pid)
    frames = last - first
    parts = [(used - threads.get(task, 0.0)) / frames for task, used in ended.items()]
    print(f"{frames / given.seconds:.1f} frames a second at each of {given.clients} viewers")
    return spent / frames, parts


def decode_seconds(jpegs: list[bytes]) -> float:
    """Measure the CPU seconds of one decode at 1/8."""
    decoder = turbojpeg.TurboJPEG()
    before = time.thread_time()
    for jpeg in jpegs * 4:
        decoder.decode(jpeg, scaling_factor=(1, 8))
    return (time.thread_time() - before) / (4 * len(jpegs))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--fps", type=float, default=20)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=8)
    given = parser.parse_args()
    jpegs = pictures(*map(int, given.size.split("x")))
    print(f"{sum(map(len, jpegs)) / len(jpegs) / 1000:.0f} kB a picture")
    whole, parts = pushed(jpegs, given)
    sending, decode = alone(jpegs, given), decode_seconds(jpegs)
    shown = ", ".join(f"{1000 * spent:.2f}" for spent in parts if spent > 1e-5)
    print(f"its threads, in the order that they began: {shown} ms")
    print(f"webcapd        {1000 * whole:7.2f} ms a frame")
    print(f"sending alone  {1000 * sending:7.2f} ms")
    print(f"one decode     {1000 * decode:7.2f} ms")
    bound = 1.1 * sending + decode
    print(f"{whole / bound:.2f} of the bound of {1000 * bound:.2f} ms")


if __name__ == "__main__":
    main()
