#!/usr/bin/env python3
"""webcapd: an X11 screen as MJPEG over HTTP.

Options, wiring, start and stop.  Only this module knows all parts.
"""

import os
import signal
import sys
from pathlib import Path

# This file is both the program and the package: the folders beside it are
# imported as webcapd.capture, webcapd.encoder and webcapd.http.  A plain
# "import http" stays the standard library's, as our http/ has no __init__.py.
__path__ = [str(Path(__file__).resolve().parent)]
if __name__ == "__main__":
    sys.modules["webcapd"] = sys.modules[__name__]
    # Whoever asks to stop this early stops what has not begun.
    for _number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(_number, lambda *_: os._exit(0))

import argparse
import contextlib
import dataclasses
import difflib
import logging
import math
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from webcapd.capture.dial import local_number
from webcapd.capture.option import add_flags, from_namespace
from webcapd.capture.options import CaptureOptions
from webcapd.capture.screen import Screen
from webcapd.capture.source import SourceError
from webcapd.capture.stop import Stop
from webcapd.capture.virtual import VirtualDisplay, parse_size
from webcapd.encoder.bandcoder import CoderError
from webcapd.encoder.loop import Encoder
from webcapd.encoder.options import EncoderOptions
from webcapd.http.access import Access
from webcapd.http.descriptors import claim
from webcapd.http.hosts import own_names
from webcapd.http.options import HttpOptions
from webcapd.http.refusal import one_line
from webcapd.http.serving import Listener
from webcapd.http.shipped import add_print_flags
from webcapd.http.site import Site
from webcapd.http.sockets import CannotListen, open_sockets, taken_over
from webcapd.http.systemd import ServiceManager

__version__ = "0.1.0"

log = logging.getLogger(__name__)

OPTIONS = (CaptureOptions, EncoderOptions, HttpOptions)

# All threads together get this long to end, and the embedded display as long
# again at most; the promise is 2 s.
_STOP_SECONDS = 1.0

# How often the main thread sees to what may hang, and tells how it goes.
_TICK_SECONDS = 1.0
_TOLD_SECONDS = 5.0


@dataclass(frozen=True)
class Options:
    """Everything the command line says."""

    capture: CaptureOptions
    encoder: EncoderOptions
    http: HttpOptions
    program: tuple[str, ...]
    """The command after --, to be run in the embedded display."""

    def config(self) -> dict[str, object]:
        """Give all options by name, for the state page."""
        parts = (self.capture, self.encoder, self.http)
        return {name: value for part in parts for name, value in dataclasses.asdict(part).items()}


class StartError(Exception):
    """webcapd cannot start; the text is one clear sentence."""


class _Parser(argparse.ArgumentParser):
    """argparse, but a mistake is answered by one sentence and not by a page."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"webcapd: {one_line(message)} (see --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """Make the command-line parser from the options as declared."""
    parser = _Parser(
        prog="webcapd",
        usage="webcapd [options] [-- program argument...]",
        description="Show an X11 screen live in any browser, as MJPEG over HTTP.",
        epilog="Then: <img src='http://127.0.0.1:8080/?stream'> shows the screen live, "
        "/?snapshot is one picture, /?info tells the state, and / shows it all.",
        allow_abbrev=False,
        add_help=False,
    )
    for options in OPTIONS:
        add_flags(parser, options)
    about = parser.add_argument_group("About")
    about.add_argument("--help", "-h", action="help", help="show this and exit")
    about.add_argument(
        "--version", action="version", version=f"webcapd {__version__}", help="tell and exit"
    )
    add_print_flags(about)
    return parser


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; a mistake ends the program with code 2."""
    arguments = list(arguments)
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = make_parser()
    given, unknown = parser.parse_known_args(arguments[:cut])
    if unknown:
        parser.error(_unknown_argument(parser, unknown[0]))
    options = Options(
        from_namespace(CaptureOptions, given),
        from_namespace(EncoderOptions, given),
        from_namespace(HttpOptions, given),
        tuple(arguments[cut + 1 :]),
    )
    try:
        _check_display(options, has_separator=cut < len(arguments))
        _check_region(options.capture)
    except ValueError as error:
        parser.error(str(error))
    return options


def _unknown_argument(parser: argparse.ArgumentParser, argument: str) -> str:
    """Say what may have been meant."""
    if not argument.startswith("-"):
        return f"{argument} is no option; a program goes behind --: --virtual -- {argument}"
    name = argument.partition("=")[0]
    flags = [flag for action in parser._actions for flag in action.option_strings]
    near = difflib.get_close_matches(name, flags, 1)
    return f"there is no option {name}" + (f"; {near[0]} is one" if near else "")


def _check_display(options: Options, has_separator: bool) -> None:
    """See that the options name one display; raises ValueError."""
    capture = options.capture
    named = [
        flag
        for flag, given in (
            ("--display", capture.display != ""),
            ("--index", capture.index is not None),
            ("--virtual", capture.virtual != ""),
        )
        if given
    ]
    if len(named) > 1:
        raise ValueError(f"{' and '.join(named)} both say which display to show")
    if has_separator and not capture.virtual:
        raise ValueError("a program after -- runs in the embedded display: add --virtual")
    if has_separator and not options.program:
        raise ValueError("there is no program after --")
    if not named and not os.environ.get("DISPLAY"):
        raise ValueError("no display: give --display, or set DISPLAY, or start one by --virtual")


def _check_region(capture: CaptureOptions) -> None:
    """See that the options name one part of the screen; raises ValueError."""
    rectangle = (capture.capture_x, capture.capture_y, capture.width, capture.height)
    flags = {
        "--monitor": capture.monitor,
        "--window": capture.window,
        "--capture-x, --capture-y, --width or --height": any(rectangle),
    }
    named = [flag for flag, given in flags.items() if given]
    if len(named) > 1:
        raise ValueError(f"{' and '.join(named)} both say which part of the screen to show")


@contextlib.contextmanager
def display_shown(options: Options, stop: Stop) -> Iterator[tuple[str, VirtualDisplay | None]]:
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


def serve(options: Options, stop: Stop) -> int:
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
            version=__version__,
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
        listener = Listener(open_sockets(options.http, given), site, stop.on_failure)
        try:
            encoder.start()
            while not encoder.begun:
                if (status := stop.wait(_TICK_SECONDS)) is not None:
                    return status
                encoder.unstick()
            width, height = encoder.picture_size()
            listener.start()
            # Not by way of the log: other programs wait for this line, at any --log-level.
            serving = f"serving {display} {width}x{height} on {listener.urls}"
            print(f"webcapd: {serving}", file=sys.stderr, flush=True)
            for warning in filter(None, (listener.exposure, site.shortage)):
                log.warning("%s", warning)
            manager.tell("READY=1", f"STATUS={site.summary()}")
            return _look_after(options.http, stop, encoder, listener, manager)
        finally:
            manager.tell("STOPPING=1")
            _end(listener, encoder, virtual)


def _look_after(
    options: HttpOptions, stop: Stop, encoder: Encoder, listener: Listener, manager: ServiceManager
) -> int:
    """See to what may hang, and tell how it goes, until asked to stop; returns the exit code."""
    period = min(_TICK_SECONDS, manager.watchdog_seconds / 3 or math.inf)
    told = time.monotonic()
    while (status := stop.wait(period)) is None:
        encoder.unstick()
        if encoder.makes_headway() and listener.makes_headway():
            manager.tell("WATCHDOG=1")
        if time.monotonic() - told >= _TOLD_SECONDS:
            told = time.monotonic()
            manager.tell(f"STATUS={listener.site.summary()}")
            if options.showfps:
                log.info("%s", listener.site.rates())
    return status


def _access(options: HttpOptions) -> Access:
    """Read who may look; raises StartError."""
    try:
        return Access(options.auth_file, options.token_file)
    except ValueError as error:
        raise StartError(str(error)) from None


def _end(listener: Listener, encoder: Encoder, virtual: VirtualDisplay | None) -> None:
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
        if not part.join(max(0.1, deadline - time.monotonic())):
            log.warning("the %s threads did not end in time", name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    logging.basicConfig(level=logging.INFO, format="webcapd: %(message)s", stream=sys.stderr)
    options = parse(sys.argv[1:] if arguments is None else arguments)
    logging.getLogger().setLevel(options.http.log_level.upper())
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.ask())
    try:
        return serve(options, stop)
    except (StartError, CannotListen, SourceError, CoderError) as error:
        log.error("%s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
