"""The state page and its summaries: what runs, who is served, and how fast."""

import time
from collections.abc import Mapping

from webcapd.base.rate import Rate
from webcapd.http.site import Site
from webcapd.http.streaming.sessions import Session
from webcapd.http.wire.pending import HEAD_SECONDS, MAX_HEAD_BYTES


def info(site: Site, server: str) -> dict[str, object]:
    """Give the state page: the ancestor's keys, and more beside them.

    ``server`` is the address that the client requested.
    """
    sessions = site.sessions.listed()
    return {
        "stats": _stats(site, sessions, server),
        "config": site.config,
        "name": site.name,
        "version": site.version,
        "uptime": round(time.monotonic() - site.started, 1),
        "limits": {
            "streams": site.capacity.streams,
            "streamsAndWaits": site.limits.long_requests(),
            "perAddress": site.options.max_clients_per_address,
            "requests": site.capacity.requests,
            "headSeconds": HEAD_SECONDS,
            "headBytes": MAX_HEAD_BYTES,
            "waiting": site.capacity.waiting,
        },
        **site.status(),
        "clients": [_client(session) for session in sessions],
    }


def _stats(site: Site, sessions: list[Session], server: str) -> dict[str, object]:
    return {
        "server": server,
        "encodeFps": _rounded(site.encode_rate),
        "sessionCount": len(sessions),
        "avgStreamFps": round(_average_fps(sessions), 1),
        "sessions": {session.client: _rounded(session.rate) for session in sessions},
        "snapshots": _rounded(site.snapshot_rate),
    }


def _client(session: Session) -> dict[str, object]:
    return {
        "client": session.client,
        "form": session.spec.report(),
        "fps": _rounded(session.rate),
        "frames": session.frames,
        "skipped": session.skipped,
        "bytesSent": session.bytes_sent,
        "ageMs": round(1000 * session.age),
        "level": session.level,
    }


def health(site: Site) -> tuple[bool, dict[str, object]]:
    """Say whether there is a picture, and the sentence why not."""
    encoder = site.status()["encoder"]
    assert isinstance(encoder, Mapping)
    healthy = encoder["state"] == "live"
    report = {"healthy": healthy, "state": encoder["state"]}
    # This page needs no password; where others do, it gives no names away.
    return healthy, report | ({"reason": encoder["reason"]} if site.access.is_open else {})


def summary(site: Site) -> str:
    """Describe the state in one line."""
    status = site.status()
    capture, encoder = status["capture"], status["encoder"]
    assert isinstance(capture, Mapping) and isinstance(encoder, Mapping)
    if encoder["state"] != "live":
        return f"{site.name}: {encoder['reason']}; {rates(site)}"
    return f"{site.name}, {capture['width']}x{capture['height']}; {rates(site)}"


def rates(site: Site) -> str:
    """Describe the rates of the last seconds in one line."""
    sessions = site.sessions.listed()
    return (
        f"{site.encode_rate.per_second():.1f} frames/s encoded, {len(sessions)} streams of "
        f"{_average_fps(sessions):.1f} frames/s, {site.snapshot_rate.per_second():.1f} snapshots/s"
    )


def _rounded(rate: Rate) -> float:
    return round(rate.per_second(), 1)


def _average_fps(sessions: list[Session]) -> float:
    rates = [session.rate.per_second() for session in sessions]
    return sum(rates) / len(rates) if rates else 0.0
