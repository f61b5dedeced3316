"""Whether a request is served at all: its host, its method, its target, its credentials."""

from typing import NamedTuple

from webcapd.http.access.access import Grant
from webcapd.http.access.clients import client_key
from webcapd.http.access.hosts import host_is_served, is_host
from webcapd.http.exchange import Exchange
from webcapd.http.target import Target, authority_of, parse_target
from webcapd.http.variant_query import check_query
from webcapd.http.wire.request import Request
from webcapd.http.wire.response import HttpError

# Those that pages have.
_READING = ("GET", "HEAD")

# Others that are known, so that 501 would be wrong.
_WRITING = ("POST", "PUT", "DELETE", "PATCH")


# What makes others' proxies name a host that is served: by default nginx sends the name of
# its upstream (mjpgstreamer1), haproxy what the browser requested.
_NGINX_LINE = "nginx: proxy_set_header Host localhost;"
_HAPROXY_LINE = "haproxy: http-request set-header Host localhost"


class Admitted(NamedTuple):
    """What a client is given access to."""

    target: Target
    grant: Grant


def check_host(exchange: Exchange) -> None:
    """Check that the request is meant for this server; raises HttpError (400, 403)."""
    request = exchange.request
    authority = authority_of(request.target)
    # A whole URL names the host, too, and then that one counts (RFC 9112, 3.2.2).
    # Without one there is a Host, but in HTTP/1.0.
    named = request.headers.get_all("host") + ([] if authority is None else [authority])
    for host in named:
        if host_is_served(host, exchange.site.names):
            continue
        if not is_host(host):
            what = "Host header" if host != authority else "request's address"
            raise HttpError(400, f"the {what} names no host")
        name = host.partition(":")[0]
        raise HttpError(
            403,
            f"no host {name!r} here; --allow-host {name!r} would let it in, or the proxy that says "
            f"it can say Host localhost ({_NGINX_LINE} or {_HAPROXY_LINE})",
        )


def check_method(request: Request) -> None:
    """Check the method, and that there is no body; raises HttpError (400, 405, 501)."""
    method = request.method
    if method in _WRITING:
        raise HttpError(405, f"{method} is not for this address; GET and HEAD are")
    if method not in _READING:
        raise HttpError(501, f"{method} is not known here; GET and HEAD are")
    if request.has_body:
        # Nobody means one, but who smuggles a request in it past a proxy.
        raise HttpError(400, "this address takes no body")


def admit(exchange: Exchange) -> Admitted:
    """Read what is requested, and check that the client has access to it; raises HttpError."""
    target = parse_target(exchange.request.target)
    authorization = exchange.request.headers.get("authorization")
    token = target.query.get("token")
    grant = exchange.site.access.admit(
        target.page, authorization, token, client_key(exchange.address)
    )
    check_query(target)
    return Admitted(target, grant)
