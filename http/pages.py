"""What each page answers, but for the stream, which has no end."""

import contextlib
import json
import logging
from collections.abc import Callable
from typing import NamedTuple

from webcapd.encoder.latest import Closed
from webcapd.encoder.variants import TooManyVariants
from webcapd.http.metrics import metrics
from webcapd.http.site import ICON, INDEX_PAGE, Site
from webcapd.http.snapshot import entity_tag, has_tag, headers_of, snapshot_params_of, take
from webcapd.http.target import Target
from webcapd.http.variant_query import check_crop, quarter_turns, spec_of
from webcapd.http.wire.request import Headers
from webcapd.http.wire.response import Header, HttpError

log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """A request that has been admitted."""

    target: Target
    headers: Headers
    server: str
    """The address it came to, for who names none."""
    is_granted: Callable[[], bool]
    """Whether the client may look, still."""
    left: Callable[[], bool]
    """Whether the client may have left."""


class Answer(NamedTuple):
    """What a page says."""

    status: int
    kind: str
    """The Content-Type."""
    body: bytes
    headers: tuple[Header, ...] = ()


def _index(site: Site, asked: Asked) -> Answer:
    return Answer(200, "text/html; charset=utf-8", INDEX_PAGE)


def _icon(site: Site, asked: Asked) -> Answer:
    return Answer(200, "image/x-icon", ICON)


def _info(site: Site, asked: Asked) -> Answer:
    server = asked.headers.get("Host") or asked.server
    body = json.dumps(site.info(server), indent=2) + "\n"
    return Answer(200, "application/json", body.encode())


def _snapshot(site: Site, asked: Asked) -> Answer:
    params = snapshot_params_of(asked.target)
    form = spec_of(asked.target, quarter_turns(str(site.options.rotate)))
    waits = params.after is not None and params.timeout > 0
    with (
        site.variants.lease(form) as variant,
        site.seats.for_long() if waits else contextlib.nullcontext(),
    ):
        frame = take(variant.latest, params, asked.left)
    if waits and not asked.is_granted():
        raise HttpError(401, "the leave to look has ended meanwhile")
    # Only by now it is known how large the screen is.
    check_crop(form, site.picture_size())
    site.snapshot_rate.tick()
    if frame is None:
        return Answer(204, "image/jpeg", b"")
    headers = headers_of(frame, params)
    # Lines of a list are one list (RFC 9110, 5.3).
    tags = ",".join(asked.headers.get_all("If-None-Match"))
    known = has_tag(tags, entity_tag(frame.jpeg))
    return Answer(304 if known else 200, "image/jpeg", b"" if known else frame.jpeg, tuple(headers))


def _metrics(site: Site, asked: Asked) -> Answer:
    kind, body = metrics(site, asked.headers.get("Accept"))
    return Answer(200, kind, body)


def _health(site: Site, asked: Asked) -> Answer:
    healthy, report = site.health()
    body = json.dumps(report) + "\n"
    return Answer(200 if healthy else 503, "application/json", body.encode())


_PAGES: dict[str, Callable[[Site, Asked], Answer]] = {
    "index": _index,
    "favicon.ico": _icon,
    "info": _info,
    "snapshot": _snapshot,
    "metrics": _metrics,
    "health": _health,
}


def answer(site: Site, asked: Asked) -> Answer:
    """Give the answer of the page asked for.

    Raises HttpError, TooManyVariants, and Closed when the server stops.
    """
    try:
        return _PAGES[asked.target.page](site, asked)
    except (HttpError, TooManyVariants, Closed):
        raise
    except Exception:
        # Nothing has been sent yet, so that it can be said.
        log.exception("the page %s failed", asked.target.page)
        raise HttpError(500, "the server failed at this; its log says more") from None
