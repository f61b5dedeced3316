"""The state for Prometheus, made anew for each scrape."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from webcapd.http.site import Site

# Counters of the capture: the name, the key in the state page, and the help text.
_CAPTURE_COUNTS = (
    ("looks", "looks", "Refreshes of the frame buffer"),
    ("bands_looked_at", "bandsLookedAt", "Bands of 16 rows that were checked"),
    ("bands_changed", "bandsChanged", "Bands that really had changed"),
    ("full_scans", "fullScans", "Refreshes of the whole screen, whatever had been reported"),
    ("bands_missed_by_damage", "bandsMissedByDamage", "Changed bands that no damage report named"),
)


class _SiteCollector(Collector):
    """Reads the values from the site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterable[Metric]:
        site = self._site
        status = site.status()
        capture, encoder = status["capture"], status["encoder"]
        assert isinstance(capture, Mapping) and isinstance(encoder, Mapping)
        yield InfoMetricFamily("webcapd", "What runs", {"version": site.version, "name": site.name})
        yield _gauge("up", "Whether there is a picture", encoder["state"] == "live")
        yield _counter("outages", "Times that the picture was lost", encoder["outages"])
        yield _gauge("width_pixels", "Width of the screen", capture.get("width") or 0)
        yield _gauge("height_pixels", "Height of the screen", capture.get("height") or 0)
        for name, key, text in _CAPTURE_COUNTS:
            yield _counter(f"capture_{name}", text, capture[key])
        yield _counter("frames_encoded", "Frames of all variants", site.encode_rate.total)
        yield _gauge("quality", "JPEG quality that motion has led to", encoder["quality"])
        yield _gauge("videos", "Videos (H.264) being encoded", len(encoder["videos"]))
        yield _gauge("variants", "Variants of the picture kept", len(encoder["variants"]))
        yield from self._clients()

    def _clients(self) -> Iterable[Metric]:
        sessions = self._site.sessions
        totals = sessions.totals()
        yield _gauge("streams", "Streams open", len(sessions.listed()))
        yield _counter("frames_sent", "Frames sent to all streams", totals.frames)
        yield _counter("frames_skipped", "Frames that slow streams missed", totals.skipped)
        yield _counter("sent_bytes", "Bytes sent to all streams", totals.bytes_sent)
        yield _counter("snapshots", "Snapshots answered", self._site.snapshot_rate.total)


def metrics(site: Site, accept: str) -> tuple[str, bytes]:
    """Give the Content-Type and the text, in the format that an Accept header prefers."""
    registry = CollectorRegistry()
    registry.register(_SiteCollector(site))
    ProcessCollector(registry=registry)
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):
        # The library trips over a version that is no number.
        encode, content_type = choose_encoder("")
    return content_type, encode(registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"webcapd_{name}", text, value=float(value))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"webcapd_{name}", text, value=float(value))
