"""Encoders of H.264 are bounded, whoever makes them."""

from webcapd.encoder.h264.slots import VideoSlots


def test_no_more_slots_are_taken_than_there_are() -> None:
    slots = VideoSlots(2)
    assert [slots.take() for _ in range(3)] == [True, True, False]
    slots.give_back()
    assert slots.taken == 1
    assert slots.take()
    assert not VideoSlots(0).take()
