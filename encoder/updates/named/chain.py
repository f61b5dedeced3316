"""The last steps, from state to state, while there is one among them that copies.

A step with copies is short, and whoever lacks several goes through them.  Entries of the
ledger need pixels in place of copies: those are cut once for some steps.
"""

import time
from typing import NamedTuple

from webcapd.encoder.updates.named.cut import Content

# So much is led to by steps alone: a newcomer reads them all.
_MOST_STEPS, _STEP_BYTES, _STEP_SECONDS = 8, 2048, 0.5


class Step(NamedTuple):
    """What leads on from a state."""

    number: int
    """Of the state before."""
    content: Content
    copies: bool


class Chain:
    """Steps that follow each other, up to the newest state.  Encoder thread only."""

    def __init__(self, base: int) -> None:
        self.base = base
        """The state that entries lead to; what is newer is in steps alone."""
        self.steps: list[Step] = []
        self._newest = base
        self._since = 0.0
        """Since when there is something in steps alone."""

    @property
    def is_ahead(self) -> bool:
        """Whether something is in steps alone."""
        return self._newest > self.base

    def lead_on(self, step: Step, is_entered: bool) -> None:
        """Note a step to the next state; ``is_entered`` is whether entries lead there, too."""
        if not (self.is_ahead or is_entered):
            self._since = time.monotonic()
        self.steps.append(step)
        self._newest = step.number + 1
        if is_entered:
            self.fold()

    def is_long(self) -> bool:
        """Whether entries are to lead to the newest state again."""
        alone = [one for one in self.steps if one.number >= self.base]
        return self.is_ahead and (
            len(alone) >= _MOST_STEPS
            or _size(alone) > _STEP_BYTES
            or time.monotonic() >= self._since + _STEP_SECONDS
        )

    def fold(self) -> None:
        """Note that entries lead to the newest state."""
        self.base = self._newest
        while self.steps and self.steps[0].number < self.base:
            is_worth = any(one.copies for one in self.steps) and _size(self.steps) <= _STEP_BYTES
            if is_worth and len(self.steps) <= _MOST_STEPS:
                break
            del self.steps[0]


def _size(steps: list[Step]) -> int:
    return sum(len(one.content.data) for one in steps)
