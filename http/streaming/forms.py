"""What the encoder makes of the screen, as requests find it."""

from typing import NamedTuple

from webcapd.encoder.h264.videos import Videos
from webcapd.encoder.updates.factory import Updates
from webcapd.encoder.variants import Variants


class Forms(NamedTuple):
    """All that can be asked for; for any thread.

    Each has leases: what is asked for is made when the first wants it, and is one for all
    who want the same.
    """

    variants: Variants
    """JPEG frames."""
    updates: Updates
    """Records of what changed."""
    videos: Videos
    """H.264."""
