"""The server from its options: puts all parts together, starts them and ends them.

Only this module knows all parts.
"""

from __future__ import annotations

import contextlib
import logging
import math
import socket
import threading
import time
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Self

from webcapd.app import __version__
from webcapd.app.access import make_doors, senders_of, viewers_of
from webcapd.app.commandline import Options
from webcapd.app.embedded import EmbeddedDisplay, embedded_display
from webcapd.app.engine import Engine, Part, join_all
from webcapd.app.idle import IdleExit
from webcapd.app.outputs import Outputs, make_recorder
from webcapd.base.shutdown import Shutdown
from webcapd.base.systemd import ServiceManager
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.x11.dial import local_number
from webcapd.http.access.hosts import own_names
from webcapd.http.httpserver import HttpServer
from webcapd.http.info import rates, summary
from webcapd.http.site import Site
from webcapd.http.streaming.forms import Forms
from webcapd.http.wire.descriptors import claim
from webcapd.http.wire.sockets import ListeningSocket, open_sockets, taken_over

if TYPE_CHECKING:
    from webcapd.outputs.recording.recorder import Recorder

log = logging.getLogger(__name__)

# All threads together get this long to end, without an embedded display and with
# one, which gets a second at most; the promise is 2 s.
_STOP_SECONDS, _STOP_FIRST_SECONDS = 1.8, 1.0

# How often it is seen to what may hang, and told how it goes.
_TICK_SECONDS = 1.0
_STATUS_SECONDS = 5.0


class Server:
    """One display, served by HTTP.

    Either run() serves in the caller's thread, or start() in one of its own.
    stop() is for any thread and for signal handlers; close() comes last.
    """

    def __init__(
        self,
        options: Options,
        environment: MutableMapping[str, str] | None = None,
        on_serving: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """Prepare; raises OSError without descriptors.

        What systemd hands over is looked for in ``environment``, and taken out of it.
        ``on_serving`` is told in one sentence what is served and where.
        """
        self._options = options
        self._environment = {} if environment is None else environment
        self._on_serving = on_serving
        self._shutdown = Shutdown()
        self._started = threading.Event()
        """Whether it serves, or never will."""
        self._failure: BaseException | None = None  # Set before _started.
        self._thread = threading.Thread(target=self._run_in_thread, name="server", daemon=True)
        self.urls = ""
        """The addresses to type into a browser; empty until it serves."""
        # Serving thread only:
        self._parts: list[tuple[str, Part]] = []
        """By name; those that are made first are waited for first."""
        self._closed_at_end = contextlib.ExitStack()
        self._outputs = Outputs(options.ring)

    def start(self) -> None:
        """Start serving in a thread of its own; returns once it serves.

        Raises StartError, and what its parts raise that cannot start.
        """
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        self._shutdown.ask()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end of what start() began; tells whether it came in time."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def close(self) -> None:
        """End it, if it has not ended, and give everything back."""
        self.stop()
        self.join()
        self._shutdown.close()

    def __enter__(self) -> Self:
        if self._thread.ident is None:
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run_in_thread(self) -> None:
        try:
            self.run()
        except Exception as error:
            self._failure = error
            if self._started.is_set():
                log.exception("the server failed")
        finally:
            self._started.set()

    def run(self) -> int:
        """Serve until asked to stop, and end everything; returns the exit code.

        Raises StartError, and what its parts raise that cannot start.
        """
        manager = ServiceManager(self._environment)
        # Before anything could inherit them.
        taken = taken_over(self._environment)
        with embedded_display(self._options, self._shutdown) as display:
            if display is None:
                return 0
            try:
                return self._serve(display, manager, taken)
            finally:
                manager.notify("STOPPING=1")
                self._end(display)

    def _serve(
        self,
        display: EmbeddedDisplay,
        manager: ServiceManager,
        taken: list[ListeningSocket],
    ) -> int:
        """Put the parts together and start them; returns the exit code once asked to stop."""
        options = self._options
        publishers = senders_of(options.http.publish_token_file, self._closed_at_end)
        reception = Reception(None if publishers is None else publishers.keys)
        engine = Engine(
            options.capture,
            options.encoder,
            self._shutdown,
            reception,
            display.name,
            display.authority,
            retries_at_start=manager.is_present,
        )
        self._parts.append(("encoder", engine))
        recorder = make_recorder(options, engine)
        if recorder is not None:
            self._parts.append(("recorder", recorder))
        site = self._make_site(engine, recorder)
        self._closed_at_end.callback(site.close)
        sockets = open_sockets(options.http, taken)
        doors = make_doors(options, publishers, reception, recorder, self._closed_at_end)
        listener = HttpServer(sockets, site, self._shutdown.on_failure, doors)
        self._parts += [("HTTP", listener), ("output", self._outputs)]
        engine.start()
        if (status := engine.wait_begun()) is not None:
            return status
        width, height = engine.encoder.picture_size()
        if recorder is not None:
            recorder.start()
        self._outputs.start(engine)
        listener.start()
        self.urls = listener.urls
        self._on_serving(f"serving {engine.source.name} {width}x{height} on {listener.urls}")
        for warning in filter(None, (listener.exposure, site.shortage)):
            log.warning("%s", warning)
        manager.notify("READY=1", f"STATUS={summary(site)}")
        self._started.set()
        idle = None
        if options.http.exit_idle:
            seconds, end = options.http.exit_idle, self._shutdown.ask
            idle = IdleExit(seconds, engine, listener, recorder, end)
        return self._supervise(engine, listener, manager, idle)

    def _make_site(self, engine: Engine, recorder: Recorder | None) -> Site:
        """Put together what requests need; raises StartError."""
        options, encoder = self._options, engine.encoder
        name = engine.source.name
        return Site(
            version=__version__,
            name=options.http.name or f"{socket.gethostname().partition('.')[0]} {name}",
            options=options.http,
            capacity=claim(options.http.max_clients),
            names=own_names(socket.gethostname(), options.http.allow_host),
            forms=Forms(engine.variants, engine.updates, engine.videos),
            encode_rate=encoder.rate,
            picture_size=encoder.picture_size,
            status=lambda: {
                **engine.status(),
                **({"record": recorder.report()} if recorder is not None else {}),
                **self._outputs.report(),
            },
            motion_quality=options.encoder.jpeg_quality,
            config=options.config() | {"index": local_number(name)},
            # Last: it reads files and has threads that do, which are closed with the site.
            access=viewers_of(self._options.http),
        )

    def _supervise(
        self,
        engine: Engine,
        listener: HttpServer,
        manager: ServiceManager,
        idle: IdleExit | None,
    ) -> int:
        """See to what may hang, and tell how it goes, until asked to stop; gives the exit code."""
        period = min(_TICK_SECONDS, manager.watchdog_seconds / 3 or math.inf)
        told = time.monotonic()
        while (status := self._shutdown.wait(period)) is None:
            engine.encoder.abort_if_stuck()
            engine.tidy()
            progress = engine.encoder.makes_progress() and listener.makes_progress()
            if progress and manager.watchdog_seconds:
                manager.notify("WATCHDOG=1")
            if idle is not None:
                idle.look()
            if time.monotonic() - told >= _STATUS_SECONDS:
                told = time.monotonic()
                manager.notify(f"STATUS={summary(listener.site)}")
                if self._options.http.showfps:
                    log.info("%s", rates(listener.site))
        return status

    def _end(self, display: EmbeddedDisplay) -> None:
        """End in three phases: ask all, which wakes all who wait; join in order; tell who did not.

        The embedded display itself ends after this, as the encoder looks at it.
        """
        for _, part in reversed(self._parts):
            part.stop()
        display.ask_program_to_end()
        # The encoder first: as it ends it wakes the client threads.
        seconds = _STOP_SECONDS if display.virtual is None else _STOP_FIRST_SECONDS
        for name in join_all(self._parts, seconds):
            log.warning("the %s threads did not end in time", name)
        self._parts.clear()
        self._closed_at_end.close()
