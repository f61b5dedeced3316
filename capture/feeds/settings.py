"""What stands behind the name of a feed: ``NAME,key=value,key=value``.  Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from webcapd.base.number import parse_number, parse_whole

MAX_FPS = 240.0


def split_settings(
    text: str, readers: Mapping[str, Callable[[str], Any]]
) -> tuple[str, dict[str, Any]]:
    """Split what stands behind a scheme into its name and its settings; raises ValueError.

    ``readers`` has, by key, what makes a value of its text.  The name may have commas and
    equal signs of its own: settings are what stands at the end and has a known key.
    """
    settings: dict[str, Any] = {}
    name = text
    while "," in name:
        rest, _, last = name.rpartition(",")
        key, equal, value = last.partition("=")
        if not equal or key not in readers:
            break
        if key in settings:
            raise ValueError(f"{key}= is given twice")
        settings[key] = readers[key](value)
        name = rest
    return name, settings


def parse_fps(text: str) -> float:
    """Read a rate; raises ValueError with a sentence."""
    fps = parse_number(text)
    if not 0.01 <= fps <= MAX_FPS:
        raise ValueError(f"fps={text} is not between 0.01 and {MAX_FPS:g}")
    return fps


def parse_seed(text: str) -> int:
    """Read a seed; raises ValueError with a sentence."""
    seed = parse_whole(text)
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed={text} is not between 0 and 2^63")
    return seed
