"""Our capture by pixelflux's API of 2.x, in this process, and what it gave."""

from collections.abc import Callable

from stripepictures import Canvas, psnr, scene

from webcapd.compat.pixelflux import CaptureSettings, ScreenCapture, StripeFrame

WIDTH, HEIGHT = 640, 360


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
