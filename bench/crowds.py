"""Hundreds of viewers: *full* at 1280x720 beside GStreamer, and *typing* at 1920x1080 alone.

GStreamer's queues are bounded here, as those of a server that is left to itself must be: else it
keeps what a slow client has not taken.  Compared is the CPU time of a frame that a client has got:
who drops frames saves time, and is not cheap by that.  *Typing* is nothing to compare by: who sends
a frame a tick, whatever changes, would have three times as much to send.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cost
import figures
from figures import Record, Spread, Verdict, select, spread
from layout import around, octets, table
from peers import BOUNDED, PEERS, SUBJECT, Peer
from workload import rate

TABLE = "viewers"


class Crowd(NamedTuple):
    """Who watches what, and how often that changes."""

    workload: str
    size: str
    clients: int
    peers: tuple[str, ...]
    fps: float

    def lines(self, records: Sequence[Record]) -> list[Record]:
        """Give what was measured of it."""
        mine = select(records, workload=self.workload, size=self.size, clients=self.clients)
        return [one for one in select(mine, table=TABLE) if "process" in one]


CROWDS = (
    Crowd("full", "1280x720", 500, (SUBJECT, BOUNDED), rate(30)),
    Crowd("typing", "1920x1080", 1000, (SUBJECT,), rate(10)),
)
PEERS_NEEDED = (SUBJECT, BOUNDED)

# Processor time for 500 viewers, and what of GStreamer's.
_MOST_CORES, _MOST_OF_RIVAL = 0.75, 0.8


def per_frame(record: Record) -> float:
    """CPU seconds of the peer, and of the X server for it, by frames that clients have got."""
    # Older records have the median client's alone.
    frames = record["frames"] if "frames" in record else record["clients"] * record["fps"]
    return figures.total(record) / float(frames)


def measured(peers: Sequence[Peer], seconds: float) -> Iterator[Record]:
    """Measure each crowd with the peers that it is measured with, in their order."""
    for crowd in CROWDS:
        some = [peer for peer in peers if peer.name in crowd.peers]
        counts = [crowd.clients]
        for record in cost.fan_outs(crowd.size, some, counts, seconds, crowd.workload):
            yield {"size": crowd.size, "workload": crowd.workload, **record}


def verdicts(records: Sequence[Record]) -> list[Verdict]:
    """Judge the crowds; cheap because frames are dropped is not cheap."""
    full, typing = CROWDS
    lines = full.lines(records)
    found = []
    if own := figures.by_round(lines, SUBJECT, figures.total):
        cores = spread(own.values())
        found.append(Verdict("500 viewers of full, cores", "", cores, _MOST_CORES))
    if compared := figures.against_best(lines, SUBJECT, [BOUNDED], per_frame):
        found.append(Verdict("500 viewers of full, CPU a frame", *compared, _MOST_OF_RIVAL))
    for crowd in (full, typing):
        least = [one["least_fps"] for one in select(crowd.lines(records), peer=SUBJECT)]
        if least:
            share = spread(figures.FULL_RATE * crowd.fps / fps for fps in least if fps)
            what = f"{crowd.clients} viewers of {crowd.workload}, all at full rate"
            # Of the rounds, the worst counts.
            worst = Spread(share.high, share.low, share.high)
            found.append(Verdict(what, "95 % of it", worst, 1.0))
    return found


def rendered(records: Sequence[Record]) -> str:
    """Give a line a crowd and peer."""
    found = (
        (crowd, name, own)
        for crowd in CROWDS
        for name in PEERS
        if (own := select(crowd.lines(records), peer=name))
    )
    rows = (
        (
            f"{crowd.clients} of *{crowd.workload}*, {crowd.size}",
            name,
            around(spread(map(figures.total, own))),
            f"{1e6 * spread(map(per_frame, own)).median:.0f} µs",
            f"{min(one['least_fps'] for one in own):.1f} of {crowd.fps:.1f}",
            octets(spread(map(figures.octets, own)).median),
            f"{max(one['memory'] for one in own) / 1e6:.0f} MB",
        )
        for crowd, name, own in found
    )
    head = (
        "viewers",
        "",
        "CPU, s/s",
        "a frame sent",
        "frames a second, least",
        "sent",
        "most memory",
    )
    return table(head, rows)
