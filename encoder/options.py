"""The options of the encoder: what the pictures are like, and how many a second."""

from dataclasses import dataclass

from webcapd.base.option import option
from webcapd.base.pace import CREDIT
from webcapd.encoder.quality import QualityRules


@dataclass(frozen=True)
class EncoderOptions:
    """Pictures."""

    target_fps: float = option(
        30.0,
        "most frames a second while the screen moves, on average: after a rest, up to three "
        "changes are sent at once; a still screen sends none; small changes that go ahead in "
        "updates have the same rate once more",
        "--fps",
        metavar="FPS",
        low=0.1,
        high=240,
    )
    jpeg_quality: int = option(
        75,
        "JPEG quality while the screen keeps moving",
        "--quality",
        metavar="1-100",
        low=1,
        high=100,
    )
    paint_over_jpeg_quality: int = option(
        90,
        "JPEG quality of a screen at rest, and of small changes on it",
        "--paint-over-quality",
        metavar="1-100",
        low=1,
        high=100,
    )
    use_paint_over_quality: bool = option(
        True, "have the quality follow motion; else it is always --jpeg-quality"
    )
    paint_over_trigger_frames: int = option(
        15,
        "how long nothing large may change before the screen is shown at its rest quality, in "
        "frames at --target-fps",
        metavar="FRAMES",
        low=1,
        high=10000,
    )
    subsampling: str = option(
        "420",
        "colour resolution: full (444), half across (422), half both ways (420)",
        choices=("444", "422", "420"),
    )
    max_variants: int = option(
        8,
        "most different forms (size, rotation, quality ...) that are encoded at a time, beside "
        "the plain one; those of updates are counted apart",
        low=0,
        high=1000,
    )
    h264_crf: int = option(
        25,
        "how coarse H.264 is: the constant rate factor of x264, less is better; 6 more halve the "
        "bytes",
        metavar="1-51",
        low=1,
        high=51,
    )
    h264_fullcolor: bool = option(
        False,
        "H.264 with colours at full resolution (4:4:4), which Firefox and most decoders in "
        "hardware do not take",
    )
    h264_fullframe: bool = option(
        False,
        "H.264 for programs (the Python API) as one picture a frame, not in stripes; /?video and "
        "updates are not in stripes anyway",
    )
    max_videos: int = option(
        2,
        "most videos (H.264 of the whole picture, or of what moves in updates) that are encoded at "
        "a time, each for all who watch the same; one more is answered 503, or goes as JPEG in "
        "updates; 0 allows none",
        low=0,
        high=100,
    )
    tile_memory: int = option(
        64,
        "memory for the tiles that caches may ask for, with --announce cache; where more moves "
        "than goes into it within 10 s, there are fewer states a second",
        metavar="MB",
        low=8,
        high=65536,
    )
    encodewait: float = option(
        0.0,
        "least seconds from one encode to the next; --target-fps is the least gap then, too",
        metavar="SECONDS",
        low=0,
        high=3600,
    )

    @property
    def most_fps(self) -> float:
        """The rate that --target-fps and --encodewait allow."""
        return min(self.target_fps, 1 / self.encodewait) if self.encodewait else self.target_fps

    @property
    def credit(self) -> int:
        """How many frames may follow each other at once: who asks for waits gets them."""
        return 1 if self.encodewait else CREDIT

    def quality_rules(self) -> QualityRules:
        rest = self.paint_over_jpeg_quality if self.use_paint_over_quality else 0
        return QualityRules(
            floor=self.jpeg_quality,
            rest=max(rest, self.jpeg_quality),
            trigger=self.paint_over_trigger_frames / self.target_fps,
            period=1 / self.target_fps,
        )
