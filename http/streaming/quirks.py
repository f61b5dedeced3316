"""What a client needs beyond the frames themselves, by its User-Agent.  Pure.

Players hold frames back: until a boundary or headers follow, until a buffer is
full, until a time stamp is due, or to estimate a rate.  While the screen moves
the next frame releases them; on a screen at rest nothing would, for as long as
--keepalive.  docs/http.md has the latency of each of them.
"""

import math
import re
from typing import NamedTuple


class ClientQuirks(NamedTuple):
    """What makes a client show a frame of a screen at rest."""

    repeats: int = 0
    """How many times the frame is sent again when no other follows."""
    gap: float = 0.1
    """Seconds from one repeat to the next."""
    keepalive: float = math.inf
    """Seconds of rest after which it is sent the frame again."""
    fill: int = 0
    """Bytes, with the response head, before it reads any: the first frame is repeated till then."""


# The first that matches the User-Agent counts.
_KNOWN = (
    # Its still image is cut from a whole block of 102400 bytes (components/mjpeg/camera.py), and
    # it gives up before a screen at rest has sent as many.  The response head is sent beside it.
    (re.compile(r"HomeAssistant/"), ClientQuirks(fill=102400 + 4096)),
    # Its clock follows the input, a second behind; it waits for the next boundary, too, and reads
    # in blocks of 16 kB.  After a burst of repeats that clock runs out now and then.
    (re.compile(r"VLC/"), ClientQuirks(keepalive=0.25)),
    # ffmpeg's library (ffplay, OpenCV, motion): its probing waits for four frames, and a decoder
    # with several threads returns one when the next ones have come.  motion's own reader likewise.
    (re.compile(r"Lavf/|Motion-netcam/"), ClientQuirks(repeats=3)),
    # It pauses when its cache is empty, and goes on with a second's worth (cache-pause-wait);
    # without time stamps that is 25 frames.
    (re.compile(r"mpv"), ClientQuirks(repeats=25, gap=0.04)),
    # WebKit, which is also all browsers of iOS, paints a frame when the next has come.
    (re.compile(r"AppleWebKit/(?!.*Chrome/)"), ClientQuirks(repeats=1)),
)


def quirks_of(user_agent: str, requested: float | None, default: float) -> ClientQuirks:
    """Give what a client needs, as far as its User-Agent says.

    A keepalive ``requested`` counts; ``default`` is the one of --keepalive.
    """
    found = (quirks for name, quirks in _KNOWN if name.search(user_agent))
    quirks = next(found, ClientQuirks())
    return quirks._replace(keepalive=requested or min(quirks.keepalive, default))
