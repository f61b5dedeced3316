"""Which variant a request asks for: from its parameters to a VariantSpec.  Pure.

They take effect in this order, whatever the order given: rotate, then width
and height or scale, then crop, then flip; gray, quality and fps go with all.
"""

import math
import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from webcapd.capture.geometry import Rectangle, parse_rectangle
from webcapd.encoder.h264.codec import MAX_SIDE
from webcapd.encoder.transform import View
from webcapd.encoder.updates.spec import UpdateSpec
from webcapd.encoder.variant import VariantSpec
from webcapd.http.options import QUARTER_TURNS
from webcapd.http.snapshot import snapshot_params_of
from webcapd.http.target import Target
from webcapd.http.wire.response import HttpError

# Seconds.  Home Assistant, and others, hang up after ten without a byte.
MIN_KEEPALIVE, MAX_KEEPALIVE = 0.1, 9.0

# A state of updates: the run, and a number of 32 bits.
_STATE = re.compile(r"([0-9a-f]{16})-(0|[1-9][0-9]{0,9})", re.ASCII)

# What the times of a video are (video/clock.py).
_CLOCKS = ("live", "real")

_Value = TypeVar("_Value")


def quarter_turns(text: str) -> int:
    """Read a rotation; raises ValueError with a sentence."""
    if text not in QUARTER_TURNS:
        raise ValueError(f"{text!r} is no rotation: 90, 180 or 270 degrees clockwise")
    return QUARTER_TURNS[text]


def spec_of(target: Target, turned: int) -> VariantSpec:
    """Give the variant that a request asks for, of a screen turned for all; raises HttpError."""
    return VariantSpec(_view(target).after_turns(turned), target.whole("quality", 1, 100))


def fps_of(target: Target) -> float:
    """Give the most frames a second that a request allows; raises HttpError."""
    fps = target.number("fps", 0.01, 1000)
    return math.inf if fps is None else fps


def check_crop(view: View, screen: tuple[int, int]) -> None:
    """Check that a view shows something of a screen of this size; raises HttpError.

    For a request that begins: streams that run keep a pixel of a screen that shrinks.
    """
    crop = view.crop
    if crop is None:
        return
    width, height = view.whole_size(*screen)
    if not crop.within(Rectangle(0, 0, width, height)):
        raise HttpError(400, f"the crop lies outside of the picture, which is {width}x{height}")


def check_video_size(view: View, screen: tuple[int, int]) -> None:
    """See that a view of a screen of this size can be encoded; raises HttpError."""
    check_crop(view, screen)
    width, height = view.size(*screen)
    if min(width, height) < 2 or max(width, height) > MAX_SIDE:
        sides = f"2x2 to {MAX_SIDE}x{MAX_SIDE} pixels"
        raise HttpError(400, f"a video has {sides}, and this one {width}x{height}; see width=")


def keepalive_of(target: Target) -> float | None:
    """Give the keepalive that a request sets, None if it sets none; raises HttpError."""
    return target.number("keepalive", MIN_KEEPALIVE, MAX_KEEPALIVE)


class After(NamedTuple):
    """The state of updates that a reader has whole."""

    run: str
    number: int


def after_of(target: Target) -> After | None:
    """Give the state that a reader goes on from, None if it begins anew; raises HttpError."""
    text = target.query.get("after")
    if text is None:
        return None
    match = _STATE.fullmatch(text)
    if match is None or int(match[2]) >= 1 << 32:
        raise HttpError(400, f"after={text!r} is no state; one looks like 00112233445566ff-4711")
    return After(match[1], int(match[2]))


def update_spec_of(target: Target, turned: int) -> UpdateSpec:
    """Give what updates are to show of a screen turned for all; raises HttpError."""
    variant = spec_of(target, turned)
    cursor = target.query.get("cursor", "apart")
    if cursor not in ("apart", "baked"):
        raise HttpError(400, f"cursor={cursor!r} is neither cursor=apart nor cursor=baked")
    # Elsewhere it is a page.  A response of one update is over before a video begins.
    video = target.page == "updates" and target.switch("video") and not target.switch("once")
    return UpdateSpec(variant.view, variant.quality, cursor == "baked", bool(video))


def video_clock_of(target: Target) -> str | None:
    """Give what the times of a video are to be, None for what is usual; raises HttpError."""
    clock = target.query.get("clock")
    if clock is not None and clock not in _CLOCKS:
        raise HttpError(400, f"clock={clock!r} is neither clock=live nor clock=real")
    return clock


def crf_of(target: Target) -> int | None:
    """Give the constant rate factor that a request asks for, None for none; raises HttpError."""
    return target.whole("crf", 1, 51)


def check_query(target: Target) -> None:
    """Check that all known parameters are well-formed; raises HttpError.

    Also those that the page does not use: fps=nan is a mistake on any page.
    """
    update_spec_of(target, 0)
    fps_of(target)
    keepalive_of(target)
    # A snapshot has a number where updates have a run and a number.
    (after_of if target.page == "updates" else snapshot_params_of)(target)
    target.switch("once")
    video_clock_of(target)
    crf_of(target)
    target.switch("advance")


def _view(target: Target) -> View:
    turns = _read(target, "rotate", quarter_turns) or 0
    crop = _read(target, "crop", parse_rectangle)
    flip = target.query.get("flip", "").lower()
    if flip not in ("", "h", "v", "hv", "vh"):
        raise HttpError(400, f"flip={flip!r} is none of h, v and hv")
    return View(
        turns,
        (target.whole("width", 1, 65535) or 0, target.whole("height", 1, 65535) or 0),
        min(1.0, target.number("scale", 0.001, 1000) or 1.0),
        crop,
        "".join(sorted(flip)),
        target.switch("gray") or False,
    )


def _read(target: Target, name: str, read: Callable[[str], _Value]) -> _Value | None:
    """Read a parameter, None if absent; raises HttpError."""
    text = target.query.get(name)
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise HttpError(400, f"{name}: {error}") from None
