"""What is served: the parts a request may need, and the state page."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from webcapd.base.rate import Rate
from webcapd.encoder.variants import Variants
from webcapd.http.access.access import Access
from webcapd.http.access.limits import ConnectionLimits
from webcapd.http.access.proxies import Proxies
from webcapd.http.options import HttpOptions
from webcapd.http.streaming.ladder import LadderRules, levels_down_to
from webcapd.http.streaming.sessions import Sessions
from webcapd.http.wire.descriptors import Capacity
from webcapd.http.wire.pending import HEAD_SECONDS, MAX_HEAD_BYTES
from webcapd.http.wire.sending import Sending

INDEX_PAGE = (Path(__file__).parent / "page/index.html").read_bytes()
ICON = (Path(__file__).parent / "page/favicon.ico").read_bytes()


@dataclass
class Site:
    """Everything the handlers of one server share."""

    version: str
    options: HttpOptions
    capacity: Capacity
    access: Access
    names: frozenset[str]
    """Host names that are answered."""
    variants: Variants
    encode_rate: Rate
    picture_size: Callable[[], tuple[int, int]]
    """Tells width and height of the screen, as of the last frame."""
    status: Callable[[], Mapping[str, object]]
    """Tells of capture and encoder, for the state page."""
    motion_quality: int
    """The least quality that motion leads to."""
    config: Mapping[str, object]
    """All options and their values."""
    proxies: Proxies = field(init=False)
    seats: ConnectionLimits = field(init=False)
    sending: Sending = field(default_factory=Sending)
    sessions: Sessions = field(default_factory=Sessions)
    snapshot_rate: Rate = field(default_factory=Rate)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.proxies = Proxies(self.options.trust_proxy)
        self.seats = ConnectionLimits(self.capacity.streams, self.options.max_clients_per_address)

    def ladder_rules(self, quality: int | None) -> LadderRules:
        """Say what happens to a client that asked for a quality and cannot follow."""
        levels = levels_down_to(self.options.min_quality, quality or self.motion_quality)
        return LadderRules(self.options.max_age, levels)

    def health(self) -> tuple[bool, dict[str, object]]:
        """Tell whether there is a picture, and the sentence why not."""
        encoder = self.status()["encoder"]
        assert isinstance(encoder, Mapping)
        healthy = encoder["state"] == "live"
        report = {"healthy": healthy, "state": encoder["state"]}
        # Everybody may ask; whoever would need a password learns no names.
        return healthy, report | ({"reason": encoder["reason"]} if self.access.is_open else {})

    @property
    def shortage(self) -> str:
        """What the limit of descriptors means for clients; empty if nothing."""
        streams, wanted = self.capacity.streams, self.options.max_clients
        if streams == wanted:
            return ""
        return (
            f"the limit of descriptors (ulimit -n) allows {streams} "
            f"{'stream' if streams == 1 else 'streams'} at a time, not {wanted}"
        )

    def summary(self) -> str:
        """Tell the state in one line."""
        capture, encoder = self.status()["capture"], self.status()["encoder"]
        assert isinstance(capture, Mapping) and isinstance(encoder, Mapping)
        if encoder["state"] != "live":
            return f"display {capture['display']}: {encoder['reason']}; {self.rates()}"
        return (
            f"display {capture['display']}, {capture['width']}x{capture['height']}; {self.rates()}"
        )

    def rates(self) -> str:
        """Tell the rates of the last seconds in one line."""
        rates = [session.rate.per_second() for session in self.sessions.listed()]
        average = sum(rates) / len(rates) if rates else 0.0
        return (
            f"{self.encode_rate.per_second():.1f} frames/s encoded, {len(rates)} streams of "
            f"{average:.1f} frames/s, {self.snapshot_rate.per_second():.1f} snapshots/s"
        )

    def info(self, server: str) -> dict[str, object]:
        """Give the state page: the ancestor's keys, and more beside them."""
        sessions = self.sessions.listed()
        rates = {session.client: round(session.rate.per_second(), 1) for session in sessions}
        average = sum(rates.values()) / len(rates) if rates else 0.0
        return {
            "stats": {
                "server": server,
                "encodeFps": round(self.encode_rate.per_second(), 1),
                "sessionCount": len(sessions),
                "avgStreamFps": round(average, 1),
                "sessions": rates,
                "snapshots": round(self.snapshot_rate.per_second(), 1),
            },
            "config": self.config,
            "version": self.version,
            "uptime": round(time.monotonic() - self.began, 1),
            "limits": {
                "streams": self.capacity.streams,
                "streamsAndWaits": self.seats.taken(),
                "perAddress": self.options.max_clients_per_address,
                "requests": self.capacity.requests,
                "headSeconds": HEAD_SECONDS,
                "headBytes": MAX_HEAD_BYTES,
                "waiting": self.capacity.waiting,
            },
            **self.status(),
            "clients": [
                {
                    "client": session.client,
                    "form": session.form.report(),
                    "fps": round(session.rate.per_second(), 1),
                    "frames": session.frames,
                    "skipped": session.skipped,
                    "bytesSent": session.bytes_sent,
                    "ageMs": round(1000 * session.age),
                    "level": session.level,
                }
                for session in sessions
            ],
        }
