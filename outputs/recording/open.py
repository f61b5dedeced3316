"""The recorder that options ask for, and where it writes to."""

import math
from collections.abc import Callable
from pathlib import Path

from webcapd.encoder.variant import VariantSpec
from webcapd.encoder.variants import Variants
from webcapd.outputs.options import RecordingOptions, RecordOptions
from webcapd.outputs.recording.folder import Folder
from webcapd.outputs.recording.naming import FORMATS, naming_for
from webcapd.outputs.recording.places import OneFile, StandardOutput
from webcapd.outputs.recording.recorder import Recorder
from webcapd.outputs.recording.retention import SegmentRule, parse_segment
from webcapd.outputs.recording.settings import RecorderSettings
from webcapd.outputs.recording.sinks import Pictures, Sink, Video

STANDARD_OUTPUT = "-"


def open_recorder(
    record: RecordOptions, options: RecordingOptions, variants: Variants, spec: VariantSpec
) -> Recorder:
    """Make the recorder of a server; raises CannotWrite if it could not write."""
    settings = RecorderSettings(record.pre_seconds, options.interval_seconds, options.changed_only)
    return Recorder(variants, spec, folder_sink(record.record, options), settings)


def folder_sink(folder: str, options: RecordingOptions) -> Sink:
    """Make what records into a folder; raises CannotWrite."""
    kind = options.record_format or "mkv"
    place = Folder(Path(folder), naming_for(kind, options.record_name), options.limits)
    if kind == "jpg":
        return Pictures(place)
    return Video(place, kind == "mkv", parse_segment(options.segment), not options.changed_only)


def is_folder(output: str) -> bool:
    """Whether a recording of this name is a folder; raises ValueError if it can be neither."""
    path = Path(output)
    if output == STANDARD_OUTPUT or path.is_dir() or output.endswith("/"):
        return output != STANDARD_OUTPUT
    suffix = path.suffix.lower()
    if suffix in (".mp4", ".avi", ".mov", ".webm", ".jpeg", ".png", ".gif"):
        raise ValueError(
            f"recordings are folders, or files that end in .mkv, .mjpeg or .jpg, and not {suffix}; "
            "webcapd export makes .mp4 of .mkv"
        )
    return suffix.removeprefix(".") not in FORMATS


def output_kind(output: str, options: RecordingOptions) -> str:
    """Give the format of one file, or of standard output; raises ValueError."""
    wanted = options.record_format
    if output == STANDARD_OUTPUT:
        if wanted == "jpg":
            raise ValueError("to standard output goes mjpeg, or mkv")
        return wanted or "mjpeg"
    kind = Path(output).suffix.lower().removeprefix(".")
    if wanted not in ("", kind):
        raise ValueError(f"{output} says {kind}, and --record-format {wanted}")
    return kind


def file_sink(output: str, options: RecordingOptions, is_stopping: Callable[[], bool]) -> Sink:
    """Make what records into one file, or to standard output; raises CannotWrite."""
    kind = output_kind(output, options)
    is_pipe = output == STANDARD_OUTPUT
    place = StandardOutput(is_stopping) if is_pipe else OneFile(Path(output))
    sink = Video(place, kind == "mkv", SegmentRule(), not options.changed_only, splits=not is_pipe)
    # A picture by itself is one of now, and no placeholder.
    sink.takes_outages = kind != "jpg"
    return sink


def file_settings(
    output: str, options: RecordingOptions, count: int, duration: float
) -> RecorderSettings:
    """Give what is recorded; ``count`` and ``duration`` are 0 where there is no bound."""
    is_picture = output != STANDARD_OUTPUT and not is_folder(output)
    is_picture = is_picture and output_kind(output, options) == "jpg"
    return RecorderSettings(
        None,
        options.interval_seconds,
        options.changed_only,
        1 if is_picture else count or math.inf,
        duration or math.inf,
        retries=output != STANDARD_OUTPUT and is_folder(output),
    )
