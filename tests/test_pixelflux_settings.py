"""pixelflux's settings: its names, its defaults, and what it says of others."""

import copy
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from program import ROOT, TIMEOUT
from stripepictures import needs_real

from webcapd.compat.pixelflux import CaptureSettings
from webcapd.compat.pixelflux.plan import plan_of

# Of 1.2.2, by its README and its table of members.
FIRST = {
    "capture_width": 1920,
    "capture_height": 1080,
    "capture_x": 0,
    "capture_y": 0,
    "target_fps": 60.0,
    "jpeg_quality": 85,
    "paint_over_jpeg_quality": 95,
    "use_paint_over_quality": False,
    "paint_over_trigger_frames": 10,
    "damage_block_threshold": 15,
    "damage_block_duration": 30,
    "output_mode": 0,
    "h264_crf": 25,
    "h264_fullcolor": False,
    "h264_fullframe": False,
    "capture_cursor": False,
    "watermark_path": None,
    "watermark_location_enum": 0,
    "vaapi_render_node_index": -1,
}


@pytest.mark.parametrize("name", FIRST)
def test_settings_of_1_2_2(name: str) -> None:
    settings = CaptureSettings()
    assert getattr(settings, name) == FIRST[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        setattr(settings, name, FIRST[name])
    assert getattr(settings, name) == FIRST[name]
    assert name in dir(settings)


@needs_real
def test_settings_of_2_2_1() -> None:
    import pixelflux

    real = pixelflux.CaptureSettings()
    names = [name for name in dir(real) if not name.startswith("_")]
    assert {name: getattr(real, name) for name in names} == {
        name: getattr(CaptureSettings(), name) for name in names
    }


def test_names_of_both_versions_are_one_setting() -> None:
    settings = CaptureSettings()
    settings.output_mode = 1
    settings.h264_crf = 30
    settings.h264_fullframe = True
    assert (settings.codec, settings.video_crf, settings.video_fullframe) == ("h264", 30, True)
    settings.codec = "jpeg"
    assert settings.output_mode == 0
    assert vars(copy.copy(settings)) == vars(settings)
    assert "video_crf=30" in repr(settings)


def test_names_that_there_are_not_are_refused() -> None:
    settings = CaptureSettings()
    with pytest.raises(AttributeError, match="no setting jpeg_qualitty"):
        settings.jpeg_qualitty = 3
    with pytest.raises(AttributeError, match="no setting nonsense"):
        print(settings.nonsense)
    assert not hasattr(settings, "nonsense")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("capture_width", 1.5),
        ("jpeg_quality", "3"),
        ("target_fps", "fast"),
        ("capture_cursor", 3),
        ("capture_cursor", None),
        ("codec", b"jpeg"),
        ("watermark_path", 3),
        ("output_mode", 2),
        ("output_mode", "h264"),
    ],
)
def test_values_of_another_type_are_refused(name: str, value: object) -> None:
    settings = CaptureSettings()
    with pytest.raises((TypeError, ValueError)):
        setattr(settings, name, value)
    assert vars(settings) == {}


def test_what_has_no_effect_is_warned_of_once() -> None:
    source = """
from webcapd.compat.pixelflux import CaptureSettings, ScreenCapture
for _ in range(2):
    settings = CaptureSettings()
    settings.vaapi_render_node_index = 0
    settings.video_cbr_mode = True
    settings.jpeg_quality = 70
    ScreenCapture().update_video_bitrate(3000)
"""
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert done.returncode == 0
    said = [line.partition(": ")[2] for line in done.stderr.splitlines() if "Warning" in line]
    assert said == [
        f"UserWarning: {what} of pixelflux has no effect in webcapd"
        for what in (
            "the setting vaapi_render_node_index",
            "the setting video_cbr_mode",
            "update_video_bitrate()",
        )
    ]


def test_numbers_out_of_range_are_brought_into_it() -> None:
    settings = CaptureSettings()
    settings.capture_width = settings.capture_x = -10
    settings.jpeg_quality, settings.target_fps = 500, 0
    settings.damage_block_duration = settings.paint_over_trigger_frames = 0
    plan = plan_of(settings, 0, "420")
    assert (plan.capture.width, plan.capture.capture_x) == (0, 0)
    assert (plan.stripes.jpeg_quality, plan.fps) == (100, 1)


def test_paint_over_counts_frames_of_either_version() -> None:
    settings = CaptureSettings()
    settings.use_paint_over_quality = True
    settings.target_fps = 20
    assert plan_of(settings, 0, "420").stripes.calm == 0.5
    assert plan_of(settings, 60, "420").stripes.calm == 10 / 60


@pytest.mark.parametrize("kind", [str, str.encode])
def test_watermark_is_named_by_text_or_bytes(kind: type) -> None:
    settings = CaptureSettings()
    settings.watermark_path = (
        kind(ROOT / "tests" / "mark.png") if kind is str else b"tests/mark.png"
    )
    assert plan_of(settings, 0, "420").capture.watermark_location == "none"
    settings.watermark_location_enum = 3
    capture = plan_of(settings, 0, "420").capture
    assert (Path(capture.watermark_path).name, capture.watermark_location) == ("mark.png", "bl")


def test_watermark_that_cannot_be_read_is_left_out() -> None:
    settings = CaptureSettings()
    settings.watermark_path, settings.watermark_location_enum = b"/nowhere.png", 1
    with pytest.warns(UserWarning, match="no watermark: the picture /nowhere.png cannot be read"):
        assert plan_of(settings, 0, "420").capture.watermark_path == ""
