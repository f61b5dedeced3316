"""What any number of viewers cost, from what one costs.  Pure.

A viewer behind a cache takes, for each version of the screen, one entry of the
list and the objects in it that it lacks; and all of that is made and sent to
the cache once.  So the edge's load is the viewers' number times what one takes,
and ours does not depend on it.  With streams of names the list comes in a
response without an end, which each viewer has from us.
"""

from dataclasses import dataclass

BUDGET = 1.1
"""Requests at most that reach us for each version and object made."""

WITHIN = 0.2
"""As near as the model must be to what was measured where nothing was the limit."""


@dataclass(frozen=True)
class Taken:
    """What one viewer takes, a second."""

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


def load(taken: Taken, made: float, viewers: int) -> Load:
    """Tell the load of so many viewers of a screen.

    ``made`` is how many versions and objects are made a second.
    """
    once = min(BUDGET, viewers) * made
    answered = taken.requests * viewers
    origin_requests = min(once, answered)
    fetched = taken.bytes - taken.stream_bytes
    each = fetched / taken.requests if taken.requests else 0.0
    return Load(
        edge_requests=answered,
        edge_bytes=taken.bytes * viewers,
        origin_requests=origin_requests,
        origin_bytes=origin_requests * each + taken.stream_bytes * viewers,
        hit_rate=1 - origin_requests / answered if answered else 0.0,
    )


def mjpeg(frame_bytes_a_second: float, viewers: int) -> Load:
    """Tell the load of as many MJPEG streams: no cache holds any of it."""
    sent = frame_bytes_a_second * viewers
    return Load(0.0, sent, 0.0, sent, 0.0)
