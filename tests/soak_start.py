"""Signals in the first moments of a webcapd."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from processes import descendants, outlived
from program import READY, ROOT, TIMEOUT
from soak import scenario

COMMAND = [sys.executable, "-P", str(ROOT / "webcapd.py"), "--port", "0", "--virtual", "64x64"]

# By then it serves, on a machine with nothing else to do.
LATEST_SECONDS = 0.8


def has_handler(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.split("SigCgt:")[1].split()[0], 16) >> (number - 1) & 1)


@scenario("signal-at-start", 200)
def signal_at_start(count: int) -> str:
    """End a webcapd in its first moments, by either signal: quietly, and with its display."""
    generator = random.Random(1)
    served = 0
    for number in range(count):
        process = subprocess.Popen(
            [*COMMAND, "--", "sleep", "1000"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            # Python itself takes some 20 ms before it comes to our first line.
            while not has_handler(process.pid, signal.SIGTERM):
                time.sleep(0.001)
            time.sleep(generator.uniform(0, LATEST_SECONDS))
            with outlived(*descendants(process.pid).values()):
                process.send_signal(signal.SIGINT if number % 2 else signal.SIGTERM)
                _, said = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
        assert process.returncode == 0, (process.returncode, said)
        assert all(READY.match(line) for line in said.splitlines()), said
        served += bool(said)
    return f"all ended quietly, {served} of them when they served already"
