"""Which bands to refresh.

With damage reports: those drawn on, and from time to time all of them, in case
a driver reports too little.  Without: all of them, slowed down where nothing
happens (throttle.py).  Either way damage is a hint only: the hash decides.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from webcapd.capture.bands import BandLayout
from webcapd.capture.flood import Flood
from webcapd.capture.geometry import Rectangle
from webcapd.capture.motion import Motion, add, apart, beside
from webcapd.capture.throttle import Rules, Throttle

# What is more of the screen is not small.
_SMALL_SHARE = 1 / 16


class Selection(NamedTuple):
    """The bands of one refresh, ascending."""

    hashed: list[int]
    unhashed: list[int]
    """Taken for changed without hashing."""
    columns: Mapping[int, int] = {}
    """Of bands that only some columns of were drawn on, these: a bit for each."""


@dataclass
class RefreshCounts:
    """What refreshing has cost and found, since the start.

    Written by the encoder thread only; others read single numbers.
    """

    refreshes: int = 0
    bands_refreshed: int = 0
    """Bands that were refreshed."""
    changed: int = 0
    """Bands that really had changed."""
    full_scans: int = 0
    missed: int = 0
    """Bands found changed, at least in part, that no damage report told of."""

    def report(self) -> Mapping[str, int]:
        return {
            "looks": self.refreshes,
            "bandsLookedAt": self.bands_refreshed,
            "bandsChanged": self.changed,
            "fullScans": self.full_scans,
            "bandsMissedByDamage": self.missed,
        }


class BandSelector(Protocol):
    """Selects the bands of each refresh.  Encoder thread only."""

    polls: bool
    """Whether a refresh is worth it at any time."""

    def select(self, area: Rectangle) -> Selection:
        """Select for a refresh; bands of earlier selections stay selected until refreshed()."""

    def select_all(self) -> None:
        """Have the next refresh take in all bands."""

    def select_small(self, area: Rectangle) -> bool:
        """Confine the next refresh to what little was drawn apart from what moves.

        Only if there is any, which it tells.  Everything else stays selected.  Raises SourceError.
        """

    def refreshed(self, selection: Selection, changed: Mapping[int, int], area: Rectangle) -> None:
        """Note which of the hashed bands had changed, and which columns of them."""

    def seconds_until_due(self) -> float:
        """Seconds until a refresh is due though nothing was reported."""

    def heat(self) -> Mapping[str, int] | None:
        """Count the bands that are refreshed more or less often; for any thread."""


class DamageReports(Protocol):
    """Tells what was drawn, where a source can."""

    def take(self) -> Sequence[tuple[int, int, int, int]]:
        """Take what was drawn since last time: x, y, width, height of each place, in pixels.

        Of the whole, of which perhaps a part is shown.  Raises SourceError.
        """


@dataclass
class DamageSelector:
    """Follows the server's damage reports."""

    damage: DamageReports
    layout: BandLayout
    scan_period: float
    counts: RefreshCounts
    polls: bool = False
    _selected: set[int] = field(default_factory=set)
    """Bands selected and not refreshed yet."""
    _hinted: dict[int, int] = field(default_factory=dict)
    """Those of them that a damage report told of, and of which columns."""
    _motion: Motion = field(default_factory=Motion)
    _small: dict[int, int] = field(default_factory=dict)
    """What the refresh under way is confined to, if to anything."""
    _flood: Flood = field(default_factory=Flood)
    _unhashed: set[int] = field(default_factory=set)
    """Bands that have no hash, as they were taken for changed."""
    _scan_due: float = 0.0
    """Never 0 once nothing but time asks for a scan."""
    _scanning: bool = False

    def __post_init__(self) -> None:
        self._everything = dict.fromkeys(range(self.layout.count), self.layout.every_column)

    def select(self, area: Rectangle) -> Selection:
        if self._small and self._scan_due:
            # A grab that is done over is one of the same bands.
            return Selection(sorted(self._small), [], self._small)
        self._small = {}
        # The damage is taken before the grab: what is drawn in between is in
        # the picture already and is reported again, at the cost of a hash.
        add(self._hinted, self._take_damage(area))
        self._scanning = self._scanning or time.monotonic() >= self._scan_due
        if self._scanning:
            self._selected = set(range(self.layout.count))
        self._selected |= self._hinted.keys()
        selected = sorted(self._selected)
        if self._flood.is_on() and self._is_everything_drawn():
            return Selection([], selected)
        return Selection(selected, [], self._hinted)

    def _is_everything_drawn(self) -> bool:
        return self._hinted == self._everything

    def _take_damage(self, area: Rectangle) -> dict[int, int]:
        """Take the damage of the area shown, as bands and columns."""
        drawn = self.layout.touched_tiles(self.damage.take(), (area.x, area.y))
        self._motion.note(drawn, time.monotonic())
        return drawn

    def select_small(self, area: Rectangle) -> bool:
        moving = self._motion.tiles(time.monotonic())
        # What waits for its turn goes on doing so.
        add(moving, self._hinted)
        drawn = self._take_damage(area)
        add(self._hinted, drawn)
        tiles = self.layout.count * self.layout.columns
        self._small = apart(drawn, moving, max(1, int(tiles * _SMALL_SHARE)))
        return bool(self._small)

    def select_all(self) -> None:
        # As at the start: what is found then was not missed.
        self._scan_due = 0.0

    def refreshed(self, selection: Selection, changed: Mapping[int, int], area: Rectangle) -> None:
        unhinted = beside(changed, self._hinted)
        if self._small:
            self._hinted, self._small = beside(self._hinted, self._small), {}
        else:
            self._flood.refreshed(self._is_everything_drawn(), changed, self.layout.count)
            self._selected, self._hinted = set(), {}
        if unhinted and self._scan_due:
            # What was drawn between taking the damage and the grab is in the
            # reports by now.
            drawn = self._take_damage(area)
            add(self._hinted, drawn)
            self.counts.missed += len(beside(unhinted, drawn).keys() - self._unhashed)
        self._unhashed.difference_update(selection.hashed)
        self._unhashed.update(selection.unhashed)
        if self._scanning:
            self.counts.full_scans += 1
            self._scanning = False
            self._scan_due = time.monotonic() + self.scan_period

    def seconds_until_due(self) -> float:
        return 0.0 if self._hinted else max(0.0, self._scan_due - time.monotonic())

    def heat(self) -> None:
        """All are alike."""


@dataclass
class PollSelector:
    """Looks at everything, except where nothing or everything happens."""

    layout: BandLayout
    rules: Rules
    polls: bool = True

    def __post_init__(self) -> None:
        self.throttle = Throttle(self.layout.count, self.rules, time.monotonic())
        self._everywhere = True
        self._selection: Selection | None = None
        self._unhashed: list[int] = []
        """Bands of which the last refresh left no hash to compare the next one with."""

    def select(self, area: Rectangle) -> Selection:
        if self._everywhere:
            self._selection = Selection(list(range(self.layout.count)), [])
        elif self._selection is None:
            self._selection = Selection(*self.throttle.due())
        # A grab that is done over is one of the same bands.
        return self._selection

    def select_all(self) -> None:
        self._everywhere = True

    def select_small(self, area: Rectangle) -> bool:
        return False

    def refreshed(self, selection: Selection, changed: Mapping[int, int], area: Rectangle) -> None:
        self._everywhere, self._selection = False, None
        compared = [band for band in selection.hashed if band not in self._unhashed]
        self._unhashed = selection.unhashed
        self.throttle.refreshed(
            [*compared, *selection.unhashed], {*changed, *selection.unhashed}, time.monotonic()
        )

    def seconds_until_due(self) -> float:
        return 0.0

    def heat(self) -> Mapping[str, int]:
        return self.throttle.counts()
