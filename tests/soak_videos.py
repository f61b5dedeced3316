"""Readers of updates with video come to the picture, however they lag and whenever they join."""

from soak import scenario
from test_update_state import check
from test_update_video import PLACE, Screen, own_clock, video_of

from webcapd.capture.geometry import Rectangle

FRAMES = 90
ENOUGH = (None, None, 3000, 20_000)
"""Of each reader, what its line takes at a time."""


@scenario("updates-video", 60)
def lag(count: int) -> str:
    """Have readers of a video lag and join, with something typed beside it, by COUNT seeds."""
    joined = 0
    for seed in range(count):
        with own_clock() as clock:
            joined += _lag(Screen(clock, seed=seed))
    return f"shown as it was, {joined} of {count * (len(ENOUGH) + 1)} readers by video"


def _lag(screen: Screen) -> int:
    generator = screen.generator
    followers = [screen.follower(enough) for enough in ENOUGH]
    joined = set[int]()
    for frame in range(FRAMES):
        if frame < 60 or frame > 75:
            screen.move(PLACE if frame < 40 else PLACE._replace(x=101, width=290))
        if generator.random() < 0.3:
            x, y = generator.integers(0, 390), generator.integers(0, 250)
            screen.type(Rectangle(int(x), int(y), 9, 9))
        screen.feed(is_small=bool(generator.random() < 0.2))
        if frame == 30:
            followers.append(screen.follower())
        for number, follower in enumerate(followers):
            if number in (0, 4) or generator.random() < 0.6:
                follower.advance()
            if video_of(follower):
                joined.add(number)
    assert {0, 1, 4} <= joined
    screen.rest(*followers)
    for follower in followers:
        assert follower.have == screen.made.sequence
        check(screen.made, follower.shown, screen.pixels)
    return len(joined)
