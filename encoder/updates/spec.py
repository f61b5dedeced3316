"""What distinguishes one stream of updates from another."""

from collections.abc import Mapping
from dataclasses import dataclass

from webcapd.encoder.variant import VariantSpec


@dataclass(frozen=True)
class UpdateSpec(VariantSpec):
    """What is asked for.  Equal ones share everything."""

    pointer_in: bool = False
    """Whether the pointer is part of the picture."""

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of the form."""
        return {**super().report(), "pointerIn": self.pointer_in}

    def __str__(self) -> str:
        """Tell it from others, for readers."""
        usual = PLAIN_UPDATES.report()
        return ",".join(f"{k}={value}" for k, value in self.report().items() if value != usual[k])


PLAIN_UPDATES = UpdateSpec()
