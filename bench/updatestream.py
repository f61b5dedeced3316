"""A stream of updates made from pictures one after the other, as the server would make it."""

from collections.abc import Sequence

import cv2
import numpy as np

from picture import Pixels
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates import records
from webcapd.encoder.updates.difference import (
    CopySearch,
    Difference,
    composed,
    copy_records,
    difference,
)
from webcapd.encoder.updates.jpegpack import TileBlock, shared_header, tile_blocks
from webcapd.encoder.updates.pixels import changed

_MCU = 16


class Tiles:
    """A picture's grid of tiles: as many equal columns of MCUs as go, six at most."""

    def __init__(self, width: int, height: int) -> None:
        across = -(-width // _MCU)
        self.width, self.height = width, height
        self.interval = next(across // c for c in range(6, 0, -1) if across % c == 0)
        """MCUs in a tile."""

    def rect(self, block: TileBlock) -> Rectangle:
        wide = self.interval * _MCU
        x, y = block.left * wide, block.top * _MCU
        right = min((block.right + 1) * wide, self.width)
        return Rectangle(x, y, right - x, min((block.bottom + 1) * _MCU, self.height) - y)

    def touched(self, rects: Sequence[Rectangle]) -> list[TileBlock]:
        wide = self.interval * _MCU
        return tile_blocks(
            (row, column)
            for rect in rects
            for row in range(rect.y // _MCU, -(-rect.bottom // _MCU))
            for column in range(rect.x // wide, -(-rect.right // wide))
        )

    def differing(self, old: Pixels, new: Pixels) -> list[Rectangle]:
        """List the tiles that differ: what hashes tell the server."""
        mask = changed(old, new)
        tall, wide = -self.height % _MCU, -self.width % (self.interval * _MCU)
        padded = np.pad(mask, ((0, tall), (0, wide)))
        down, across = padded.shape[0] // _MCU, padded.shape[1] // (self.interval * _MCU)
        grid = padded.reshape(down, _MCU, across, -1).max((1, 3))
        return [
            self.rect(TileBlock(row, row, column, column))
            for row, column in np.argwhere(grid).tolist()
        ]


class UpdateStream:
    """Makes the records; ``known`` is the picture that readers have, but for JPEG's error."""

    def __init__(
        self,
        first: Pixels,
        quality: int = 75,
        search: CopySearch | None = None,
        budget: int | None = None,
    ) -> None:
        self.known = np.zeros_like(first)
        self.tiles = Tiles(first.shape[1], first.shape[0])
        self.sequence = 0
        self._search, self._budget = search, budget
        self._parameters = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_RST_INTERVAL]
        self._parameters.append(self.tiles.interval)
        head = shared_header(self.coded(np.zeros((_MCU, _MCU, 4), np.uint8)))
        self.begin = b"".join((
            records.hello({"run": "0123456789abcdef", "form": "", "server": "", "name": "",
                           "display": ":0", "keepalive": 9}),
            records.state(True),
            records.geometry(first.shape[1], first.shape[0]),
            records.jpeg_header(0, head.size_at, head.interval_at, head.data),
        ))  # fmt: skip
        self.last = Difference([], [], [])
        """What the last update was made of."""
        self.jpegs: list[tuple[Rectangle, bytes]] = []
        """The same, of what went as JPEG."""

    def whole(self, new: Pixels) -> bytes:
        """Send everything, to a reader that has nothing yet."""
        full = Rectangle(0, 0, self.tiles.width, self.tiles.height)
        self.known[:] = new
        return self._records(new, composed(new, [full]))

    def update(self, new: Pixels, candidates: Sequence[Rectangle] | None = None) -> bytes:
        """Send what changed, within the candidates if given, and a mark."""
        if candidates is None:
            candidates = self.tiles.differing(self.known, new)
        found = difference(self.known, new, candidates, self._search, self._budget)
        return self._records(new, found)

    def _records(self, new: Pixels, found: Difference) -> bytes:
        self.last = found
        blocks = map(self.tiles.rect, self.tiles.touched(found.lossy))
        self.jpegs = [(rect, self.coded(rect.of(new))) for rect in blocks]
        self.sequence += 1
        return b"".join((
            *copy_records(found.copies),
            *(self._jpeg(rect, coded) for rect, coded in self.jpegs),
            *(record for _, record in found.exact),
            records.mark(self.sequence, 0.0),
        ))  # fmt: skip

    def _jpeg(self, rect: Rectangle, coded: bytes) -> bytes:
        scan = coded[len(shared_header(coded).data) : -2]
        return records.jpeg(rect, 0, self.tiles.interval, scan)

    def coded(self, pixels: Pixels) -> bytes:
        """Encode pixels as JPEG, with an interval a tile."""
        done, coded = cv2.imencode(".jpg", pixels, self._parameters)
        assert done
        return coded.tobytes()
