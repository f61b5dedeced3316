"""Which JPEG quality the next frame gets: sharp when still, light when moving.

A pure function of (state, what changed, when).  Every step costs a whole frame
of encoding, as all bands of a frame share one quality; so steps are few, and
the way back is one single *settle frame*.

    load    how much of the screen keeps changing: a leaky average over about a
            second of the share of bands that change a frame.  One full-screen
            change (a slide, a new window) hardly moves it; a video does.
    calm    since when no change has been large.  A blinking caret is never
            large, so it neither blurs the text around it nor keeps a screen
            from settling.

Down: while the load is high, one step each STEP_SECONDS, to the floor.
Up:   after ``trigger`` seconds of calm, to the rest quality at once; the load
      is forgotten.  Up needs calm and down needs load, and no sequence of
      changes is both: at full rate, changes that are all small keep the load
      below HIGH_LOAD for ever.
"""

import math
from typing import NamedTuple

HIGH_LOAD = 0.25
LARGE_CHANGE = 0.10
LOAD_SECONDS = 1.0
STEP_SECONDS = 0.4
STEPS = 3


class QualityRules(NamedTuple):
    """The user's settings."""

    floor: int
    """Quality under lasting motion."""
    rest: int
    """Quality of a screen at rest; at most the floor turns control off."""
    trigger: float
    """Seconds of calm before a screen settles."""
    period: float
    """Seconds between frames at the target rate."""

    def quality(self, level: int) -> int:
        """Give the quality of a level: 0 at rest, STEPS at the floor."""
        if self.rest <= self.floor:
            return self.floor
        return round(self.rest + (self.floor - self.rest) * level / STEPS)


class QualityState(NamedTuple):
    """What is remembered from frame to frame."""

    level: int = 0
    load: float = 0.0
    at: float = 0.0
    """When load was true."""
    calm_since: float = 0.0
    stepped: float = -math.inf
    """When the level last went down."""


def changed(state: QualityState, share: float, now: float, rules: QualityRules) -> QualityState:
    """Give the state after a share (0 to 1) of the screen has changed at ``now``."""
    # A change counts as one frame period of the average, whatever the real
    # rate: fewer frames are less load.
    faded = state.load * math.exp(-(now - state.at) / LOAD_SECONDS)
    weight = -math.expm1(-rules.period / LOAD_SECONDS)
    load = min(1.0, faded + share * weight)
    calm_since = now if share > LARGE_CHANGE else state.calm_since
    level, stepped = state.level, state.stepped
    if load > HIGH_LOAD and level < STEPS and now - stepped >= STEP_SECONDS:
        level, stepped = level + 1, now
    return QualityState(level, load, now, calm_since, stepped)


def settled(state: QualityState, now: float, rules: QualityRules) -> QualityState:
    """Give the state at ``now``, when calm may have lasted long enough."""
    if state.level > 0 and now >= settles_at(state, rules):
        return QualityState(at=now, calm_since=state.calm_since, stepped=state.stepped)
    return state


def settles_at(state: QualityState, rules: QualityRules) -> float:
    """Tell when the screen settles if nothing large happens; never if it has."""
    return state.calm_since + rules.trigger if state.level > 0 else math.inf
