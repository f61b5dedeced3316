"""A screen of another size, or cut into monitors, by RandR as desktops do it."""

from typing import ClassVar

from Xlib.display import Display
from Xlib.ext import randr
from Xlib.protocol import rq

from webcapd.capture.geometry import Rectangle

_ROTATE_0 = 1
_SUCCESS = 0


def resize(display: Display, width: int, height: int) -> None:
    """Give the first output, and the screen with it, another size."""
    root = display.screen().root
    resources = randr.get_screen_resources(root)
    output, crtc = resources.outputs[0], resources.crtcs[0]
    mode = next((m.id for m in resources.modes if (m.width, m.height) == (width, height)), None)
    if mode is None:
        name = f"{width}x{height}"
        # Id, size, eight numbers about timing, length of the name, flags.
        fields = (0, width, height, 0, 0, 0, 0, 0, 0, 0, 0, len(name), 0)
        mode = randr.create_mode(root, fields, name).mode
        randr.add_output_mode(display, output, mode)
    geometry = root.get_geometry()
    # The screen must hold its output at any moment: it grows before, and shrinks after it.
    larger = max(width, geometry.width), max(height, geometry.height)
    if larger != (geometry.width, geometry.height):
        randr.set_screen_size(root, *larger, 100, 100)
    # The last argument but the outputs: how it is turned.
    timestamp = randr.get_screen_resources(root).config_timestamp
    answer = randr.set_crtc_config(display, crtc, timestamp, 0, 0, mode, _ROTATE_0, [output])
    assert answer.status == _SUCCESS
    randr.set_screen_size(root, width, height, 100, 100)
    display.sync()
    geometry = root.get_geometry()
    assert (geometry.width, geometry.height) == (width, height)


class _SetMonitor(rq.Request):
    """python-xlib has it too, but cannot send it."""

    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(43),
        rq.RequestLength(),
        rq.Card32("window"),
        rq.Card32("name"),
        rq.Bool("primary"),
        rq.Bool("automatic"),
        rq.Card16("outputs"),
        rq.Int16("x"),
        rq.Int16("y"),
        rq.Card16("width"),
        rq.Card16("height"),
        rq.Card32("width_in_millimeters"),
        rq.Card32("height_in_millimeters"),
    )


def define_monitor(display: Display, name: str, place: Rectangle) -> None:
    """Cut a monitor out of the screen, as splitting a wide one does; an old one gives way."""
    root = display.screen().root
    atom = display.intern_atom(name)
    if atom in [monitor.name for monitor in randr.get_monitors(root).monitors]:
        # The stubs say that it takes a name.
        randr.delete_monitor(root, atom)  # type: ignore[arg-type]
    _SetMonitor(
        display=display.display,
        opcode=display.display.get_extension_major(randr.extname),
        window=root.id,
        name=atom,
        primary=False,
        automatic=False,
        outputs=0,
        **place._asdict(),
        width_in_millimeters=100,
        height_in_millimeters=100,
    )
    display.sync()
