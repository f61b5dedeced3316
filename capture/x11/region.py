"""Which part of the screen is shown: all of it, a rectangle, a monitor or a window.

Encoder thread only.
"""

from typing import Protocol

from Xlib.ext import randr

from webcapd.capture.geometry import Rectangle
from webcapd.capture.options import CaptureOptions
from webcapd.capture.source import SourceError, SourceNotReady
from webcapd.capture.x11.control import Control
from webcapd.capture.x11.windows.find import Windows


class Region(Protocol):
    """A part of the screen that may move."""

    def area(self, control: Control, windows: Windows | None, screen: Rectangle) -> Rectangle:
        """Find where it is now; raises SourceError where it is not on the screen."""


class FixedRegion:
    """A rectangle; without width or height it reaches to the screen's edge."""

    def __init__(self, x: int, y: int, width: int, height: int, clips: bool = False) -> None:
        """``clips`` cuts it to what is on the screen, if anything is."""
        self._wanted, self._clips = Rectangle(x, y, width, height), clips

    def area(self, control: Control, windows: Windows | None, screen: Rectangle) -> Rectangle:
        x, y, width, height = self._wanted
        area = Rectangle(x, y, width or screen.width - x, height or screen.height - y)
        if self._clips and (visible := area.within(screen)):
            return visible
        if not area or area.within(screen) != area:
            wanted = f"{area.width}x{area.height} from {x},{y} on" if area else f"from {x},{y} on"
            raise SourceError(
                f"the region {wanted} is not within the screen, which is "
                f"{screen.width}x{screen.height}"
            )
        return area


class MonitorRegion:
    """A RandR monitor, by its name or its number from 0."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted

    def area(self, control: Control, windows: Windows | None, screen: Rectangle) -> Rectangle:
        if not control.display.has_extension("RANDR"):
            raise SourceError("the X server has no RANDR extension, so it knows no monitors")
        with control.answering:
            monitors = {
                control.display.get_atom_name(monitor.name): Rectangle(
                    monitor.x, monitor.y, monitor.width_in_pixels, monitor.height_in_pixels
                )
                for monitor in randr.get_monitors(control.root).monitors
            }
        by_number = dict(zip(map(str, range(len(monitors))), monitors.values(), strict=True))
        area = monitors.get(self._wanted) or by_number.get(self._wanted)
        if area is None:
            raise SourceError(
                f"there is no monitor {self._wanted}; monitors: {', '.join(monitors) or 'none'}"
            )
        if not (visible := area.within(screen)):
            raise SourceError(f"monitor {self._wanted} is not within the screen")
        return visible


class WindowRegion:
    """A window, followed: what of it lies on the screen, with whatever covers it."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted

    def area(self, control: Control, windows: Windows | None, screen: Rectangle) -> Rectangle:
        assert windows is not None
        for area in windows.areas(self._wanted):
            if visible := area.within(screen):
                return visible
        raise SourceNotReady(f"no window {self._wanted} is to be seen")


def region_of(options: CaptureOptions) -> Region:
    """Make the region that the options name."""
    if options.monitor:
        return MonitorRegion(options.monitor)
    if options.window:
        return WindowRegion(options.window)
    x, y, width, height = options.capture_x, options.capture_y, options.width, options.height
    return FixedRegion(x, y, width, height, options.clips_region)


class RegionTracker:
    """Where on the screen a region is, while one connection lasts."""

    def __init__(self, control: Control, region: Region) -> None:
        """Find it for the first time; raises SourceError."""
        self._control, self._region = control, region
        # Windows are watched only where they matter.
        self._windows = Windows(control) if isinstance(region, WindowRegion) else None
        self.screen = control.root_area()
        """The whole screen."""
        self.area = region.area(control, self._windows, self.screen)
        """The part shown, in coordinates of the screen."""

    @property
    def follows_window(self) -> bool:
        return self._windows is not None

    def locate(self) -> tuple[Rectangle, bool]:
        """Ask where it is now, and whether the screen has another size than before.

        ``area`` stays as it was.  Raises SourceError.
        """
        before, self.screen = self.screen, self._control.root_area()
        area = self._region.area(self._control, self._windows, self.screen)
        return area, self.screen != before
