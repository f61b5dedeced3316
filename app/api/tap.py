"""The consumer of a capture of the Python API: what it makes of pictures goes to a function."""

import contextlib
import math
import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from webcapd.app.api.error import Error, told
from webcapd.app.api.frame import Taken
from webcapd.base.pace import Pace
from webcapd.base.process.late import NotLoadable
from webcapd.capture.picture import Picture
from webcapd.capture.source import SourceError
from webcapd.encoder.consumer import NO_DEMAND, Demand, Moment
from webcapd.encoder.jpeg.tiles import EncodeError

T = TypeVar("T")


class Maker(Protocol[T]):
    """Makes of pictures what a capture gives.  Encoder thread only, but for request_keyframe()."""

    takes_pointer: bool
    takes_small: bool
    """As Consumer has them."""
    shows_outages: bool
    """Whether it makes something of a placeholder."""

    def make(self, picture: Picture, moment: Moment, taken: Taken) -> T | None:
        """Make something of a picture; None if there is nothing new in it."""

    def finish(self, made: T) -> None:
        """Note that who got it is done with it, or has it for good; raises Error."""

    def demand(self) -> Demand:
        """Tell what it wants by itself, as Consumer.demand(); rate and due do not count."""

    def request_keyframe(self) -> None:
        """Have what is made next build on nothing before it; any thread."""

    def close(self) -> None:
        """Give everything back; encoder thread, or when that has ended."""


class Tap(Generic[T]):
    """A consumer that hands out what a maker makes: all of it, or one when asked for.

    Nothing is made that nobody asked for, so nothing can queue.  Encoder thread only, but for
    want(), unwant(), request_keyframe(), close() and demand().
    """

    def __init__(
        self,
        maker: Maker[T],
        give: Callable[[T], object],
        on_failure: Callable[[BaseException], None],
        wants_all: bool,
        wake: Callable[[], None],
    ) -> None:
        """``give`` is called in the encoder thread; what it raises goes to ``on_failure``.

        That ends it.  Unless it ``wants_all``, want() asks for one at a time.
        """
        self.takes_pointer, self.takes_small = maker.takes_pointer, maker.takes_small
        self.pace = Pace()
        self.behind = True
        self._maker, self._give, self._on_failure = maker, give, on_failure
        self._wants_all, self._wake = wants_all, wake
        self._count = 0
        self._feeding = threading.Lock()
        """Held while something is made and given."""
        # Set by any thread; cleared with _feeding held:
        self._wanted = wants_all
        self._closed = False

    def __str__(self) -> str:
        return "a capture of the Python API"

    def want(self) -> None:
        """Ask for the next: what is new by now, or as soon as anything is."""
        self._wanted = True
        self._wake()

    def unwant(self) -> None:
        """Ask for nothing any more; once it returns, nothing is given that was not given then."""
        with self._feeding:
            self._wanted = False

    def request_keyframe(self) -> None:
        """Have what is made next build on nothing before it, where that makes a difference."""
        self._maker.request_keyframe()
        self._wake()

    def demand(self) -> Demand:
        """Follow the screen, so that it tells what is new; be fed when something is wanted."""
        if self._closed:
            return NO_DEMAND
        if not self._wanted:
            return Demand(math.inf, False, math.inf)
        own = self._maker.demand()
        return Demand(math.inf, own.awaited, -math.inf, own.again)

    def feed(self, picture: Picture, moment: Moment) -> None:
        """Hand out what a picture makes, if that is wanted and there is anything new in it."""
        is_nothing = bool(moment.outage) and not self._maker.shows_outages
        try:
            with self._feeding:
                if self._wanted and not self._closed and not is_nothing:
                    self._make(picture, moment)
                else:
                    self.behind = True
        except BaseException as error:
            self._closed = True
            self._on_failure(error)

    def _make(self, picture: Picture, moment: Moment) -> None:
        """Make something of a picture, and hand it out.  _feeding is held."""
        taken = Taken(self._count + 1, moment.captured, moment.as_of)
        with told(SourceError, EncodeError, NotLoadable):
            made = self._maker.make(picture, moment, taken)
        if made is not None:
            self._count += 1
            self._wanted = self._wants_all
            self._hand_out(made)

    def _hand_out(self, made: T) -> None:
        try:
            self._give(made)
        except BaseException:
            # Its traceback has what was handed out.
            with contextlib.suppress(Error):
                self._maker.finish(made)
            raise
        self._maker.finish(made)

    def expire(self) -> None:
        """Nothing: what was given says as of when it was true."""

    def close(self) -> None:
        self._closed = True

    def dispose(self) -> None:
        """Give everything back; the encoder thread has ended."""
        self._maker.close()
