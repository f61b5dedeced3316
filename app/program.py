"""The program: signals, the log, and an exit code with a sentence for whatever ends it."""

import logging
import os
import signal
from collections.abc import Callable
from functools import partial

from webcapd.app.access import StartError
from webcapd.app.commandline import Options
from webcapd.app.exhaustion import exhaustion
from webcapd.app.server import Server
from webcapd.app.standarderror import say, start_log
from webcapd.base.process.late import NotLoadable
from webcapd.base.process.memory import keep_for_frames
from webcapd.base.ring.layout import RingError
from webcapd.capture.source import SourceError
from webcapd.encoder.jpeg.tiles import EncodeError
from webcapd.http.wire.sockets import CannotListen
from webcapd.outputs.writing import CannotWrite

log = logging.getLogger(__name__)

# Exit codes: it could not start, and it could not write.
NOT_STARTED, NOT_WRITTEN = 1, 3


def run(options: Options) -> int:
    """Run the program; returns its exit code."""
    start_log(options.http.log_level, options.http.name)
    return exit_code_of(partial(_serve, options))


def _serve(options: Options) -> int:
    keep_for_frames()
    server = Server(options, os.environ, say)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    return server.run()


def exit_code_of(run: Callable[[], int]) -> int:
    """Run what gives an exit code; if it cannot go on, log why and give the code for that."""
    try:
        return run()
    except (StartError, CannotListen, SourceError, EncodeError, NotLoadable) as error:
        log.error("%s", error)
        return NOT_STARTED
    except (CannotWrite, RingError) as error:
        log.error("%s", error)
        return NOT_WRITTEN
    except (OSError, RuntimeError) as error:
        log.error("%s", exhaustion(error))
        return NOT_STARTED
