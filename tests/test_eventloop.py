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


def test_callback_that_raises_at_the_end_keeps_nothing_else_from_being_done(told: Told) -> None:
    loop = EventLoop("loop", lambda error: told.put(str(error)), lambda: told.put("ended"))
    loop.stop()
    for number in range(2):
        loop.post(lambda: [].pop())
        loop.post(lambda number=number: told.put(number))  # type: ignore[misc]
    loop.start()
    assert loop.join(TIMEOUT)
    loop.close()
    no = "pop from empty list"
    assert [told.get_nowait() for _ in range(5)] == [no, 0, no, 1, "ended"]


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
    assert set(os.listdir("/proc/self/fd")) <= before


def test_call_runs_in_the_calling_thread_while_the_loop_sleeps(loop: EventLoop, told: Told) -> None:
    loop.start()
    soon = loop.timer(functools.partial(told.put, "in time"))

    def call() -> None:
        told.put(threading.current_thread().name)
        # The loop sleeps without end, and is to hear of it.
        soon.set(time.monotonic() + 0.01)

    wait_until("it sleeps", lambda: loop.run_here(call))
    assert told.get(timeout=TIMEOUT) == threading.current_thread().name
    assert told.get(timeout=TIMEOUT) == "in time"


def test_call_runs_not_here_while_another_is_at_work_or_all_has_ended(
    loop: EventLoop, told: Told
) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def work() -> None:
        at_work.set()
        assert go_on.wait(TIMEOUT)

    loop.start()
    loop.post(work)
    assert at_work.wait(TIMEOUT)
    assert not loop.run_here(lambda: told.put("here"))
    go_on.set()
    loop.stop()
    assert loop.join(TIMEOUT)
    assert not loop.run_here(lambda: told.put("here"))
    assert told.get_nowait() == "ended"
    assert told.empty()


def test_calls_here_and_there_are_one_at_a_time(loop: EventLoop) -> None:
    loop.start()
    busy, together, runs = [False], [False], [0]

    def call() -> None:
        together[0] = together[0] or busy[0]
        busy[0] = True
        time.sleep(0)
        busy[0] = False
        runs[0] += 1

    def hand_over() -> None:
        for _ in range(200):
            if not loop.run_here(call):
                loop.post(call)

    threads = [threading.Thread(target=hand_over) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until("all ran", lambda: runs[0] == 600)
    assert not together[0]


def test_call_here_that_fails_is_told_of(loop: EventLoop, told: Told) -> None:
    loop.start()
    error = ValueError()

    def fail() -> None:
        raise error

    wait_until("it sleeps", lambda: loop.run_here(fail))
    assert told.get(timeout=TIMEOUT) is error
