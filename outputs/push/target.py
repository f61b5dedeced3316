"""Where pictures are sent to: an address, taken apart.  Pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

# How each looks.
FORMS = {
    "http": "http://HOST[:PORT]/publish/NAME",
    "https": "https://HOST[:PORT]/publish/NAME",
    "tcp": "tcp://HOST:PORT",
    "tcps": "tcps://HOST:PORT",
    "udp": "udp://HOST:PORT",
}
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """An address to send pictures to."""

    scheme: str
    host: str
    port: int
    path: str = ""
    """With the query; of http and https."""

    @property
    def has_tls(self) -> bool:
        return self.scheme in ("https", "tcps")

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS.get(self.scheme) else f"{host}:{self.port}"

    def __str__(self) -> str:
        # What is behind a question mark may be secret.
        path, query, _ = self.path.partition("?")
        return f"{self.scheme}://{self.host_header}{path}{query and '?...'}"


def parse_target(url: str) -> Target:
    """Take an address apart; raises ValueError with a sentence, that quotes nothing of it."""
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise ValueError("an address has no blanks, and all but ASCII is escaped: %20, %C3%BC")
    scheme = url.partition(":")[0].lower()
    if scheme not in FORMS:
        raise ValueError(f"where to? An address is one of {', '.join(FORMS.values())}")
    sentence = f"this is no address; one looks like {FORMS[scheme]}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(sentence) from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("the token is not written into the address, but into --token-file")
    port = _PORTS.get(scheme) if port is None else port
    if not parts.hostname or not port:
        raise ValueError(sentence)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    if scheme not in _PORTS:
        if path.strip("/"):
            raise ValueError(sentence)
        path = ""
    elif not parts.path.strip("/"):
        raise ValueError(f"the address lacks where pictures go; it looks like {FORMS[scheme]}")
    return Target(scheme, parts.hostname, port, path)
