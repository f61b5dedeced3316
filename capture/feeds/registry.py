"""Which feed a SCHEME:REST names: who adds a kind of feed adds its line here.

Loads nothing but what is named: most feeds need what --help does not.
"""

from collections.abc import Callable, Mapping
from importlib import import_module

from webcapd.base.redaction import redacted_source
from webcapd.capture.feeds.feed import Feed, FeedContext

# By scheme: the module of capture/ whose parse() makes the feed, and how it is written.
SCHEMES: Mapping[str, tuple[str, str]] = {
    "pattern": ("feeds.pattern", "pattern:NAME[,size=WxH][,fps=N][,seed=N]"),
    "raw": ("feeds.raw", "raw:PATH,WIDTHxHEIGHT,FORMAT"),
    "wcf": ("feeds.ring", "wcf:PATH"),
}


def make_feed(
    source: str, secret_for: Callable[[str], str] = lambda host: "", any_owner: bool = False
) -> Feed:
    """Make the feed that a SCHEME:REST names; raises ValueError with a sentence.

    ``secret_for`` and ``any_owner`` are FeedContext's.  Of feeds that are named within others
    the same is true.
    """
    scheme, colon, rest = source.partition(":")
    if not colon or scheme not in SCHEMES:
        # What was typed may hold a password.
        known = ", ".join(f"{name}:" for name in sorted(SCHEMES))
        raise ValueError(f"a source begins with one of {known}")
    if not rest:
        raise ValueError(f"{scheme}: lacks the rest; it is written {SCHEMES[scheme][1]}")
    context = FeedContext(
        lambda nested: make_feed(nested, secret_for, any_owner), secret_for, any_owner
    )
    parse: Callable[[str, FeedContext], Feed] = import_module(
        f"webcapd.capture.{SCHEMES[scheme][0]}"
    ).parse
    feed = parse(rest, context)
    feed.name = redacted_source(source)
    return feed
