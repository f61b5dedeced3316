"""What each page answers, but for the stream, which has no end."""

import contextlib
import json
import logging
from collections.abc import Callable

from webcapd.encoder.cell import Closed
from webcapd.encoder.leases import TooManyVariants
from webcapd.http.admission import Admitted
from webcapd.http.exchange import Exchange
from webcapd.http.info import health, info
from webcapd.http.pagefiles import page_file
from webcapd.http.snapshot import entity_tag, has_tag, headers_of, snapshot_params_of, take
from webcapd.http.variant_query import check_crop, quarter_turns, spec_of
from webcapd.http.wire.response import HttpError, Response

log = logging.getLogger(__name__)

# An address may have a token in it.
_REFERRER = (("Referrer-Policy", "no-referrer"),)


def _html(exchange: Exchange, admitted: Admitted) -> Response:
    page = admitted.target.page
    path, mark, query = exchange.request.target.partition("?")
    if path.strip("/") and path.endswith("/"):
        # The page's addresses are relative: they would be looked for one folder too deep.
        place = "../" + ("" if page == "index" else page) + mark + query
        return Response(301, "text/plain; charset=utf-8", b"", (("Location", place),))
    options = exchange.site.options
    file = page_file(f"{page}.html")
    policy = options.wall_policy if page == "wall" else options.policy
    headers = (*_REFERRER, ("Content-Security-Policy", policy))
    content = file.content
    if options.announces_cache and page != "wall":
        # Before its first request, or each viewer would ask us for a stream.
        content = content.replace(b"<html ", b'<html data-announce="cache" ', 1)
    return Response(200, file.content_type, content, headers)


def _file(exchange: Exchange, admitted: Admitted) -> Response:
    file = page_file(admitted.target.file or admitted.target.page)
    # A worker has the policy of its script, not the page's; one may serve the wall.
    options = exchange.site.options
    policy = options.wall_policy if "script" in file.content_type else options.policy
    headers = (*file.headers, *_REFERRER, ("Content-Security-Policy", policy))
    known = _names(exchange, file.tag)
    body = b"" if known else file.content
    return Response(304 if known else 200, file.content_type, body, headers)


def _names(exchange: Exchange, tag: str) -> bool:
    """Whether the client already has the content of a tag."""
    # Lines of a list are one list (RFC 9110, 5.3).
    return has_tag(",".join(exchange.request.headers.get_all("If-None-Match")), tag)


def _displays(exchange: Exchange, admitted: Admitted) -> Response:
    """List what the wall shows: addresses relative to this one, or whole."""
    others = [address.whole for address in exchange.site.options.wall]
    body = json.dumps({"displays": ["./", *others]}) + "\n"
    return Response(200, "application/json", body.encode())


def _info(exchange: Exchange, admitted: Admitted) -> Response:
    server = exchange.request.headers.get("Host") or exchange.server
    body = json.dumps(info(exchange.site, server), indent=2) + "\n"
    return Response(200, "application/json", body.encode())


def _snapshot(exchange: Exchange, admitted: Admitted) -> Response:
    site = exchange.site
    params = snapshot_params_of(admitted.target)
    spec = spec_of(admitted.target, quarter_turns(str(site.options.rotate)))
    waits = params.after is not None and params.timeout > 0
    with (
        site.forms.variants.lease(spec) as variant,
        site.limits.long_request() if waits else contextlib.nullcontext(),
    ):
        frame = take(variant.latest, params, exchange.has_left)
    if waits and not admitted.grant.is_valid_now():
        raise HttpError(401, "access was revoked meanwhile")
    # Only by now it is known how large the screen is.
    check_crop(spec.view, site.picture_size())
    site.snapshot_rate.tick()
    if frame is None:
        return Response(204, "image/jpeg", b"")
    headers = tuple(headers_of(frame, params))
    known = _names(exchange, entity_tag(frame.data))
    return Response(
        304 if known else 200, frame.content_type, b"" if known else frame.data, headers
    )


def _metrics(exchange: Exchange, admitted: Admitted) -> Response:
    # What makes them takes 10 MB, and is loaded for who asks.
    from webcapd.http.metrics import metrics

    content_type, body = metrics(exchange.site, exchange.request.headers.get("Accept"))
    return Response(200, content_type, body)


def _health(exchange: Exchange, admitted: Admitted) -> Response:
    healthy, report = health(exchange.site)
    body = json.dumps(report) + "\n"
    return Response(200 if healthy else 503, "application/json", body.encode())


_PAGES: dict[str, Callable[[Exchange, Admitted], Response]] = {
    "index": _html,
    "embed": _html,
    "wall": _html,
    "displays": _displays,
    "page": _file,
    "favicon.ico": _file,
    "info": _info,
    "snapshot": _snapshot,
    "metrics": _metrics,
    "health": _health,
}


def respond(exchange: Exchange, admitted: Admitted) -> Response:
    """Give the response of the page requested.

    Raises HttpError, TooManyVariants, and Closed when the server stops.
    """
    try:
        return _PAGES[admitted.target.page](exchange, admitted)
    except (HttpError, TooManyVariants, Closed):
        raise
    except Exception:
        # Nothing has been sent yet, so an answer can say so.
        log.exception("the page %s failed", admitted.target.page)
        raise HttpError(500, "the server failed at this; its log says more") from None
