"""Viewers of a screen out of a cache: they fetch all that a page fetches, and draw nothing."""

import functools
import random
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from scale import lists
from scale.connection import Address, Connection, Loop, Stream
from scale.watching import Seen

CONNECTIONS = 6
"""For groups, as browsers have over HTTP/1.1; the list has one beside them."""

MANY = 2000
"""Viewers, from which on each has one connection for all, as over HTTP/2."""

# As docs/manifest.md wants it of readers.
_AGAIN_SECONDS = (1.0, 2.0)
# Who reads a stream of names and is so far behind asks for manifests instead.
_MOST_BEHIND_SECONDS = 1.0

# Groups that a browser's cache holds, of those that it saw last.
_KEPT = 500


class Tally:
    """What all viewers together have asked for, and learnt."""

    def __init__(self) -> None:
        self.moments: dict[int, float] = {}
        """Each version that anybody has learnt of, and when it was captured."""
        self.requests: Counter[str] = Counter()
        """By kind: manifests, groups, failures, and those not found."""
        self.addresses: dict[str, set[bytes]] = {"manifests": set(), "groups": set()}
        """The different ones asked for."""
        self.run = ""

    def learn(self, mark: lists.Mark) -> None:
        if mark.is_whole:
            self.moments.setdefault(mark.number, mark.captured)


class Viewer:
    """One viewer: what it has, and what it waits for.  A way of getting lists makes it whole."""

    def __init__(self, loop: Loop, address: Address, tally: Tally) -> None:
        self.loop, self.address, self.tally = loop, address, tally
        self._one: Connection | None = None
        """For all, one request behind the other."""
        self.seen = Seen()
        self._connections: list[Connection] = []
        self._kept: OrderedDict[str, None] = OrderedDict()
        self._waiting: deque[tuple[lists.Group, Callable[[bool], None]]] = deque()

    @property
    def received(self) -> int:
        return sum(one.received for one in self._connections)

    def begin(self) -> None:
        raise NotImplementedError

    def show(self, mark: lists.Mark) -> None:
        if mark.is_whole:
            self.seen.show(time.time(), mark.number)

    def fetch(self, groups: tuple[lists.Group, ...], done: Callable[[bool], None]) -> None:
        """Fetch all groups that are not in the browser's cache, and say whether that went well."""
        missing = [one for one in dict.fromkeys(groups) if one.name not in self._kept]
        if not missing:
            done(True)
            return
        left, well = len(missing), True

        def one_done(good: bool) -> None:
            nonlocal left, well
            left, well = left - 1, well and good
            if not left:
                done(well)

        self._waiting.extend((group, one_done) for group in missing)
        self._ask()

    def _ask(self) -> None:
        """Ask for what waits, as long as there is a connection for it."""
        while self._waiting:
            free = self._one or next((one for one in self._connections if one.is_idle), None)
            if free is None:
                if len(self._connections) == CONNECTIONS:
                    return
                free = Connection(self.loop, self.address)
                self._connections.append(free)
            self._ask_on(free, *self._waiting.popleft())

    def _ask_on(
        self, connection: Connection, group: lists.Group, done: Callable[[bool], None]
    ) -> None:
        path = b"/tiles/" + group.name.encode()

        def answered(status: int, head: bytes, body: bytes) -> None:
            good = status == 200 and len(body) == group.size
            if good:
                self._keep(group.name)
            else:
                self.tally.requests["missed" if status == 404 else "failed"] += 1
            done(good)
            self._ask()

        self.tally.requests["groups"] += 1
        self.tally.addresses["groups"].add(path)
        connection.ask(path, answered)

    def _keep(self, name: str) -> None:
        self._kept[name] = None
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


class ManifestViewer(Viewer):
    """Asks for one manifest after the other."""

    def __init__(self, loop: Loop, address: Address, tally: Tally, sparing: bool = False) -> None:
        super().__init__(loop, address, tally)
        self._lists = Connection(loop, address)
        self._one = self._lists if sparing else None
        self._run = ""
        self._held: int | None = None
        self._fetching = False
        self._newest: lists.Manifest | None = None
        """Came while groups of another one were on their way."""

    @property
    def received(self) -> int:
        return super().received + self._lists.received

    def begin(self) -> None:
        self._ask_for(b"/manifest", -1)

    def _ask_for(self, path: bytes, number: int) -> None:
        def answered(status: int, head: bytes, body: bytes) -> None:
            if status == 200:
                self._listed(lists.manifest(body), number)
            elif status == 302:
                # As fetch() follows it: what comes is the answer to what was asked.
                self._ask_for(b"/manifest", number)
            else:
                self.tally.requests["failed"] += 1
                self.loop.later(1.0, self.begin)

        if path != b"/manifest":
            self.tally.requests["manifests"] += 1
            self.tally.addresses["manifests"].add(path)
        else:
            self.tally.requests["entries"] += 1
        self._lists.ask(path, answered)

    def _listed(self, manifest: lists.Manifest, asked: int) -> None:
        number = manifest.mark.number
        self.tally.learn(manifest.mark)
        if manifest.run != self._run:
            self._run, self._held, asked = manifest.run, None, -1
        following = f"/manifest/{manifest.run}-{number}".encode()
        if number > asked:
            self._newest = manifest
            self._go_on()
            self._ask_for(following, number)
        else:
            wait = random.uniform(*_AGAIN_SECONDS)
            self.loop.later(wait, lambda: self._ask_for(following, number))

    def _go_on(self) -> None:
        if self._fetching or self._newest is None:
            return
        manifest, self._newest, self._fetching = self._newest, None, True

        def done(well: bool) -> None:
            self._fetching = False
            if well and manifest.run == self._run:
                self._held = manifest.mark.number
                self.show(manifest.mark)
            self._go_on()

        held = self._held if manifest.run == self._run else None
        self.fetch(manifest.lacking(held), done)


class StreamViewer(Viewer):
    """Reads a stream of names; one whose groups come too slowly goes on with manifests."""

    def __init__(self, loop: Loop, address: Address, tally: Tally, sparing: bool = False) -> None:
        if sparing:
            raise SystemExit("a stream of names takes a connection of its own: fewer viewers")
        super().__init__(loop, address, tally)
        self._names = lists.NameStream()
        self._stream: Stream | None = None
        self._updates: deque[_Update] = deque()
        self._instead: ManifestViewer | None = None

    @property
    def streamed(self) -> int:
        return self._stream.received if self._stream else 0

    @property
    def received(self) -> int:
        instead = self._instead.received if self._instead else 0
        return super().received + self.streamed + instead

    def begin(self) -> None:
        self._names = lists.NameStream()
        self.tally.requests["streams"] += 1
        self._stream = Stream(self.loop, self.address, b"/?updates&tiles=names", self._take)

    def _take(self, data: bytes) -> None:
        behind = time.time() - self._updates[0].mark.captured if self._updates else 0.0
        if self._stream and behind > _MOST_BEHIND_SECONDS:
            self._stream.close()
            self.tally.requests["gave up"] += 1
            self._instead = ManifestViewer(self.loop, self.address, self.tally)
            self._instead.seen = self.seen
            self._instead.begin()
            return
        if not data:
            self.tally.requests["failed"] += 1
            self.loop.later(1.0, self.begin)
        for mark, groups in self._names.feed(data):
            self.tally.learn(mark)
            update = _Update(mark)
            self._updates.append(update)
            self.fetch(groups, functools.partial(self._done, update))

    def _done(self, update: "_Update", well: bool) -> None:
        """Show all updates that are there now, with those before them."""
        update.is_there = True
        while self._updates and self._updates[0].is_there and not self._instead:
            self.show(self._updates.popleft().mark)


@dataclass
class _Update:
    """An update of a stream of names."""

    mark: lists.Mark
    is_there: bool = False


WAYS: dict[str, Callable[[Loop, Address, Tally, bool], Viewer]] = {
    "manifests": ManifestViewer,
    "names": StreamViewer,
}
