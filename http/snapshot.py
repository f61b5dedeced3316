"""One picture: which one a request asks for, and its headers."""

import time
from collections.abc import Callable
from typing import NamedTuple

import xxhash

from webcapd.encoder.frame import Frame, LatestFrame
from webcapd.http.target import Target
from webcapd.http.wire.response import PICTURE_SECONDS, Header, HttpError, http_date, no_picture

_MAX_WAIT_SECONDS = 60.0

# How often it is checked whether the client still waits.
_CHECK_SECONDS = 1.0


class SnapshotParams(NamedTuple):
    """Which picture a request asks for."""

    max_age: float
    """Seconds that it may be old."""
    after: int | None
    """Number of the picture that the client has, and wants another than; None for any."""
    timeout: float
    """Seconds to wait for another one."""
    download: bool


def snapshot_params_of(target: Target) -> SnapshotParams:
    """Read which picture a request asks for; raises HttpError."""
    return SnapshotParams(
        target.number("max_age", 0, 86400) or 0.0,
        target.whole("after", 0, 1 << 53),
        target.number("timeout", 0, _MAX_WAIT_SECONDS) or 0.0,
        target.switch("download") or False,
    )


def take(latest: LatestFrame, params: SnapshotParams, has_left: Callable[[], bool]) -> Frame | None:
    """Wait for the picture; None if there is no other than the client has.

    ``has_left`` returns whether the client may have left, which ends the wait.
    Raises HttpError when there is no picture, Closed when the server stops.
    """
    frame = latest.wait(PICTURE_SECONDS, as_of=latest.request_fresh(params.max_age))
    if frame is not None and frame.sequence == params.after:
        frame = _next(latest, frame.sequence, params.timeout, has_left)
        if frame is None:
            return None
    if frame is None:
        raise no_picture()
    if frame.outage:
        # A placeholder is for viewers, not for archives.
        raise HttpError(503, frame.outage, retry_after=1)
    return frame


def _next(
    latest: LatestFrame, sequence: int, timeout: float, has_left: Callable[[], bool]
) -> Frame | None:
    """Wait for a frame other than number ``sequence``; None when there is none."""
    until = time.monotonic() + timeout
    with latest.subscribed():
        while True:
            rest = until - time.monotonic()
            frame = latest.wait(max(0.0, min(rest, _CHECK_SECONDS)), after=sequence)
            if frame is not None or rest <= _CHECK_SECONDS or has_left():
                return frame


def entity_tag(jpeg: bytes) -> str:
    """Identify a picture by its content: equal also after a restart."""
    return f'"{xxhash.xxh3_64_hexdigest(jpeg)}"'


def has_tag(if_none_match: str, tag: str) -> bool:
    """Whether an If-None-Match header names a tag (RFC 9110, 13.1.2: weakly compared)."""
    tags = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in tags or tag in tags


def headers_of(frame: Frame, params: SnapshotParams) -> list[Header]:
    """List the headers that describe a picture."""
    headers = [
        ("ETag", entity_tag(frame.data)),
        ("Last-Modified", http_date(frame.captured)),
        ("X-Timestamp", f"{frame.captured:.6f}"),
        ("X-Encoded", f"{frame.encoded:.6f}"),
        ("X-Sequence", str(frame.sequence)),
        ("X-Quality", str(frame.quality)),
    ]
    if params.download:
        name = time.strftime("screen-%Y%m%d-%H%M%S.jpg", time.localtime(frame.captured))
        headers.append(("Content-Disposition", f'attachment; filename="{name}"'))
    return headers
