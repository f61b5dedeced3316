"""A desktop to be photographed, drawn so that it is always the same: editor, chart, terminal."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from program import ROOT
from xserver import Pixels

Colour = tuple[int, int, int]

INK: Colour = (205, 214, 226)
DIM: Colour = (120, 134, 152)
WORDS: dict[str, Colour] = dict.fromkeys(
    ("def", "return", "if", "for", "in", "class", "import", "from", "not", "else", "None"),
    (238, 153, 109),
)


def desktop(width: int = 1280, height: int = 800, hue: int = 0) -> Pixels:
    """Draw it, as B, G, R; ``hue`` tells one such screen from another."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        part = y / height
        base = [(24, 58, 84), (52, 38, 84), (28, 70, 58), (84, 48, 34)][hue % 4]
        draw.line([(0, y), (width, y)], tuple(int(c * (1.15 - 0.6 * part)) for c in base))
    _editor(draw, (40, 36, width * 58 // 100, height - 60))
    _chart(draw, (width * 61 // 100, 36, width - 40, height * 46 // 100), hue)
    _terminal(draw, (width * 61 // 100, height * 50 // 100, width - 40, height - 60))
    draw.rectangle((0, height - 32, width, height), (20, 24, 31))
    draw.text((16, height - 25), "Applications   Places", INK, _font(14))
    draw.text((width - 130, height - 25), "Sat 21 Nov  20:51", INK, _font(14))
    return np.ascontiguousarray(np.asarray(image)[..., ::-1])


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _window(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], title: str, fill: Colour
) -> tuple[int, int]:
    """Draw a window; gives where its contents begin."""
    left, top, right, bottom = box
    draw.rounded_rectangle((left, top, right, bottom), 8, fill)
    draw.rounded_rectangle((left, top, right, top + 30), 8, (44, 50, 60))
    draw.rectangle((left, top + 20, right, top + 30), (44, 50, 60))
    for index, colour in enumerate(((237, 106, 94), (245, 191, 79), (98, 197, 84))):
        x = right - 22 * (index + 1)
        draw.ellipse((x, top + 9, x + 12, top + 21), colour)
    draw.text((left + 14, top + 7), title, INK, _font(14))
    return left + 16, top + 42


def _editor(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    x, y = _window(draw, box, "framebuffer.py", (27, 31, 39))
    lines = (ROOT / "capture" / "framebuffer.py").read_text().splitlines()
    font = _font(14)
    for number, line in enumerate(lines[: (box[3] - y - 10) // 20], 1):
        draw.text((x + 22, y), str(number), (84, 95, 112), font, anchor="ra")
        at = x + 36 + 8 * (len(line) - len(line.lstrip()))
        for word in line.split():
            colour = DIM if line.lstrip().startswith(("#", '"')) else WORDS.get(word, INK)
            if at + draw.textlength(word, font) > box[2] - 10:
                break
            draw.text((at, y), word, colour, font)
            at += int(draw.textlength(word, font)) + 6
        y += 20


def _chart(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], hue: int) -> None:
    left, top = _window(draw, box, "Furnace 2", (250, 250, 252))
    right, bottom = box[2] - 16, box[3] - 16
    for row in range(6):
        y = top + (bottom - top) * row // 5
        draw.line([(left, y), (right, y)], (222, 226, 232))
    for series, colour in enumerate(((31, 111, 235), (218, 98, 33))):
        points = []
        for step in range(0, right - left, 4):
            wave = math.sin(step / (38 + 9 * series) + series * 2 + hue) * math.exp(-step / 420)
            middle = (top + bottom) / 2 + 18 * series
            points.append((left + step, middle - wave * (bottom - top) * 0.42))
        draw.line(points, colour, 3)


def _terminal(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    x, y = _window(draw, box, "Terminal", (16, 18, 22))
    lines = ["$ make check", "format    ok", "types     ok", "tests     3441 passed", "$ _"]
    for line in lines:
        colour = (127, 210, 140) if line.endswith(("ok", "passed")) else INK
        draw.text((x, y), line, colour, _font(16))
        y += 26
