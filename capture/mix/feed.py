"""``mix:OP(A,B)``, ``mix:fade(A,B)``, ``mix:grid(A,B,...)``: what is written, and what it makes."""

import re

from webcapd.base.number import parse_number
from webcapd.capture.feeds.feed import FeedContext
from webcapd.capture.feeds.pixels import size_obstacle
from webcapd.capture.feeds.settings import split_settings
from webcapd.capture.geometry import parse_size
from webcapd.capture.mix.layouts import Combined, Faded, Grid
from webcapd.capture.mix.mixed import Layout, MixedFeed
from webcapd.capture.mix.operators import OPERATORS

_FADE_SECONDS = 5.0

# More would be too small to be seen.
_MAX_PARTS = 64
# Deeper, the kernel does not follow descriptors within descriptors.
_MAX_DEPTH = 2

_SCHEME = re.compile("[a-z][a-z0-9+.-]*:")


def parse(rest: str, context: FeedContext) -> MixedFeed:
    """Make the feed; raises ValueError with a sentence."""
    operator, parenthesis, inner = rest.partition("(")
    inner, closing, tail = inner.rpartition(")")
    if not parenthesis or not closing or (tail and not tail.startswith(",")):
        raise ValueError("a mix is written mix:OP(A,B), A and B being sources")
    readers = {"size": parse_size, "seconds": _parse_seconds}
    unknown, settings = split_settings(tail, readers)
    if unknown:
        raise ValueError(
            "behind the sources of a mix there may be size=WxH and, of fade, seconds=N"
        )
    if "size" in settings and (obstacle := size_obstacle(*settings["size"])):
        raise ValueError(obstacle)
    size, seconds = settings.get("size"), settings.get("seconds")
    if seconds is not None and operator != "fade":
        raise ValueError("seconds= is for mix:fade(A,B)")
    layout: Layout
    if operator == "grid":
        layout = Grid(size)
    elif operator == "fade":
        layout = Faded(seconds or _FADE_SECONDS, size)
    elif operator in OPERATORS:
        layout = Combined(OPERATORS[operator], size)
    else:
        known = ", ".join(sorted((*OPERATORS, "fade", "grid")))
        raise ValueError(f"there is no operator {operator!r} of mix; operators: {known}")
    sources = split_sources(inner)
    if operator == "grid" and not 1 <= len(sources) <= _MAX_PARTS:
        raise ValueError(f"mix:grid takes 1 to {_MAX_PARTS} sources")
    if operator != "grid" and len(sources) != 2:
        raise ValueError(f"mix:{operator} takes two sources, not {len(sources)}")
    return MixedFeed([context.make(source) for source in sources], layout)


def split_sources(text: str) -> list[str]:
    """Split sources at the commas between them; raises ValueError with a sentence.

    What stands behind a comma and does not begin as a source does belongs to the one before,
    and so does what is in parentheses.
    """
    sources: list[str] = []
    depth, begin = 0, 0
    for position, character in enumerate(f"{text},"):
        depth += (character == "(") - (character == ")")
        if depth < 0 or depth > _MAX_DEPTH:
            raise ValueError(
                f"parentheses of a mix must match, {_MAX_DEPTH} within each other at most"
            )
        if character == "," and depth == 0:
            piece = text[begin:position]
            if sources and not _SCHEME.match(piece):
                sources[-1] += f",{piece}"
            else:
                sources.append(piece)
            begin = position + 1
    if depth:
        raise ValueError("parentheses of a mix must match")
    return sources


def _parse_seconds(text: str) -> float:
    seconds = parse_number(text)
    if not 0.1 <= seconds <= 3600:
        raise ValueError(f"seconds={text} is not between 0.1 and 3600")
    return seconds
