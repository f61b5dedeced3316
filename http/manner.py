"""How a client wants its stream, by what it asks for and by what it is."""

from webcapd.http.access import Pass
from webcapd.http.form import form_of, fps_of, keepalive_of, quarter_turns
from webcapd.http.habits import habits_of
from webcapd.http.multipart import framing_for
from webcapd.http.request import Headers
from webcapd.http.site import Site
from webcapd.http.stream import Manner
from webcapd.http.target import Target


def manner_of(target: Target, headers: Headers, site: Site, permit: Pass) -> Manner:
    """Read how a stream is wanted; raises Refusal."""
    accept, agent = headers.get("accept"), headers.get("user-agent")
    options = site.options
    return Manner(
        form_of(target, quarter_turns(str(options.rotate))),
        min(fps_of(target), options.most_stream_fps),
        framing_for(accept, agent, target.switch("advance")),
        habits_of(agent, keepalive_of(target), options.keepalive),
        site.follow_rules(target.whole("quality", 1, 100)),
        permit.holds,
    )
