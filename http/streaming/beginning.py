"""How a response with updates begins: what it follows, and its first record."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from webcapd.encoder.updates import records
from webcapd.encoder.updates.spec import UpdateSpec
from webcapd.encoder.updates.state.have import Have
from webcapd.http.caching.shared import WAY_IN, check_announced, screen_spec
from webcapd.http.exchange import Exchange
from webcapd.http.target import Target
from webcapd.http.wire.response import HttpError

if TYPE_CHECKING:
    from webcapd.encoder.updates.consumer import UpdateConsumer


CONTENT_TYPE = "application/vnd.webcapd.updates"


def lease_of(
    exchange: Exchange, target: Target, spec: UpdateSpec
) -> AbstractContextManager[UpdateConsumer]:
    """Give the consumer whose updates a request asks for; raises HttpError, TooManyVariants."""
    site, tiles = exchange.site, target.query.get("tiles")
    if tiles is None:
        return site.forms.updates.lease(spec)
    if tiles != "names":
        raise HttpError(400, f"tiles={tiles!r} is not tiles=names")
    check_announced(site.options)
    if target.switch("once") or spec != screen_spec(site.options):
        raise HttpError(400, "by name there is the whole screen only, and no once=1: see /manifest")
    return site.forms.updates.named.lease(spec)


def hello(exchange: Exchange, consumer: UpdateConsumer, have: Have, keepalive: float) -> bytes:
    """Give the first record."""
    site = exchange.site
    capture = site.status()["capture"]
    assert isinstance(capture, Mapping)
    facts = {
        "run": consumer.latest.run,
        "form": str(consumer.spec),
        "server": f"webcapd/{site.version}",
        "name": site.name,
        "display": capture["display"],
        "keepalive": keepalive,
        **({"manifest": WAY_IN} if site.options.announces_cache else {}),
        **({"video": consumer.video_codec} if consumer.spec.video else {}),
    }
    return records.hello(facts | ({} if have is None else {"after": have}))
