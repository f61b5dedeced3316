"""How one thread wakes another, and how the main thread learns that all is to end."""

import os
import signal
import socket
import threading
import time

import pytest
from program import TIMEOUT

from webcapd.base.shutdown import Shutdown
from webcapd.base.waker import Waker


@pytest.mark.parametrize("times", [1, 100_000])
def test_call_before_the_sleep_keeps_it_from_beginning_once(times: int) -> None:
    waker = Waker()
    for _ in range(times):
        waker.wake()
    assert waker.wait(TIMEOUT)
    assert not waker.wait(0)
    waker.close()


def test_call_ends_the_sleep_of_another_thread() -> None:
    waker = Waker()
    thread = threading.Thread(target=waker.wait, args=(None,))
    thread.start()
    waker.wake()
    thread.join(TIMEOUT)
    assert not thread.is_alive()
    waker.close()


def test_other_descriptor_ends_the_sleep_and_keeps_the_calls() -> None:
    waker = Waker()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"a")
        assert waker.wait(None, ours.fileno())
        ours.recv(1)
        assert not waker.wait(0, ours.fileno())
    waker.close()


def test_closed_waker_wakes_nobody() -> None:
    before = set(os.listdir("/proc/self/fd"))
    waker = Waker()
    waker.close()
    waker.close()
    waker.wake()
    assert set(os.listdir("/proc/self/fd")) <= before


def test_call_and_close_at_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the call fails, or is written into whatever file has the number next."""
    waker = Waker()
    closing = threading.Thread(target=waker.close)
    write = os.eventfd_write

    def write_late(descriptor: int, value: int) -> None:
        closing.start()
        closing.join(0.1)  # It must not get on until this is written.
        write(descriptor, value)

    monkeypatch.setattr(os, "eventfd_write", write_late)
    waker.wake()
    closing.join(TIMEOUT)
    assert waker.fileno() == -1


def test_first_status_asked_for_counts_and_a_nudge_is_none() -> None:
    stop = Shutdown()
    stop.nudge()
    assert stop.wait(TIMEOUT) is None
    assert stop.wait(0) is None
    for status in (1, 0):
        stop.ask(status)
    assert [stop.wait(TIMEOUT) for _ in range(2)] == [1, 1]
    stop.close()
    stop.ask()


def test_signal_handler_ends_the_wait() -> None:
    stop = Shutdown()
    before = signal.signal(signal.SIGUSR1, lambda *_: stop.ask(3))
    began = time.monotonic()
    try:
        main = threading.main_thread().ident
        assert main is not None
        timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGUSR1))
        timer.start()
        assert stop.wait(TIMEOUT) == 3
        assert time.monotonic() - began < TIMEOUT
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
        stop.close()
