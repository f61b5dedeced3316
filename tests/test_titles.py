"""A window's title is understood by whatever means it was written."""

import ctypes.util
import os
import subprocess
import sys

import pytest
from xserver import XServer

from webcapd.capture.x11.windows import compoundtext
from webcapd.capture.x11.windows.titles import Wanted, readings

TITLES = [
    *("Secret", "Secret \u00e4\u00f6", "\u0421\u0435\u043a\u0440\u0435\u0442"),
    *("\u79d8\u5bc6\u6587\u66f8", "\ube44\ubc00", "\u673a\u5bc6", "\u0395\u03bb\u03bb\u03ac\u03c2"),
    *("\u0142\u00f3d\u017a", "\u05e9\u05dc\u05d5\u05dd", "\u20ac \u0416 \u65e5", "\U0001f510 key"),
]

# Run apart, as it sets the locale.
_WRITER = """
import ctypes, locale, sys
locale.setlocale(locale.LC_ALL, "C.UTF-8")
class Property(ctypes.Structure):
    _fields_ = [("value", ctypes.c_char_p), ("encoding", ctypes.c_ulong),
                ("format", ctypes.c_int), ("count", ctypes.c_ulong)]
x11 = ctypes.CDLL("libX11.so.6")
x11.XOpenDisplay.restype = ctypes.c_void_p
display = ctypes.c_void_p(x11.XOpenDisplay(None))
for title in sys.argv[1:]:
    property, texts = Property(), (ctypes.c_char_p * 1)(title.encode())
    compound = 1
    assert x11.Xutf8TextListToTextProperty(
        display, texts, 1, compound, ctypes.byref(property)) >= 0
    print(property.value.hex())
"""


def test_compound_text_is_read_as_xlib_writes_it(server: XServer) -> None:
    if not ctypes.util.find_library("X11"):
        pytest.skip("there is no Xlib")
    done = subprocess.run(
        [sys.executable, "-c", _WRITER, *TITLES],
        env={**os.environ, "DISPLAY": server.name},
        capture_output=True,
        text=True,
        check=True,
    )
    written = [bytes.fromhex(line) for line in done.stdout.split()]
    assert [compoundtext.decode(text) for text in written] == TITLES
    for title, text in zip(TITLES, written, strict=True):
        assert Wanted([title]).has(1, readings(text))


@pytest.mark.parametrize("title", TITLES)
def test_utf8_is_read_whatever_the_case(title: str) -> None:
    for wanted in (title.upper(), title.lower()):
        assert Wanted([wanted]).has(1, readings(f"My {title}.txt".encode()))
    assert not Wanted([title + "?"]).has(1, readings(title.encode()))


def test_latin_1_is_read() -> None:
    assert Wanted(["\u00e4rger"]).has(1, readings("\u00c4rger".encode("latin-1")))


def test_ways_to_write_a_character_make_no_difference() -> None:
    assert Wanted(["re\u0301sume\u0301"]).has(1, readings("R\u00e9sum\u00e9".encode()))


def test_segment_in_an_encoding_of_its_own_is_read() -> None:
    text = b"big5-0\x02" + "\u6a5f\u5bc6".encode("big5")
    size = bytes((0x80 | len(text) // 128, 0x80 | len(text) % 128))
    assert compoundtext.decode(b"<\x1b%/2" + size + text + b">") == "<\u6a5f\u5bc6>"


def test_any_bytes_are_read_without_complaint() -> None:
    for length in range(4):
        for seed in range(0, 256**length, 251 ** max(0, length - 1) or 1):
            readings(b"\x1b" + seed.to_bytes(length, "big") + b"%/2\xff\x80tail\x1b$")


def test_window_is_wanted_by_its_id() -> None:
    assert Wanted(["0x1400003"]).has(0x1400003, ())
    assert not Wanted(["0x1400003"]).has(1, ("weather",))
