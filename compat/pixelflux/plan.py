"""What a capture is made of, from the settings.  Pure, but that a watermark is looked at."""

import math
import os
import warnings
from typing import NamedTuple

from webcapd.capture.decoration import load_watermark
from webcapd.capture.options import LOCATIONS, CaptureOptions
from webcapd.compat.pixelflux.settings import CaptureSettings
from webcapd.encoder.h264.codec import unavailable
from webcapd.encoder.stripes.stripe import StripeSettings

_MIN_FPS, MAX_FPS = 1.0, 240.0

# X has no larger pointers.
_NO_CAP = 65535

# Codecs of pixelflux 2.x; those of 1.x are among them.
_CODECS = ("jpeg", "h264", "h265", "vp8", "vp9", "av1")
_OURS = ("jpeg", "h264")


class ClippedCapture(CaptureOptions):
    """Capture of what of a part is on the screen, as pixelflux has it."""

    clips_region = True


class Plan(NamedTuple):
    """What a capture is made of."""

    codec: str
    subsampling: str
    """Of JPEG."""
    full_frame: bool
    full_color: bool
    omits_headers: bool
    capture: CaptureOptions
    fps: float
    cursor_cap: int
    """The longest side of the pointer's images that a callback gets."""
    stripes: StripeSettings
    """This, and the rate, a running capture can be given anew."""


def plan_of(settings: CaptureSettings, trigger_fps: float, subsampling: str) -> Plan:
    """Read settings; raises ValueError or RuntimeError with a sentence.

    ``trigger_fps`` is the rate at which paint_over_trigger_frames count, 0 for target_fps;
    ``subsampling`` that of JPEG.
    Numbers out of range are taken for the nearest that is not, as pixelflux does.
    """
    codec = _codec(settings.codec)
    if codec == "h264" and (reason := unavailable()):
        raise RuntimeError(reason)
    fps = min(max(settings.target_fps, _MIN_FPS), MAX_FPS)
    return Plan(
        codec,
        subsampling,
        codec != "jpeg" and settings.video_fullframe,
        codec != "jpeg" and settings.video_fullcolor,
        settings.omit_stripe_headers,
        _capture(settings),
        fps,
        settings.cursor_size_cap if settings.cursor_size_cap > 0 else _NO_CAP,
        _stripes(settings, trigger_fps or fps),
    )


def _codec(name: str) -> str:
    if name not in _CODECS:
        raise ValueError(f"unknown codec {name!r}: expected {', '.join(_CODECS)}")
    if name not in _OURS:
        raise ValueError(f"webcapd has no encoder for {name}, only for {' and '.join(_OURS)}")
    return name


def _capture(settings: CaptureSettings) -> CaptureOptions:
    path, location = _watermark(settings)
    return ClippedCapture(
        capture_x=max(0, settings.capture_x),
        capture_y=max(0, settings.capture_y),
        width=max(0, settings.capture_width),
        height=max(0, settings.capture_height),
        capture_cursor=settings.capture_cursor,
        watermark_path=path,
        watermark_location=location,
        damage_block_threshold=max(1, settings.damage_block_threshold),
        damage_block_duration=max(1, settings.damage_block_duration),
    )


def _watermark(settings: CaptureSettings) -> tuple[str, str]:
    """Give path and location; none, with a warning, where the picture cannot be read."""
    path, number = os.fsdecode(settings.watermark_path or ""), settings.watermark_location_enum
    if not path or number not in range(1, len(LOCATIONS)):
        return "", "none"
    try:
        load_watermark(path)
    except ValueError as error:
        warnings.warn(f"there is no watermark: {error}", stacklevel=2)
        return "", "none"
    return path, LOCATIONS[number]


def _stripes(settings: CaptureSettings, trigger_fps: float) -> StripeSettings:
    rests, crf = settings.use_paint_over_quality, _within(1, settings.video_crf, 51)
    finer = _within(1, settings.video_paintover_crf, 51)
    return StripeSettings(
        jpeg_quality=_within(1, settings.jpeg_quality, 100),
        paint_over_jpeg_quality=_within(1, settings.paint_over_jpeg_quality, 100) if rests else 0,
        crf=crf,
        paint_over_crf=finer if rests and finer < crf else 0,
        calm=max(1, settings.paint_over_trigger_frames) / trigger_fps if rests else math.inf,
    )


def _within(least: int, given: int, most: int) -> int:
    return min(max(given, least), most)
