"""Which quality a client gets that is too slow: an ABR ladder.  Pure.

A stream sends the newest frame when the one before has left for the client, so
a slow client gets fewer frames, and none is old when it is sent.  What remains
is the time a frame takes on the way.  When that makes the picture older than
it may be, the client goes down a level: to a lower quality, shared with other
slow ones.  When frames have been fresh for a while, one level up is tried; each
try that fails makes the next one wait longer.
"""

from typing import NamedTuple

# Frames in the smoothed age.
_SMOOTHING = 4
_HOLD_SECONDS = 1.0
_FIRST_TRY_SECONDS, _LONGEST_TRY_SECONDS = 4.0, 120.0
_FAILED_TRY_SECONDS = 5.0


class LadderRules(NamedTuple):
    """What the options set."""

    max_age: float
    """Seconds that a picture may be old when it arrives."""
    levels: tuple[int, ...]
    """Qualities of the levels from 1 on, falling."""


class LadderState(NamedTuple):
    """How a client has kept up so far."""

    level: int = 0
    age: float = 0.0
    """Smoothed age of frames when they have been sent, in seconds."""
    moved: float = 0.0
    """When the level last changed."""
    fresh_since: float = 0.0
    try_after: float = _FIRST_TRY_SECONDS
    """How long frames must be fresh before a level up is tried."""

    def quality(self, rules: LadderRules) -> int | None:
        """Give the quality to send, None for the one requested."""
        return rules.levels[self.level - 1] if self.level else None


def levels_down_to(min_quality: int, start: int) -> tuple[int, ...]:
    """Give the qualities of the levels, from below ``start`` to the least allowed."""
    steps = [start - (start - min_quality) * step // 3 for step in (1, 2, 3)]
    return tuple(dict.fromkeys(step for step in steps if step < start))


def delivered(state: LadderState, age: float, now: float, rules: LadderRules) -> LadderState:
    """Give the state after a frame has left, ``age`` seconds after its capture."""
    smoothed = state.age + (age - state.age) / _SMOOTHING
    old = smoothed > rules.max_age / 2
    fresh_since = now if old else state.fresh_since
    # Each frame of each stream comes by here: _replace() takes three times as long.
    state = LadderState(state.level, smoothed, state.moved, fresh_since, state.try_after)
    if now - state.moved < _HOLD_SECONDS:
        return state
    if old and state.level < len(rules.levels):
        return _down(state, now)
    if state.level and now - state.fresh_since >= state.try_after:
        # The age so far is that of smaller frames.
        return state._replace(level=state.level - 1, moved=now, fresh_since=now)
    return state


def _down(state: LadderState, now: float) -> LadderState:
    failed = now - state.moved < _FAILED_TRY_SECONDS and state.moved > 0
    try_after = min(2 * state.try_after, _LONGEST_TRY_SECONDS) if failed else state.try_after
    return state._replace(level=state.level + 1, moved=now, fresh_since=now, try_after=try_after)
