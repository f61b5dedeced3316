"""The command line: what may be said, and how a mistake is answered."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from program import webcapd as webcapd_running
from xserver import XServer

from webcapd.app import __version__, commandline
from webcapd.base.option import Declared, declared
from webcapd.capture.options import CaptureOptions
from webcapd.capture.x11.dial import local_number
from webcapd.encoder.options import EncoderOptions
from webcapd.http.options import HttpOptions
from webcapd.outputs.options import RecordingOptions, RecordOptions

DECLARED = [one for options in commandline.OPTIONS for one in declared(options)]

Refused = Callable[..., str]


def names(one: Declared) -> str:
    return one.name


def values(options: commandline.Options) -> dict[str, Any]:
    return dict(options.config())


@pytest.fixture(autouse=True)
def display(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start where a display is set, as on a desktop, and a socket of systemd's is held."""
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "1")


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Give a function that sees a command line refused in one line, and returns that."""

    def check(*arguments: str) -> str:
        with pytest.raises(SystemExit) as caught:
            commandline.parse(arguments)
        said = capsys.readouterr()
        assert caught.value.code == 2
        assert said.out == ""
        assert said.err.endswith("\n")
        (line,) = said.err.splitlines()
        assert line.startswith("webcapd: ")
        return line

    return check


def test_defaults_are_as_declared() -> None:
    expected = commandline.Options(CaptureOptions(), EncoderOptions(), HttpOptions(), ())
    assert commandline.parse([]) == expected


def test_defaults_are_closed_and_moderate() -> None:
    given = values(commandline.parse([]))
    assert (given["port"], given["ipv"]) == (8080, 4)
    assert (given["v4bindaddress"], given["v6bindaddress"]) == ("127.0.0.1", "::1")
    assert (given["target_fps"], given["jpeg_quality"]) == (30.0, 75)
    assert (given["allow_host"], given["loghttp"]) == ((), False)


def test_option_names_are_unique() -> None:
    flags = [flag for one in DECLARED for flag in one.flags]
    assert len(set(flags)) == len(flags)


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        commandline.parse(["--help"])
    said = capsys.readouterr()
    assert caught.value.code == 0
    assert said.err == ""
    words = said.out.replace(",", " ").replace("[", " ").split()
    for one in DECLARED:
        assert set(one.flags) <= set(words)
        assert one.details.help.split()[0] in words


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        commandline.parse(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"webcapd {__version__}\n"


VALUES = {
    "display": "lab3:7.1",
    "virtual": "640x480",
    "source": "pattern:bars",
    "filter": "gray,scale=0.5",
    "source_auth_file": "/dev/null",
    "mask": "1,2,3,4",
    "watermark_path": str(Path(__file__).with_name("mark.png")),
    "v4bindaddress": "127.0.0.2",
    "v6bindaddress": "fe80::1",
    "listen": "[::1]:80",
    "unix_mode": "600",
    "allow_origin": "https://wall.example",
    "allow_frame": "https://wall.example",
    "wall": "https://lab3.example",
    "trust_proxy": "10.0.0.0/8",
    "pre": "10s",
    "record_name": "{n}.mkv",
    "segment": "clock:1h",
    "keep": "7d",
    "max_size": "10G",
    "min_free": "5%",
    "interval": "10s",
}


def needed(one: Declared) -> list[str]:
    """Give what else must be said if an option is given."""
    if one.name == "cache_checks_access":
        return ["--announce", "cache"]
    kinds = (RecordOptions, RecordingOptions)
    if one.name == "record" or one.name not in {of.name for kind in kinds for of in declared(kind)}:
        return []
    token = ["--record-token-file", "tokens"] if one.name == "pre" else []
    return ["--record", "folder", *token]


def another_value(one: Declared) -> Any:
    """Give a value that an option takes and that is not its default."""
    if one.details.choices:
        return next(filter(one.default.__ne__, map(one.kind, one.details.choices)))
    if one.details.low is not None:
        kind = float if isinstance(one.default, float) else int
        return kind(one.details.low + 1)
    return VALUES.get(one.name, "somewhere")


@pytest.mark.parametrize("one", [one for one in DECLARED if one.kind is not bool], ids=names)
def test_every_flag_sets_its_option_and_no_other(one: Declared) -> None:
    value = another_value(one)
    meant = one.details.read(value) if one.details.read else value
    for flag in one.flags:
        for arguments in ([flag, str(value)], [f"{flag}={value}"]):
            given = values(commandline.parse([*needed(one), *arguments]))
            expected = (meant,) if one.repeatable else meant
            assert given == values(commandline.parse(needed(one))) | {one.name: expected}
            assert type(given[one.name]) is type(expected)


@pytest.mark.parametrize("one", [one for one in DECLARED if one.kind is bool], ids=names)
def test_every_switch_goes_on_and_off(one: Declared) -> None:
    (flag,) = one.flags
    off = "--no-" + flag.removeprefix("--")
    for arguments, expected in (([flag], True), ([off], False), ([flag, off], False)):
        given = values(commandline.parse([*needed(one), *arguments]))
        assert given[one.name] is expected


RANGED = [one for one in DECLARED if one.details.low is not None]


@pytest.mark.parametrize("one", RANGED, ids=names)
def test_range_is_closed(one: Declared, refused: Refused) -> None:
    low, high = one.details.low, one.details.high
    assert low is not None
    assert high is not None
    for bound in (low, high):
        arguments = [*needed(one), one.flags[0], f"{bound:.0f}" if bound >= 1e6 else f"{bound:g}"]
        assert values(commandline.parse(arguments))[one.name] == bound
    for beyond in (low - 1, high + 1):
        assert one.flags[0] in refused(f"{one.flags[0]}={beyond:.15g}")


@pytest.mark.parametrize("one", RANGED, ids=names)
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "1x",
        "nan",
        "-nan",
        "inf",
        "-inf",
        "1e999",
        "0x10",
        "1,5",
        "8" * 5000,
        "1_0",
        " 1",
        "1 ",
        "+1",
        "\u0667\u0665",
    ],
)
def test_bad_number_is_refused(one: Declared, text: str, refused: Refused) -> None:
    assert one.flags[0] in refused(f"{one.flags[0]}={text}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "8080.5"),
        ("--quality", "75.5"),
        ("--port", "1\n2"),
        ("--subsampling", "411"),
        ("--shm", "yes\nplease"),
        ("--ipv", "5"),
        ("--port",),
        ("--nothing",),
        ("--nothing\nat all",),
        ("--por", "8080"),
        ("something",),
        ("--loghttp=1",),
        ("--virtual", "12"),
        ("--virtual", "0x5"),
        ("--virtual", "640x"),
        ("--virtual", "640x480x24"),
        ("--virtual", "16385x1"),
        ("--virtual", "6\n4"),
        ("--virtual", "\u0666x\u0664"),
        ("--virtual", "640 x480"),
        ("--mask", "1,2,3,\u0664"),
        ("--mask", "1, 2, 3, 4"),
        ("--virtual", "640x480", "--"),
        ("--", "xterm"),
        ("--",),
        ("--display", ":1", "--index", "1"),
        ("--keep", "7d"),
        ("--pre", "10s", "--record", "folder"),
        ("--pre", "10s", "--record", "a", "--record-token-file", "b", "--interval", "1s"),
        ("--record-token-file", "tokens"),
        ("--record", ""),
        ("--record", "folder", "--record-format", "avi"),
        ("--record", "folder", "--record-format", "jpg", "--record-name", "{n}.mkv"),
        ("--display", ":1", "--virtual"),
        ("--index", "1", "--virtual", "640x480"),
        ("--display", ":1", "--index", "1", "--virtual"),
    ],
)
def test_mistake_is_answered_by_one_line(arguments: tuple[str, ...], refused: Refused) -> None:
    refused(*arguments)


def test_two_displays_are_refused_by_name(refused: Refused) -> None:
    line = refused("--display", ":1", "--virtual")
    assert "--display" in line
    assert "--virtual" in line


@pytest.mark.parametrize("value", [None, ""])
def test_no_display_at_all_is_refused(
    value: str | None, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv("DISPLAY")
    else:
        monkeypatch.setenv("DISPLAY", value)
    assert "--display" in refused()
    for arguments in (["--display", ":1"], ["--index=0"], ["--virtual"]):
        commandline.parse(arguments)


def test_allow_host_is_repeatable_and_starts_over_each_time() -> None:
    for _ in range(2):
        given = commandline.parse(["--allow-host", "a", "--allow-host=b"])
        assert given.http.allow_host == ("a", "b")


def test_virtual_has_a_size_of_its_own() -> None:
    assert commandline.parse(["--virtual"]).capture.virtual == "1280x720"
    assert commandline.parse(["--virtual", "--port", "0"]).capture.virtual == "1280x720"


def test_program_after_the_separator_is_left_as_it_is() -> None:
    given = commandline.parse(["--virtual", "--", "xterm", "--port", "--", "-e", "--help"])
    assert given.program == ("xterm", "--port", "--", "-e", "--help")
    assert given.capture.virtual == "1280x720"


# Of webcamd, in the order of its options; programs read them out of /?info.
ANCESTORS = {
    **{"width": int, "height": int, "index": int, "ipv": int, "v4bindaddress": str},
    **{"v6bindaddress": str, "port": int, "encodewait": float, "streamwait": float},
    **{"rotate": int, "showfps": bool, "loghttp": bool},
}


@pytest.mark.parametrize("shown", ["--display", "--index"])
def test_state_gives_the_ancestors_options_in_its_types(shown: str, server: XServer) -> None:
    number = server.name.removeprefix(":")
    name = {"--display": server.name, "--index": number}[shown]
    with webcapd_running(shown, name, "--encodewait", "0", "--rotate", "90") as program:
        config = program.info()["config"]
    assert {name: type(config[name]) for name in ANCESTORS} == ANCESTORS
    expected = {"rotate": 90, "ipv": 4, "index": int(number), "encodewait": 0.0}
    assert {name: config[name] for name in expected} == expected
    assert HttpOptions().rotate == -1


@pytest.mark.parametrize(
    ("name", "number"), [(":7", 7), ("unix:7.1", 7), ("lab3:7", -1), ("tcp/localhost:7", -1)]
)
def test_display_of_this_machine_has_a_number(name: str, number: int) -> None:
    assert local_number(name) == number


@pytest.mark.parametrize("flag", ["--caption", "--window", "--mask-window"])
def test_text_is_read_whatever_the_locale(flag: str, refused: Refused) -> None:
    """Bytes that it has no letters for come as lone surrogates."""
    typed = "Büro 3 →".encode().decode("ascii", "surrogateescape")
    value = values(commandline.parse([flag, typed]))[flag.removeprefix("--").replace("-", "_")]
    assert value in ("Büro 3 →", ("Büro 3 →",))
    latin = "Büro".encode("latin-1").decode("ascii", "surrogateescape")
    assert "not in the encoding" in refused(flag, latin)
