"""The cheapest way to send a rectangle exactly, if there is one that is cheap.

Measured, with letters of DejaVu Sans Mono at 13 pixels, as Pillow draws them: a black
letter takes 69 bytes as palette and packed indices, 47 as deflated greys; one in red on
blue-black 117 and, with palette and indices deflated as one, the palette as
differences, 83.  A PNG of few colours is twice a deflated palette; it is for what has
many colours and is yet smooth.
"""

import zlib

from webcapd.base.process.late import cv2, np
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates import palette, records
from webcapd.encoder.updates.pixels import Pixels, Words, colours

# So small, everything is tried: it takes less than a tenth of a millisecond.
_SMALL = 1024
# Many colours, yet not a photograph: so many pixels of a hundred are as the one beside them,
_ALIKE_PERCENT = 70
# and so many go into a byte.  Text with subpixels takes 7, mixed with a photograph 1 to 3.
_PIXELS_A_BYTE = 4


def encode(rect: Rectangle, pixels: Pixels, quick: bool = False) -> bytes | None:
    """Give the record that sends these pixels exactly; None: leave it to JPEG.

    ``quick`` leaves out what takes a millisecond a cell: many colours.
    """
    values = colours(pixels)
    found = palette.palette_of(values)
    if found is None:
        best = None if quick and rect.area > _SMALL else _of_many(rect, pixels, values)
    elif len(found[0]) == 1:
        best = records.fill(rect, int(found[0][0]).to_bytes(3, "big"))
    else:
        best = _of_few(rect, *found)
    return best


def _of_few(rect: Rectangle, known: Words, indices: palette.Bytes) -> bytes:
    """Try a palette, and if the pixels are few and grey, the greys as they are."""
    count, grey = len(known), palette.is_grey(known)
    planes = palette.colour_planes(known, grey)
    kind = records.GREY if grey else 0
    bits = palette.bits_of(count)
    # Deflate works on bytes: indices that are not whole parts of one hide repetition.
    even = next(one for one in (1, 2, 4, 8) if one >= bits)
    tries = [(even, True)]
    if rect.area <= _SMALL:
        tries += [(bits, False), (bits, True)] if bits != even else [(bits, False)]
    made = []
    for size, deflated in tries:
        data = planes + palette.pack(indices, size)
        flags = kind | size | (records.DEFLATED if deflated else 0)
        made.append(records.palette(rect, flags, count, _deflate(data) if deflated else data))
    if grey and rect.area <= _SMALL:
        greys = (known & 255).astype(np.uint8).take(indices).tobytes()
        made.append(records.raw(rect, records.GREY | records.DEFLATED, _deflate(greys)))
    return min(made, key=len)


def _of_many(rect: Rectangle, pixels: Pixels, values: Words) -> bytes | None:
    """Try what suits text of many colours and gradients, if it is that."""
    rows = values[:: max(1, rect.height // 8)]
    alike = np.count_nonzero(rows[:, 1:] == rows[:, :-1])
    if rect.width == 1 or alike * 100 < rows[:, 1:].size * _ALIKE_PERCENT:
        return None
    rgb = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB)
    best = records.raw(rect, records.DEFLATED, _deflate(rgb.tobytes()))
    if len(best) < rect.area:
        done, data = cv2.imencode(".png", pixels[:, :, :3], [cv2.IMWRITE_PNG_COMPRESSION, 3])
        best = min(best, records.png(rect, data.tobytes()), key=len) if done else best
    return best if len(best) * _PIXELS_A_BYTE <= rect.area else None


def _deflate(data: bytes) -> bytes:
    # A small window is set up sooner.
    small = len(data) <= 2048
    compressor = zlib.compressobj(6, zlib.DEFLATED, -11 if small else -15, 5 if small else 8)
    return compressor.compress(data) + compressor.flush()
