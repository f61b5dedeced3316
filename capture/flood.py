"""Whether all of a screen changes time after time, so that its hashes would tell nothing.

    after STREAK refreshes in a row in which everything was drawn on and everything
    was new, UNHASHED refreshes take everything for new.  Then two are hashed: the
    first leaves something to compare the second with, and that tells.

So a program that goes on painting the same costs that many refreshes for nothing, and
a film is hashed twice in so many frames.
"""

from collections.abc import Sized

_STREAK, _UNHASHED = 8, 16


class Flood:
    """What is remembered of that.  Arithmetic."""

    def __init__(self) -> None:
        self._streak = 0
        """Refreshes in a row that found, or took, everything for new."""

    def is_on(self) -> bool:
        """Tell whether everything is to be taken for new, if everything was drawn on."""
        return _STREAK <= self._streak < _STREAK + _UNHASHED

    def refreshed(self, everything_drawn: bool, changed: Sized, count: int) -> None:
        """Note how many bands a refresh found to be new, of how many.

        Where they were not hashed it did not find out.
        """
        if not everything_drawn:
            self._streak = 0
        elif self._streak >= _STREAK + _UNHASHED:
            # There was no hash to compare with; the next one decides.
            self._streak = _STREAK - 1
        elif self.is_on() or len(changed) == count:
            self._streak += 1
        else:
            self._streak = 0
