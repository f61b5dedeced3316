"""The command line: all options together, and whether they go together."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from webcapd.app import __version__
from webcapd.app.checks import (
    check_caches,
    check_display,
    check_idle,
    check_region,
    check_sources,
)
from webcapd.app.commands.registry import COMMANDS, described, meant
from webcapd.app.deploy_files import add_print_flags
from webcapd.app.parser import Parser
from webcapd.base.option import add_flags, from_namespace
from webcapd.capture.options import CaptureOptions
from webcapd.encoder.options import EncoderOptions
from webcapd.http.options import HttpOptions
from webcapd.outputs.options import RecordingOptions, RecordOptions, RingOptions, check_record

OPTIONS = (
    CaptureOptions,
    EncoderOptions,
    HttpOptions,
    RecordOptions,
    RecordingOptions,
    RingOptions,
)


@dataclass(frozen=True)
class Options:
    """Everything the command line says."""

    capture: CaptureOptions
    encoder: EncoderOptions
    http: HttpOptions
    program: tuple[str, ...]
    """The command after --, to be run in the embedded display."""
    record: RecordOptions = field(default_factory=RecordOptions)
    recording: RecordingOptions = field(default_factory=RecordingOptions)
    ring: RingOptions = field(default_factory=RingOptions)

    def config(self) -> dict[str, object]:
        """Give all options by name, for the state page."""
        parts = (
            *(self.capture, self.encoder, self.http),
            *(self.record, self.recording, self.ring),
        )
        return {name: value for part in parts for name, value in dataclasses.asdict(part).items()}


def make_parser() -> Parser:
    """Make the command-line parser from the options as declared."""
    parser = Parser(
        prog="webcapd",
        usage="webcapd [options] [-- program argument...]",
        description="Show an X11 screen, or what other programs deliver, live in any browser, "
        "as MJPEG over HTTP.",
        epilog="Then: <img src='http://127.0.0.1:8080/?stream'> shows the screen live, "
        "/?snapshot is one picture, /?info tells the state, and / shows it all. " + described(),
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
        from_namespace(RecordOptions, given),
        from_namespace(RecordingOptions, given),
        from_namespace(RingOptions, given),
    )
    try:
        check_together(options, cut < len(arguments))
    except ValueError as error:
        parser.error(str(error))
    return options


def check_together(options: Options, has_separator: bool) -> None:
    """See that options go together; raises ValueError with a sentence.

    ``has_separator`` is whether a program was announced, by --, that may not be there.
    """
    check_display(options.capture, options.program, has_separator)
    check_region(options.capture)
    check_sources(options.capture, has_tokens=bool(options.http.publish_token_file))
    check_caches(options.http)
    check_idle(options.http, options.capture, options.ring.ring, options.record)
    check_record(options.record, options.recording)


def _unknown_argument(parser: Parser, argument: str) -> str:
    """Say what may have been meant."""
    if not argument.startswith("-"):
        if argument in COMMANDS:
            return f"{argument} is a command, and comes before all options"
        if command := meant(argument):
            return f"there is no command {argument}; {command} is one"
        from webcapd.capture.feeds.registry import SCHEMES

        if argument.partition(":")[0] in SCHEMES:
            # Not quoted: there may be a password in it.
            return "a source is given by --source"
        return f"{argument} is no option; a program goes behind --: --virtual -- {argument}"
    return parser.unknown_option(argument)
