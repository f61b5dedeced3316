"""Which bands to refresh when no damage is reported, and which to hash.

Polling refreshes every band, every time.  Two kinds of bands need less:

    normal  read and hashed each time
    hot     changed in each of the last ``threshold`` refreshes: for ``duration`` it
            is taken for changed without hashing.  Then it is hashed twice; if
            it changed in between, it is hot again.
    cold    unchanged for ``duration``: read each COLD_EVERY-th time, each
            band at another, so that some see a change early; a change anywhere
            makes all bands normal.

The transitions are a pure function; ``Throttle`` keeps a state a band.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

COLD_EVERY = 4


class Heat(Enum):
    """How often a band is refreshed."""

    COLD = "cold"
    NORMAL = "normal"
    HOT = "hot"


class BandState(NamedTuple):
    """What is remembered of one band."""

    heat: Heat = Heat.NORMAL
    changes: int = 0
    """Refreshes in a row that found a change."""
    since: float = 0.0
    """When it was last found changed (normal), or became hot or cold."""


class Rules(NamedTuple):
    """The thresholds: a number of refreshes, and seconds."""

    threshold: int
    duration: float


def step(state: BandState, changed: bool, now: float, rules: Rules) -> BandState:
    """Give the state of a band after a refresh of it at ``now``."""
    if state.heat is Heat.HOT:
        if now - state.since < rules.duration:
            return state
        # Time to compare again: another change makes it hot at once.
        return BandState(Heat.NORMAL, rules.threshold - 1, now)
    if not changed:
        if state.heat is Heat.NORMAL and now - state.since >= rules.duration:
            return BandState(Heat.COLD, 0, now)
        return state._replace(changes=0)
    changes = state.changes + 1
    heat = Heat.HOT if changes >= rules.threshold else Heat.NORMAL
    return BandState(heat, changes, now)


def warmed(state: BandState, now: float) -> BandState:
    """Give the state of a band when something changed elsewhere."""
    return BandState(Heat.NORMAL, 0, now) if state.heat is Heat.COLD else state


class Throttle:
    """The heat of all bands of a screen.  Encoder thread only."""

    def __init__(self, bands: int, rules: Rules, now: float) -> None:
        self._rules = rules
        self._states = [BandState(since=now)] * bands
        self._refreshes = 0

    def due(self) -> tuple[list[int], list[int]]:
        """Give the bands for the next refresh: those to hash, and those taken for changed."""
        self._refreshes += 1
        hashed = [
            band
            for band, state in enumerate(self._states)
            if state.heat is Heat.NORMAL
            or (state.heat is Heat.COLD and (band + self._refreshes) % COLD_EVERY == 0)
        ]
        hot = [band for band, state in enumerate(self._states) if state.heat is Heat.HOT]
        return hashed, hot

    def refreshed(self, bands: Sequence[int], changed: Iterable[int], now: float) -> None:
        """Note what a refresh of some bands found."""
        found = set(changed)
        for band in bands:
            self._states[band] = step(self._states[band], band in found, now, self._rules)
        if found:
            self._states = [warmed(state, now) for state in self._states]

    def counts(self) -> dict[str, int]:
        """Count the bands of each heat; for any thread, if a little off."""
        heats = [state.heat for state in self._states]
        return {heat.value: heats.count(heat) for heat in Heat}
