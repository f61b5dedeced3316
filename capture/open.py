"""The source that the options name: who adds a kind of source adds it here."""

import os

from webcapd.capture.decoration import Decoration
from webcapd.capture.feeds.fed import FeedSource
from webcapd.capture.feeds.feed import FeedContext
from webcapd.capture.feeds.files.passwords import read_secrets
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.feeds.registry import make_feed
from webcapd.capture.options import CaptureOptions, location_name
from webcapd.capture.source import Source
from webcapd.capture.x11.screen import Screen


def open_source(
    options: CaptureOptions,
    target_fps: float,
    embedded: str = "",
    authority: str = "",
    reception: Reception | None = None,
) -> Source:
    """Make the source that the options name; it connects when the encoder opens it.

    ``embedded`` is the name of the embedded display where the options want one, and
    ``authority`` the file with its cookie; ``reception`` gets the inlets for what is sent to
    us.  Raises ValueError with a sentence.
    """
    decoration = Decoration(
        options.watermark_path,
        location_name(options.watermark_location),
        options.watermark_speed,
        options.caption,
    )
    if options.source:
        context = FeedContext(
            secret_for=read_secrets(options.source_auth_file),
            any_owner=options.shm_any_owner,
            reception=reception or Reception(),
        )
        feed = make_feed(options.source[0].whole, context)
        return FeedSource(feed, options, decoration)
    return Screen(embedded or _display(options), options, target_fps, decoration, authority)


def _display(options: CaptureOptions) -> str:
    """Give the name of the X display that the options mean."""
    if options.index is not None:
        return f":{options.index}"
    return options.display or os.environ["DISPLAY"]
