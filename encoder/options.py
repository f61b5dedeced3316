"""The options of the encoder: what the pictures are like, and how many a second."""

from dataclasses import dataclass

from webcapd.capture.option import option


@dataclass(frozen=True)
class EncoderOptions:
    """Pictures."""

    target_fps: float = option(
        30.0,
        "most frames a second while the screen moves; the first change after a rest is sent "
        "at once, and a still screen sends none",
        "--fps",
        metavar="FPS",
        low=0.1,
        high=240,
    )
    jpeg_quality: int = option(
        75,
        "JPEG quality",
        "--quality",
        metavar="1-100",
        low=1,
        high=100,
    )
    subsampling: str = option(
        "420",
        "colour resolution: full (444), half across (422), half both ways (420)",
        choices=("444", "422", "420"),
    )
