"""How a command runs that makes pictures without a server: one output, until asked to stop."""

import logging
import signal
from collections.abc import Callable, Sequence

from webcapd.app.commands.quitkey import quit_by_key
from webcapd.app.engine import Engine, Part, join_all, supervise
from webcapd.app.program import exit_code_of
from webcapd.app.standarderror import start_log
from webcapd.base.shutdown import Shutdown

log = logging.getLogger(__name__)

# All threads together get this long to end.
_STOP_SECONDS = 1.8


def run_command(run: Callable[[Shutdown], int]) -> int:
    """Run until SIGTERM, Ctrl-C, or q on a terminal; gives the exit code."""
    start_log("INFO")
    shutdown = Shutdown()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: shutdown.ask())
    try:
        with quit_by_key(shutdown.ask):
            return exit_code_of(lambda: run(shutdown))
    finally:
        shutdown.close()


def run_output(
    engine: Engine,
    outputs: Sequence[tuple[str, Part]],
    begin: Callable[[], None],
    shutdown: Shutdown,
    serve: Callable[[], int] | None = None,
    needs_picture: bool = False,
) -> int:
    """Have outputs take what an engine makes until asked to stop; gives the exit code.

    They are started by ``begin``, once there is a picture or, unless one is needed, once it is
    known that one is waited for.
    ``serve`` runs meanwhile in place of supervise().
    """
    # The outputs first, which so have what the encoder made last.
    parts: list[tuple[str, Part]] = [*outputs, ("encoder", engine)]
    try:
        engine.start()
        if (status := engine.wait_begun()) is not None:
            return status
        if needs_picture and (status := engine.wait_for_picture()) is not None:
            return status
        begin()
        return serve() if serve is not None else supervise(engine, shutdown)
    finally:
        for _, part in parts:
            part.stop()
        for late in join_all(parts, _STOP_SECONDS):
            log.warning("the %s threads did not end in time", late)
