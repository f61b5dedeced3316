"""One file of video while it is written: MJPEG in Matroska, or JPEG after JPEG."""

import os
from collections.abc import Callable

from webcapd.encoder.frame import Frame
from webcapd.outputs.recording import matroska
from webcapd.outputs.recording.matroska import CuePoint

Write = Callable[[bytes], None]
"""Writes bytes to the end of the file, all of them, or raises OSError."""

# So much of a file is in one cluster, and can be lost by a kill.
CLUSTER_SECONDS = 1.0
# A rest at the end that is shorter than this is no rest, but the time of the last frame.
_MIN_REST_SECONDS = 0.05


class VideoFile:
    """A file of video; for one thread.  Its functions raise OSError.

    Moments are in seconds of CLOCK_MONOTONIC.
    """

    def __init__(self, descriptor: int, write: Write, is_matroska: bool, is_ours: bool) -> None:
        """Take a new file, which is ended by close() or abandon().

        If it ``is_ours``, these close the descriptor; else it is only written to, from where it
        is to its end.
        """
        self._descriptor, self._write_bytes, self._is_matroska = descriptor, write, is_matroska
        self._is_ours = is_ours
        self._header: matroska.Header | None = None
        self._points: list[CuePoint] = []
        self._waiting: list[tuple[float, bytes]] = []
        """Frames that are not written yet: seconds, and their bytes."""
        self.began = 0.0
        self.last: Frame | None = None
        self.last_at = 0.0
        self.size = 0
        """Bytes that were written whole."""
        self.waiting_bytes = 0

    def begin(self, frame: Frame, at: float, wall: float) -> None:
        """Write what stands before the first frame; ``wall`` is ``at`` in CLOCK_REALTIME."""
        self.began = self.last_at = at
        if self._is_matroska:
            self._header = matroska.header(frame.width, frame.height, wall)
            self._write(self._header.data)

    def add(self, frame: Frame, at: float) -> None:
        """Take a frame that was seen from a moment on."""
        # A moment has one frame, and none comes before the one before.
        at = max(at, self.last_at + (0.001 if self.last is not None else 0.0))
        seconds = at - self.began
        if self._waiting and seconds - self._waiting[0][0] > CLUSTER_SECONDS:
            self.flush()
        self._waiting.append((seconds, frame.data))
        self.waiting_bytes += len(frame.data)
        self.last, self.last_at = frame, at

    def flush(self) -> None:
        """Write all frames there are."""
        if not self._waiting:
            return
        frames, self._waiting, self.waiting_bytes = self._waiting, [], 0
        if self._is_matroska:
            self._points.append(CuePoint(frames[0][0], self.size))
            self._write(*matroska.cluster(frames))
            self.set_duration(frames[-1][0])
        else:
            self._write(*(jpeg for _, jpeg in frames))

    def set_duration(self, seconds: float) -> None:
        """Have the file say how long it is so far, for the case that nobody ends it."""
        self._overwrite(lambda head: (head.duration_at, matroska.duration(seconds)))

    def is_deleted(self) -> bool:
        return self._is_ours and os.fstat(self._descriptor).st_nlink == 0

    def close(self, at: float, repeats: bool) -> None:
        """Complete the file, which shows its last frame up to a moment if it ``repeats`` that."""
        try:
            rests = at - self.last_at >= _MIN_REST_SECONDS
            if repeats and rests and self.last is not None and self._is_matroska:
                self.add(self.last, at)
            self.flush()
            if self._header is not None and self._is_ours:
                self._complete(self._header)
        except OSError:
            self.abandon()
            raise
        self._close()

    def _complete(self, head: matroska.Header) -> None:
        """Write what is known only at the end."""
        cues_at = self.size
        self._write(matroska.cues(self._points, head))
        self._overwrite(lambda head: (head.seek_at, matroska.seek_head(cues_at, head)))
        size = matroska.segment_size(self.size, head)
        self._overwrite(lambda head: (head.segment_size_at, size))

    def abandon(self) -> None:
        """End the file where it was whole; raises nothing."""
        try:
            if self._is_ours:
                os.ftruncate(self._descriptor, self.size)
        except OSError:
            pass  # It plays with a cut frame at its end, too.
        finally:
            self._close()

    def _close(self) -> None:
        if self._is_ours:
            os.close(self._descriptor)

    def _write(self, *pieces: bytes) -> None:
        # Joined, it would be another second of film in memory, in fresh pages.  But what may have
        # to wait for a reader, and gives up at the end, is to do so once.
        for piece in pieces if self._is_ours else [b"".join(pieces)]:
            self._write_bytes(piece)
        self.size += sum(map(len, pieces))

    def _overwrite(self, change: Callable[[matroska.Header], tuple[int, bytes]]) -> None:
        if self._header is not None and self._is_ours:
            place, data = change(self._header)
            os.pwrite(self._descriptor, data, place)
