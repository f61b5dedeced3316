"""``webcapd record SRC -o DIR|FILE|-``: record a display or another source, without a server."""

import sys
from collections.abc import Callable, Sequence
from functools import partial

from webcapd.app.checks import check_display, check_region, check_sources, named_source
from webcapd.app.parser import command_parser
from webcapd.base.option import from_namespace
from webcapd.capture.options import CaptureOptions
from webcapd.encoder.options import EncoderOptions
from webcapd.outputs.options import RecordCommandOptions, RecordingOptions
from webcapd.outputs.recording.naming import naming_for


def prepare(arguments: Sequence[str]) -> Callable[[], int]:
    """See registry.py."""
    kinds = (RecordCommandOptions, RecordingOptions, EncoderOptions, CaptureOptions)
    parser = command_parser(
        "record",
        "SRC -o DIR|FILE|-",
        "Record an X display (:0), or whatever webcapd --source shows, as JPEG that is not encoded "
        "anew, with the times as they were.",
        *kinds,
    )
    given = parser.parse_all(arguments)
    command = from_namespace(RecordCommandOptions, given)
    recording = from_namespace(RecordingOptions, given)
    try:
        capture = named_source(given.positional, from_namespace(CaptureOptions, given))
        check_display(capture)
        check_region(capture)
        check_sources(capture, has_tokens=False)
        _check_output(command, recording)
    except ValueError as error:
        parser.error(str(error))
    from webcapd.app.commands.recording import record

    return partial(record, command, recording, from_namespace(EncoderOptions, given), capture)


def _check_output(command: RecordCommandOptions, recording: RecordingOptions) -> None:
    """See that it is clear what is written; raises ValueError."""
    from webcapd.outputs.recording.open import STANDARD_OUTPUT, is_folder, output_kind

    if not command.output:
        raise ValueError("where to? -o DIR, -o FILE.mkv or -o - says it")
    if is_folder(command.output):
        naming_for(recording.record_format or "mkv", recording.record_name)
        return
    output_kind(command.output, recording)
    if command.output == STANDARD_OUTPUT and sys.stdout.isatty():
        raise ValueError("standard output is a terminal, which shows no pictures")
    if recording.record_name:
        raise ValueError("--record-name is for folders, and -o names a file")
