"""What is in a recording, as ffprobe and ffmpeg see it."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from program import TIMEOUT

from webcapd.encoder.frame import Frame


class Probed(NamedTuple):
    """A file of video."""

    codec: str
    width: int
    height: int
    times: list[float]
    """When each frame is shown, in seconds."""
    duration: float | None
    """What the file says of its length."""


def ffprobe(path: Path | str, *arguments: str) -> Any:
    command = ["ffprobe", "-v", "error", "-of", "json", *arguments, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    return json.loads(done.stdout)


def probe(path: Path | str) -> Probed:
    found = ffprobe(path, "-show_streams", "-show_packets", "-show_format")
    (stream,) = found["streams"]
    times = [float(packet["pts_time"]) for packet in found["packets"]]
    duration = found["format"].get("duration")
    return Probed(
        stream["codec_name"],
        stream["width"],
        stream["height"],
        times,
        None if duration is None else float(duration),
    )


def decoded(path: Path | str) -> int:
    """Decode all frames of a file; gives how many.  Raises where there is none."""
    command = ["ffmpeg", "-v", "quiet", "-stats", "-i", str(path)]
    done = subprocess.run(
        [*command, "-fps_mode", "passthrough", "-progress", "-", "-f", "null", "-"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    return int([line for line in done.stdout.splitlines() if line[:6] == "frame="][-1][6:])


def frame(data: bytes, number: int = 0, width: int = 64, height: int = 48) -> Frame:
    return Frame(number, data, "image/jpeg", width, height, 90, 0.0, 0.0)
