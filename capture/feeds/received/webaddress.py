"""Where another server's pictures are: an address, and where it may redirect to.  Pure."""

import base64
from dataclasses import dataclass, replace
from urllib.parse import unquote, urljoin, urlsplit

_NO_ADDRESS = "this is no address; one looks like http://HOST:8080/?stream"


@dataclass(frozen=True)
class WebAddress:
    """An address that begins with http:// or https://, taken apart."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query."""
    secret: str
    """USER:PASSWORD or a token; empty for none."""

    @property
    def authorization(self) -> str:
        """The value of the Authorization header; empty for none."""
        if ":" in self.secret:
            return "Basic " + base64.b64encode(self.secret.encode()).decode()
        return f"Bearer {self.secret}" if self.secret else ""

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"

    def redirected(self, location: str) -> "WebAddress":
        """Give where it redirects to; raises ValueError if that is another server's."""
        here = f"{self.scheme}://{self.host_header}{self.path}"
        try:
            url = urljoin(here, location.strip())
        except ValueError:
            raise ValueError(_NO_ADDRESS) from None
        found = parse_address(url)
        if (found.scheme, found.host) != (self.scheme, self.host):
            raise ValueError("it redirects to another server, which is not followed")
        # Another port may be somebody else's.
        return replace(found, secret=self.secret if found.port == self.port else "")


def parse_address(url: str) -> WebAddress:
    """Take an address apart; raises ValueError with a sentence, that quotes nothing of it."""
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise ValueError("an address has no blanks, and all but ASCII is escaped: %20, %C3%BC")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(_NO_ADDRESS) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(_NO_ADDRESS)
    secret = ""
    if parts.username is not None or parts.password is not None:
        secret = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = 443 if parts.scheme == "https" else 80
    return WebAddress(parts.scheme, parts.hostname, port or usual, path, secret)
