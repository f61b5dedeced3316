"""What moves is looked at ever more seldom, but always again."""

import time

import numpy as np

from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates.copy import Copy
from webcapd.encoder.updates.difference import Difference
from webcapd.encoder.updates.state.grid import Mask, TileGrid
from webcapd.encoder.updates.state.motion import Motion

GRID = TileGrid(1920, 1080, "420")
NOTHING = Difference([], [], [])
LONGEST = 66
"""Updates from one look at a video to the next, at most."""


def video() -> Mask:
    mask = GRID.none()
    mask[10:40, 2:4] = True
    return mask


def update(motion: Motion, mask: Mask, found: Difference = NOTHING) -> Mask:
    """Do what the picture does that is sent; gives what was compared."""
    motion.stale &= mask
    # All have changed just now, however late this is looked at.
    moving = motion.among(mask, np.full(GRID.shape, np.inf))
    if motion.is_kept:
        motion.stale &= ~moving
    else:
        motion.stale |= moving
    looked = mask & ~moving
    motion.note(mask, moving if found.copies else mask, found if looked.any() else NOTHING)
    return looked


def looks(motion: Motion, updates: int) -> list[int]:
    """Give the numbers of the updates of a video that are looked at."""
    return [number for number in range(updates) if update(motion, video()).any()]


def test_video_is_looked_at_ever_more_seldom_but_always_again() -> None:
    gaps = np.diff(looks(Motion(GRID), 400)).tolist()
    assert gaps[:3] == [1, 1, 1]
    assert gaps[3:] == sorted(gaps[3:])
    assert 10 < gaps[3] < 20
    assert LONGEST // 2 < gaps[-1] <= LONGEST


def test_all_of_a_video_is_looked_at_in_one_update_that_has_what_was_before() -> None:
    motion = Motion(GRID)
    for _ in range(300):
        before = motion.stale.copy()
        looked = update(motion, video())
        if looked.any():
            assert (looked == video()).all()
            assert not (before & looked).any()


def test_page_that_scrolls_where_a_video_was_is_found() -> None:
    motion = Motion(GRID)
    looks(motion, 300)
    copies = Difference(
        [Copy(Rectangle(640, 160, 640, 400), Rectangle(640, 176, 640, 400))], [], []
    )
    found = [bool(update(motion, video(), copies).any()) for _ in range(LONGEST + 20)]
    assert any(found[:LONGEST])
    # From then on it does not move, but is copied.
    assert all(found[found.index(True) :])


def test_what_had_rested_is_compared_at_once() -> None:
    motion = Motion(GRID)
    looks(motion, 100)
    motion.stale &= False
    long_ago = np.full(GRID.shape, time.monotonic() - 1)
    assert not motion.among(video(), long_ago).any()
