"""``push:NAME``: what is sent to ``/publish/NAME``."""

import re

from webcapd.capture.feeds.feed import FeedContext, FeedPicture
from webcapd.capture.feeds.received.inlet import Inlet
from webcapd.capture.feeds.received.inletfeed import InletFeed
from webcapd.capture.feeds.received.jpeg import check_decoder

_NAME = re.compile("[a-z0-9-]{1,32}")


def parse(rest: str, context: FeedContext) -> InletFeed:
    """Make the feed; raises ValueError with a sentence."""
    if not _NAME.fullmatch(rest):
        raise ValueError(
            "push: is followed by a name of 1 to 32 small letters, digits and dashes: push:hall"
        )
    if context.reception.keys is None:
        raise ValueError(f"push:{rest} needs --publish-token-file, so that not everybody pushes")
    check_decoder()
    inlet = Inlet[FeedPicture](f"push:{rest} waits for pictures at /publish/{rest}")
    context.reception.add(rest, inlet)
    return InletFeed(inlet)
