"""The thread that waits for descriptors, deadlines and other threads."""

import functools
import os
import queue
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from program import TIMEOUT
from waiting import wait_until

from webcapd.base import eventloop
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
    assert made.join(TIMEOUT)
    made.close()


def test_posted_calls_run_in_order_in_its_thread(loop: EventLoop, told: Told) -> None:
    loop.start()
    for number in range(100):
        loop.post(lambda number=number: told.put((number, threading.current_thread().name)))  # type: ignore[misc]
    assert [told.get(timeout=TIMEOUT) for _ in range(100)] == [(n, "loop") for n in range(100)]


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
        assert told.get(timeout=TIMEOUT) == (select.EPOLLIN, b"a")
        theirs.send(b"b")
        loop.post(lambda: told.put("posted"))
        loop.post(lambda: told.put("posted"))
        assert [told.get(timeout=TIMEOUT) for _ in range(2)] == ["posted", "posted"]


def test_descriptor_that_cannot_be_watched_raises(loop: EventLoop) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    os.close(reader)
    with pytest.raises(OSError):
        loop.watch(reader, select.EPOLLIN, lambda events: None)


def test_timer_calls_when_it_was_set_to_last(loop: EventLoop, told: Told) -> None:
    moved, early, never = (
        loop.timer(functools.partial(told.put, name)) for name in ("moved", "early", "never")
    )
    moved.set(0.0)
    moved.set(time.monotonic() + 0.01)
    early.set(0.0)
    never.set(0.0)
    never.cancel()
    loop.start()
    assert [told.get(timeout=TIMEOUT) for _ in range(2)] == ["early", "moved"]
    assert told.empty()


def test_callback_that_raises_ends_the_loop_and_is_told(loop: EventLoop, told: Told) -> None:
    error = ValueError("no")

    def fail() -> None:
        raise error

    loop.start()
    loop.post(fail)
    assert [told.get(timeout=TIMEOUT) for _ in range(2)] == [error, "ended"]
    assert loop.join(TIMEOUT)


def test_what_is_posted_before_the_end_runs_and_later_it_is_refused(told: Told) -> None:
    loop = EventLoop("loop", told.put, lambda: told.put("ended"))
    loop.stop()
    assert loop.post(lambda: told.put("posted"))
    loop.start()
    assert loop.join(TIMEOUT)
    assert [told.get_nowait() for _ in range(2)] == ["posted", "ended"]
    assert not loop.post(lambda: told.put("too late"))
    loop.close()
    assert told.empty()


def test_thread_that_hangs_is_noticed_and_one_that_goes_on(
    loop: EventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In earnest it is given seconds.
    monkeypatch.setattr(eventloop, "_MAX_ROUND_SECONDS", 0.05)
    let_go, hangs = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        let_go.wait(TIMEOUT)

    loop.start()
    # Asleep: each question is answered.
    for _ in range(3):
        assert loop.makes_progress()
        wait_until("it answers", lambda: loop._asked is None)
    loop.post(hang)
    assert hangs.wait(TIMEOUT)
    wait_until("it is noticed", lambda: not loop.makes_progress())
    let_go.set()
    wait_until("it goes on", loop.makes_progress)


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
        assert told.get(timeout=TIMEOUT) == "heard"
        stopped.set()


def test_hundred_loops_leave_no_descriptor() -> None:
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(100):
        loop = EventLoop("loop", lambda error: None)
        loop.start()
        loop.stop()
        assert loop.join(TIMEOUT)
        loop.close()
        loop.close()
    assert set(os.listdir("/proc/self/fd")) == before
