"""``webcapd export FILE OUT.mp4``: makes of a recording what every browser plays, by ffmpeg."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from webcapd.app.parser import Parser
from webcapd.app.standarderror import fail, say
from webcapd.base.redaction import one_line

# As in app/program.py, which loads more than it takes to start ffmpeg.
_NOT_STARTED, _NOT_WRITTEN = 1, 3

_FFMPEG = ("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-n")
# Each frame at its very time; an even size, and colours that browsers decode in hardware.
_VIDEO = (
    *("-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-an", "-c:v", "libx264"),
    *("-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2:out_range=tv,format=yuv420p"),
    # Without frames that are decoded out of order: ffmpeg 7 writes a length that ends with the
    # last time of decoding, which with them may be many seconds before the last frame is shown.
    *("-preset", "fast", "-crf", "20", "-bf", "0", "-movflags", "+faststart", "-f", "mp4"),
)


def prepare(arguments: Sequence[str]) -> Callable[[], int]:
    """See registry.py."""
    parser = Parser(
        prog="webcapd export",
        usage="webcapd export FILE.mkv OUT.mp4",
        description="Make an .mp4 of a recording, with the times as they were, by ffmpeg.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE.mkv", help="a recording")
    parser.add_argument("out", metavar="OUT.mp4", help="what is made; it must not exist")
    given = parser.parse_all(arguments)
    file, out = Path(given.file), Path(given.out)
    if file.suffix.lower() != ".mkv":
        parser.error(f"{file} does not end in .mkv: only such recordings have the times in them")
    if out.suffix.lower() != ".mp4":
        parser.error(f"{out} does not end in .mp4, which is what is made")
    return partial(_export, file, out)


def _export(file: Path, out: Path) -> int:
    if not file.is_file():
        return fail(f"there is no recording {file}", _NOT_STARTED)
    if shutil.which("ffmpeg") is None:
        return fail("export needs ffmpeg (on Debian and Ubuntu: apt install ffmpeg)", _NOT_STARTED)
    if os.path.lexists(out):
        return fail(f"{out} exists already", _NOT_WRITTEN)
    part = out.with_name(f".{out.name}.part")
    # Ctrl-C goes to ffmpeg, too: what it leaves is removed here.
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        done = _run_ffmpeg(file, part)
        if done.returncode == 0:
            os.link(part, out)
            say(f"{out} is made of {file}")
            return 0
    except OSError as error:
        return fail(f"{out} cannot be written: {error.strerror}", _NOT_WRITTEN)
    finally:
        part.unlink(missing_ok=True)
    said = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
    is_unwritten = any(str(part) in line or "No space left" in line for line in said)
    reason = one_line(said[-1].replace(str(part), str(out)))
    return fail(f"ffmpeg: {reason}", _NOT_WRITTEN if is_unwritten else _NOT_STARTED)


def _run_ffmpeg(file: Path, part: Path) -> "subprocess.CompletedProcess[str]":
    part.touch(exist_ok=True)
    part.unlink()
    # Names may begin with a dash, or like a protocol.
    command = [*_FFMPEG, "-i", f"file:{file}", *_VIDEO, f"file:{part}"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _, said = process.communicate()
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, "", said)
