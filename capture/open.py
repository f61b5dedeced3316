"""The source that the options name: who adds a kind of source adds it here."""

import os

from webcapd.capture.decoration import Decoration
from webcapd.capture.feeds.open import open_feeds
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.filters.filtered import FilteredSource
from webcapd.capture.filters.parse import parse_filters
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
    filters = parse_filters(options.filter)
    # What filters do is done below watermark and caption.
    lower = Decoration("", "none", 0.0, "") if filters else decoration
    source: Source
    if options.source:
        source = open_feeds(options, lower, reception or Reception())
    else:
        source = Screen(embedded or _display(options), options, target_fps, lower, authority)
    return FilteredSource(source, filters, decoration) if filters else source


def _display(options: CaptureOptions) -> str:
    """Give the name of the X display that the options mean."""
    if options.index is not None:
        return f":{options.index}"
    return options.display or os.environ["DISPLAY"]
