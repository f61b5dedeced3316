"""A group of tiles, by its name."""

import contextlib
import re

from webcapd.http.admission import Admitted
from webcapd.http.caching.shared import FOR_EVER, check_announced, share
from webcapd.http.exchange import Exchange
from webcapd.http.streaming.handover import HandOver
from webcapd.http.wire.response import HttpError, Response

CONTENT_TYPE = "application/vnd.webcapd.tiles"

_NAME = re.compile(r"[0-9a-f]{32}", re.ASCII)


def give_group(
    exchange: Exchange, admitted: Admitted, held: contextlib.ExitStack, hand_over: HandOver
) -> bool:
    """Give a group, at once; raises HttpError (404), which caches are not to keep."""
    site, name = exchange.site, admitted.target.file
    check_announced(site.options)
    found = (
        site.forms.updates.named.groups.get(bytes.fromhex(name)) if _NAME.fullmatch(name) else None
    )
    if found is None:
        raise HttpError(404, "no group of tiles has this name, or has it any more")
    share(exchange)
    exchange.send(Response(200, CONTENT_TYPE, found, (FOR_EVER,)))
    return False
