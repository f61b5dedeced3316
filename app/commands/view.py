"""``webcapd view SRC``: a window that shows a source, and saves its pictures."""

from collections.abc import Callable, Sequence
from functools import partial

from webcapd.app.checks import check_display, check_region, check_sources, named_source
from webcapd.app.commands.viewoptions import ViewOptions
from webcapd.app.parser import command_parser
from webcapd.base.option import from_namespace
from webcapd.capture.options import CaptureOptions
from webcapd.encoder.options import EncoderOptions
from webcapd.outputs.recording.naming import naming_for


def prepare(arguments: Sequence[str]) -> Callable[[], int]:
    """See registry.py."""
    parser = command_parser(
        "view",
        "SRC",
        "Show a source in a window, and save its pictures: SRC is what webcapd --source takes, "
        "such as http://HOST:8080/?stream or tcp://:5000, or a display, such as :0. Keys: q or Esc "
        "ends, s saves one picture, space pauses, f is the whole screen, + and - change the size, "
        "r starts and ends a video.",
        ViewOptions,
        EncoderOptions,
        CaptureOptions,
    )
    given = parser.parse_args(arguments)
    options = from_namespace(ViewOptions, given)
    try:
        capture = named_source(given.positional, from_namespace(CaptureOptions, given))
        if not capture.source_flags():
            raise ValueError("what is to be shown? http://HOST:8080/?stream, tcp://:5000, :0 ...")
        if any(source.whole.startswith("push:") for source in capture.source):
            raise ValueError("push: takes a server: webcapd --source push:NAME; tcp: takes none")
        check_display(capture)
        check_region(capture)
        check_sources(capture, has_tokens=bool(options.publish_token_file))
        if not options.save and (options.name or options.no_window):
            flag = "--name" if options.name else "--no-window"
            raise ValueError(f"{flag} is for saving: --save DIR says where to")
        naming_for("jpg", options.name)
    except ValueError as error:
        parser.error(str(error))
    from webcapd.app.commands.viewing import view

    return partial(view, options, from_namespace(EncoderOptions, given), capture)
