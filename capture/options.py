"""The options of capture: which pixels are looked at."""

from dataclasses import dataclass

from webcapd.capture.option import option


@dataclass(frozen=True)
class CaptureOptions:
    """What is shown."""

    display: str = option(
        "",
        "X display to show, such as :0 or lab3:0 (without it: $DISPLAY)",
        metavar="NAME",
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
    )
    shm: str = option(
        "auto",
        "how pixels come from the X server: memory shared by descriptor (fd) or by SysV key "
        "(sysv), copied through the connection (off), or the first of these that works",
        choices=("auto", "fd", "sysv", "off"),
    )
