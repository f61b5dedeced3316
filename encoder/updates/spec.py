"""What distinguishes one stream of updates from another, and what they have in common."""

from collections.abc import Mapping
from dataclasses import dataclass

from webcapd.encoder.h264.slots import VideoSlots
from webcapd.encoder.variant import VariantSpec


@dataclass(frozen=True)
class UpdateSpec(VariantSpec):
    """What is asked for.  Equal ones share everything."""

    pointer_in: bool = False
    """Whether the pointer is part of the picture."""
    video: bool = False
    """Whether what moves may go as video."""

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of the form."""
        return {**super().report(), "pointerIn": self.pointer_in, "video": self.video}

    def __str__(self) -> str:
        """Tell it from others, for readers."""
        usual = PLAIN_UPDATES.report()
        return ",".join(f"{k}={value}" for k, value in self.report().items() if value != usual[k])


PLAIN_UPDATES = UpdateSpec()


@dataclass(frozen=True)
class VideoSettings:
    """What the videos of all forms of the screen have in common."""

    slots: VideoSlots
    """Each takes one; without any left, what moves goes as JPEG."""
    crf: int
    """The constant rate factor of x264: 0 to 51, more is less."""
    full_color: bool = False
    """4:4:4 in place of 4:2:0."""
