"""What is known in a query, on whatever page."""

from webcapd.http.snapshot import wanted
from webcapd.http.target import Target
from webcapd.http.variant_query import fps_of, keepalive_of, spec_of


def check_parameters(target: Target) -> None:
    """See that all known parameters are well-formed; raises Refusal.

    Also those that the page has no use for: who writes fps=nan on any page
    means something else than what is given.
    """
    spec_of(target, 0)
    fps_of(target)
    keepalive_of(target)
    wanted(target)
    target.switch("advance")
