"""What a change becomes: records, and what they need."""

from collections.abc import Iterable, Sequence


class Coded:
    """Records, and the qualities whose JPEG headers they need."""

    def __init__(
        self,
        data: Sequence[bytes] = (),
        qualities: Iterable[int] = (),
        copies: Sequence[bytes] = (),
    ) -> None:
        self.copies, self.data, self.qualities = list(copies), list(data), set(qualities)
        """Copies stand before all others."""

    def __bool__(self) -> bool:
        return bool(self.copies or self.data)

    def __iadd__(self, other: "Coded") -> "Coded":
        self.copies += other.copies
        self.data += other.data
        self.qualities |= other.qualities
        return self
