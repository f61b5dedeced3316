"""What the feeds share that others send to: who may, and where it goes."""

from collections.abc import Callable, Sequence
from typing import Any

from webcapd.capture.feeds.received.inlet import Inlet

Keys = Callable[[], Sequence[bytes]]
"""Gives the SHA-256 of each token that is valid now; for any thread, and never waits."""


class Reception:
    """The inlets that are sent to by name, and the tokens that permit it.

    It is filled before anything starts, and only read from then on.
    """

    def __init__(self, keys: Keys | None = tuple) -> None:
        """``keys`` is None where there are no tokens: then nobody may send from elsewhere."""
        self.keys = keys
        self.inlets: dict[str, Inlet[Any]] = {}
        """By the name behind /publish/."""

    def add(self, name: str, inlet: Inlet[Any]) -> None:
        """Have what is sent to a name go into an inlet; raises ValueError with a sentence."""
        if name in self.inlets:
            raise ValueError(f"push:{name} is named twice")
        self.inlets[name] = inlet
