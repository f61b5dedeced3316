"""Types of the Python API's keywords: python tests/keyword_types.py writes them.

What each is for, its range and its default is where the option is declared, in ``webcapd --help``
and in docs/options.md.
"""

from collections.abc import Sequence
from os import PathLike
from typing import Literal, TypedDict

Text = str | PathLike[str]
Place = Sequence[int] | str
"""X, y, width and height, in pixels."""


class CaptureKeywords(TypedDict, total=False):
    """The options of a capture."""

    program: Sequence[str] | None
    display: Text | None
    index: int | None
    virtual: Text | bool | None
    source: Text | Sequence[Text] | None
    shm_any_owner: bool | None
    source_auth_file: Text | None
    capture_x: int | None
    capture_y: int | None
    width: int | None
    height: int | None
    monitor: Text | None
    window: Text | None
    capture_cursor: bool | None
    mask: Place | Sequence[Place] | None
    mask_window: Text | Sequence[Text] | None
    mask_linger: float | None
    filter: Text | Sequence[Text] | None
    watermark_path: Text | None
    watermark_location: Literal["none", "tl", "tr", "bl", "br", "middle", "animated"] | None
    watermark_speed: float | None
    caption: Text | None
    shm: Literal["auto", "fd", "sysv", "off"] | None
    full_scan_period: float | None
    damage_block_threshold: int | None
    damage_block_duration: int | None
    target_fps: float | None
    fps: float | None
    jpeg_quality: int | None
    quality: int | None
    paint_over_jpeg_quality: int | None
    paint_over_quality: int | None
    use_paint_over_quality: bool | None
    paint_over_trigger_frames: int | None
    subsampling: Literal["444", "422", "420"] | None
    max_variants: int | None
    h264_crf: int | None
    h264_fullcolor: bool | None
    h264_fullframe: bool | None
    max_videos: int | None
    tile_memory: int | None
    encodewait: float | None
    publish_token_file: Text | None


class ServerKeywords(CaptureKeywords, total=False):
    """The options of a server, which has all those of a capture."""

    port: int | None
    ipv: int | None
    v4bindaddress: Text | None
    v6bindaddress: Text | None
    listen: Text | Sequence[Text] | None
    unix: Text | None
    unix_mode: Text | None
    allow_host: Text | Sequence[Text] | None
    allow_origin: Text | Sequence[Text] | None
    allow_frame: Text | Sequence[Text] | None
    wall: Text | Sequence[Text] | None
    name: Text | None
    auth_file: Text | None
    token_file: Text | None
    announce: Literal["cache"] | None
    cache_checks_access: bool | None
    trust_proxy: Text | Sequence[Text] | None
    keepalive: float | None
    exit_idle: float | None
    max_clients: int | None
    max_clients_per_address: int | None
    rotate: int | None
    streamwait: float | None
    max_age: float | None
    min_quality: int | None
    showfps: bool | None
    loghttp: bool | None
    record: Text | None
    record_token_file: Text | None
    pre: Text | None
    record_format: Literal["jpg", "mkv", "mjpeg"] | None
    record_name: Text | None
    segment: Text | None
    keep: Text | None
    max_size: Text | None
    max_files: int | None
    min_free: Text | None
    interval: Text | None
    changed_only: bool | None
    ring: Text | None
