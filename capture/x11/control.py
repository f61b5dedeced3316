"""The control plane of one X display, by python-xlib: events, damage, geometry.

Encoder thread only.

Damage is reported at level NonEmpty: one event when the first pixel is drawn,
then nothing until the damage is taken.  So a screen nobody watches, and one
that is drawn on a thousand times between two frames, wake us once.
"""

import logging
import re
from enum import Flag, auto

from Xlib import X
from Xlib import error as xerror
from Xlib.display import Display
from Xlib.ext import damage, randr, xfixes, xinput
from Xlib.protocol.rq import Event

from webcapd.capture.geometry import Rectangle
from webcapd.capture.pixelformat import PixelFormat
from webcapd.capture.source import SourceError
from webcapd.capture.x11.connect import GENERIC_EVENT, PlainEvents, connect
from webcapd.capture.x11.cursor import CursorImage, fetch_cursor
from webcapd.capture.x11.damage import DamageIds, create_region
from webcapd.capture.x11.dial import Dialler

log = logging.getLogger(__name__)


class XEvents(Flag):
    """What the server has told since it was last asked."""

    NOTHING = 0
    DAMAGE = auto()
    """Something was drawn."""
    POINTER = auto()
    """The pointer moved."""
    CURSOR = auto()
    """The pointer has another image."""
    LAYOUT = auto()
    """The screen, its monitors or a window changed place, size or title."""
    MASKS = auto()
    """Something happened to windows that are masked, or may have to be."""


def joined(some: XEvents, others: XEvents) -> XEvents:
    """Join what was told; mostly there is nothing to join, and flags take longer to find out."""
    nothing: XEvents = XEvents.NOTHING
    if some is nothing:
        return others
    return some if others in (nothing, some) else some | others


_LAYOUT_EVENTS = frozenset(
    (
        X.ConfigureNotify,
        X.MapNotify,
        X.UnmapNotify,
        X.DestroyNotify,
        X.ReparentNotify,
        X.GravityNotify,
        X.CirculateNotify,
        X.PropertyNotify,
    )
)


class _Answering:
    """Turns python-xlib's ways to fail into SourceError; to be entered any number of times."""

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, xerror.ConnectionClosedError):
            # python-xlib keeps the error.  With its traceback, all that is now
            # at work would be kept as well.
            error.__traceback__ = None
            raise self._dialler.gone() from None
        if isinstance(error, xerror.XError):
            what, name = type(error).__name__, self._dialler.name
            raise SourceError(f"the X server of display {name} refused a request: {what}") from None


class Control:
    """What webcapd knows of a display beside its pixels."""

    def __init__(self, dialler: Dialler) -> None:
        """Connect and begin to watch; raises SourceError in one sentence."""
        self.name = dialler.name
        self.answering = _Answering(dialler)
        self.display = connect(dialler)
        self.display.set_error_handler(_log_error)
        self._plain_events = PlainEvents(self.display)
        self.damage_obstacle: str | None = None
        """Why there are no damage reports; None when there are."""
        self.damage_ids: DamageIds | None = None
        self.reports_motion = False
        """Whether the server tells that the pointer moves."""
        self._meanings: dict[int, XEvents] = dict.fromkeys(_LAYOUT_EVENTS, XEvents.LAYOUT)
        self.strange = 0
        """How often something else came than events of which only the kind counts."""
        try:
            with self.answering:
                self._demand_screen()
                self.root = self.display.screen().root
                self.title_atoms = (
                    self.display.intern_atom("_NET_WM_NAME"),
                    self.display.intern_atom("WM_NAME"),
                )
                self.format = _pixel_format(self.display)
                self._watch_layout()
                self.damage_obstacle = self._watch_damage()
                self._cursor_obstacle = self._find_cursor_reports()
        except SourceError:
            self.close()
            raise

    def _demand_screen(self) -> None:
        """See that the screen in the name exists: python-xlib would take another."""
        match = re.search(r":\d+\.(\d+)$", self.name)
        count = self.display.screen_count()
        if match and int(match[1]) >= count:
            raise SourceError(
                f"display {self.name} has no screen {match[1]}; it has {count}, counted from 0"
            )

    def _watch_layout(self) -> None:
        self.root.change_attributes(event_mask=X.StructureNotifyMask)
        if self.display.has_extension("RANDR"):
            randr.select_input(self.root, randr.RRScreenChangeNotifyMask)
            event = self.display.extension_event.ScreenChangeNotify
            self._meanings[event] = XEvents.LAYOUT

    def _watch_damage(self) -> str | None:
        """Start damage reports; says why not where the server has none."""
        for extension in ("XFIXES", "DAMAGE"):
            if not self.display.has_extension(extension):
                return f"the X server has no {extension} extension"
        xfixes.query_version(self.display)
        damage.query_version(self.display)
        self._expect(self.display.extension_event.DamageNotify, XEvents.DAMAGE)
        opcode = self.display.display.get_extension_major
        self.damage_ids = DamageIds(
            damage.damage_create(self.root, damage.DamageReportNonEmpty),
            create_region(self.display),
            opcode("DAMAGE"),
            opcode("XFIXES"),
        )
        # Before another connection speaks of them.
        self.display.sync()
        return None

    def _expect(self, kind: int, meaning: XEvents) -> None:
        """Note what a kind of event means that tells nothing else."""
        self._meanings[kind] = meaning
        self._plain_events.expect(kind)

    def _find_cursor_reports(self) -> str | None:
        """Select how the server reports the pointer; says why its image cannot be had."""
        if not self.display.has_extension("XFIXES"):
            return "the X server has no XFIXES extension"
        xfixes.query_version(self.display)
        code, _ = self.display.extension_event.DisplayCursorNotify
        self._meanings[code] = XEvents.CURSOR
        if self.display.has_extension("XInputExtension"):
            # From 2.1 on raw motion is reported also while a program grabs the pointer.
            xinput.XIQueryVersion(
                display=self.display.display,
                opcode=self.display.display.get_extension_major(xinput.extname),
                major_version=2,
                minor_version=2,
            )
            self.reports_motion = True
            # Raw motion is the only one selected, and the only generic event.
            self._expect(GENERIC_EVENT, XEvents.POINTER)
        return None

    def report_cursor(self, wanted: bool) -> None:
        """Have the server report the pointer's image and motion, or not any more.

        A pointer in motion is a hundred events a second and more: nobody
        should be woken by them who does not watch.
        """
        if self._cursor_obstacle is not None:
            return
        with self.answering:
            mask = xfixes.XFixesDisplayCursorNotifyMask if wanted else 0
            xfixes.select_cursor_input(self.display, self.root, mask)
            if self.reports_motion:
                motion = [xinput.RawMotionMask] if wanted else []
                xinput.select_events(self.root, [(xinput.AllMasterDevices, motion)])
            self.display.flush()

    def root_area(self) -> Rectangle:
        """Ask for the geometry of the screen."""
        with self.answering:
            geometry = self.root.get_geometry()
            return Rectangle(0, 0, geometry.width, geometry.height)

    def cursor_image(self) -> CursorImage | None:
        """Fetch the pointer's image; None where there is none to show."""
        if self._cursor_obstacle is not None:
            return None
        with self.answering:
            return fetch_cursor(self.display)

    @property
    def cursor_obstacle(self) -> str | None:
        return self._cursor_obstacle

    def fileno(self) -> int:
        """Descriptor that turns readable when events come."""
        with self.answering:
            return self.display.fileno()

    def take_events(self) -> XEvents:
        """Take all events that have arrived; tells what they say together."""
        with self.answering:
            found = XEvents.NOTHING
            kinds, is_all = self._plain_events.take()
            for kind in kinds:
                found = joined(found, self._meanings[kind])
            if is_all:
                return found
            self.strange += 1
            for _ in range(self.display.pending_events()):
                told = self._meaning_of(self.display.next_event())
                found = joined(found, told)
        return found

    def _meaning_of(self, event: Event) -> XEvents:
        # The high bit marks events sent by clients: window managers tell
        # windows of their moves that way.
        kind = event.type & 0x7F
        if kind == X.PropertyNotify and event.atom not in self.title_atoms:
            return XEvents.NOTHING
        return self._meanings.get(kind, XEvents.NOTHING)

    def close(self) -> None:
        """Close the connection; the server frees damage and region with it."""
        try:
            self.display.close()
        except (xerror.ConnectionClosedError, OSError) as error:
            # python-xlib keeps the error, whose frames keep those who called this.
            error.__traceback__ = None


def _pixel_format(display: Display) -> PixelFormat:
    info = display.display.info
    screen = display.screen()
    pixmap = next(f for f in info.pixmap_formats if f.depth == screen.root_depth)
    visual = next(
        v
        for depth in screen.allowed_depths
        for v in depth.visuals
        if v.visual_id == screen.root_visual
    )
    has_masks = visual.visual_class in (X.TrueColor, X.DirectColor)
    masks = (visual.red_mask, visual.green_mask, visual.blue_mask) if has_masks else (0, 0, 0)
    return PixelFormat(
        screen.root_depth,
        pixmap.bits_per_pixel,
        pixmap.scanline_pad,
        info.image_byte_order == X.LSBFirst,
        masks,
    )


def _log_error(error: xerror.XError, request: object) -> None:
    """Stand in for python-xlib's default handler, which prints to stderr."""
    log.debug("X error: %s (%s)", error, request)
