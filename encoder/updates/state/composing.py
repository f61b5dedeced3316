"""What readers get: the way from one state to the next, and who lacks more, that.

From state to state there are two ways, that of readers that follow a video, and of all others.
What is lacked is composed of what is kept.
Each state that readers have costs a composition, unless they are many: then one
serves all who have an older state than it is made for.  A reader whose line is slow
gets a slice of its own, of so many bytes.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from webcapd.encoder.updates import records
from webcapd.encoder.updates.state.coded import Coded
from webcapd.encoder.updates.state.grid import Mask
from webcapd.encoder.updates.state.have import Have, Watching
from webcapd.encoder.updates.state.lag import Lag
from webcapd.encoder.updates.state.latest import Update
from webcapd.encoder.updates.state.sent import SentPicture

# So many are made at once, of those that readers share.
_MOST = 3

# So many tiles of a slice are coded before it is seen how long they are; then as many as
# still go in by that, and this at most.
_FIRST_TILES, _STEP_TILES = 3, 48


class Shot(NamedTuple):
    """What there is of a video in an update."""

    before: int | None = None
    """Number of the video that the state before has."""
    video: int | None = None
    """Number of the one that the state has."""
    end: bytes = b""
    """The record that ends the one before."""
    begin: bytes = b""
    """The record with which readers begin, where there is a key frame."""
    frame: bytes = b""
    """The record of the frame; none where the rectangle is as it was."""

    @property
    def is_news(self) -> bool:
        return bool(self.frame) or self.before != self.video


NO_VIDEO = Shot()


class State(NamedTuple):
    """The newest state, and how it is to be coded."""

    number: int
    begins: int
    """The first number of the picture's size."""
    captured: float
    quality: int
    budget: int | None
    """As for difference()."""
    key: Shot = NO_VIDEO
    """A key frame with which readers join the video, if there is one."""
    can_join: Callable[[int | None], bool] = lambda enough: True
    """Tells who is to, by how many bytes are enough."""


def compose(
    sent: SentPicture, wanted: Mapping[Have, int | None], state: State
) -> dict[Have, Update]:
    """Give what brings readers from what they have to the newest state, or nearer to it.

    ``wanted`` has what readers have, and how many bytes are enough for those that get slices.
    """
    watching = {have: enough for have, enough in wanted.items() if isinstance(have, Watching)}
    made = _compose(sent, {h: e for h, e in wanted.items() if h not in watching}, state)
    # Who lacks a frame has all else as of that state, which has one video.
    numbers = {have: have.number for have in watching}
    of_numbers = _compose(sent, {numbers[have]: enough for have, enough in watching.items()}, state)
    for have in watching:
        one = of_numbers[have.number]
        end = records.video_end(have.video) if _can_go_on(have.number, state) else b""
        made[have] = one._replace(have=have, data=end + one.data)
    return made


def _compose(
    sent: SentPicture, wanted: Mapping[Have, int | None], state: State
) -> dict[Have, Update]:
    """Do so, for readers that follow no video."""
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
    coded = sent.send(tiles, state.quality, state.budget, bool(state.key.frame))
    return update_of(coded, None, state.number, state.captured, begin, state.key)


def _slice(sent: SentPicture, have: Have, enough: int | None, state: State) -> Update:
    """Give the oldest tiles that a reader lacks, as many as are enough bytes."""
    lag = have if isinstance(have, Lag) else _lag_of(sent, have, state)
    key = state.key if state.can_join(enough) else NO_VIDEO
    lacking = lag.lacking(sent.numbers)
    if key.frame:
        lacking &= ~sent.filmed.covered
    order = lag.oldest_first(lacking)
    given, coded, done = sent.grid.none(), Coded(), 0
    while more := _tiles_more(done, sum(map(len, coded.data)), enough):
        step = sent.grid.none()
        step.ravel()[order[done : done + more]] = True
        coded += sent.send(step, state.quality, state.budget, bool(key.frame))
        given |= step
        done += more
        if done >= len(order):
            break
    if (given == lacking).all():
        return update_of(coded, have, state.number, state.captured, shot=key)
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


def _slice_of(coded: Coded, have: Have, gives: Lag, state: State) -> Update:
    mark = records.mark(state.number, state.captured, partial=True)
    return Update(have, gives, b"".join((*coded.data, mark)), frozenset(coded.qualities))


def update_of(
    coded: Coded,
    have: Have,
    number: int,
    captured: float,
    begin: bytes = b"",
    shot: Shot = NO_VIDEO,
) -> Update:
    """Put a mark behind records: who has got them has the state whole."""
    ahead = (begin, *coded.copies, shot.end, shot.begin)
    data = b"".join((*ahead, *coded.data, shot.frame, records.mark(number, captured)))
    gives = number if shot.video is None else Watching(number, shot.video)
    return Update(have, gives, data, frozenset(coded.qualities))


def tracks(coded: Coded, shot: Shot, number: int, captured: float) -> list[Update]:
    """Give the updates to a state from the one before."""
    ways = []
    before = number - 1
    if shot.before is not None:
        begins = shot.before != shot.video
        theirs = shot._replace(
            end=records.video_end(shot.before) if begins else b"",
            begin=shot.begin if begins else b"",
        )
        have = Watching(before, shot.before)
        ways.append(update_of(coded, have, number, captured, shot=theirs))
    if not shot.frame:
        ways.append(update_of(coded, before, number, captured))
    elif shot.begin:
        ways.append(update_of(coded, before, number, captured, shot=shot))
    # Others get tiles in place of a frame, when they ask.
    return ways


def begun(
    coded: Coded, size: tuple[int, int], number: int, captured: float, video: int | None
) -> list[Update]:
    """Give the updates that begin a picture of another size, which ends the ``video`` if any."""
    step = update_of(coded, number - 1, number, captured, records.geometry(*size))
    if video is None:
        return [step]
    return [step, step._replace(have=Watching(number - 1, video))]
