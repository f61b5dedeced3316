"""Waiting for what must happen: until a condition holds, and never for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

from program import TIMEOUT

_Found = TypeVar("_Found")

_PAUSE = 0.02


def wait_until(
    what: str, condition: Callable[[], _Found | None], seconds: float = TIMEOUT
) -> _Found:
    """Ask again and again until the answer is true; returns it.

    ``what`` says in the failure what did not come about.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"this did not come about: {what}"
        time.sleep(_PAUSE)
    return found


def wait_until_still(what: str, value: Callable[[], object]) -> None:
    """Wait until a value is the same after half a second as before."""

    def is_same() -> bool:
        before = value()
        time.sleep(0.5)
        return value() == before

    wait_until(f"{what} stays the same", is_same)
