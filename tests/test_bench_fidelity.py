"""The benchmark compares what a reader was shown with the frame that was drawn."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xserver import Pixels

import barcode
import fidelity
import picture
import wires

SIZE = (400, 96)
FILM = (320, 48)
TOP = 16
HTTP = b"HTTP/1.1 200 OK\r\n\r\n"


def screen(number: int, noise: int = 0) -> Pixels:
    """Draw frame ``number`` of a film in the corner, and its barcode above."""
    pixels = np.zeros((SIZE[1], SIZE[0], 4), np.uint8)
    pixels[-FILM[1] :, -FILM[0] :] = picture.film_frame(picture.film(*FILM), number - 1)
    pixels[-FILM[1] :, -FILM[0] :] += np.uint8(noise)
    block = barcode.BLOCK
    for column in barcode.blocks(number):
        pixels[TOP : TOP + block, column * block : (column + 1) * block] = 255
    return pixels


def jpeg(pixels: Pixels, quality: int) -> bytes:
    return cv2.imencode(".jpg", pixels[..., :3], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def multipart(bodies: list[bytes]) -> bytearray:
    head = "--x\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n"
    return bytearray(HTTP + b"".join(head.format(len(one)).encode() + one for one in bodies))


def message(frame: int, top: int, body: bytes) -> bytes:
    payload = b"\x03\x00" + frame.to_bytes(2, "big") + top.to_bytes(2, "big") + body
    return b"\x82\x7e" + len(payload).to_bytes(2, "big") + payload


@given(st.integers(1, 60), st.integers(0, 255))
def test_psnr_is_that_of_its_definition(offset: int, start: int) -> None:
    wanted = np.full((8, 8, 4), min(start, 255 - offset), np.uint8)
    shown = wanted[..., 2::-1] + np.uint8(offset)
    expected = 20 * math.log10(255 / offset)
    assert fidelity.decibels(shown, wanted) == pytest.approx((expected, expected), rel=1e-4)
    assert fidelity.decibels(wanted[..., 2::-1], wanted) == (99, 99)


def test_error_of_one_colour_counts_less_in_brightness() -> None:
    wanted = np.zeros((8, 8, 4), np.uint8)
    shown = np.zeros((8, 8, 3), np.uint8)
    shown[..., 2] = 20
    colours, brightness = fidelity.decibels(shown, wanted)
    assert brightness > colours + 10


def test_frame_is_compared_with_the_one_that_its_barcode_tells() -> None:
    data = multipart([jpeg(screen(number), 95) for number in (3, 4, 9, 10)])
    film, wire = picture.film(*FILM), wires.Multipart("/")
    good = fidelity.fidelity(data, wire, TOP, 0, film)
    assert good["brightness"] > 35
    poor = multipart([jpeg(screen(number), 30) for number in (3, 4, 9, 10)])
    assert fidelity.fidelity(poor, wire, TOP, 0, film)["brightness"] < good["brightness"] - 5
    # Another frame than the barcode tells is nothing like it.
    wrong = multipart([jpeg(screen(number), 95) for number in (3, 4, 9, 10)])
    other = [np.roll(one, 1, 0) for one in film]
    assert fidelity.fidelity(wrong, wire, TOP, 0, other)["brightness"] < 20


def test_frame_in_stripes_is_compared_when_all_of_it_is_there() -> None:
    data, half = bytearray(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), SIZE[1] // 2
    for number in range(1, 6):
        pixels = screen(number)
        for top in (0, half):
            data += message(number, top, jpeg(pixels[top : top + half], 95)) + b"\x89\x01p"
    found = list(fidelity.shown(data, wires.WebSocket(), TOP))
    assert [one.number for one in found] == [1, 2, 3, 4]
    told = fidelity.fidelity(data, wires.WebSocket(), TOP, 0, picture.film(*FILM))
    assert told["brightness"] > 35
