"""How a request for video is answered: by fragmented MP4 without an end."""

import contextlib
import re

from webcapd.encoder.h264.track import VideoSpec
from webcapd.http.admission import Admitted
from webcapd.http.exchange import Exchange
from webcapd.http.streaming.handover import HandOver, hand_over_stream
from webcapd.http.streaming.quirks import quirks_of
from webcapd.http.streaming.sessions import Session
from webcapd.http.variant_query import (
    check_video_size,
    crf_of,
    fps_of,
    keepalive_of,
    quarter_turns,
    spec_of,
    video_clock_of,
)
from webcapd.http.video.stream import VideoParams, VideoStream
from webcapd.http.wire.response import PICTURE_SECONDS, UNBUFFERED, HttpError, no_picture

# Browsers play what comes; all others may record it.
_BROWSERS = re.compile(r"Mozilla/")


def give_video(
    exchange: Exchange, admitted: Admitted, held: contextlib.ExitStack, hand_over: HandOver
) -> bool:
    """Answer by video; returns whether the connection is the fan-out thread's now.

    ``held`` is what the request occupies until it is answered: it goes along.
    Raises HttpError, TooManyVariants, and Closed when the server stops.
    """
    # The body has no length and is never chunked: it ends with the connection.
    exchange.is_last = True
    site, target = exchange.site, admitted.target
    if reason := site.forms.videos.unavailable():
        raise HttpError(501, reason)
    held.enter_context(site.limits.long_request())
    variant = spec_of(target, quarter_turns(str(site.options.rotate)))
    check_video_size(variant.view, site.picture_size())
    spec = VideoSpec(variant.view, crf_of(target) or site.forms.videos.crf)
    consumer = held.enter_context(site.forms.videos.lease(spec))
    frames = consumer.latest.start(PICTURE_SECONDS)
    if not frames:
        raise no_picture()
    content_type = f'video/mp4; codecs="{frames[0].track.codec}"'
    if exchange.request.method == "HEAD":
        exchange.send_head(content_type, *UNBUFFERED)
        return False
    params = _params(exchange, admitted)
    session = Session(exchange.client, spec)
    stream = VideoStream(exchange.connection, consumer.latest, params, session)
    held.callback(stream.close)
    stream.begin(exchange.head(200, content_type, None, *UNBUFFERED), frames)
    hand_over_stream(exchange, admitted, stream, held.pop_all(), hand_over)
    return True


def _params(exchange: Exchange, admitted: Admitted) -> VideoParams:
    """Read how a viewer wants its video, by its request and by its name."""
    target, options = admitted.target, exchange.site.options
    agent = exchange.request.headers.get("user-agent")
    return VideoParams(
        min(fps_of(target), options.max_stream_fps),
        quirks_of(agent, keepalive_of(target), options.keepalive).keepalive,
        video_clock_of(target) or ("live" if _BROWSERS.match(agent) else "real"),
    )
