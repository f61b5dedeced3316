"""What a request asks for: from the request line's target to a page and its parameters.  Pure.

Pages are named as ``/?stream``, as ``/stream``, and as mjpg-streamer's
``/?action=stream_0``.  Dashboards append parameters of their own, so unknown
ones are ignored, in any order and number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

from webcapd.base.number import parse_number, parse_whole
from webcapd.http.wire.response import HttpError

_Number = TypeVar("_Number", int, float)

PAGES = (
    *("stream", "updates", "video", "snapshot", "info", "health", "metrics"),
    *("embed", "wall", "displays"),
)

# Requested by browsers themselves, and by no parameter.
_ICON = "favicon.ico"

# In front of names: of the files that pages consist of, of states, of groups of tiles.
_NAMED = ("page", "manifest", "tiles")

# Names that some cameras have, for players that go by an address's ending.
_ALIASES = {
    "stream.mjpg": "stream",
    "video.mjpg": "stream",
    "video.mp4": "video",
    "snapshot.jpg": "snapshot",
}


@dataclass(frozen=True)
class Target:
    """A page and the parameters of the request, names in lower case."""

    page: str
    """One of PAGES, "index", "favicon.ico", "page", "manifest" or "tiles"."""
    query: Mapping[str, str]
    file: str = ""
    """Of "page", "manifest" and "tiles", the name behind it."""

    def number(self, name: str, low: float, high: float) -> float | None:
        """Read a parameter that is a number, None if absent; raises HttpError."""
        return self._read(name, parse_number, low, high)

    def whole(self, name: str, low: int, high: int) -> int | None:
        """Read a parameter that is a whole number, None if absent; raises HttpError."""
        return self._read(name, parse_whole, low, high)

    def _read(
        self, name: str, read: Callable[[str], _Number], low: float, high: float
    ) -> _Number | None:
        text = self.query.get(name)
        if text is None:
            return None
        try:
            value = read(text)
        except ValueError as error:
            raise HttpError(400, f"{name}: {error}") from None
        if not low <= value <= high:
            raise HttpError(400, f"{name}: {text} is not from {low:g} to {high:g}")
        return value

    def switch(self, name: str) -> bool | None:
        """Read a parameter that is 0 or 1, None if absent; raises HttpError."""
        value = self.query.get(name)
        if value is None:
            return None
        if value not in ("0", "1"):
            raise HttpError(400, f"{name}={value!r} is neither {name}=0 nor {name}=1")
        return value == "1"


def authority_of(target: str) -> str | None:
    """Give host and port of a target that is a whole URL (RFC 9112, 3.2.2); None of others.

    Raises HttpError.
    """
    return None if _is_local(target) else _url(target).netloc


def parse_target(target: str) -> Target:
    """Read a request target; raises HttpError (400, 404)."""
    if not _is_local(target):
        parts = _url(target)
        path, query = parts.path, parts.query
    else:
        # Not by urlsplit(): to that "//stream" is a host.
        path, _, query = target.partition("#")[0].partition("?")
    try:
        # Blank values count: "/?stream" and a browser's "/?stream=" are one.
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise HttpError(400, "the request's address cannot be read") from None
    values = {name.lower(): value for name, value in pairs}
    named = filter(None, map(_page_named_by, values.items()))
    page = path.lower().strip("/") or next(named, "index")
    page = _ALIASES.get(page, page)
    folder, slash, name = page.partition("/")
    if slash and folder in _NAMED:
        return Target(folder, values, name)
    if page not in (*PAGES, "index", _ICON, "manifest"):
        pages = ", ".join(f"/?{name}" for name in PAGES)
        raise HttpError(404, f"nothing is here; there are {pages} and /")
    return Target(page, values)


def _is_local(target: str) -> bool:
    """Whether a target is a path and a query, either of which may be empty; or ``*``."""
    return target[:1] in ("", "/", "?", "#", "*")


def _url(target: str) -> SplitResult:
    """Read a target that is a whole URL; raises HttpError."""
    try:
        parts = urlsplit(target)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
        raise HttpError(400, "the request's address cannot be read")
    return parts


def _page_named_by(parameter: tuple[str, str]) -> str | None:
    """Give the page that one query parameter names, if it names any."""
    name, value = parameter
    if name == "action":
        # mjpg-streamer numbers its inputs: stream_0, snapshot_1.
        name = value.lower().split("_")[0]
        return name or None
    if name == "video" and value in ("0", "1"):
        # A parameter of updates, and of the live page.
        return None
    return name if name in PAGES else None
