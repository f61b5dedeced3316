"""Recorders that are killed at any moment."""

import json
import random
import tempfile
import time
from pathlib import Path

from program import Webcapd
from recordings import decoded
from soak import scenario

CLUSTER = b"\x1f\x43\xb6\x75"
NOISE = "pattern:noise,size=160x120"


def killed(arguments: tuple[str, ...], word: str, seconds: float) -> None:
    """Run webcapd, and kill it some time after it has said something."""
    program = Webcapd(*arguments)
    try:
        program.wait_for_line(lambda line: word in line)
        time.sleep(seconds)
    finally:
        program.process.kill()
        program.ended()


def check(folder: Path, kind: str) -> int:
    """See that everything plays; gives how many files there are."""
    files = [path for path in folder.glob(f"*.{kind}") if path.name != "latest.jpg"]
    for path in files:
        data = path.read_bytes()
        # Killed before its first second was over, it has nothing yet, or not even a head.
        is_empty = kind == "mkv" and not data
        assert is_empty or decoded(path) or (kind == "mkv" and CLUSTER not in data), path
    return len(files)


@scenario("recording-kills", 100)
def recording_kills(count: int) -> str:
    """Kill recorders and servers that record, at any moment: what was written plays."""
    chance, found = random.Random(count), 0
    with tempfile.TemporaryDirectory() as name:
        for number in range(count):
            kind = ("mkv", "mkv", "jpg")[number % 3]
            folder = Path(name) / kind
            folder.mkdir(exist_ok=True)
            foreign = folder / f"00000000-foreign.{kind}"
            foreign.write_bytes(b"another's")
            limits = ("--record-format", kind, "--segment", "1s", "--max-files", "50")
            more = (*limits, "--min-free", "0")
            if number % 2:
                arguments: tuple[str, ...] = ("record", NOISE, "-o", str(folder), *more)
                word = "recording "
            else:
                served = ("--port", "0", "--source", NOISE)
                arguments, word = (*served, "--record", str(folder), *more), "serving "
            killed(arguments, word, chance.uniform(0, 2.5))
            assert foreign.read_bytes() == b"another's"
            foreign.unlink()
            found += check(folder, kind)
            for path in folder.glob(f"*.{kind}"):
                if number % 3 == 2:
                    path.unlink()
        left = Path(name) / "mkv"
        # The next one lists what they left, and keeps as much as it may.
        program = Webcapd(
            *("record", NOISE, "-o", str(left), "--max-files", "2", "--min-free", "0", "-c", "5")
        )
        assert program.ended() == 0, program.lines
        lines = (left / ".webcapd-record").read_bytes().splitlines()
        listed = {json.loads(line)["file"] for line in lines}
        assert len([path for path in left.glob("*.mkv") if path.name in listed]) == 2
    return f"{found} files, all of which play"
