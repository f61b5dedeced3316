"""Outputs of the Python API that are bytes: JPEG, records of updates, H.264."""

import sys
from collections.abc import Iterator

import av
import cv2
import numpy as np
import pytest
from program import TIMEOUT
from test_api import SIZE, fill, settings
from updatereader import UpdateReader
from Xlib.display import Display
from xserver import Pixels, XServer, xvfb

import webcapd
from webcapd.encoder.h264.codec import unavailable


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    with xvfb(*SIZE) as running:
        yield running


@pytest.fixture(scope="module")
def display(screen: XServer) -> Iterator[Display]:
    with screen.connected() as connected:
        yield connected


def read(packets: webcapd.Frames[webcapd.Packet]) -> webcapd.Packet:
    packet = packets.read(TIMEOUT)
    assert packet is not None
    return packet


def psnr(one: Pixels, other: Pixels) -> float:
    return float(cv2.PSNR(np.ascontiguousarray(one), np.ascontiguousarray(other)))


def is_like(picture: Pixels, screen: XServer) -> bool:
    """Whether a picture is that of the upper left part of a screen."""
    height, width = picture.shape[:2]
    return psnr(picture, screen.pixels()[:height, :width]) > 30


def test_jpeg_is_the_picture_each_time(screen: XServer, display: Display) -> None:
    fill(display, 0x205080, 0, 0, *SIZE)
    with webcapd.frames(settings(screen), output="jpeg") as packets:
        for number, colour in enumerate((0xFFFFFF, 0x30B040), 1):
            fill(display, colour, 32, 32, 64, 64)
            packet = read(packets)
            assert (packet.number, packet.size, packet.is_key) == (number, SIZE, True)
            decoded = cv2.imdecode(np.frombuffer(packet.data, np.uint8), cv2.IMREAD_COLOR)
            assert decoded is not None
            assert psnr(np.asarray(decoded, np.uint8), screen.pixels()) > 35
        assert packets.read(0.1) is None


def test_updates_lead_a_reader_to_the_picture(screen: XServer, display: Display) -> None:
    fill(display, 0x101010, 0, 0, *SIZE)
    reader = UpdateReader()
    with webcapd.frames(settings(screen), output="updates") as packets:
        for colour in (0xFFFFFF, 0x0000FF, 0x00FF00):
            # Several at a time for who takes his time: one update leads to the last.
            fill(display, 0x777777, 0, 0, 40, 200)
            fill(display, colour, 20, 32, 64, 64)
            packet = read(packets)
            assert packet.is_key == (packet.number == 1)
            reader.feed(packet.data)
            assert reader.whole
            assert np.array_equal(reader.picture[:, :, ::-1], screen.pixels())
        assert (reader.picture.shape, packet.size) == ((*SIZE[::-1], 3), SIZE)
        assert packets.read(0.1) is None


def test_h264_is_decoded_frame_by_frame(screen: XServer, display: Display) -> None:
    fill(display, 0x205080, 0, 0, *SIZE)
    decoder = av.CodecContext.create("h264", "r")
    even = (SIZE[0] - 1, SIZE[1] - 1)
    options = settings(screen, h264_crf=10, h264_fullframe=True, paint_over_trigger_frames=1)

    def shown(packet: webcapd.Packet) -> Pixels:
        assert packet.size == even
        frames = decoder.decode(av.Packet(packet.data))
        # A decoder of threads gives it when asked to end.
        (frame,) = frames
        return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)

    decoder.thread_count = 1
    decoder.options = {"flags": "low_delay"}
    with webcapd.frames(options, output="h264") as packets:
        first = read(packets)
        assert first.is_key
        shown(first)
        # A screen that rests is encoded once more, and then not again.
        refined = read(packets)
        assert not refined.is_key
        assert psnr(shown(refined), screen.pixels()[: even[1], : even[0]]) > 35
        assert packets.read(0.1) is None
        fill(display, 0xFFFFFF, 32, 32, 64, 64)
        moved = read(packets)
        assert not moved.is_key
        assert psnr(shown(moved), screen.pixels()[: even[1], : even[0]]) > 30
        packets.request_keyframe()
        # Another may come first, of what rests by now.
        assert read(packets).is_key or read(packets).is_key


def test_h264_in_stripes_is_decoded_stripe_by_stripe(screen: XServer, display: Display) -> None:
    fill(display, 0x205080, 0, 0, *SIZE)
    decoders = {}
    options = settings(screen, h264_crf=15, paint_over_trigger_frames=1)
    with webcapd.frames(options, output="h264") as packets:
        first = read(packets)
        picture = np.zeros((first.height, first.width, 3), np.uint8)
        assert (first.is_key, first.size) == (True, (SIZE[0] - 1, SIZE[1] - 1))
        with pytest.raises(webcapd.Error, match="in stripes"):
            _ = first.data

        def show(packet: webcapd.Packet) -> None:
            for stripe in packet.stripes:
                if stripe.y not in decoders:
                    assert stripe.is_key
                    decoders[stripe.y] = av.CodecContext.create("h264", "r")
                    decoders[stripe.y].thread_count = 1
                (decoded,) = decoders[stripe.y].decode(av.Packet(stripe.data))
                part = picture[stripe.y : stripe.y + stripe.height]
                part[:] = decoded.to_ndarray(format="bgr24")

        show(first)
        while (packet := packets.read(0.3)) is not None:
            show(packet)
        # It rests now, or is held up: then what makes it better may still come first.
        fill(display, 0xFFFFFF, 32, 200, 64, 16)
        is_drawn = False
        while not (is_drawn and is_like(picture, screen)):
            show(packet := read(packets))
            is_drawn |= any(stripe.y <= 200 < stripe.y + stripe.height for stripe in packet.stripes)
        packets.request_keyframe()
        # Others may come first, of what rests by now.
        assert any(read(packets).is_key for _ in range(3))


def test_h264_without_its_encoder_is_told_in_a_sentence(
    screen: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    unavailable.cache_clear()
    try:
        with pytest.raises(webcapd.Error, match=r"needs PyAV.*pip install webcapd\[h264\]"):
            webcapd.snapshot(settings(screen), output="h264")
    finally:
        unavailable.cache_clear()


def test_callbacks_get_packets_too(screen: XServer, display: Display) -> None:
    fill(display, 0, 0, 0, *SIZE)
    got: list[webcapd.Packet] = []

    def on_packet(packet: webcapd.Packet) -> None:
        got.append(packet)
        capture.stop()

    capture = webcapd.Capture(settings(screen), on_packet, "jpeg")
    capture.start()
    assert capture.join(TIMEOUT)
    assert got[0].data.startswith(b"\xff\xd8")
    assert repr(got[0]) == f"<Packet 1: {len(got[0].data)} bytes of jpeg>"
