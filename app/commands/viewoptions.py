"""The options of ``webcapd view``."""

from dataclasses import dataclass

from webcapd.base.number import parse_period
from webcapd.base.option import check_given, option, read_text
from webcapd.outputs.options import RecordingOptions
from webcapd.outputs.recording.retention import parse_room


@dataclass(frozen=True)
class ViewOptions:
    """How it is shown and saved."""

    title: str = option(
        "", "title of the window (without it: what is shown)", metavar="TEXT", read=read_text
    )
    save: str = option(
        "",
        "save each picture into this folder as a numbered JPEG, going on after those there are",
        metavar="DIR",
        check=check_given,
    )
    name: str = option(
        "",
        "what these files are called, with a number and strftime fields: 'frame_{n:04d}.jpg'",
        metavar="PATTERN",
        read=read_text,
    )
    max_files: int = option(
        100_000, "delete the oldest while there are more files", low=1, high=10_000_000
    )
    min_free: str = option(
        "1G",
        "delete the oldest while less than this is free, and if that does not help save nothing; "
        "or a share, such as 5%",
        metavar="SIZE",
        check=parse_room,
    )
    scale: float = option(
        1.0, "how large the window is at first: 0.5 is half", metavar="FACTOR", low=0.05, high=8
    )
    fullscreen: bool = option(False, "begin with the whole screen")
    no_window: bool = option(False, "show no window: only save")
    count: int = option(0, "end after so many pictures; 0 for no end", low=0, high=10**9)
    duration: str = option(
        "", "end after this time, such as 90s", metavar="TIME", check=parse_period
    )
    publish_token_file: str = option(
        "",
        "for tcp:, tcps: and udp: who may send pictures: who has a token of this file; without "
        "it only programs of this machine",
        metavar="FILE",
        check=check_given,
    )

    @property
    def recording(self) -> RecordingOptions:
        """How pictures are saved."""
        return RecordingOptions(
            record_format="jpg",
            record_name=self.name,
            max_files=self.max_files,
            min_free=self.min_free,
        )
