"""Where masked windows were a moment ago: what they showed there may still be seen.  Pure.

A window that goes leaves its pixels until what lies below has repainted, and a
compositor shows it where it was until it has drawn the next picture, or for as
long as it fades.
"""

import math

from webcapd.capture.geometry import Rectangle

# A window in motion has been in more places than it pays to tell apart.
_MAX_PLACES = 24


class Places:
    """The latest places of one window: a few of them, which cover all."""

    def __init__(self) -> None:
        self._places: dict[Rectangle, float] = {}
        """Since when each need not be covered any more, in the order of those moments."""

    def add(self, place: Rectangle, until: float) -> None:
        """Cover a place until some moment, which is never before that of an earlier call."""
        self._places.pop(place, None)
        self._places[place] = until
        if len(self._places) > _MAX_PLACES:
            # Neighbours in time are neighbours on the screen, mostly.
            pairs = list(self._places.items())
            self._places = {
                first.around(second): until
                for (first, _), (second, until) in zip(pairs[::2], pairs[1::2], strict=False)
            } | (dict(pairs[-1:]) if len(pairs) % 2 else {})

    def at(self, moment: float) -> list[Rectangle]:
        """Give what is to be covered at a moment; forgets what was until before."""
        self._places = {place: until for place, until in self._places.items() if until >= moment}
        return list(self._places)

    def last_end(self) -> float:
        """Give when the last of them need not be covered any more."""
        return max(self._places.values(), default=-math.inf)

    def next_end(self) -> float:
        """Give when the first of them need not be covered any more."""
        return min(self._places.values(), default=math.inf)


class Trail:
    """The latest places of all masked windows."""

    def __init__(self, linger: float) -> None:
        """Cover each place for ``linger`` seconds after a window was there last."""
        self._linger = linger
        self._of_window: dict[int, Places] = {}

    def left(self, window: int, place: Rectangle, now: float) -> None:
        """Note that a window was at a place until now."""
        self._of_window.setdefault(window, Places()).add(place, now + self._linger)

    def follow(self, window: int, place: Rectangle, now: float) -> bool:
        """Note that a window goes to a place; tells if anything of it lingers, and there then."""
        places = self._of_window.get(window)
        if places is None or places.last_end() < now:
            return False
        places.add(place, places.last_end())
        return True

    def at(self, moment: float) -> list[Rectangle]:
        """Give what is to be covered at a moment."""
        found = {window: places.at(moment) for window, places in self._of_window.items()}
        self._of_window = {window: self._of_window[window] for window in found if found[window]}
        return [place for places in found.values() for place in places]

    def seconds_until_due(self, now: float) -> float:
        """Give the seconds until less is to be covered."""
        ends = (places.next_end() for places in self._of_window.values())
        return max(0.0, min(ends, default=math.inf) - now)
