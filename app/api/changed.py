"""Where a picture differs from the one before, by its keys.  Pure."""

from collections.abc import Iterator, Sequence

from webcapd.capture.bands import BandLayout, runs
from webcapd.capture.geometry import Rectangle
from webcapd.capture.picture import BandKey


def changed_places(
    layout: BandLayout, width: int, before: Sequence[BandKey], now: Sequence[BandKey]
) -> tuple[Rectangle, ...]:
    """Give rectangles of whole tiles that hold all that differs, none of which overlap.

    Both pictures have this layout and width.  From the top down.
    """
    by_span: dict[tuple[int, int], list[int]] = {}
    for band, (old, new) in enumerate(zip(before, now, strict=True)):
        if old != new:
            for span in _spans(layout, width, old, new):
                by_span.setdefault(span, []).append(band)
    places = []
    for (left, right), bands in by_span.items():
        for first, last in runs(bands):
            top, bottom = layout.rows(first, last)
            places.append(Rectangle(left, top, right - left, bottom - top))
    return tuple(sorted(places, key=lambda place: (place.y, place.x)))


def _spans(layout: BandLayout, width: int, old: BandKey, new: BandKey) -> Iterator[tuple[int, int]]:
    """Give from which to which column of pixels neighbouring tiles of a band differ."""
    if layout.columns == 1 or len(old) != len(new):
        yield 0, width
        return
    fresh = [column for column, then in enumerate(old) if then != new[column]]
    for first, last in runs(fresh):
        yield first * layout.tile_width, min(width, (last + 1) * layout.tile_width)
