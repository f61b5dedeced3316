"""The thread that waits for descriptors, deadlines and other threads."""

import os
import queue
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from program import PATIENCE

from webcapd.base.eventloop import EventLoop

Told = queue.Queue[object]


@pytest.fixture
def told() -> Told:
    return queue.Queue()


@pytest.fixture
def loop(told: Told) -> Iterator[EventLoop]:
    made = EventLoop("loop", told.put, lambda: told.put("ended"))
    yield made
    made.stop()
    assert made.join(PATIENCE)
    made.close()


def test_posted_calls_run_in_order_in_its_thread(loop: EventLoop, told: Told) -> None:
    loop.start()
    for number in range(100):
        loop.post(lambda number=number: told.put((number, threading.current_thread().name)))  # type: ignore[misc]
    assert [told.get(timeout=PATIENCE) for _ in range(100)] == [(n, "loop") for n in range(100)]


def test_descriptor_is_watched_until_unwatched(loop: EventLoop, told: Told) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)

        def on_event(events: int) -> None:
            told.put((events, ours.recv(10)))
            loop.unwatch(ours.fileno())

        loop.watch(ours.fileno(), select.EPOLLIN, on_event)
        loop.start()
        theirs.send(b"a")
        assert told.get(timeout=PATIENCE) == (select.EPOLLIN, b"a")
        theirs.send(b"b")
        loop.post(lambda: told.put("posted"))
        loop.post(lambda: told.put("posted"))
        assert [told.get(timeout=PATIENCE) for _ in range(2)] == ["posted", "posted"]


def test_descriptor_that_cannot_be_watched_raises(loop: EventLoop) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    os.close(reader)
    with pytest.raises(OSError):
        loop.watch(reader, select.EPOLLIN, lambda events: None)


def test_call_replaces_the_one_under_the_same_key(loop: EventLoop, told: Told) -> None:
    loop.call_at("a", 0.0, lambda: told.put("replaced"))
    loop.call_at("a", time.monotonic() + 0.01, lambda: told.put("a"))
    loop.call_at("b", 0.0, lambda: told.put("b"))
    loop.call_at("c", 0.0, lambda: told.put("cancelled"))
    loop.cancel("c")
    loop.start()
    assert [told.get(timeout=PATIENCE) for _ in range(2)] == ["b", "a"]
    assert told.empty()


def test_callback_that_raises_ends_the_loop_and_is_told(loop: EventLoop, told: Told) -> None:
    error = ValueError("no")

    def fail() -> None:
        raise error

    loop.start()
    loop.post(fail)
    assert [told.get(timeout=PATIENCE) for _ in range(2)] == [error, "ended"]
    assert loop.join(PATIENCE)


def test_callback_that_hangs_shows_and_rest_does_not(loop: EventLoop) -> None:
    let_go, hangs = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        let_go.wait(PATIENCE)

    loop.start()
    loop.post(hang)
    assert hangs.wait(PATIENCE)
    began = time.monotonic()
    while loop.progress.busy_seconds() < 0.05:
        assert time.monotonic() - began < PATIENCE
    let_go.set()
    while loop.progress.busy_seconds():
        assert time.monotonic() - began < PATIENCE


def test_call_that_posts_itself_keeps_nobody_out(loop: EventLoop, told: Told) -> None:
    stopped = threading.Event()

    def again() -> None:
        if not stopped.is_set():
            loop.post(again)

    ours, theirs = socket.socketpair()
    with ours, theirs:
        loop.watch(ours.fileno(), select.EPOLLIN | select.EPOLLET, lambda _: told.put("heard"))
        loop.start()
        loop.post(again)
        theirs.send(b"a")
        assert told.get(timeout=PATIENCE) == "heard"
        stopped.set()


def test_hundred_loops_leave_no_descriptor() -> None:
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(100):
        loop = EventLoop("loop", lambda error: None)
        loop.start()
        loop.stop()
        assert loop.join(PATIENCE)
        loop.close()
        loop.close()
    assert set(os.listdir("/proc/self/fd")) == before
