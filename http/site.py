"""What is served: the parts that requests share."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from webcapd.base.rate import Rate
from webcapd.http.access.access import Access
from webcapd.http.access.clients import Proxies
from webcapd.http.access.limits import ConnectionLimits, Usage
from webcapd.http.options import HttpOptions
from webcapd.http.streaming.forms import Forms
from webcapd.http.streaming.sessions import Sessions
from webcapd.http.wire.descriptors import Capacity
from webcapd.http.wire.sending import ResponseSender


@dataclass
class Site:
    """Everything that the requests to one server share; for any thread."""

    version: str
    name: str
    """What the display is called, for people."""
    options: HttpOptions
    capacity: Capacity
    access: Access
    names: frozenset[str]
    """Host names that are served."""
    forms: Forms
    encode_rate: Rate
    picture_size: Callable[[], tuple[int, int]]
    """Gives width and height of the screen, as of the last frame."""
    status: Callable[[], Mapping[str, object]]
    """Gives the status of capture and encoder, for the state page."""
    motion_quality: int
    """The lowest quality that motion leads to."""
    config: Mapping[str, object]
    """All options and their values."""
    proxies: Proxies = field(init=False)
    limits: ConnectionLimits = field(init=False)
    sender: ResponseSender = field(default_factory=ResponseSender)
    usage: Usage = field(default_factory=Usage)
    sessions: Sessions = field(default_factory=Sessions)
    snapshot_rate: Rate = field(default_factory=Rate)
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.proxies = Proxies(self.options.trust_proxy)
        self.limits = ConnectionLimits(self.capacity.streams, self.options.max_clients_per_address)

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

    def close(self) -> None:
        """End what runs by itself: the threads that read credentials again."""
        self.access.close()
