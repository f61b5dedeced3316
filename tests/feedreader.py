"""What a feed shows, taken from it as FeedSource does."""

import numpy as np
from mjpeg import decode
from waiting import wait_until
from xserver import Pixels

from webcapd.capture.feeds.feed import Feed
from webcapd.capture.geometry import Rectangle
from webcapd.capture.source import SourceNotReady


def reason(feed: Feed) -> str:
    """Give why a feed has no picture; empty if it has one."""
    try:
        feed.open()
    except SourceNotReady as error:
        feed.close()
        return str(error)
    return ""


def shown(feed: Feed) -> Pixels:
    """Give the pixels of the picture that a feed has now."""
    width, height = feed.open()
    picture = feed.take()
    assert picture is not None
    pixels = np.zeros((height, width, 4), np.uint8)
    picture.copy_to(pixels, Rectangle(0, 0, width, height))
    return pixels[..., :3]


def wait_shown(feed: Feed, picture: bytes) -> None:
    wanted = decode(picture)
    wait_until("there is a picture", lambda: not reason(feed))
    wait_until("it is this one", lambda: np.array_equal(shown(feed), wanted))
