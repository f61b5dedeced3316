"""How a client wants its stream, by what it asks for and by what it is."""

from webcapd.http.access.access import Grant
from webcapd.http.site import Site
from webcapd.http.streaming.multipart import framing_for
from webcapd.http.streaming.quirks import quirks_of
from webcapd.http.streaming.stream import StreamParams
from webcapd.http.target import Target
from webcapd.http.variant_query import fps_of, keepalive_of, quarter_turns, spec_of
from webcapd.http.wire.request import Headers


def stream_params_of(target: Target, headers: Headers, site: Site, permit: Grant) -> StreamParams:
    """Read how a stream is wanted; raises HttpError."""
    accept, agent = headers.get("accept"), headers.get("user-agent")
    options = site.options
    return StreamParams(
        spec_of(target, quarter_turns(str(options.rotate))),
        min(fps_of(target), options.most_stream_fps),
        framing_for(accept, agent, target.switch("advance")),
        quirks_of(agent, keepalive_of(target), options.keepalive),
        site.ladder_rules(target.whole("quality", 1, 100)),
        permit.holds,
    )
