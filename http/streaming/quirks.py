"""What a client needs beyond the frames themselves, by its name.  Pure.

Players keep frames back: for a boundary or headers to follow, for a buffer to
fill, for a time stamp to come due, or to guess a rate from.  While the screen
moves the next frame helps; on a screen at rest nothing would, for as long as
--keepalive.  docs/http.md has what each of them then takes.
"""

import math
import re
from typing import NamedTuple


class ClientQuirks(NamedTuple):
    """How a client is helped to show a frame on a screen that rests."""

    repeats: int = 0
    """How often more it is sent the frame when no other follows."""
    gap: float = 0.1
    """Seconds from one of these to the next."""
    keepalive: float = math.inf
    """Seconds of rest after which it is sent the frame again."""
    fill: int = 0
    """Bytes that it collects before it looks at any: it gets the first frame until it has them."""


# The first that is found in the User-Agent counts.
_KNOWN = (
    # Its still image is cut from a whole block (components/mjpeg/camera.py), and it gives up
    # before a screen at rest has sent as many.
    (re.compile(r"HomeAssistant/"), ClientQuirks(fill=102400)),
    # Its clock runs on what comes in, a second behind; it wants the next boundary, too, and reads
    # in blocks of 16 kB.  A burst of repeats lets that clock run out now and then.
    (re.compile(r"VLC/"), ClientQuirks(keepalive=0.25)),
    # ffmpeg's library (ffplay, OpenCV, motion): its probing waits for four frames, and a decoder
    # with several threads gives one when the next ones have come.  motion's own reader likewise.
    (re.compile(r"Lavf/|Motion-netcam/"), ClientQuirks(repeats=3)),
    # It pauses when it has nothing to come, and goes on with a second's worth (cache-pause-wait);
    # without time stamps it takes 25 frames for that.
    (re.compile(r"mpv"), ClientQuirks(repeats=25, gap=0.04)),
    # WebKit, which is also all browsers of iOS, paints one when the next has come.
    (re.compile(r"AppleWebKit/(?!.*Chrome/)"), ClientQuirks(repeats=1)),
)


def quirks_of(user_agent: str, asked: float | None, usual: float) -> ClientQuirks:
    """Give what a client needs, as far as its name tells.

    ``asked`` is the keepalive that it asks for, if it does, which then counts;
    ``usual`` is everybody's.
    """
    found = (quirks for name, quirks in _KNOWN if name.search(user_agent))
    quirks = next(found, ClientQuirks())
    return quirks._replace(keepalive=asked or min(quirks.keepalive, usual))
