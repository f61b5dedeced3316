"""Who calls pixelflux's API: programs, of ours or the real one, and our capture in this process."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from program import ROOT
from stripepictures import Canvas, psnr, scene

from webcapd.compat.pixelflux import CaptureSettings, ScreenCapture, StripeFrame

WIDTH, HEIGHT = 640, 360

OURS = "webcapd.compat.pixelflux"


@contextlib.contextmanager
def running(
    program: str, folder: Path, module: str, *arguments: object
) -> Iterator["subprocess.Popen[str]"]:
    """Run a program of tests/, with nothing changed but what it imports pixelflux's names from."""
    text = (ROOT / "tests" / program).read_text()
    path = folder / f"{module}.{program}"
    path.write_text(text.replace("from pixelflux import", f"from {module} import"))
    process = subprocess.Popen(
        [sys.executable, path, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class Capture:
    """Our capture in this process, and what it gave."""

    def __init__(self, **settings: object) -> None:
        self.settings = CaptureSettings()
        self.settings.target_fps = 60
        for name, value in settings.items():
            setattr(self.settings, name, value)
        self.screen = ScreenCapture()
        self.canvas = Canvas(WIDTH, HEIGHT)
        self.frames: list[StripeFrame] = []
        self.at_work: Callable[[], object] = lambda: None

    def on_stripe(self, frame: StripeFrame) -> None:
        self.frames.append(frame)
        head, top, height = (6, 12)[frame.data_type], frame.stripe_y_start, frame.stripe_height
        self.canvas.show(top, height, bytes(frame)[head:], frame.data_type == 1)
        self.at_work()

    def start(self) -> None:
        self.screen.start_capture(self.on_stripe, self.settings)

    def shows(self, seed: int) -> bool:
        return psnr(self.canvas.pixels, scene(WIDTH, HEIGHT, seed)) >= 33
