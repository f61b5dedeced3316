"""What distinguishes one stream of updates from another."""

from collections.abc import Mapping
from dataclasses import dataclass

from webcapd.encoder.transform import UPRIGHT, View


@dataclass(frozen=True)
class UpdateSpec:
    """What is asked for.  Equal ones share everything."""

    view: View = UPRIGHT
    quality: int | None = None
    """A fixed JPEG quality, or None for the one that follows motion."""
    pointer_in: bool = False
    """Whether the pointer is part of the picture."""

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of the form."""
        view = self.view
        return {
            "rotate": 90 * view.quarter_turns,
            "width": view.fit[0],
            "height": view.fit[1],
            "scale": view.scale,
            "crop": view.crop,
            "flip": view.flip,
            "gray": view.gray,
            "fixedQuality": self.quality,
            "pointerIn": self.pointer_in,
        }

    def __str__(self) -> str:
        """Tell it from others, for readers."""
        usual = UpdateSpec().report()
        return ",".join(f"{k}={value}" for k, value in self.report().items() if value != usual[k])
