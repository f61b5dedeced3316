"""Makes records of what changed, as ``/?updates`` sends them (docs/updates.md)."""

import contextlib

from webcapd.app.api.frame import Packet, Taken
from webcapd.app.engine import Engine
from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import Demand, Moment
from webcapd.encoder.updates import records
from webcapd.encoder.updates.spec import PLAIN_UPDATES
from webcapd.http.streaming.updatestream import Speech


class UpdatesMaker:
    """Makes packets that one after the other are a stream of updates; see Maker."""

    takes_pointer = False
    takes_small = True
    shows_outages = True

    def __init__(self, engine: Engine) -> None:
        self._held = contextlib.ExitStack()
        self._consumer = engine.updates.own(PLAIN_UPDATES)
        latest = self._consumer.latest
        # It is fed with all that comes here, and asked for nothing.
        self._held.enter_context(latest.subscribed())
        self._speech = Speech(latest)
        facts = {"run": latest.run, "form": str(PLAIN_UPDATES), "display": engine.source.name}
        self._hello = records.hello(facts)
        self._size = (0, 0)

    def make(self, picture: Picture, moment: Moment, taken: Taken) -> Packet | None:
        consumer, speech = self._consumer, self._speech
        begins = speech.given.have is None
        # Asks for what is lacked, where no step leads on from what was given.
        consumer.latest.steps_from(speech.given.have)
        consumer.feed(picture, moment)
        parts = speech.say(consumer.latest.poll(), consumer.latest.steps_from(speech.given.have))
        if not parts:
            return None
        parts, self._hello = [self._hello, *parts], b""
        self._size = (picture.width, picture.height)
        return Packet(b"".join(parts), "updates", self._size, taken, is_key=begins)

    def finish(self, made: Packet) -> None:
        """Nothing was lent."""

    def demand(self) -> Demand:
        return self._consumer.demand()

    def request_keyframe(self) -> None:
        """Nothing: who begins anew opens another capture."""

    def close(self) -> None:
        self._held.close()
        self._consumer.close()
