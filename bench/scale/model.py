"""What any number of viewers cost, from what one takes of a version.  Pure.

A viewer behind a cache takes, for each version of the screen, one entry of the
list and the objects in it that it lacks; and all of that is made and sent to
the cache once.  So the edge's load is what one takes, times the versions, times
the viewers, and ours does not depend on the viewers.  With streams of names the
list comes in a response without an end, which each viewer has from us.
"""

from dataclasses import dataclass

BUDGET = 1.1
"""Requests at most that reach us for each version and object made."""

REQUESTS_WITHIN, BYTES_WITHIN = 0.1, 0.35
"""As near as the model must be to what was measured where nothing was the limit.

A list is the longer the more has changed since its groups were cut, so that bytes
depend on when they are counted.
"""


@dataclass(frozen=True)
class Taken:
    """What one viewer takes of a version, on average."""

    requests: float
    """Requests that it sends, for lists and for objects."""
    bytes: float
    """Bytes that it gets for them, heads and all."""
    stream_bytes: float = 0.0
    """Of these, those that come in a stream of names, of its own from end to end."""


@dataclass(frozen=True)
class Load:
    """What a number of viewers cost, a second."""

    edge_requests: float
    edge_bytes: float
    origin_requests: float
    origin_bytes: float
    hit_rate: float


def load(taken: Taken, versions: float, viewers: int) -> Load:
    """Tell the load of so many viewers who all see so many versions a second."""
    seen = versions * viewers
    asked = taken.requests * seen
    origin_requests = taken.requests * versions * min(BUDGET, viewers)
    fetched = taken.bytes - taken.stream_bytes
    each = fetched / taken.requests if taken.requests else 0.0
    return Load(
        edge_requests=asked,
        edge_bytes=taken.bytes * seen,
        origin_requests=origin_requests,
        origin_bytes=origin_requests * each + taken.stream_bytes * seen,
        hit_rate=1 - origin_requests / asked if asked else 0.0,
    )


def mjpeg(frame_bytes_a_second: float, viewers: int) -> Load:
    """Tell the load of as many MJPEG streams: no cache holds any of it."""
    sent = frame_bytes_a_second * viewers
    return Load(0.0, sent, 0.0, sent, 0.0)
