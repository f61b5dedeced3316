"""What our pages may load, and who may show them in a frame: Content-Security-Policy.  Pure.

The pages hold no script and no style of their own (Content Security Policy
Level 3): what somebody would smuggle into one is not run.
"""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from webcapd.http.access.origins import ANY, check_origin


def check_frame_origin(origin: str) -> None:
    """Raise ValueError with a sentence if it is no origin of a page that may show ours."""
    if origin != ANY:
        check_origin(origin)
        _check_not_ipv6(origin)


def read_wall_url(text: str) -> str:
    """Read the address of another webcapd's page; raises ValueError with a sentence.

    Gives it as the wall's script takes it: the path ends with a slash, and the
    query has a token or nothing.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise ValueError(f"{text!r} is no address of a display; one looks like http://lab3:8080/")
    if "@" in parts.netloc:
        raise ValueError(
            "browsers request nothing by an address with a password in it; use a token: /?token=..."
        )
    origin = f"{parts.scheme}://{parts.netloc.lower()}"
    check_origin(origin)
    _check_not_ipv6(origin)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    folder = parts.path if parts.path.endswith("/") else f"{parts.path}/"
    if query.keys() - {"token"} or re.search(r"[^!-~]", folder):
        raise ValueError(f"{text!r} has more in it than the address of a page, such as {origin}/")
    return urlunsplit((parts.scheme, parts.netloc.lower(), folder, urlencode(query), ""))


def _check_not_ipv6(origin: str) -> None:
    if "[" in origin:
        raise ValueError(f"browsers know no IPv6 addresses here: give {origin} a host name")


def page_policy(frame_origins: Iterable[str], hosts: Iterable[str] = ()) -> str:
    """Give the policy of a page.

    ``frame_origins`` are whose pages may show it in a frame, beside our own;
    ``hosts`` the addresses of displays elsewhere that it shows.
    """
    elsewhere = sorted({"://".join(urlsplit(host)[:2]) for host in hosts})
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:", *elsewhere],
        "media-src": ["blob:"],
        "connect-src": ["'self'", *elsewhere],
        "worker-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'self'", *frame_origins],
    }
    return "; ".join(" ".join((name, *sources)) for name, sources in directives.items())
