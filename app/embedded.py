"""The display that is started with us: for the server, and for captures of the Python API."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from webcapd.app.commandline import Options
from webcapd.base.shutdown import Shutdown
from webcapd.capture.geometry import parse_size
from webcapd.capture.x11.xvfb import VirtualDisplay


@dataclass(frozen=True)
class EmbeddedDisplay:
    """The embedded display, or that there is none: then the names are empty."""

    name: str = ""
    authority: str = ""
    """The file with its cookie."""
    virtual: VirtualDisplay | None = None

    def ask_program_to_end(self) -> None:
        """Ask the program in it to end, while the display is still there; returns at once."""
        if self.virtual is not None:
            self.virtual.ask_program_to_end()


@contextlib.contextmanager
def embedded_display(options: Options, shutdown: Shutdown) -> Iterator[EmbeddedDisplay | None]:
    """Start the display that the options want, and the program in it; they end with the context.

    None if it was asked to stop before there was one.  For the thread that calls: the display
    dies with it.  Raises SourceError.
    """
    if not options.capture.virtual:
        yield EmbeddedDisplay()
        return
    virtual = VirtualDisplay(*parse_size(options.capture.virtual))
    try:
        if not virtual.start(shutdown.on_server_end, shutdown):
            yield None
            return
        if options.program:
            virtual.run(options.program, shutdown.on_program_end)
        yield EmbeddedDisplay(virtual.name, virtual.environment["XAUTHORITY"], virtual)
    finally:
        virtual.close()
