"""The feeds that ``--source`` names, as one source."""

from webcapd.capture.decoration import Decoration
from webcapd.capture.failover import Failover
from webcapd.capture.feeds.fed import FeedSource
from webcapd.capture.feeds.feed import FeedContext
from webcapd.capture.feeds.files.passwords import read_secrets
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.feeds.registry import make_feed
from webcapd.capture.options import CaptureOptions
from webcapd.capture.source import Source


def open_feeds(options: CaptureOptions, decoration: Decoration, reception: Reception) -> Source:
    """Make a source of the feeds: of several, each is shown if those before it cannot be.

    ``reception`` gets the inlets for what is sent to us.  Raises ValueError with a sentence.
    """
    context = FeedContext(
        secret_for=read_secrets(options.source_auth_file),
        pointer=options.capture_cursor,
        any_owner=options.shm_any_owner,
        reception=reception,
    )
    sources = [
        FeedSource(make_feed(source.whole, context), options, decoration)
        for source in options.source
    ]
    return sources[0] if len(sources) == 1 else Failover(sources)
