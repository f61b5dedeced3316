"""A viewer that goes away."""

import mjpeg
from resting import resting
from waiting import wait_until


def test_viewer_that_leaves_a_resting_screen_is_missed_at_once() -> None:
    """It occupies a place, and has the screen looked at, until somebody notices."""
    with (
        resting() as scene,
        mjpeg.stream(scene.program) as watched,
        mjpeg.stream(scene.program) as left,
    ):
        watched.part()
        left.part()
        left.response.close()

        def frames() -> list[int]:
            return [client["frames"] for client in scene.program.info()["clients"]]

        wait_until("one is left", lambda: len(frames()) == 1)
        # A frame is counted a moment after the client has it.
        wait_until("its frame is counted", lambda: frames() != [0])
        # Nothing was sent meanwhile that could have failed.
        assert frames() == [1]
