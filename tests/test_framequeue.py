"""The frames that wait for a recorder, and what it is asked for meanwhile."""

import threading

import pytest
from program import TIMEOUT

from webcapd.encoder.frame import Frame, Known, LatestFrame
from webcapd.outputs.framequeue import FrameQueue
from webcapd.outputs.recording.commands import Commands
from webcapd.outputs.writing import CannotWrite


def frame(sequence: int) -> Frame:
    return Frame(sequence, b"jpeg", "image/jpeg", 8, 8, 75, 0.0, 0.0)


class Overtaken(LatestFrame):
    """A cell that is replaced just behind who looks into it first."""

    def poll(self) -> Known:
        known = super().poll()
        if known.frame is not None and known.frame.sequence == 1:
            self.publish(frame(2), known.as_of)
        return known


def test_frames_come_in_their_order_whoever_notes_them() -> None:
    """Who begins to listen and the encoder thread note frames at the same moment."""
    latest = Overtaken(lambda: None)
    queue = FrameQueue(latest, 1 << 20)
    latest.publish(frame(1), float("inf"))
    queue.listen()
    queue.take_from(0.0, 0.0)
    latest.publish(frame(3), float("inf"))
    assert [seen.frame.sequence for seen in queue.take()] == [2, 3]


def test_command_that_was_not_come_to_is_kept_for_the_next_time() -> None:
    """Where nothing can be written just then, as that is tried before it."""
    commands = Commands(lambda: None)
    asking = threading.Thread(target=commands.ask, args=("stop", TIMEOUT), daemon=True)
    asking.start()
    seen: list[str] = []
    while not seen:
        with pytest.raises(CannotWrite), commands.taken() as some:
            raise CannotWrite("the disk is full")
        with commands.taken() as some:
            seen += some
    assert seen == ["stop"]
    asking.join(TIMEOUT)
    assert not asking.is_alive()
