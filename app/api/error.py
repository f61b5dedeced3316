"""The one exception of the Python API, and how it comes of those within."""

import contextlib
from collections.abc import Iterator

from webcapd.app.exhaustion import exhaustion


class Error(Exception):
    """What was asked for cannot be; the text is one clear sentence.

    A value that is none, no display, no descriptors, an address in use, what must not be
    called here or now: all of these are an Error, and there is no other.
    """

    # As programs name it, in tracebacks, too.
    __module__ = "webcapd"


@contextlib.contextmanager
def told(*kinds: type[Exception]) -> Iterator[None]:
    """Have errors of these kinds, and that the system has no more of something, be an Error."""
    try:
        yield
    except kinds as error:
        raise Error(str(error)) from None
    except (OSError, RuntimeError) as error:
        raise Error(exhaustion(error)) from error
