"""What ``--filter`` says: ``crop=300x200+10+20,gray,scale=0.5``."""

import re
from collections.abc import Callable, Iterable, Mapping

from webcapd.base.number import parse_number, parse_whole
from webcapd.capture.filters.colours import Gray, Interlace, Invert
from webcapd.capture.filters.filter import Filter
from webcapd.capture.filters.places import Crop, Polar, Scale, Turn
from webcapd.capture.geometry import Rectangle, parse_size

_AREA = re.compile(r"([0-9]{1,5})x([0-9]{1,5})\+([0-9]{1,5})\+([0-9]{1,5})")

# That of skyscreen's window.
_POLAR_SIDE = 800


def parse_filters(texts: Iterable[str]) -> list[Filter]:
    """Make the filters, in the order they are named; raises ValueError with a sentence."""
    return [_parse_filter(one) for text in texts for one in text.replace(" ", "").split(",")]


def _parse_filter(text: str) -> Filter:
    name, equal, value = text.partition("=")
    if name not in FILTERS:
        raise ValueError(f"there is no filter {name!r}; filters: {', '.join(FILTERS)}")
    read, example = FILTERS[name]
    made = read(value) if bool(equal) == bool(value) else None
    if made is None:
        raise ValueError(f"{text!r} is no filter; one is written {example}")
    return made


def _crop(value: str) -> Filter | None:
    match = _AREA.fullmatch(value)
    if match is None:
        return None
    width, height, x, y = map(int, match.groups())
    return Crop(Rectangle(x, y, width, height)) if width and height else None


def _scale(value: str) -> Filter | None:
    if "x" in value:
        return Scale(size=parse_size(value))
    factor = parse_number(value) if value else 0.0
    return Scale(factor) if 0.01 <= factor <= 16 else None


def _rotate(value: str) -> Filter | None:
    return Turn(int(value) // 90) if value in ("90", "180", "270") else None


def _flip(value: str) -> Filter | None:
    return Turn(flip=value) if value in ("h", "v", "hv", "vh") else None


def _polar(value: str) -> Filter | None:
    side = parse_whole(value) if value else _POLAR_SIDE
    return Polar(side) if 16 <= side <= 2048 else None


def _plain(kind: Callable[[], Filter]) -> Callable[[str], Filter | None]:
    """Make the reader of a filter without a value."""
    return lambda value: None if value else kind()


FILTERS: Mapping[str, tuple[Callable[[str], Filter | None], str]] = {
    "crop": (_crop, "crop=WIDTHxHEIGHT+X+Y"),
    "scale": (_scale, "scale=0.5 or scale=WIDTHxHEIGHT"),
    "rotate": (_rotate, "rotate=90, 180 or 270"),
    "flip": (_flip, "flip=h, v or hv"),
    "gray": (_plain(Gray), "gray"),
    "invert": (_plain(Invert), "invert"),
    "interlace": (_plain(Interlace), "interlace"),
    "polar": (_polar, "polar or polar=SIDE, 16 to 2048"),
}
