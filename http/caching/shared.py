"""What answers have in common that one cache gives to many."""

from collections.abc import Sequence

from webcapd.encoder.updates.spec import UpdateSpec
from webcapd.encoder.variant import PLAIN
from webcapd.http.access.origins import origin_headers
from webcapd.http.exchange import Exchange
from webcapd.http.options import QUARTER_TURNS, HttpOptions
from webcapd.http.wire.response import Header, HttpError

# A list is out of date soon.  Caches that would give it on meanwhile are told not to.
BRIEF: Header = ("Cache-Control", "public, max-age=1, stale-while-revalidate=0")
FOR_EVER: Header = ("Cache-Control", "public, max-age=31536000, immutable")

WAY_IN = "manifest"


def check_announced(options: HttpOptions) -> None:
    """Raise HttpError (404) where caches are not meant to ask."""
    if not options.announces_cache:
        raise HttpError(404, "nothing is here for caches: webcapd runs without --announce cache")


def screen_spec(options: HttpOptions) -> UpdateSpec:
    """Give the one form that there is by name: the screen as it is turned for all."""
    return UpdateSpec(PLAIN.view.after_turns(QUARTER_TURNS[str(options.rotate)]))


def share(exchange: Exchange) -> None:
    """Have the answer be one that a cache may give to pages of all origins that are allowed."""
    exchange.origin_headers = shared_origin_headers(exchange.site.options.allow_origin) or (
        exchange.origin_headers
    )


def shared_origin_headers(allowed: Sequence[str]) -> list[Header]:
    """Give the headers that let the one origin that is allowed read an answer, whoever asks.

    None where there are several: no header names them all.
    """
    if len(allowed) != 1:
        return []
    return [one for one in origin_headers(allowed[0], allowed) if one[0] != "Vary"]
