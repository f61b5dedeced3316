"""Whether a thread gets on with its work, as others see it."""

import time


class Progress:
    """When a thread last took a step; step() and rest() are that thread's, the rest for any."""

    def __init__(self) -> None:
        # Written by the thread itself only; one assignment, so others may read it.
        self._busy_since: float | None = None

    def step(self) -> None:
        """Note that the thread is awake and has come further."""
        self._busy_since = time.monotonic()

    def rest(self) -> None:
        """Note that the thread waits for something to do."""
        self._busy_since = None

    def busy_seconds(self) -> float:
        """Tell for how long the thread has taken no step; 0 while it rests."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since
