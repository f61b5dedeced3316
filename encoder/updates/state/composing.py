"""What readers get that lack more than the last update: composed of what is kept.

Each state that readers have costs a composition, unless they are many: then one
serves all who have an older state than it is made for.  A reader whose line is slow
gets a slice of its own, of so many bytes.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from webcapd.encoder.updates import records
from webcapd.encoder.updates.state.grid import Mask
from webcapd.encoder.updates.state.lag import Lag
from webcapd.encoder.updates.state.latest import Have, Update
from webcapd.encoder.updates.state.sent import Coded, SentPicture

# So many are made at once, of those that readers share.
_MOST = 3

# So many tiles of a slice are coded before it is seen how long they are; then as many as
# still go in by that, and this at most.
_FIRST_TILES, _STEP_TILES = 3, 48


class State(NamedTuple):
    """The newest state, and how it is to be coded."""

    number: int
    begins: int
    """The first number of the picture's size."""
    captured: float
    quality: int
    budget: int | None
    """As for difference()."""


def compose(
    sent: SentPicture, wanted: Mapping[Have, int | None], state: State
) -> dict[Have, Update]:
    """Give what brings readers from what they have to the newest state, or nearer to it.

    ``wanted`` has what readers have, and how many bytes are enough for those that get slices.
    """
    made: dict[Have, Update] = {}
    whole = [have for have in wanted if not _can_go_on(have, state)]
    if whole:
        given = _composed(sent, ~sent.grid.none(), state, records.geometry(*sent.grid.size))
        made |= {have: given._replace(have=have) for have in whole}
    sliced = {have: enough for have, enough in wanted.items() if have not in made}
    shared = sorted(
        have for have, enough in sliced.items() if isinstance(have, int) and enough is None
    )
    for some in _shares(shared):
        given = _composed(sent, sent.lacking(some[0]), state)
        made |= {have: given._replace(have=have) for have in some}
    for have, enough in sliced.items():
        if have not in made:
            made[have] = _slice(sent, have, enough, state)
    return made


def _can_go_on(have: Have, state: State) -> bool:
    """Whether a picture is of the size that there is now."""
    if isinstance(have, Lag):
        return have.begins == state.begins
    return isinstance(have, int) and state.begins <= have <= state.number


def _shares(haves: list[int]) -> Iterator[list[int]]:
    """Cut states, the oldest first, in shares for each of which one composition is made."""
    size = max(1, -(-len(haves) // _MOST))
    for begin in range(0, len(haves), size):
        yield haves[begin : begin + size]


def _composed(sent: SentPicture, tiles: Mask, state: State, begin: bytes = b"") -> Update:
    coded = sent.send(tiles, state.quality, state.budget)
    return update_of(coded, None, state.number, state.captured, begin)


def _slice(sent: SentPicture, have: Have, enough: int | None, state: State) -> Update:
    """Give the oldest tiles that a reader lacks, as many as are enough bytes."""
    lag = have if isinstance(have, Lag) else _lag_of(sent, have, state)
    lacking = lag.lacking(sent.numbers)
    order = lag.oldest_first(lacking)
    given, coded, done = sent.grid.none(), Coded(), 0
    while more := _tiles_more(done, sum(map(len, coded.data)), enough):
        step = sent.grid.none()
        step.ravel()[order[done : done + more]] = True
        coded += sent.send(step, state.quality, state.budget)
        given |= step
        done += more
        if done >= len(order):
            break
    if (given == lacking).all():
        return update_of(coded, have, state.number, state.captured)
    return _slice_of(coded, have, lag.given(given, state.number), state)


def _tiles_more(done: int, size: int, enough: int | None) -> int:
    """Tell how many tiles still go into a slice, after some that have so many bytes."""
    if enough is None:
        return sys.maxsize
    if not done:
        return _FIRST_TILES
    # Half a tile less than enough is as near as half a tile more.
    return max(0, min(_STEP_TILES, int((enough - size) * done / max(size, 1) + 0.5)))


def _lag_of(sent: SentPicture, have: Have, state: State) -> Lag:
    assert isinstance(have, int)
    return Lag(sent.grid.all_of(have), state.begins)


def update_of(coded: Coded, have: Have, number: int, captured: float, begin: bytes = b"") -> Update:
    """Put a mark behind records: who has got them has the state whole."""
    data = b"".join((begin, *coded.data, records.mark(number, captured)))
    return Update(have, number, data, frozenset(coded.qualities))


def _slice_of(coded: Coded, have: Have, gives: Lag, state: State) -> Update:
    mark = records.mark(state.number, state.captured, partial=True)
    return Update(have, gives, b"".join((*coded.data, mark)), frozenset(coded.qualities))
