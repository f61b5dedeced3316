"""What a reader has of the picture: so it is told what it lacks."""

from collections.abc import Hashable
from typing import NamedTuple

Have = Hashable
"""None for nothing, the number of a state, that and a video (Watching), or a Lag."""


class Watching(NamedTuple):
    """A state, with all frames of the video that it has."""

    number: int
    video: int
    """Which video."""


def number_of(have: Have) -> Have:
    """Give the number of the state that a reader has whole, if it has one."""
    return have.number if isinstance(have, Watching) else have


def is_common(have: Have) -> bool:
    """Whether several readers can have the same; else it is a Lag."""
    return have is None or isinstance(have, int | Watching)
