"""The options of capture: which pixels are shown, and how they are taken."""

from dataclasses import dataclass
from typing import ClassVar

from webcapd.base.option import check_given, option, read_text
from webcapd.base.redaction import Confidential, confidential_source
from webcapd.capture.geometry import Rectangle, parse_rectangle, parse_size
from webcapd.capture.x11.dial import parse_name

# The seed library's numbers, 0 to 6, name the same places.
LOCATIONS = ("none", "tl", "tr", "bl", "br", "middle", "animated")


def location_name(text: str) -> str:
    """Give the name of a location given by name or number."""
    return LOCATIONS[int(text)] if text.isdigit() else text


# To declare options must load no imaging library: --help would wait for it.
def _check_watermark(path: str) -> None:
    from webcapd.capture.decoration import load_watermark

    load_watermark(path)


def _read_caption(text: str) -> str:
    from webcapd.capture.decoration import read_caption

    return read_caption(text)


def read_source(text: str) -> Confidential:
    """Read what is to be shown; raises ValueError with a sentence."""
    from webcapd.capture.feeds.registry import make_feed

    source = read_text(text)
    make_feed(source)
    return confidential_source(source)


def _read_filters(text: str) -> str:
    from webcapd.capture.filters.parse import parse_filters

    parse_filters([text])
    return text


def _check_secrets(path: str) -> None:
    from webcapd.capture.feeds.files.passwords import read_secrets

    check_given(path)
    read_secrets(path)


@dataclass(frozen=True)
class CaptureOptions:
    """What is shown."""

    clips_region: ClassVar[bool] = False
    """Whether a part that reaches beyond the screen is cut to it, and not an error.

    No option: for programs that promise it of settings of their own.
    """

    display: str = option(
        "",
        "X display to show, such as :0 or lab3:0 (without it: $DISPLAY)",
        metavar="NAME",
        check=parse_name,
    )
    index: int | None = option(
        None,
        "number of the local X display to show: --index 1 is short for --display :1",
        low=0,
        high=65535,
    )
    virtual: str = option(
        "",
        "start a private display of this size (1280x720 if none is given), show it, and end "
        "it with webcapd; a command after -- runs in it",
        metavar="WIDTHxHEIGHT",
        const="1280x720",
        check=parse_size,
    )
    source: tuple[Confidential, ...] = option(
        (),
        "show this and no display, such as pattern:clock or file:PATH (docs/sources.md has all); "
        "where several are given, each is shown if those before it have no picture (repeatable)",
        metavar="SRC",
        read=read_source,
    )
    shm_any_owner: bool = option(
        False, "show files of wcf: and raw: that belong to other users than this one and root, too"
    )
    source_auth_file: str = option(
        "",
        "what sources on other servers are opened with, and is then not to be seen in the list of "
        "processes: a line is a host, perhaps with :PORT, and USER:PASSWORD or a token",
        metavar="FILE",
        check=_check_secrets,
    )
    capture_x: int = option(
        0, "left edge of the part of the screen to show", metavar="PIXELS", low=0, high=65535
    )
    capture_y: int = option(
        0, "upper edge of the part to show", metavar="PIXELS", low=0, high=65535
    )
    width: int = option(
        0,
        "width of the part to show; 0 reaches to the screen's edge",
        metavar="PIXELS",
        low=0,
        high=65535,
    )
    height: int = option(
        0,
        "height of the part to show; 0 reaches to the screen's edge",
        metavar="PIXELS",
        low=0,
        high=65535,
    )
    monitor: str = option(
        "",
        "show one monitor, by its RandR name (HDMI-1) or number from 0",
        metavar="NAME|INDEX",
        check=check_given,
    )
    window: str = option(
        "",
        "show one window and follow it, with whatever covers it: its id (0x1400003) or a part "
        "of its title",
        metavar="ID|TITLE",
        read=read_text,
    )
    capture_cursor: bool = option(True, "show the pointer")
    mask: tuple[Rectangle, ...] = option(
        (),
        "never show this rectangle of the screen; it is black (repeatable)",
        metavar="X,Y,W,H",
        read=parse_rectangle,
    )
    mask_window: tuple[str, ...] = option(
        (),
        "never show where windows with this in their title are (repeatable)",
        metavar="TITLE",
        read=read_text,
    )
    mask_linger: float = option(
        0.5,
        "how long the place of such a window stays masked after it has gone or moved; longer "
        "than a compositor takes to fade it out",
        metavar="SECONDS",
        low=0,
        high=60,
    )
    filter: tuple[str, ...] = option(
        (),
        "change the picture for everybody, masks being in it already, one after the other: "
        "crop=WxH+X+Y, scale=FACTOR or WxH, rotate=DEGREES, flip=h, v or hv, gray, invert, "
        "interlace, polar (repeatable)",
        metavar="FILTER,...",
        read=_read_filters,
    )
    watermark_path: str = option(
        "",
        "lay this picture over the screen; its transparency counts",
        metavar="PNG",
        check=_check_watermark,
    )
    watermark_location: str = option(
        "br",
        "where the watermark is (or, in this order, 0 to 6)",
        choices=(*LOCATIONS, *map(str, range(len(LOCATIONS)))),
        metavar="|".join(LOCATIONS),
    )
    watermark_speed: float = option(
        60.0,
        "how fast the animated watermark moves, along each axis, in pixels a second",
        metavar="PIXELS",
        low=0,
        high=10000,
    )
    caption: str = option(
        "",
        "write this into the lower left corner, with the time where it has strftime fields: "
        "'Lab 3  %H:%M:%S'",
        metavar="TEXT",
        read=_read_caption,
    )
    shm: str = option(
        "auto",
        "how pixels come from the X server: memory shared by descriptor (fd) or by SysV key "
        "(sysv), copied through the connection (off), or the first of these that works",
        choices=("auto", "fd", "sysv", "off"),
    )
    full_scan_period: float = option(
        10.0,
        "seconds after which the whole screen is looked at, in case the X server did not report "
        "something drawn",
        metavar="SECONDS",
        low=0.1,
        high=86400,
    )
    damage_block_threshold: int = option(
        15,
        "without damage reports: changes in a row after which a band of the screen is taken "
        "for changed without comparing",
        metavar="FRAMES",
        low=1,
        high=10000,
    )
    damage_block_duration: int = option(
        30,
        "without damage reports: for how many frames (at --target-fps) such a band is taken for "
        "changed, and after how many without a change it is looked at less often",
        metavar="FRAMES",
        low=1,
        high=10000,
    )

    def __post_init__(self) -> None:
        # Python programs give plain text; nothing tells whether that holds a secret.
        object.__setattr__(self, "source", tuple(map(confidential_source, self.source)))

    def source_flags(self) -> list[str]:
        """List the flags that were given of those that name a source."""
        given = {
            "--display": self.display != "",
            "--index": self.index is not None,
            "--virtual": self.virtual != "",
            "--source": self.source != (),
        }
        return [flag for flag, is_given in given.items() if is_given]

    def display_flags(self) -> list[str]:
        """List the flags that were given of those that make sense with a display only."""
        given = {
            "--monitor": self.monitor != "",
            "--window": self.window != "",
            "--mask-window": self.mask_window != (),
        }
        return [flag for flag, is_given in given.items() if is_given]
