"""``CaptureSettings``: the settings of pixelflux 1.x and 2.x by their names, with their defaults.

Facts: ``help()`` of pixelflux 2.2.1, and the README of 1.2.2.
"""

import operator
import warnings
from typing import Any, get_type_hints

# Those that name the same; the second is what is kept.
_ALIASES = {
    "h264_crf": "video_crf",
    "h264_fullcolor": "video_fullcolor",
    "h264_fullframe": "video_fullframe",
    "h264_paintover_crf": "video_paintover_crf",
    "h264_paintover_burst_frames": "video_paintover_burst_frames",
    "h264_streaming_mode": "video_streaming_mode",
    "h264_cbr_mode": "video_cbr_mode",
    "h264_bitrate_kbps": "video_bitrate_kbps",
}

# By output_mode, their index.
_MODES = ("jpeg", "h264")


class CaptureSettings:
    """What is captured and how it is encoded; read when a capture starts.

    A setting without effect in webcapd is accepted, and warned of once.  A name that is no
    setting of either version raises AttributeError, a value of another type TypeError.
    """

    capture_width: int = 1920
    """Of the part of the screen; cut to what is on the screen, and 0 reaches to its edge."""
    capture_height: int = 1080
    capture_x: int = 0
    capture_y: int = 0
    target_fps: float = 60.0
    capture_cursor: bool = False
    cursor_size_cap: int = 128
    """The longest side of images that set_cursor_callback() gives; 0 for no bound."""
    codec: str = "jpeg"
    """jpeg or h264."""
    output_mode: int
    """The same by number: 0 is jpeg, 1 is h264."""
    omit_stripe_headers: bool = False

    jpeg_quality: int = 85
    paint_over_jpeg_quality: int = 95
    use_paint_over_quality: bool = False
    """Whether stripes that rest are sent again, and better."""
    paint_over_trigger_frames: int = 10
    """For how long they have rested then: frames at target_fps (1.x), or at 60 a second (2.x)."""
    damage_block_threshold: int = 15
    damage_block_duration: int = 30

    video_crf: int = 25
    video_paintover_crf: int = 18
    """Of stripes that rest, where that is used and this is finer."""
    video_fullcolor: bool = False
    video_fullframe: bool = False

    watermark_path: str | bytes | None = None
    watermark_location_enum: int = 0
    """0 none, 1 top left, 2 top right, 3 bottom left, 4 bottom right, 5 middle, 6 animated."""

    # All that follow have no effect.
    acknowledge_references: bool = False
    auto_adjust_screen_capture_size: bool = False
    auto_gpu: Any = None
    cpu_encode_threading: bool = True
    cursor_size: int = -1
    debug_logging: bool = False
    deferred_free: bool = False
    display_id: int = 0
    encode_node_index: int = -2
    encode_node_path: Any = None
    h264_vbv_buffer_size_kb: int = 0
    keyframe_interval_s: float = 0.0
    recording_socket: Any = None
    render_node_path: Any = None
    scale: float = 1.0
    use_cpu: bool = False
    use_wayland: Any = None
    vaapi_render_node_index: int = -1
    vaapi_render_node_path: Any = None
    video_bit_depth: int = 8
    video_bitrate_kbps: int = 4000
    video_cbr_mode: bool = False
    video_max_qp: int = 0
    video_min_qp: int = 0
    video_paintover_burst_frames: int = 5
    video_reference_frames: int = 0
    video_streaming_mode: bool = False
    video_vbv_multiplier: float = 0.0
    wayland_host_display: Any = None

    def __getattr__(self, name: str) -> Any:
        """Give what goes by another name; what has a default never comes here."""
        if name == "output_mode":
            return _MODES.index(self.codec) if self.codec in _MODES else -1
        if name in _ALIASES:
            return getattr(self, _ALIASES[name])
        raise AttributeError(_unknown(name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "output_mode":
            name, value = "codec", _mode(value)
        kept = _ALIASES.get(name, name)
        if kept not in _KINDS:
            raise AttributeError(_unknown(name))
        # Checked first: what is refused needs no warning.
        value = _checked(kept, value)
        if kept in _WITHOUT_EFFECT:
            warn_once(f"the setting {name}")
        super().__setattr__(kept, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), "output_mode", *_ALIASES})

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"CaptureSettings({given})"


_KINDS = get_type_hints(CaptureSettings)
del _KINDS["output_mode"]
_NAMES = list(_KINDS)
_WITHOUT_EFFECT = frozenset(_NAMES[_NAMES.index("acknowledge_references") :])

_warned: set[str] = set()
"""What was warned of; any thread, so that it may come twice where threads race."""


def warn_once(what: str) -> None:
    """Warn the caller's caller that something of pixelflux does nothing here."""
    if what not in _warned:
        _warned.add(what)
        warnings.warn(f"{what} of pixelflux has no effect in webcapd", stacklevel=3)


def _unknown(name: str) -> str:
    return f"pixelflux has no setting {name}, neither 1.2.2 nor 2.2.1"


def _mode(value: Any) -> str:
    """Give the codec of an output mode; raises ValueError."""
    number = operator.index(value)
    if number not in range(len(_MODES)):
        raise ValueError(f"output_mode is 0 for JPEG or 1 for H.264, not {number}")
    return _MODES[number]


def _checked(name: str, value: Any) -> Any:
    """Give a value as it is kept; raises TypeError where it is of another type."""
    kind = _KINDS[name]
    if kind is int:
        return operator.index(value)
    if kind is float:
        return float(value)
    if kind is bool and isinstance(value, int) and value in (0, 1):
        return bool(value)
    if kind is not bool and (kind is Any or isinstance(value, kind)):
        return value
    wanted = getattr(kind, "__name__", str(kind))
    raise TypeError(f"the setting {name} is {wanted}, not {type(value).__name__}")
