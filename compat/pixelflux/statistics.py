"""What has been delivered since a start: numbers under the names that 2.x has for them."""

import threading

from webcapd.encoder.stripes.stripe import StripedFrame


class Statistics:
    """Counts frames; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # All guarded by _lock:
        self._frames = self._bytes = self._encode = self._pipeline = 0
        self._extremes: list[int] = []
        """Least and most nanoseconds of a frame, and its most bytes, since they were read."""

    def note(self, frame: StripedFrame) -> None:
        """Count a frame that is delivered."""
        size = sum(len(stripe.data) for stripe in frame.stripes)
        took = frame.ended - frame.captured
        with self._lock:
            self._frames += 1
            self._bytes += size
            self._encode += frame.ended - frame.begun
            self._pipeline += took
            least, most, largest = self._extremes or (took, took, 0)
            self._extremes = [min(least, took), max(most, took), max(largest, size)]

    def read(self) -> dict[str, int]:
        """Give all that was counted: times in nanoseconds, extremes since the last call."""
        with self._lock:
            least, most, largest = self._extremes or (0, 0, 0)
            self._extremes = []
            return {
                "frames": self._frames,
                "bytes": self._bytes,
                "encode_ns": self._encode,
                "pipeline_ns": self._pipeline,
                "pipeline_min_ns": least,
                "pipeline_max_ns": most,
                "frame_max_bytes": largest,
            }
