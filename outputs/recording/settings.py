"""What is recorded, and when."""

import math
from typing import NamedTuple


class RecorderSettings(NamedTuple):
    """What is recorded, and when."""

    pre: float | None = None
    """Whether it waits to be told to begin, and how many seconds from before it has then."""
    interval: float = 0.0
    """Seconds from one frame to the next; 0 for all there are."""
    changed_only: bool = False
    """Whether a frame that looks like the one before is left out."""
    most: float = math.inf
    """How many frames there may be."""
    duration: float = math.inf
    """How many seconds it may take."""
    retries: bool = True
    """Whether it goes on when it could not write."""
