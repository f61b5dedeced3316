"""The consumers of stripes there are: one a codec."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from webcapd.base.processors import processors
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder
from webcapd.encoder.stripes.consumer import StripeConsumer
from webcapd.encoder.stripes.h264 import H264Stripe
from webcapd.encoder.stripes.jpeg import JpegStripe
from webcapd.encoder.stripes.layout import Rows
from webcapd.encoder.stripes.stripe import StripeSettings

# Coded tiles that may come back: some screens of text.
_CACHE_BYTES = 16 * 1024 * 1024


def jpeg_stripes(
    settings: StripeSettings,
    subsampling: str,
    wake: Callable[[], None],
    number: int = 0,
) -> StripeConsumer:
    """Make what gives JPEG stripes, as many as there are processors.

    ``subsampling`` is 444, 422 or 420.  ``wake`` tells the encoder thread, from any thread, of
    new demand; ``number`` is the first frame's.
    """
    encoder, cache = TileEncoder(), TileCache(_CACHE_BYTES)

    def make(rows: Rows, width: int) -> JpegStripe:
        return JpegStripe(rows, encoder, cache, subsampling)

    most = processors()
    return StripeConsumer(settings, make, most, 1, wake, number, on_dispose=encoder.close)


def h264_stripes(
    settings: StripeSettings,
    full_frame: bool,
    full_color: bool,
    wake: Callable[[], None],
    number: int = 0,
) -> StripeConsumer:
    """Make what gives H.264 stripes, or whole frames; of odd sizes the last row or column is cut.

    ``full_color`` keeps colours at full resolution (4:4:4).  ``wake`` and ``number`` are those of
    jpeg_stripes().
    """

    def make(rows: Rows, width: int) -> H264Stripe:
        return H264Stripe(rows, width, full_color)

    most = 1 if full_frame else processors()
    return StripeConsumer(settings, make, most, 2, wake, number, _helpers(most - 1))


def _helpers(count: int) -> ThreadPoolExecutor | None:
    """Start so many threads; None for none, and where the system gives no more.

    All at once: of an executor that cannot start one later, nobody knows what it will do.
    """
    if not count:
        return None
    executor, all_started = ThreadPoolExecutor(count, "coder"), threading.Event()
    try:
        for _ in range(count):
            executor.submit(all_started.wait)
    except RuntimeError:
        executor.shutdown(wait=False, cancel_futures=True)
        return None
    finally:
        all_started.set()
    return executor
