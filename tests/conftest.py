"""Fixtures that several test files share."""

import os
from collections.abc import Iterator

import hypothesis
import pytest
from xserver import XServer, xvfb

# Ordinary users of Debian have no sbin, where haproxy is.
os.environ["PATH"] += ":/usr/sbin:/sbin"

# On a busy machine an example takes as long as it takes.
hypothesis.settings.register_profile("random", deadline=None)
# The same examples each time: what one change breaks must not be found by another's run.
hypothesis.settings.register_profile("webcapd", deadline=None, derandomize=True)
hypothesis.settings.load_profile("webcapd")


@pytest.fixture
def server() -> Iterator[XServer]:
    """Run an X server of 640x480 for one test."""
    with xvfb(640, 480) as running:
        yield running
