"""Whether all of a screen changes time after time, so that its hashes would tell nothing.

    after STREAK refreshes in a row in which everything was drawn on and everything
    was new, UNHASHED refreshes take everything for new.  Then two are hashed: the
    first leaves something to compare the second with, and that tells.  If everything
    was new again, it is twice as many that are not hashed, up to MOST_UNHASHED.

So a program that goes on painting the same costs that many refreshes for nothing, and
a film is hashed twice in so many frames.
"""

from collections.abc import Sized

_STREAK, _UNHASHED, _MOST_UNHASHED = 8, 16, 64


class Flood:
    """What is remembered of that.  Arithmetic."""

    def __init__(self) -> None:
        self._streak = 0
        """Refreshes in a row that found, or took, everything for new."""
        self._unhashed = _UNHASHED
        """How many of them take it for that."""

    def is_on(self) -> bool:
        """Tell whether everything is to be taken for new, if everything was drawn on."""
        return _STREAK <= self._streak < _STREAK + self._unhashed

    def refreshed(self, everything_drawn: bool, changed: Sized, count: int) -> None:
        """Note how many bands a refresh found to be new, of how many.

        Where they were not hashed it did not find out.
        """
        if everything_drawn and self._streak >= _STREAK + self._unhashed:
            # There was no hash to compare with; the next one decides.
            self._streak = _STREAK - 1
            self._unhashed = min(2 * self._unhashed, _MOST_UNHASHED)
        elif everything_drawn and (self.is_on() or len(changed) == count):
            self._streak += 1
        else:
            self._streak, self._unhashed = 0, _UNHASHED
