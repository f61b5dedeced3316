"""The files of the live page and of the wall, as they are sent; read once, at the start.

They are the same for everybody, hold nothing of the display, and refer to each
other by relative addresses: so they work below any path of a proxy.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

from webcapd.http.wire.response import Header, HttpError

_FOLDER = Path(__file__).parent / "page"

# What else is in the folder is for who works on it.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
}


class PageFile(NamedTuple):
    """One file of the page."""

    content_type: str
    content: bytes
    tag: str
    """Its ETag, which names the content."""

    @property
    def headers(self) -> tuple[Header, ...]:
        """The headers that let a browser keep it, and ask each time whether it still holds."""
        return (("Cache-Control", "no-cache"), ("ETag", self.tag))


def _read(path: Path) -> PageFile:
    content = path.read_bytes()
    digest = hashlib.blake2b(content, digest_size=12).hexdigest()
    return PageFile(_TYPES[path.suffix], content, f'"{digest}"')


_FILES = {
    path.relative_to(_FOLDER).as_posix(): _read(path)
    for path in sorted(_FOLDER.rglob("*"))
    if path.suffix in _TYPES and path.is_file()
}


def page_file(name: str) -> PageFile:
    """Give a file by its name below http/page/; raises HttpError (404)."""
    found = _FILES.get(name)
    if found is None:
        raise HttpError(404, "the page has no file of this name")
    return found
