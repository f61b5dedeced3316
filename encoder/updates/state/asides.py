"""What readers are told beside the picture: the pointer, and whether there is a display."""

import time

from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import Moment
from webcapd.encoder.transform import View
from webcapd.encoder.updates import records
from webcapd.encoder.updates.state.latest import Known, PointerPlace
from webcapd.encoder.updates.state.pointing import Pointing


class Asides:
    """Keeps the records.  Encoder thread only."""

    def __init__(self, view: View, pointer_in: bool) -> None:
        """``pointer_in`` tells whether the pointer is part of the picture."""
        self._pointing = None if pointer_in else Pointing(view)
        self._outage, self._display = "", records.state(True)
        """Why there is no picture, and the record that says so."""

    def known(self, number: int, picture: Picture, moment: Moment) -> Known:
        """Give what is known of a state."""
        return Known(number, moment.as_of, self.pointer(picture), self.display(moment))

    def pointer(self, picture: Picture) -> PointerPlace | None:
        """Give the pointer, None where it is part of the picture."""
        return self._pointing.place(picture) if self._pointing else None

    def display(self, moment: Moment) -> bytes:
        """Give the record of the display's state."""
        outage = moment.outage
        if outage != self._outage:
            self._outage = outage
            since = time.time() if outage else None
            self._display = records.state(not outage, outage or None, since)
        return self._display
