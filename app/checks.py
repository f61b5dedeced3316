"""Whether options of capture go together, for the server and for commands; raises ValueError."""

import dataclasses
import os

from webcapd.base.systemd import hands_over_sockets
from webcapd.capture.options import CaptureOptions
from webcapd.http.options import HttpOptions
from webcapd.outputs.options import RecordOptions


def check_display(
    capture: CaptureOptions, program: tuple[str, ...] = (), has_separator: bool = False
) -> None:
    """See that the options name one thing to show; raises ValueError."""
    named = capture.source_flags()
    if len(named) > 1:
        raise ValueError(f"{' and '.join(named)} both say what to show")
    if has_separator and not capture.virtual:
        raise ValueError("a program after -- runs in the embedded display: add --virtual")
    if has_separator and not program:
        raise ValueError("there is no program after --")
    if not named and not os.environ.get("DISPLAY"):
        raise ValueError("no display: give --display, or set DISPLAY, or start one by --virtual")
    if capture.source and (flags := capture.display_flags()):
        raise ValueError(f"{flags[0]} is for displays, and --source shows none")


def check_idle(
    http: HttpOptions, capture: CaptureOptions, ring: str, record: RecordOptions
) -> None:
    """See that it can end when nobody watches, and start again; raises ValueError."""
    if not http.exit_idle:
        return
    if not hands_over_sockets(os.environ):
        raise ValueError(
            "--exit-idle is for sockets that systemd holds (webcapd@.socket): nothing else would "
            "start it again"
        )
    if http.listen:
        raise ValueError(
            "with --exit-idle nobody would listen at --listen; ListenStream= in webcapd@.socket "
            "is for that"
        )
    if ring:
        raise ValueError("--ring is written all the time, so that --exit-idle would never end it")
    if record.record and not record.record_token_file:
        raise ValueError(
            "--record records all the time, so that --exit-idle would never end it; with --pre and "
            "--record-token-file it begins when it is told to"
        )
    for source in capture.source:
        scheme = source.whole.partition(":")[0]
        if scheme in ("tcp", "udp"):
            raise ValueError(f"with --exit-idle nobody would be there for who sends to {scheme}:")


def check_region(capture: CaptureOptions) -> None:
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


def check_caches(http: HttpOptions) -> None:
    """See that a cache does not show the screen to who may not see it; raises ValueError."""
    named = [flag for flag, file in _credentials(http) if file]
    if http.announces_cache and named and not http.cache_checks_access:
        raise ValueError(
            f"--announce cache shows the screen to whoever reaches the cache, and {named[0]} does "
            "not: add --cache-checks-access if the cache checks each request"
        )
    if http.cache_checks_access and not http.announces_cache:
        raise ValueError("--cache-checks-access is for --announce cache")


def _credentials(http: HttpOptions) -> tuple[tuple[str, str], ...]:
    return (("--auth-file", http.auth_file), ("--token-file", http.token_file))


def check_sources(capture: CaptureOptions, has_tokens: bool) -> None:
    """See that who sends pictures to us can be told from everybody else; raises ValueError."""
    if not capture.source:
        return
    from webcapd.capture.feeds.feed import FeedContext
    from webcapd.capture.feeds.received.reception import Reception
    from webcapd.capture.feeds.registry import make_feed

    reception = Reception(tuple if has_tokens else None)
    for source in capture.source:
        make_feed(source.whole, FeedContext(reception=reception))


def named_source(word: str, capture: CaptureOptions) -> CaptureOptions:
    """Take what a command is to show, by its word or by flags: a source, or an X display."""
    from webcapd.capture.feeds.registry import SCHEMES
    from webcapd.capture.options import read_source
    from webcapd.capture.x11.dial import parse_name

    if capture.virtual:
        raise ValueError("--virtual is for webcapd itself, and no command")
    if word and (flags := capture.source_flags()):
        raise ValueError(f"{word} and {flags[0]} both say what to show")
    if not word:
        return capture
    if word.partition(":")[0] in SCHEMES:
        return dataclasses.replace(capture, source=(read_source(word),))
    try:
        parse_name(word)
    except ValueError:
        raise ValueError(
            f"{word!r} is neither a display, such as :0, nor a source, such as pattern:clock"
        ) from None
    return dataclasses.replace(capture, display=word)
