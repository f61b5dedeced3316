"""``--exit-idle``: ends a server that nobody uses; systemd starts it again for who comes next.

In use is what answers a request for a page or a picture, and whatever wants pictures beside HTTP.
It ends only while no connection is open that it has accepted: who comes later waits in the socket,
which is systemd's, for the next server.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from webcapd.app.engine import Engine
from webcapd.http.httpserver import HttpServer

if TYPE_CHECKING:
    from webcapd.outputs.recording.recorder import Recorder

# States of a recording that is to go on.
_AT_WORK = ("recording", "disk-full")

log = logging.getLogger(__name__)


class IdleExit:
    """Sees to it that a server ends which nobody uses."""

    def __init__(
        self,
        seconds: float,
        engine: Engine,
        listener: HttpServer,
        recorder: Recorder | None,
        end: Callable[[], None],
    ) -> None:
        """``seconds`` is for how long nobody has to use it; ``end`` is for any thread."""
        self._seconds, self._end = seconds, end
        self._engine, self._listener, self._recorder = engine, listener, recorder

    def look(self) -> None:
        """Have it end, if it is time; for the main thread, to be called now and then."""
        if self._is_unused():
            self._listener.retire(self._is_unused, self._retired)

    def _is_unused(self) -> bool:
        """Whether nobody has used it for long enough; for any thread."""
        if self._listener.site.usage.unused_seconds() < self._seconds:
            return False
        recorded = self._recorder.report()["state"] if self._recorder is not None else ""
        return not (self._engine.is_followed or recorded in _AT_WORK)

    def _retired(self) -> None:
        """End, now that nobody is connected, and nobody more is accepted; accept thread."""
        log.info("nobody has watched for %g s: ending until somebody does", self._seconds)
        self._end()
