"""Options as the Python API takes them: those of the command line, with the same sentences."""

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import ROOT, TIMEOUT

import webcapd
from webcapd.app.api.changed import changed_places
from webcapd.app.api.values import take
from webcapd.app.commandline import OPTIONS, parse
from webcapd.base.option import declared
from webcapd.capture.bands import BAND_ROWS, BandLayout
from webcapd.capture.geometry import Rectangle
from webcapd.capture.picture import BandKey

ANYWHERE = ["--display", ":0"]


def test_each_option_takes_its_own_default_and_flags_and_keywords_are_alike() -> None:
    for options in OPTIONS:
        for one in declared(options):
            if one.default not in (None, "", ()):
                assert take(one, one.default) == one.default, one.name
    flags = ["--fps", "12", "--mask", "1,2,3,4", "--mask", "5,6,7,8", "--no-capture-cursor"]
    flags += ["--source", "pattern:clock", "--rotate", "90", "--port", "0", "--subsampling", "444"]
    by_name = webcapd.Settings(
        fps=12,
        mask=["1,2,3,4", "5,6,7,8"],
        capture_cursor=False,
        source="pattern:clock",
        rotate=90,
        port=0,
        subsampling="444",
        auth_file=None,
    )
    assert by_name.options == parse(flags)
    one_mask = webcapd.Settings(display=":0", mask=(1, 2, 3, 4), fps=np.float64(12), virtual=None)
    assert one_mask.options.capture.mask == (Rectangle(1, 2, 3, 4),)
    masks = webcapd.Settings(display=":0", mask=[(1, 2, 3, 4), Rectangle(5, 6, 7, 8)])
    assert masks.options.capture.mask == by_name.options.capture.mask
    assert webcapd.Settings(virtual=True, program=["a", "b"]).options.program == ("a", "b")
    assert webcapd.Settings(display=":0", watermark_path=None).options == parse(ANYWHERE)


def sentence_of(*arguments: str) -> str:
    """Give what the command line says of a mistake."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), pytest.raises(SystemExit):
        parse(arguments)
    return said.getvalue().removeprefix("webcapd: ").removesuffix(" (see --help)\n")


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"fps": 0}, ("--fps", "0")),
        ({"quality": 101}, ("--quality", "101")),
        ({"display": "nonsense"}, ("--display", "nonsense")),
        ({"mask": (1, 2, 3)}, ("--mask", "1,2,3")),
        ({"source": "nonsense:x"}, ("--source", "nonsense:x")),
        ({"watermark_path": Path("/none")}, ("--watermark-path", "/none")),
        ({"filter": "scale=0"}, ("--filter", "scale=0")),
        ({"display": ""}, ("--display", "")),
        ({"publish_token_file": ""}, ("--publish-token-file", "")),
    ],
)
def test_mistakes_are_told_as_on_the_command_line(
    options: dict[str, object], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(webcapd.Error) as caught:
        webcapd.Settings(**options)  # type: ignore[arg-type]
    name, _, sentence = str(caught.value).partition(": ")
    assert name in options
    assert sentence_of(*arguments).endswith(f": {sentence}")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"dispaly": ":0"}, "there is no option dispaly; display is one"),
        ({"fps": "30"}, "fps: '30' is not a number"),
        ({"fps": True}, "fps: True is not a number"),
        ({"fps": float("nan")}, "fps: nan is not a number"),
        ({"width": 1.5}, "width: 1.5 is not a whole number"),
        ({"capture_cursor": 1}, "capture_cursor: 1 is neither True nor False"),
        ({"display": 3}, "display: 3 is not a text"),
        ({"mask": 3}, "mask: 3 is not a text"),
        ({"subsampling": "411"}, "subsampling: invalid choice: '411' (choose from 444, 422, 420)"),
        ({"fps": 1, "target_fps": 1}, "target_fps and fps are one option, and given twice"),
        ({"display": ":0", "index": 0}, "display= and index= both say what to show"),
        ({"display": ":0", "program": ["x"]}, "a program after -- runs in the embedded display"),
        ({"program": "xterm"}, "program: 'xterm' is no command"),
        ({"program": [3]}, "program: [3] is no command"),
        ({"log_level": "info"}, "log_level is for the program; here logging"),
    ],
)
def test_mistakes_of_programs_are_told_in_a_sentence(
    options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(webcapd.Error) as caught:
        webcapd.Settings(**options)  # type: ignore[arg-type]
    assert str(caught.value).startswith(sentence)


def test_settings_show_no_secrets_and_are_not_mixed() -> None:
    made = webcapd.Settings(source="http://user:hush@host/", fps=3)
    assert repr(made) == "Settings(source=..., target_fps=...)"
    assert "hush" not in repr(made.options)
    with pytest.raises(webcapd.Error, match="publish_token_file=, so that not everybody"):
        webcapd.Settings(source="push:hall")
    tokens = {"publish_token_file": "/nonexistent"}
    with pytest.raises(webcapd.Error, match="push: takes a server"):
        webcapd.frames(source="push:hall", **tokens)  # type: ignore[call-overload]
    with pytest.raises(webcapd.Error, match="/nonexistent cannot be read"):
        webcapd.snapshot(source="tcp://:5000", **tokens)  # type: ignore[call-overload]
    with pytest.raises(webcapd.Error, match="fps: options are in the settings"):
        webcapd.frames(made, fps=4)
    with pytest.raises(webcapd.Error, match=r"':0' is no webcapd\.Settings"):
        webcapd.frames(":0")  # type: ignore[call-overload]


SIDES = st.integers(1, 700)


@given(SIDES, SIDES, st.data())
def test_changed_places_are_just_the_tiles_that_differ(
    width: int, height: int, data: st.DataObject
) -> None:
    layout = BandLayout(height, width)
    tile = st.tuples(*[st.integers(0, 1)] * layout.columns)
    bands = st.lists(tile, min_size=layout.count, max_size=layout.count)
    before: list[BandKey] = list(data.draw(bands))
    now: list[BandKey] = list(data.draw(bands))
    counted = np.zeros((height, width), np.uint8)
    for place in changed_places(layout, width, before, now):
        assert place
        assert place.within(Rectangle(0, 0, width, height)) == place
        place.of(counted)[:] += 1
    expected = np.zeros_like(counted)
    for band, (old, new) in enumerate(zip(before, now, strict=True)):
        for column in range(layout.columns):
            left = column * layout.tile_width
            part = expected[band * BAND_ROWS : (band + 1) * BAND_ROWS]
            part[:, left : left + layout.tile_width] = old[column] != new[column]
    assert np.array_equal(counted, expected)


USER = """
import webcapd

def on_frame(frame: webcapd.Frame) -> None:
    reveal_type(frame.pixels)

def on_packet(packet: webcapd.Packet) -> None: ...

def main() -> None:
    settings = webcapd.Settings(display=":0", fps=30, mask=[(0, 0, 10, 10)])
    with webcapd.frames(settings) as frames:
        for frame in frames:
            place: webcapd.Rectangle = frame.changed[0]
            print(frame.pixels.mean(), place.x)
    with webcapd.frames(output="jpeg", source="pattern:clock") as packets:
        reveal_type(next(packets))
    webcapd.Capture(settings, on_frame).start().stop()
    webcapd.Capture({"virtual": True}, on_packet, "jpeg").start()
    with webcapd.serve(port=0) as server:
        print(server.urls)
    print(webcapd.snapshot(display=":0").pixels.shape)
"""
WRONG = {
    'webcapd.frames(dispaly=":0")': "Unexpected keyword",
    'webcapd.frames(fps="30")': "No overload",
    'webcapd.serve(port="80")': "arg-type",
    "webcapd.Capture(None, on_packet)": "arg-type",
}


def test_strict_type_checkers_take_programs_and_find_their_mistakes(tmp_path: Path) -> None:
    """With the settings of the project, and what they have cached, as that takes minutes else."""
    program = tmp_path / "program.py"
    program.write_text("\n".join([USER, *WRONG]))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20 * TIMEOUT,
        check=False,
    )
    told = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(told) >= len(WRONG), done.stdout
    first = USER.count("\n") + 1
    assert all(int(line.split(":")[1]) >= first for line in told), done.stdout
    assert 'Revealed type is "numpy.ndarray' in done.stdout
    assert 'Revealed type is "webcapd.app.api.frame.Packet"' in done.stdout
    assert (ROOT / ".package" / "webcapd" / "py.typed").is_file()
