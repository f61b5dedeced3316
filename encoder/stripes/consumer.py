"""The consumer that makes stripes: of each frame those that changed."""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

from webcapd.base.pace import CREDIT, Pace
from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import NO_DEMAND, Demand, Moment
from webcapd.encoder.stripes.layout import Rows, stripes_of
from webcapd.encoder.stripes.slot import StripeSlot
from webcapd.encoder.stripes.stripe import Stripe, StripedFrame, StripeEncoder, StripeSettings

_NANOSECONDS = 1_000_000_000


class StripeConsumer:
    """Encodes pictures in stripes, for one who takes them out of its slot.

    ``slot``, ``settings``, request_all() and close() are for any thread, the rest for the
    encoder thread.
    """

    takes_pointer = True
    takes_small = False  # A frame is a frame, however little is new.

    def __init__(
        self,
        settings: StripeSettings,
        make: Callable[[Rows, int], StripeEncoder],
        most: int,
        unit: int,
        wake: Callable[[], None],
        number: int = 0,
        helpers: ThreadPoolExecutor | None = None,
        on_dispose: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare.

        ``make`` gets rows and the width of the picture.  There are ``most`` stripes, of heights
        and a width that are multiples of ``unit``.  ``number`` is the first frame's.
        ``helpers`` encode some of the stripes of a frame; all their threads have been started.
        ``on_dispose`` is called when stripes are no longer made.
        """
        self.settings = settings
        """Replaced whole, never changed; counts from the next frame on."""
        self.fps = math.inf
        """The most frames a second on average; any thread, and the encoder's rate bounds it."""
        self.slot = StripeSlot(wake)
        self.pace = Pace()
        self.behind = True
        self._make, self._most, self._unit, self._wake = make, most, unit, wake
        self._helpers, self._on_dispose = helpers, on_dispose
        self._all_wanted = False
        self._own_pace = Pace()
        # Encoder thread only; size and number may be read by others:
        self.size = (0, 0)
        """Width and height of what is in the stripes."""
        self._stripes: Sequence[StripeEncoder] = ()
        self._missed = False
        """Whether it was fed while the slot was not free."""
        self.number = number
        """Of the next frame."""

    def __str__(self) -> str:
        return "stripes"

    def request_all(self) -> None:
        """Have all stripes sent once, each as one that builds on no other; any thread."""
        self._all_wanted = True
        self._wake()

    def demand(self) -> Demand:
        if self.slot.is_closed:
            return NO_DEMAND
        if not self.slot.is_free:
            # Still there, so that the source goes on watching.
            return Demand(math.inf, False, math.inf)
        again = min((one.due for one in self._stripes), default=math.inf)
        now = time.monotonic()
        due = now + self._own_pace.wait(now, self.fps)
        return Demand(self.fps, self._all_wanted or self._missed, due, again)

    def feed(self, picture: Picture, moment: Moment) -> None:
        """Encode the stripes that changed, and hand them over."""
        self._missed = not self.slot.is_free
        if self._missed:
            return
        # Before the pixels are looked at: what is asked for meanwhile is for the next frame.
        whole, self._all_wanted = self._all_wanted, False
        unit = self._unit
        size = (picture.width // unit * unit, picture.height // unit * unit)
        if size != self.size:
            self._begin(size)
        begun, now = time.monotonic_ns(), time.monotonic()
        wanted = [one for one in self._stripes if one.look(picture, self.settings, now, whole)]
        if wanted:
            self._own_pace.took_place(now, self.fps, CREDIT)
            stripes = self._encoded(wanted, partial(_encode, picture, self.number, now))
            as_of = begun if math.isinf(moment.as_of) else round(moment.as_of * _NANOSECONDS)
            frame = StripedFrame(self.number, stripes, as_of, begun, time.monotonic_ns())
            self.number += 1
            self.slot.put(frame)

    def _encoded(
        self, wanted: Sequence[StripeEncoder], encode: Callable[[StripeEncoder], Stripe]
    ) -> tuple[Stripe, ...]:
        """Encode stripes, with what help there is."""
        helped: list[Future[Stripe]] = []
        if self._helpers is not None:
            # The last is for this thread, which would only wait.
            helped = [self._helpers.submit(encode, one) for one in wanted[:-1]]
        try:
            own = [encode(one) for one in wanted[len(helped) :]]
        finally:
            # The pixels that they read go away with the picture.
            wait(helped)
        return (*(one.result() for one in helped), *own)

    def _begin(self, size: tuple[int, int]) -> None:
        """Begin anew with a picture of another size."""
        self._drop()
        width, height = self.size = size
        rows = stripes_of(height, self._most, self._unit)
        self._stripes = [self._make(one, width) for one in rows]

    def expire(self) -> None:
        """Nothing: who has a stripe has it until there is another."""

    def close(self) -> None:
        self.slot.close()

    def dispose(self) -> None:
        """Give everything back; the encoder thread has ended."""
        self._drop()
        if self._helpers is not None:
            self._helpers.shutdown()
        self._on_dispose()

    def _drop(self) -> None:
        for stripe in self._stripes:
            stripe.close()
        self._stripes = ()


def _encode(picture: Picture, number: int, now: float, stripe: StripeEncoder) -> Stripe:
    return stripe.encode(picture, number, now)
