"""Which other sites' scripts may read what is served: CORS (the Fetch standard).  Pure."""

import re
from collections.abc import Sequence

from webcapd.http.wire.response import Header

# Stands for all origins.
ANY = "*"

_READABLE = (
    "ETag, Last-Modified, Retry-After, Content-Disposition, "
    "X-Timestamp, X-Encoded, X-Sequence, X-Quality"
)


def check_origin(origin: str) -> None:
    """Raise ValueError with a sentence if an origin is none."""
    if origin != ANY and not re.fullmatch(r"https?://[a-z0-9.:\[\]_-]+", origin):
        raise ValueError(f"{origin!r} is no origin; one looks like https://wall.example:8443")


def origin_headers(origin: str | None, allowed: Sequence[str]) -> list[Header]:
    """List the headers that let a page of an origin read the response, if it may."""
    if not allowed:
        return []
    # What is allowed for one must not be served to another from a cache.
    vary = [] if ANY in allowed else [("Vary", "Origin")]
    if origin is None or not (ANY in allowed or origin in allowed):
        return vary
    if origin in allowed:
        # Only for a site that is named: browsers then send its visitors' passwords along.
        allow = [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Credentials", "true"),
        ]
        vary = [("Vary", "Origin")]
    else:
        allow = [("Access-Control-Allow-Origin", ANY)]
    return [*allow, ("Access-Control-Expose-Headers", _READABLE), *vary]


def preflight_headers(headers: Sequence[Header]) -> list[Header]:
    """List what the response to a preflight adds to ``headers``, if these allow the origin."""
    if not any(name == "Access-Control-Allow-Origin" for name, _ in headers):
        return []
    return [
        ("Access-Control-Allow-Methods", "GET, HEAD"),
        ("Access-Control-Allow-Headers", "Authorization, If-None-Match"),
        ("Access-Control-Max-Age", "600"),
    ]
