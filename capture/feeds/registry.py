"""Which feed a SCHEME:REST names: who adds a kind of feed adds its line here.

Loads nothing but what is named: most feeds need what --help does not.
"""

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module

from webcapd.base.redaction import quoting_no_secrets, redacted_source
from webcapd.capture.feeds.feed import Feed, FeedContext

# By scheme: the module of capture/ whose parse() makes the feed, and how it is written.
SCHEMES: Mapping[str, tuple[str, str]] = {
    "camera": ("feeds.received.camera", "camera:NUMBER|PATH|ADDRESS[,size=WxH][,fps=N]"),
    "file": ("feeds.files.feed", "file:PATH"),
    "http": ("feeds.received.remote", "http://HOST[:PORT]/PATH[,every=SECONDS]"),
    "https": ("feeds.received.remote", "https://HOST[:PORT]/PATH[,every=SECONDS][,ca=FILE]"),
    "mix": ("mix.feed", "mix:OP(A,B)"),
    "pattern": ("feeds.pattern", "pattern:NAME[,size=WxH][,fps=N][,seed=N]"),
    "push": ("feeds.received.push", "push:NAME"),
    "raw": ("feeds.raw", "raw:PATH,WIDTHxHEIGHT,FORMAT"),
    "tcp": ("feeds.received.tcp", "tcp://[ADDRESS]:PORT"),
    "tcps": ("feeds.received.tcp", "tcps://[ADDRESS]:PORT,cert=FILE"),
    "udp": ("feeds.received.udp", "udp://[ADDRESS]:PORT"),
    "wcf": ("feeds.ring", "wcf:PATH"),
    "x11": ("x11.feed", "x11:DISPLAY, such as x11::0"),
}


def _meant(source: str, scheme: str) -> str:
    """Say what may have been meant by a source of no known kind; quotes nothing of it."""
    if os.path.exists(source):
        return "; of a file it is file:PATH"
    near = difflib.get_close_matches(scheme.lower(), SCHEMES, 1)
    return f"; perhaps {SCHEMES[near[0]][1]} is meant" if near else ""


def make_feed(source: str, context: FeedContext | None = None) -> Feed:
    """Make the feed that a SCHEME:REST names; raises ValueError with a sentence."""
    scheme, colon, rest = source.partition(":")
    if not colon or scheme not in SCHEMES:
        # What was typed may hold a password.
        known = ", ".join(f"{name}:" for name in sorted(SCHEMES))
        raise ValueError(f"a source begins with one of {known}{_meant(source, scheme)}")
    module, form = SCHEMES[scheme]
    if not rest:
        raise ValueError(f"{scheme}: lacks the rest; it is written {form}")
    parse: Callable[[str, FeedContext], Feed]
    parse = import_module(f"webcapd.capture.{module}").parse
    context = context or FeedContext()
    nested = replace(context, scheme=scheme, make=lambda inner: make_feed(inner, context))
    try:
        feed = parse(rest, nested)
    except ValueError as error:
        raise ValueError(quoting_no_secrets(str(error))) from None
    feed.name = redacted_source(source)
    return feed
