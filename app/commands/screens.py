"""``webcapd screens NAME``: a test screen, written into a ring of shared memory."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from webcapd.app.parser import read_command
from webcapd.base.option import option
from webcapd.capture.geometry import parse_size


@dataclass(frozen=True)
class ScreensOptions:
    """What is written, and where to."""

    size: str = option("1280x720", "size of the screen", metavar="WIDTHxHEIGHT", check=parse_size)
    fps: float = option(
        0.0, "frames a second; 0 for the pattern's own", metavar="N", low=0, high=240
    )
    seed: int = option(0, "another number, another picture", metavar="N", low=0, high=2**63 - 1)
    output: str = option(
        "", "the ring to write (without it: $WRITER_FILE)", "-o", metavar="PATH.wcf"
    )


def prepare(arguments: Sequence[str]) -> Callable[[], int]:
    """See registry.py."""
    parser, name, options = read_command(
        "screens",
        "NAME",
        "Write a test screen into a ring, which webcapd --source wcf:PATH shows. "
        "NAME is a pattern, such as clock, bars or noise; without it, all are listed.",
        ScreensOptions,
        arguments,
    )
    from webcapd.app.commands.screenwriter import write_screen
    from webcapd.capture.feeds.pixels import size_obstacle
    from webcapd.capture.patterns.patterns import PATTERNS, painter_class

    path = options.output or os.environ.get("WRITER_FILE", "")
    size = parse_size(options.size)
    try:
        if not name:
            raise ValueError(f"which screen? One of {', '.join(sorted(PATTERNS))}")
        kind = painter_class(name)
        if obstacle := size_obstacle(*size):
            raise ValueError(obstacle)
    except ValueError as error:
        parser.error(str(error))
    if not path:
        parser.error("where to? -o PATH.wcf says it, or WRITER_FILE in the environment")
    fps = (options.fps or kind.fps) if kind.fps else 0.0
    return partial(write_screen, path, kind(*size, options.seed), fps, name)
