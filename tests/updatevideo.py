"""The reference reader of update streams with video: fragmented MP4, decoded by PyAV."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from updatepixels import UpdateError, need
from updatereader import FIELDS, MOST, UpdateReader

VIDEO_FIELDS = {"V": "B4H", "H": "BB", "T": "B"}

Box = tuple[bytes, bytes]

# What a sample entry has before its boxes.
_AVC1_FIELDS = 78


class Video:
    """One video, from V to T: the rectangle it shows, and what it shows there."""

    def __init__(self, number: int, rect: tuple[int, int, int, int], segment: bytes) -> None:
        need(rect[2] % 2 == rect[3] % 2 == 0, "a video has an odd side")
        self.number, self.rect, self.frames = number, rect, 0
        self.pixels: Any = np.zeros((0, 0, 3), np.uint8)
        self._at: int | None = None
        """The decode time at which the next frame begins."""
        need([kind for kind, _ in boxes(segment)] == [b"ftyp", b"moov"], "a video has no header")
        track = inside(segment, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")[8:]
        config = inside(inside(track, b"avc1")[_AVC1_FIELDS:], b"avcC")
        need(config[0] == 1 and config[4] & 3 == 3, "avcC is unknown, or lengths have not 4 bytes")
        self.codec = f"avc1.{config[1:4].hex()}"
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.extradata, self._decoder.thread_count = config, 1

    def take(self, is_key: bool, segment: bytes) -> None:
        """Decode one frame, which must come out at once; raises UpdateError."""
        found = dict(boxes(segment))
        need(list(found) == [b"moof", b"mdat"], "a frame is no moof and mdat")
        need(is_key or self._at is not None, "a video begins without a key frame")
        fragment = inside(found[b"moof"], b"traf")
        at = int.from_bytes(inside(fragment, b"tfdt")[4:], "big")
        need(self._at in (None, at), "a frame does not begin where the one before ends")
        self._at = at + sample_duration(inside(fragment, b"tfhd"), inside(fragment, b"trun"))
        need(self._at > at, "a frame has no duration")
        try:
            frames = self._decoder.decode(av.Packet(found[b"mdat"]))
        except av.FFmpegError as error:
            raise UpdateError(f"a frame cannot be decoded: {error}") from error
        need(len(frames) == 1, f"{len(frames)} frames came out of one")
        need(frames[0].key_frame == is_key, "a key frame is none, or is not said to be one")
        need((frames[0].width, frames[0].height) == self.rect[2:], "a frame is of another size")
        self.pixels = frames[0].to_ndarray(format="rgb24")
        self.frames += 1

    def overlaps(self, x: int, y: int, width: int, height: int) -> bool:
        left, top, wide, high = self.rect
        return x < left + wide and left < x + width and y < top + high and top < y + height


def boxes(data: bytes) -> Iterator[Box]:
    """Give the boxes that data consist of (ISO 14496-12, 4.2)."""
    while data:
        size = int.from_bytes(data[:4], "big")
        need(8 <= size <= len(data), "a box ends behind its record")
        yield data[4:8], data[8:size]
        data = data[size:]


def inside(data: bytes, *path: bytes) -> bytes:
    """Give what is in the box that a path of types leads to."""
    for kind in path:
        data = next((body for found, body in boxes(data) if found == kind), b"")
        need(data, f"a box {kind!a} is missing")
    return data


def sample_duration(header: bytes, run: bytes) -> int:
    """Give how long the only sample of a fragment is (ISO 14496-12, 8.8.7 and 8.8.8)."""
    flags = int.from_bytes(run[1:4], "big")
    need(int.from_bytes(run[4:8], "big") == 1, "a fragment has not one sample")
    if flags & 0x100:
        at = 8 + 4 * bool(flags & 1) + 4 * bool(flags & 4)
        return int.from_bytes(run[at : at + 4], "big")
    flags = int.from_bytes(header[1:4], "big")
    need(flags & 8, "a frame has no duration")
    at = 8 + 8 * bool(flags & 1) + 4 * bool(flags & 2)
    return int.from_bytes(header[at : at + 4], "big")


class VideoReader(UpdateReader):
    """What asks for video=1 reads with this."""

    fields = FIELDS | VIDEO_FIELDS
    most = MOST | {"V": 0xFFFF, "T": 1}
    video: Video | None = None

    def begin(self) -> None:
        super().begin()
        self.video = None
        self._begin_update()

    def _begin_update(self) -> None:
        # What came last, and where copies wrote and read.
        self._stage, self._places, self._has_frame = 0, list[Any](), False

    def _take(self, kind: str, rest: bytes, *fields: Any) -> None:
        if kind in "CTVHJFLRN":
            stage = {"C": 0, "T": 1, "V": 2}.get(kind, 3)
            need(self._stage <= stage, f"a {kind} is out of order")
            self._stage = stage
        if kind in "VHT":
            self._take_video(kind, rest, *fields)
            return
        if kind == "C":
            self._places += [fields[:4], (*fields[4:], *fields[2:4])]
            self._check_copies()
        elif kind == "G":
            self.video = None
        elif kind == "E":
            self._show(is_partial=fields[1])
        super()._take(kind, rest, *fields)
        if kind == "E":
            self._begin_update()

    def _take_video(self, kind: str, rest: bytes, number: int, *fields: Any) -> None:
        if kind == "V":
            need(self.video is None, "a video begins while another one lasts")
            self._area(*fields)
            self.video = Video(number, fields, rest)
            self._check_copies()
            return
        need(self.video is not None and self.video.number == number, "there is no such video")
        assert self.video is not None
        if kind == "H":
            need(fields[0] < 2 and not self._has_frame, "a flag is unknown, or it is a second H")
            self.video.take(bool(fields[0]), rest)
            self._has_frame = True
        else:
            self._area(*self.video.rect)[:] = self.video.pixels
            self.video = None

    def _check_copies(self) -> None:
        for place in self._places:
            need(not self.video or not self.video.overlaps(*place), "a copy is part of a video")

    def _show(self, is_partial: bool) -> None:
        need(not (is_partial and self._has_frame), "a partial update has a frame of a video")
        if self.video is not None:
            need(self.video.frames, "a video begins without a frame")
            self._area(*self.video.rect)[:] = self.video.pixels
