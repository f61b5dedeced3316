"""The file of ``--source-auth-file``: passwords and tokens for other servers.

# a line a server, by name and perhaps port; then USER:PASSWORD, or a token
camera.example         viewer:secret
lab3.example:8443      3f786850e387550fdab836ed7e6dc881
"""

from collections.abc import Callable, Mapping
from pathlib import Path

_MAX_BYTES = 1 << 20


def read_secrets(path: str) -> Callable[[str], str]:
    """Read the file; gives FeedContext.secret_for().  Raises ValueError with a sentence."""
    if not path:
        return lambda host: ""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"the file {path} cannot be read: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise ValueError(f"the file {path} is too large to hold passwords")
    secrets = _parsed(path, data.decode("utf-8", "replace"))

    def secret_for(host: str) -> str:
        name, colon, _ = host.rpartition(":")
        is_named = colon and not name.endswith(":") and name.count(":") == 0
        return secrets.get(host.lower()) or (secrets.get(name.lower(), "") if is_named else "")

    return secret_for


def _parsed(path: str, text: str) -> Mapping[str, str]:
    secrets = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(None, 1)
        if not words or words[0].startswith("#"):
            continue
        if len(words) == 1 or "\ufffd" in line:
            # What is on the line is not to be shown.
            raise ValueError(f"line {number} of {path} is not a host and what to send it")
        secrets[words[0].lower()] = words[1].strip()
    return secrets
