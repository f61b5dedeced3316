"""Standard error that may be full, closed or broken: what it does not take is lost."""

import contextlib
import io
import os
import sys


class LossyStream(io.TextIOWrapper):
    """Text to a descriptor, for which nothing else stops when it cannot be written."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        # Without a buffer in between: nothing that failed is left to be tried again.
        raw = io.FileIO(descriptor, "w", closefd=False)
        super().__init__(raw, encoding, "backslashreplace", write_through=True)

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().flush()


def make_stderr_lossy() -> None:
    """Make standard error such a stream; where there is none, one that takes all."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    elif sys.stderr is sys.__stderr__ and sys.__stderr__ is not None:
        sys.stderr = LossyStream(sys.__stderr__.fileno(), sys.__stderr__.encoding)
