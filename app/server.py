"""The server from its options: puts all parts together, starts them and ends them.

Only this module knows all parts.
"""

import contextlib
import errno
import logging
import math
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence

from webcapd.app.commandline import Options, parse
from webcapd.base.shutdown import Shutdown
from webcapd.base.systemd import ServiceManager
from webcapd.capture.source import SourceError
from webcapd.capture.x11.dial import local_number
from webcapd.capture.x11.screen import Screen
from webcapd.capture.x11.xvfb import VirtualDisplay, parse_size
from webcapd.encoder.jpeg.tiles import EncodeError
from webcapd.encoder.loop import Encoder
from webcapd.http.access.access import Access
from webcapd.http.access.hosts import own_names
from webcapd.http.httpserver import HttpServer
from webcapd.http.info import rates, summary
from webcapd.http.options import HttpOptions
from webcapd.http.site import Site
from webcapd.http.wire.descriptors import claim
from webcapd.http.wire.sockets import CannotListen, open_sockets, taken_over

log = logging.getLogger(__name__)

# All threads together get this long to end, and the embedded display as long
# again at most; the promise is 2 s.
_STOP_SECONDS = 1.0

# How often the main thread sees to what may hang, and tells how it goes.
_TICK_SECONDS = 1.0
_TOLD_SECONDS = 5.0

# What a system says that has no more of something, and the limit that may be behind it.
_EXHAUSTED = {
    errno.EMFILE: (resource.RLIMIT_NOFILE, "ulimit -n"),
    errno.EAGAIN: (resource.RLIMIT_NPROC, "ulimit -u"),
    errno.ENFILE: None,
    errno.ENOMEM: None,
    errno.ENOSPC: None,
}


class StartError(Exception):
    """webcapd cannot start; the text is one clear sentence."""


@contextlib.contextmanager
def display_shown(options: Options, stop: Shutdown) -> Iterator[tuple[str, VirtualDisplay | None]]:
    """Give the display to show, by name; the embedded one lives in this context."""
    capture = options.capture
    if not capture.virtual:
        index = "" if capture.index is None else f":{capture.index}"
        yield capture.display or index or os.environ["DISPLAY"], None
        return
    virtual = VirtualDisplay(*parse_size(capture.virtual))
    try:
        if not virtual.start(stop.on_server_end, stop):
            yield "", None
            return
        os.environ.update(virtual.environment)
        if options.program:
            virtual.run(options.program, stop.on_program_end)
        yield virtual.name, virtual
    finally:
        virtual.stop()


def serve(options: Options, stop: Shutdown, version: str) -> int:
    """Start everything, serve until asked to stop, end everything; returns the exit code.

    Raises StartError, and what its parts raise that cannot start.
    """
    manager = ServiceManager(os.environ)
    # Before anything could inherit them.
    given = taken_over(os.environ)
    with display_shown(options, stop) as (display, virtual):
        if not display:
            return 0  # Asked to stop before there was one.
        screen = Screen(display, options.capture, options.encoder.target_fps)
        encoder = Encoder(
            screen, options.encoder, stop.nudge, stop.on_failure, patient=manager.listens
        )
        site = Site(
            version=version,
            options=options.http,
            capacity=claim(options.http.max_clients),
            access=_access(options.http),
            names=own_names(socket.gethostname(), options.http.allow_host),
            variants=encoder.variants,
            encode_rate=encoder.rate,
            picture_size=encoder.picture_size,
            status=lambda: {"capture": screen.status(), "encoder": encoder.status()},
            motion_quality=options.encoder.jpeg_quality,
            config=options.config() | {"index": local_number(display)},
        )
        listener = HttpServer(open_sockets(options.http, given), site, stop.on_failure)
        try:
            encoder.start()
            while not encoder.begun:
                if (status := stop.wait(_TICK_SECONDS)) is not None:
                    return status
                encoder.abort_if_stuck()
            width, height = encoder.picture_size()
            listener.start()
            # Not by way of the log: other programs wait for this line, at any --log-level.
            serving = f"serving {display} {width}x{height} on {listener.urls}"
            print(f"webcapd: {serving}", file=sys.stderr, flush=True)
            for warning in filter(None, (listener.exposure, site.shortage)):
                log.warning("%s", warning)
            manager.tell("READY=1", f"STATUS={summary(site)}")
            return _look_after(options.http, stop, encoder, listener, manager)
        finally:
            manager.tell("STOPPING=1")
            _end(listener, encoder, virtual)
            site.close()


def _look_after(
    options: HttpOptions,
    stop: Shutdown,
    encoder: Encoder,
    listener: HttpServer,
    manager: ServiceManager,
) -> int:
    """See to what may hang, and tell how it goes, until asked to stop; returns the exit code."""
    period = min(_TICK_SECONDS, manager.watchdog_seconds / 3 or math.inf)
    told = time.monotonic()
    while (status := stop.wait(period)) is None:
        encoder.abort_if_stuck()
        if encoder.makes_progress() and listener.makes_progress():
            manager.tell("WATCHDOG=1")
        if time.monotonic() - told >= _TOLD_SECONDS:
            told = time.monotonic()
            manager.tell(f"STATUS={summary(listener.site)}")
            if options.showfps:
                log.info("%s", rates(listener.site))
    return status


def _access(options: HttpOptions) -> Access:
    """Read who may look; raises StartError."""
    try:
        return Access(options.auth_file, options.token_file)
    except ValueError as error:
        raise StartError(str(error)) from None


def _end(listener: HttpServer, encoder: Encoder, virtual: VirtualDisplay | None) -> None:
    """Stop in three phases: ask all, which wakes all who wait; join in order; tell who did not.

    The embedded display itself ends after this, as the encoder looks at it.
    """
    listener.stop()
    encoder.stop()
    if virtual is not None:
        virtual.ask_program_to_end()
    # The encoder first: as it ends it wakes the client threads.
    deadline = time.monotonic() + _STOP_SECONDS
    for name, part in (("encoder", encoder), ("HTTP", listener)):
        if part.join(max(0.1, deadline - time.monotonic())):
            part.close()
        else:
            log.warning("the %s threads did not end in time", name)


def run(arguments: Sequence[str], version: str) -> int:
    """Run the program; returns its exit code."""
    logging.basicConfig(level=logging.INFO, format="webcapd: %(message)s", stream=sys.stderr)
    options = parse(arguments, version)
    logging.getLogger().setLevel(options.http.log_level.upper())
    try:
        with contextlib.closing(Shutdown()) as stop:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.ask())
            return serve(options, stop, version)
    except (StartError, CannotListen, SourceError, EncodeError) as error:
        log.error("%s", error)
        return 1
    except (OSError, RuntimeError) as error:
        log.error("%s", _exhaustion(error))
        return 1


def _exhaustion(error: OSError | RuntimeError) -> str:
    """Say in one sentence what the system has no more of; raises the error if it is another."""
    if isinstance(error, RuntimeError):
        # All that tells it from others is its text.
        if str(error) != "can't start new thread":
            raise error
        error = OSError(errno.EAGAIN, "no more threads")
    if error.errno not in _EXHAUSTED:
        raise error
    sentence = f"the system gives too little to go on: {error.strerror}"
    limit = _EXHAUSTED[error.errno]
    if limit is None:
        return sentence
    allowed, _ = resource.getrlimit(limit[0])
    return sentence + (f" ({limit[1]} is {allowed})" if allowed != resource.RLIM_INFINITY else "")
