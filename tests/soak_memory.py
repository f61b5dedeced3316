"""Memory that is given back."""

import random
import subprocess
import time

import numpy as np
from program import webcapd
from resizing import resize
from soak import scenario
from textured import texture
from waiting import wait_until
from xserver import xvfb

# Of the memory before, so much may be more after.
_MORE = 1.2

_SIZE = (1280, 800)


def resident(pid: int) -> int:
    """Megabytes that a process has in memory (RSS)."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024


@scenario("resizes", 1800)
def resizes(count: int) -> str:
    """Give a watched screen another size COUNT times, then the first one: memory is given back."""
    generator = random.Random(1)
    with xvfb(*_SIZE) as server, server.connected() as display:
        root = display.screen().root
        root.change_attributes(background_pixmap=texture(display, np.random.default_rng(1)))
        root.clear_area()
        resize(display, *_SIZE)
        with webcapd("--display", server.name) as program:
            viewer = subprocess.Popen(["curl", "-sNo", "/dev/null", f"{program.url}?stream"])
            try:

                def looks() -> int:
                    return int(program.info()["capture"]["looks"])

                wait_until("it is watched", looks)
                for _ in range(5):
                    resize(display, *_SIZE)
                    root.clear_area()
                    display.sync()
                    time.sleep(0.1)
                before = resident(program.process.pid)
                for _ in range(count):
                    resize(display, generator.randrange(640, 1281), generator.randrange(480, 801))
                    time.sleep(0.03)
                resize(display, *_SIZE)
                seen = looks()
                wait_until("it is seen", lambda: looks() > seen)
                time.sleep(1.5)
                after = resident(program.process.pid)
                assert after <= before * _MORE, (before, after)
                return f"{before} MB before, {after} MB after"
            finally:
                viewer.terminate()
                viewer.wait()
