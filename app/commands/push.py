"""``webcapd push URL``: what is captured here, sent to be shown elsewhere."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from webcapd.app.checks import check_display, check_region, check_sources, named_source
from webcapd.app.parser import command_parser
from webcapd.base.option import check_given, from_namespace, option
from webcapd.capture.geometry import Rectangle, parse_rectangle
from webcapd.capture.options import CaptureOptions
from webcapd.encoder.options import EncoderOptions
from webcapd.outputs.push.target import Target, parse_target

_MIN_TOKEN = 16


@dataclass(frozen=True)
class PushOptions:
    """How it is sent."""

    token_file: str = option(
        "",
        "a file whose first line is the token that the other side wants",
        metavar="FILE",
        check=check_given,
    )
    ca: str = option(
        "",
        "by whose certificates the other side is known, in place of the system's (https, tcps)",
        metavar="FILE",
        check=check_given,
    )
    region: str = option("", "send this part only", metavar="X,Y,W,H", check=parse_rectangle)


def prepare(arguments: Sequence[str]) -> Callable[[], int]:
    """See registry.py."""
    parser = command_parser(
        "push",
        "URL",
        "Send an X display, or whatever webcapd --source shows, to another machine that shows it: "
        "URL is https://HOST/publish/NAME (or http:), where webcapd --source push:NAME runs, or "
        "tcp://HOST:PORT, tcps://HOST:PORT or udp://HOST:PORT. It ends by Ctrl-C, or q.",
        PushOptions,
        EncoderOptions,
        CaptureOptions,
    )
    given = parser.parse_all(arguments)
    options = from_namespace(PushOptions, given)
    try:
        target = parse_target(given.positional)
        capture = named_source("", from_namespace(CaptureOptions, given))
        check_display(capture)
        capture = _of_region(capture, options.region)
        check_region(capture)
        check_sources(capture, has_tokens=False)
        token = _read_token(options.token_file)
        _check_ca(options.ca, target)
    except ValueError as error:
        parser.error(str(error))
    from webcapd.app.commands.pushing import push

    return partial(push, target, token, options.ca, from_namespace(EncoderOptions, given), capture)


def _of_region(capture: CaptureOptions, region: str) -> CaptureOptions:
    """Have a part shown; raises ValueError if another one is named already."""
    if not region:
        return capture
    if any((capture.capture_x, capture.capture_y, capture.width, capture.height)):
        raise ValueError("--region and --capture-x, --width and so on both say which part to send")
    part: Rectangle = parse_rectangle(region)
    if part.x < 0 or part.y < 0:
        raise ValueError(f"--region {region} begins outside of the picture")
    return dataclasses.replace(
        capture, capture_x=part.x, capture_y=part.y, width=part.width, height=part.height
    )


def _read_token(path: str) -> str:
    """Read the first token of a file; raises ValueError with a sentence, that does not quote it."""
    if not path:
        return ""
    try:
        with open(path, encoding="ascii") as file:
            lines = [line.split() for line in file.read(1 << 20).splitlines()]
    except OSError as error:
        raise ValueError(f"the file {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"the file {path} has characters that are in no token") from None
    tokens = [words[0] for words in lines if words and not words[0].startswith("#")]
    if not tokens:
        raise ValueError(f"the file {path} has no token")
    if len(tokens[0]) < _MIN_TOKEN or not tokens[0].isprintable():
        raise ValueError(
            f"the first line of {path} is no token: those have {_MIN_TOKEN} characters"
        )
    return tokens[0]


def _check_ca(path: str, target: Target) -> None:
    """See that certificates can be read, and are of use; raises ValueError."""
    if not path:
        return
    if not target.has_tls:
        raise ValueError(f"--ca is for https: and tcps:, and {target.scheme}: has no certificate")
    import ssl

    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        is_tls = isinstance(error, ssl.SSLError)
        reason = "it has no certificate in PEM" if is_tls else error.strerror
        raise ValueError(f"--ca {path} cannot be used: {reason}") from None
