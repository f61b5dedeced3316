"""The patterns by their names."""

from collections.abc import Mapping

from webcapd.capture.patterns.clock import Clock
from webcapd.capture.patterns.life import Life
from webcapd.capture.patterns.moving import Ball, Bands, Noise
from webcapd.capture.patterns.painter import Painter
from webcapd.capture.patterns.still import Bars, Checker, Gradient, Grid
from webcapd.capture.patterns.typed import Text

PATTERNS: Mapping[str, type[Painter]] = {
    "ball": Ball,
    "bands": Bands,
    "bars": Bars,
    "checker": Checker,
    "clock": Clock,
    "gradient": Gradient,
    "grid": Grid,
    "life": Life,
    "noise": Noise,
    "text": Text,
}


def painter_class(name: str) -> type[Painter]:
    """Give the class of a pattern; raises ValueError with a sentence."""
    if name not in PATTERNS:
        raise ValueError(f"there is no pattern {name!r}; patterns: {', '.join(sorted(PATTERNS))}")
    return PATTERNS[name]
