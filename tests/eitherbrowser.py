"""Chromium or Firefox, of which a test does not care which it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser import chromium
from firefox import firefox
from livepage import AnyBrowser


@contextmanager
def either(kind: str, profile: Path, *flags: str) -> Iterator[AnyBrowser]:
    """Run the browser of this name; its console must have been silent in the end.

    Flags are Chromium's.
    """
    if kind == "firefox":
        with firefox(profile) as one:
            yield one
            assert (heard := one.complaints()) == [], heard
        return
    with chromium(profile, *flags) as other:
        other.watch()
        yield other
        assert (heard := other.complaints()) == [], heard
