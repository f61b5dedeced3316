"""``webcapd.serve()``: a whole server, in a thread."""

from typing import Unpack

from webcapd.app.access import StartError
from webcapd.app.api.error import told
from webcapd.app.api.keywords import ServerKeywords
from webcapd.app.api.settings import Settings, settings_of
from webcapd.app.api.worker import NO_PICTURES
from webcapd.app.server import Server
from webcapd.base.ring.layout import RingError
from webcapd.http.wire.sockets import CannotListen
from webcapd.outputs.writing import CannotWrite

_WHY_NOT = (StartError, CannotListen, CannotWrite, RingError)


def serve(
    settings: Settings | ServerKeywords | None = None, **options: Unpack[ServerKeywords]
) -> Server:
    """Serve a display, as the program does, in threads of its own; returns once it serves.

    Options are those of ``webcapd --help``, or ready-made ``settings``; ``port=0`` takes a free
    one.  ``server.urls`` has the addresses; close(), or the end of a ``with``, ends it.  There may
    be several in a process.  Raises Error.
    """
    made = settings_of(settings, options)
    with told(*NO_PICTURES, *_WHY_NOT):
        server = Server(made.options)
        try:
            server.start()
        except BaseException:
            server.close()
            raise
    return server
