"""The options of what goes elsewhere than HTTP: recordings, and raw pixels."""

import math
from dataclasses import dataclass

from webcapd.base.number import parse_bytes, parse_period, parse_seconds
from webcapd.base.option import check_given, option, read_text
from webcapd.outputs.recording.naming import DEFAULTS, FORMATS, naming_for
from webcapd.outputs.recording.retention import Limits, parse_room, parse_segment


@dataclass(frozen=True)
class RingOptions:
    """Frames for other programs."""

    ring: str = option(
        "",
        "write what is captured, as raw pixels, into a ring of shared memory for other programs "
        "of this machine (docs/frames.md); masks, watermark, caption and pointer are in it",
        metavar="PATH.wcf",
        check=check_given,
    )


@dataclass(frozen=True)
class RecordOptions:
    """Whether it is recorded."""

    record: str = option(
        "",
        "record what is shown into this folder, as it is sent to viewers",
        metavar="DIR",
        check=check_given,
    )
    record_token_file: str = option(
        "",
        "let who has a token of this file, as Bearer, start and stop the recording by "
        "POST /?record=start, stop or mark; its lines are those of --token-file",
        metavar="FILE",
        check=check_given,
    )
    pre: str = option(
        "",
        "record nothing until it is started by such a request, and then what was shown so long "
        "before, too; such as 10s, or 0",
        metavar="TIME",
        check=parse_seconds,
    )

    @property
    def pre_seconds(self) -> float | None:
        return parse_seconds(self.pre) if self.pre else None


@dataclass(frozen=True)
class RecordingOptions:
    """What recordings are like."""

    record_format: str = option(
        "",
        "mkv: video with the true times, playable also after a crash (the default); jpg: each "
        "frame a file, and latest.jpg; mjpeg: JPEG after JPEG, without times",
        choices=FORMATS,
    )
    record_name: str = option(
        "",
        f"what files are called, with a number and strftime fields, such as {DEFAULTS['mkv']} "
        "(the default)",
        metavar="PATTERN",
        read=read_text,
    )
    segment: str = option(
        "10m",
        "how long a file of video is: a time, a size such as 100M, or clock:1h for each full hour",
        metavar="TIME|SIZE",
        check=parse_segment,
    )
    keep: str = option(
        "",
        "delete recordings that are older than this, such as 7d",
        metavar="TIME",
        check=parse_period,
    )
    max_size: str = option(
        "",
        "delete the oldest while all together are larger than this",
        metavar="SIZE",
        check=parse_bytes,
    )
    max_files: int = option(
        100_000, "delete the oldest while there are more files", low=1, high=10_000_000
    )
    min_free: str = option(
        "1G",
        "delete the oldest while less than this is free, and if that does not help record nothing; "
        "or a share, such as 5%",
        metavar="SIZE",
        check=parse_room,
    )
    interval: str = option(
        "",
        "record one frame each so often, such as 10s, and not all there are",
        metavar="TIME",
        check=parse_period,
    )
    changed_only: bool = option(
        False, "leave out frames that look like the one before, and files in which nothing changes"
    )

    @property
    def limits(self) -> Limits:
        return Limits(
            parse_period(self.keep) if self.keep else math.inf,
            parse_bytes(self.max_size) if self.max_size else math.inf,
            self.max_files,
            parse_room(self.min_free),
        )

    @property
    def interval_seconds(self) -> float:
        """Seconds from one frame to the next, 0 for all."""
        return parse_period(self.interval) if self.interval else 0.0


@dataclass(frozen=True)
class RecordCommandOptions:
    """Where to, and how much."""

    output: str = option(
        "",
        "a folder, or a file that ends in .mkv, .mjpeg or .jpg, or - for standard output",
        "-o",
        metavar="DIR|FILE|-",
        check=check_given,
    )
    count: int = option(0, "end after so many frames", "-c", low=1, high=10**9)
    duration: str = option(
        "", "end after this time, such as 90s", "-t", metavar="TIME", check=parse_period
    )


def check_record(record: RecordOptions, options: RecordingOptions) -> None:
    """See that options of a server go together; raises ValueError with a sentence."""
    if not record.record:
        if record != RecordOptions() or options != RecordingOptions():
            raise ValueError("nothing is recorded without --record DIR, which says where to")
        return
    naming_for(options.record_format or "mkv", options.record_name)
    if record.pre and not record.record_token_file:
        raise ValueError("--pre waits to be told by a request: it needs --record-token-file")
    if record.pre and options.interval:
        raise ValueError("--pre keeps all frames, and does not go with --interval")
