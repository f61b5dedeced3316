"""What the options want beside HTTP: a recorder, and a ring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from webcapd.app.commandline import Options
from webcapd.app.engine import Engine
from webcapd.encoder.transform import UPRIGHT
from webcapd.encoder.variant import VariantSpec
from webcapd.http.variant_query import quarter_turns
from webcapd.outputs.options import RingOptions

if TYPE_CHECKING:
    from webcapd.outputs.recording.recorder import Recorder
    from webcapd.outputs.ring import RingOutput


class Outputs:
    """The ring, if there is to be one.  For the main thread, but for report()."""

    def __init__(self, options: RingOptions) -> None:
        """Prepare; nothing is written yet."""
        self._options = options
        # Set once, by start():
        self._ring: RingOutput | None = None

    def start(self, engine: Engine) -> None:
        """Start, once it is known how large the picture is; raises RingError."""
        encoder = engine.encoder
        if self._options.ring:
            from webcapd.outputs.ring import RingOutput

            name = engine.source.name
            self._ring = RingOutput(self._options.ring, name, encoder.picture_size())
            encoder.consumers.add(self._ring)
            encoder.wake()

    def stop(self) -> None:
        """Ask for the end; returns at once."""
        if self._ring is not None:
            self._ring.close()

    def join(self, timeout: float) -> bool:
        """Wait for the end; tells whether it came in time."""
        return True

    def close(self) -> None:
        """Give everything back."""
        if self._ring is not None:
            self._ring.dispose()

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of them; for any thread."""
        return {} if self._ring is None else {"ring": self._ring.report()}


def make_recorder(options: Options, engine: Engine) -> Recorder | None:
    """Give what records, None where nothing is recorded; raises CannotWrite."""
    if not options.record.record:
        return None
    from webcapd.outputs.recording.open import open_recorder

    turned = UPRIGHT.after_turns(quarter_turns(str(options.http.rotate)))
    return open_recorder(options.record, options.recording, engine.variants, VariantSpec(turned))
