"""The source that the options name: who adds a kind of source adds it here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from webcapd.capture.decoration import Decoration
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.options import CaptureOptions, location_name
from webcapd.capture.source import Source

if TYPE_CHECKING:
    from webcapd.capture.filters.filter import Filter


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
    # Each of these has libraries that the others do not need.
    filters: Sequence[Filter] = ()
    if options.filter:
        from webcapd.capture.filters.parse import parse_filters

        filters = parse_filters(options.filter)
    # What filters do is done below watermark and caption.
    lower = Decoration("", "none", 0.0, "") if filters else decoration
    source: Source
    if options.source:
        from webcapd.capture.feeds.open import open_feeds

        source = open_feeds(options, lower, reception or Reception())
    else:
        from webcapd.capture.x11.screen import Screen

        source = Screen(embedded or _display(options), options, target_fps, lower, authority)
    if not filters:
        return source
    from webcapd.capture.filters.filtered import FilteredSource

    return FilteredSource(source, filters, decoration)


def _display(options: CaptureOptions) -> str:
    """Give the name of the X display that the options mean."""
    if options.index is not None:
        return f":{options.index}"
    return options.display or os.environ["DISPLAY"]
