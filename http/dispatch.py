"""Which pages are not answered by one response at hand, and who answers them."""

import contextlib
from collections.abc import Callable, Mapping

from webcapd.http.admission import Admitted
from webcapd.http.caching.group import give_group
from webcapd.http.caching.manifest import give_manifest
from webcapd.http.exchange import Exchange
from webcapd.http.streaming.handover import HandOver
from webcapd.http.streaming.start import give_stream
from webcapd.http.updates import give_updates
from webcapd.http.video.answer import give_video

Give = Callable[[Exchange, Admitted, contextlib.ExitStack, HandOver], bool]
"""Answers a request; tells whether the connection is the fan-out thread's now."""

GIVING: Mapping[str, Give] = {
    "stream": give_stream,
    "updates": give_updates,
    "video": give_video,
    "manifest": give_manifest,
    "tiles": give_group,
}
