"""The JPEG data of tiles, kept while the tiles look like them."""

from __future__ import annotations

from webcapd.base.process.late import NDArray, np
from webcapd.capture.picture import Picture
from webcapd.encoder.jpeg.tiles import TileEncoder
from webcapd.encoder.updates import records
from webcapd.encoder.updates.jpegpack import TileBlock, join_scan, shared_header
from webcapd.encoder.updates.state.coded import Coded
from webcapd.encoder.updates.state.grid import Mask, TileGrid


class Scans:
    """Codes tiles as JPEG, and makes records of what is coded.  Encoder thread only."""

    def __init__(self, grid: TileGrid, encoder: TileEncoder, longest: int) -> None:
        """``longest`` is how many bytes the scan of a JPEG record has at most, but for one row."""
        self._grid, self._encoder, self._longest = grid, encoder, longest
        self._scans = [[b""] * grid.columns for _ in range(grid.rows)]
        """Of each tile, its JPEG data if it looks like them; nothing if none were made."""
        self.qualities: NDArray[np.uint8] = np.zeros(grid.shape, np.uint8)
        """Their quality; 0 where there are none."""

    def header(self, quality: int, picture: Picture) -> bytes:
        """Give the record of the header of all JPEG rectangles of a quality."""
        head = shared_header(self._encoder.header(picture, self._grid.params(quality)))
        return records.jpeg_header(quality, head.size_at, head.interval_at, head.data)

    def drop(self, mask: Mask) -> None:
        """Note that tiles look different now."""
        self.qualities[mask] = 0

    def encode(self, mask: Mask, quality: int, picture: Picture) -> Coded:
        """Code tiles as JPEG, keep that, and give the records."""
        strips = self._grid.strips(mask)
        if strips:
            coded = self._encoder.encode(picture, strips, self._grid.params(quality))
            for strip, scans in coded.items():
                self._scans[strip.band][strip.first : strip.last + 1] = scans
            self.qualities[mask] = quality
        return Coded(self._records(mask, quality), {quality} if strips else ())

    def joined(self, mask: Mask) -> Coded:
        """Give the records of tiles that are coded."""
        coded = Coded()
        for quality in np.unique(self.qualities[mask]).tolist():
            some = mask & (self.qualities == quality)
            coded += Coded(self._records(some, quality), {quality})
        return coded

    def _records(self, mask: Mask, quality: int) -> list[bytes]:
        """Give the records of tiles that are coded at one quality."""
        blocks_of = self._grid.blocks(mask)
        return [made for block in blocks_of for made in self._block_records(block, quality)]

    def _block_records(self, block: TileBlock, quality: int) -> list[bytes]:
        """Give the record of a block, or several where one would be longer than it may be."""
        rows = self._scans[block.top : block.bottom + 1]
        scan = join_scan([row[block.left : block.right + 1] for row in rows])
        if len(scan) > self._longest and block.top < block.bottom:
            middle = (block.top + block.bottom) // 2
            upper, lower = block._replace(bottom=middle), block._replace(top=middle + 1)
            return self._block_records(upper, quality) + self._block_records(lower, quality)
        return [records.jpeg(self._grid.rect(block), quality, self._grid.interval, scan)]
