"""Viewers of a screen out of a cache, in one thread: ``python -m scale.crowd``.

Arguments: PORT WAY VIEWERS.  WAY is ``manifests`` or ``names``.  When every
viewer has had a picture, a line says so.  Then each line on standard input is
answered by one on standard output, JSON: an empty one by what has been asked
for and has come so far; one with two moments (Unix time) by what was seen
between them.
"""

import argparse
import json
import random
import sys
import time

from scale import watching
from scale.connection import Loop
from scale.viewer import MANY, WAYS, StreamViewer, Tally, Viewer

_PATIENCE = 90.0

# Viewers that come a second, at least, and the seconds until all have come, at most.
_ARRIVALS, _ARRIVING = 200.0, 10.0


class Crowd:
    """All viewers."""

    def __init__(self, port: int, way: str, count: int) -> None:
        self._loop, self._tally = Loop(), Tally()
        self._asked = False
        random.seed(1)
        make = WAYS[way]
        a_second = max(_ARRIVALS, count / _ARRIVING)
        self._viewers: list[Viewer] = []
        for number in range(count):
            viewer = make(self._loop, ("127.0.0.1", port), self._tally, count > MANY)
            self._viewers.append(viewer)
            self._loop.later((number + random.random()) / a_second, viewer.begin)

    def run(self) -> None:
        """Read until standard input ends, and answer what comes there."""
        deadline = time.monotonic() + _PATIENCE
        while blind := sum(not one.seen.shown for one in self._viewers):
            if time.monotonic() > deadline:
                failed = dict(self._tally.requests)
                raise SystemExit(f"{blind} viewers have had no picture by now: {failed}")
            until = time.monotonic() + 0.1
            while time.monotonic() < until:
                self._loop.turn(0.1)
        print("watching", flush=True)
        self._loop.register(sys.stdin.fileno(), self._note, sys.stdin.close)
        while True:
            self._loop.turn()
            if self._asked:
                self._asked = False
                line = sys.stdin.readline()
                if not line:
                    return
                told = self.seen(*map(float, line.split())) if line.strip() else self.account()
                print(json.dumps(told), flush=True)

    def _note(self) -> None:
        self._asked = True

    def account(self) -> dict[str, object]:
        streams = [one for one in self._viewers if isinstance(one, StreamViewer)]
        return {
            "moment": time.time(),
            "cpu": time.process_time(),
            "bytes": sum(one.received for one in self._viewers),
            "stream_bytes": sum(one.streamed for one in streams),
            "requests": dict(self._tally.requests),
            "different": {kind: len(some) for kind, some in self._tally.addresses.items()},
        }

    def seen(self, first: float, last: float) -> dict[str, float]:
        seen = (one.seen for one in self._viewers)
        return watching.summary(seen, self._tally.moments, first, last, time.time())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("viewers", type=int)
    given = parser.parse_args()
    Crowd(given.port, given.way, given.viewers).run()


if __name__ == "__main__":
    main()
