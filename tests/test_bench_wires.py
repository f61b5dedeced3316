"""The benchmark's clients of TigerVNC and of update streams show what the screen shows."""

import contextlib
import itertools
import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import TIMEOUT
from tightencoder import TightEncoder, compact
from updatereader import UpdateReader
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

import audience
import barcode
import compare
import cost
import latency
import peers
import report
import rfb
import running
import screens
import updatetable
import wires
from figures import Record

RECORDED = Path(__file__).parent / "updates-1.bin"
SIZE = (360, 48)
pieces = st.lists(st.integers(1, 200), min_size=1)
without_tigervnc = pytest.mark.skipif(
    peers.PEERS[peers.TIGERVNC].version() is None,
    reason="X0tigervnc is not installed (script/setup --bench)",
)


def pieces_of(data: bytes, walk: wires.Walk, cuts: Sequence[int]) -> Iterator[wires.Piece]:
    """Go through a stream that comes in pieces of these sizes, again and again."""
    at = 0
    for cut in itertools.cycle(cuts):
        at += cut
        yield from walk.on(data[:at])
        if at >= len(data):
            return


def walked(data: bytes, wire: wires.Wire, cuts: Sequence[int]) -> tuple[list[wires.Piece], bytes]:
    """Give the parts of a stream, and what the client says."""
    walk = wires.Walk(wire)
    return list(pieces_of(data, walk, cuts)), walk.reply


def shown(
    data: bytes, wire: wires.Wire, screen: screens.Screen, cuts: Sequence[int]
) -> list[int | None]:
    """Show a stream; gives the number at the end of each update."""
    numbers = []
    for piece in pieces_of(data, wires.Walk(wire), cuts):
        number = screen.take(data[piece.start - piece.part.head : piece.end], piece.part)
        numbers += [number] if piece.part.body else []
    return numbers


def greeting() -> bytes:
    """Say what a VNC server says before the first update."""
    pixel_format = bytes(16)
    return (
        b"RFB 003.008\n\x02\x02\x01" + bytes(4) + struct.pack(">HH", *SIZE) + pixel_format
        + b"\x00\x00\x00\x04desk\x96" + b"\xf8\x00\x00\x00\x80\x00\x00\x01\x02hi"
        + b"\x02\x03\x00\x00\x00\x00\x00\x00\x03cut"
    )  # fmt: skip


def rectangle(x: int, y: int, width: int, height: int, encoding: int, data: bytes) -> bytes:
    return struct.pack(">4Hi", x, y, width, height, encoding) + data


def update(rectangles: Sequence[bytes], counted: bool) -> bytes:
    if counted:
        return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)
    last = rectangle(0, 0, 0, 0, -224, b"")
    return struct.pack(">BxH", 0, 0xFFFF) + b"".join(rectangles) + last


def numbered(number: int) -> Pixels:
    """Draw a barcode in black and white, as high as one block."""
    pixels = np.zeros((barcode.BLOCK, barcode.WIDTH, 3), np.uint8)
    for column in barcode.blocks(number):
        pixels[:, column * barcode.BLOCK : (column + 1) * barcode.BLOCK] = 255
    return pixels


@st.composite
def areas(draw: st.DrawFn) -> tuple[int, int, Pixels, int, bool]:
    """Choose a place, its pixels in some number of colours, a stream, and whether that is new."""
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 12))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    colours = generator.integers(0, 256, (draw(st.sampled_from([1, 2, 3, 256, 999])), 3), np.uint8)
    pixels = colours[generator.integers(0, len(colours), (height, width))]
    place = draw(st.integers(0, SIZE[0] - width)), draw(st.integers(0, 30 - height))
    return (*place, pixels, draw(st.integers(0, 3)), draw(st.booleans()))


@settings(max_examples=40, deadline=None)
@given(st.lists(areas(), max_size=6), st.booleans(), st.integers(0, 65535), pieces)
def test_tight_is_shown_as_it_was_coded(
    drawn: list[tuple[int, int, Pixels, int, bool]], counted: bool, number: int, cuts: list[int]
) -> None:
    encoder, wanted = TightEncoder(), np.zeros((*SIZE[::-1], 3), np.uint8)
    wanted[:] = (9, 8, 7)
    wanted[30:46, : barcode.WIDTH] = numbered(number)
    whole = rectangle(0, 0, *SIZE, 7, b"\x80\x09\x08\x07")
    code = encoder.basic(numbered(number), 0, False)
    sent = [whole, rectangle(0, 30, barcode.WIDTH, barcode.BLOCK, 7, code)]
    for x, y, pixels, stream, reset in drawn:
        height, width = pixels.shape[:2]
        wanted[y : y + height, x : x + width] = pixels
        coded = encoder.basic(pixels, stream, reset)
        sent.append(rectangle(x, y, width, height, 7, coded))
    wanted[:5, 340:350] = wanted[:5, 338:348].copy()
    sent.append(rectangle(340, 0, 10, 5, 1, struct.pack(">HH", 338, 0)))
    pointer = rectangle(3, 3, 9, 2, -239, bytes(9 * 2 * 4 + 2 * 2))
    data = greeting() + update(sent, counted) + update([pointer], True) + b"\x02"
    wire = rfb.Rfb()
    screen = screens.RfbScreen(wire, 30)
    assert shown(data, wire, screen, cuts) == [number, number]
    assert np.array_equal(screen.picture, wanted)


@given(pieces)
def test_vnc_server_is_answered_however_its_words_come(cuts: list[int]) -> None:
    found, reply = walked(greeting(), rfb.Rfb(), cuts)
    assert sum(one.part.head for one in found) == len(greeting())
    version, security, setup = reply[:12], reply[12:14], reply[14:]
    assert (version, security) == (b"RFB 003.008\n", b"\x01\x01")
    encodings = struct.unpack(">xxxx16xBxH9i", setup[:60])[2:]
    assert {7, -26, -254} <= set(encodings)
    whole = struct.pack(">BB4H", 3, 0, 0, 0, *SIZE)
    continuous = struct.pack(">BB4H", 150, 1, 0, 0, *SIZE)
    fence = b"\xf8\x00\x00\x00\x00\x00\x00\x01\x02hi"
    assert setup[60:] == whole + continuous + fence


@given(st.integers(0, (1 << 22) - 1))
def test_lengths_of_tight_are_read(length: int) -> None:
    data = b"\x90" + compact(length)
    found = rfb.tight(data, 8, 8)
    assert found is not None and (found.start, found.length) == (len(data), length)
    assert all(rfb.tight(data[:cut], 8, 8) is None for cut in range(len(data)))


def test_encodings_that_nobody_asked_for_are_refused() -> None:
    with pytest.raises(ValueError, match="nobody asked"):
        rfb.tight(b"\x40\x02", 8, 8)
    strange = greeting() + update([rectangle(0, 0, 1, 1, 16, b"")], True)
    with pytest.raises(ValueError, match="nobody asked"):
        walked(strange, rfb.Rfb(), [len(strange)])
    with pytest.raises(ValueError, match="password"):
        walked(b"RFB 003.008\n\x01\x02", rfb.Rfb(), [14])


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(100, 5000), min_size=1))
def test_update_stream_is_taken_apart_at_its_records(cuts: list[int]) -> None:
    marks, recorded = list[int](), RECORDED.read_bytes()
    reader = UpdateReader()
    reader.on_mark = lambda: marks.append(reader.sequence)
    reader.feed(recorded)
    data = b"HTTP/1.1 200 OK\r\n\r\n" + recorded
    found, _ = walked(data, wires.Updates(), cuts)
    assert sum(one.part.head + one.part.body for one in found) == len(recorded)
    assert sum(one.part.body for one in found) == len(marks) > 1
    screen = screens.UpdateScreen(wires.Updates(), 0)
    shown(data, wires.Updates(), screen, cuts)
    assert np.array_equal(screen.reader.picture, reader.picture)


@contextlib.contextmanager
def connected(server: XServer, size: str) -> Iterator[socket.socket]:
    """Show a display by TigerVNC, and connect."""
    peer = peers.PEERS[peers.TIGERVNC]
    with (
        peers.showing(peer, server.name, size, False) as (_, port),
        contextlib.closing(audience.connect(port)) as connection,
    ):
        yield connection


def close(shown: Pixels, wanted: Pixels) -> bool:
    """Compare R, G, B with B, G, R, but not in the middle, where the pointer is."""
    apart = np.abs(shown[..., ::-1].astype(int) - wanted)
    middle_y, middle_x = wanted.shape[0] // 2, wanted.shape[1] // 2
    apart[middle_y - 8 : middle_y + 24, middle_x - 8 : middle_x + 24] = 0
    return bool(apart.mean() < 0.5)


@without_tigervnc
def test_vnc_viewer_shows_what_the_screen_shows() -> None:
    """Nearly exactly in the end: what rests, TigerVNC sends again as good JPEG."""
    with (
        xvfb(640, 480) as server,
        running.workload("idle", server.name),
        connected(server, "640x480") as connection,
    ):
        connection.settimeout(TIMEOUT)
        wire, data = rfb.Rfb(), bytearray()
        walk, screen = wires.Walk(wire), screens.RfbScreen(wire, barcode.place(480))

        def equal() -> bool:
            data.extend(connection.recv(1 << 20))
            for piece in walk.on(data):
                screen.take(bytes(data[piece.start - piece.part.head : piece.end]), piece.part)
            connection.sendall(walk.reply)
            walk.reply = b""
            wanted = server.pixels()
            return screen.picture.shape == wanted.shape and close(screen.picture, wanted)

        wait_until("the viewer shows the screen", equal)


@pytest.mark.parametrize("code", latency.BARCODES)
@pytest.mark.parametrize(
    "name", [peers.UPDATES_VIDEO, pytest.param(peers.TIGERVNC, marks=without_tigervnc)]
)
def test_updates_are_measured_for_real(name: str, code: str) -> None:
    peer = peers.PEERS[name]
    record, *fidelities = latency.latencies("video", "640x480", [peer], 3.0, code)
    assert record["milliseconds"] and min(record["milliseconds"]) > 0
    # Only there is it known which frame is shown.
    assert len(fidelities) == (code == "step")
    if code == "step":
        assert fidelities[0]["kind"] == "fidelity"
        assert 20 < fidelities[0]["colours"] < fidelities[0]["brightness"] < 50
        (record,) = cost.costs("video", "640x480", [peer], 2.0)
        assert record["process"] > 0 and record["memory"] > 1e6
        assert record["bytes"] > record["fps"] * 100 > 0


def test_random_barcodes_stand_over_a_workload() -> None:
    with (
        xvfb(640, 480) as server,
        running.workload("full", server.name),
        running.random_barcodes(server.name) as telling,
    ):
        assert telling.stdout is not None
        told = [int(telling.stdout.readline().split()[0]) for _ in range(3)]
        assert told == [1, 2, 3]

        def number() -> int | None:
            return barcode.read_pixels(server.pixels()[..., 1], barcode.place(480))

        assert (wait_until("a number is shown", number) or 0) >= 3


def lines(kind: str, workload: str, values: dict[str, dict[str, object]]) -> list[Record]:
    shared = {"kind": kind, "size": "640x480", "workload": workload, "round": 0}
    return [{**shared, "table": "updates", "peer": name, **more} for name, more in values.items()]


def costs(process: float, octets: float) -> dict[str, object]:
    return {"process": process, "server": 0.0, "bytes": octets, "fps": 30.0, "memory": 1e7}


def test_updates_are_judged_beside_stream_and_tigervnc() -> None:
    three = {
        peers.SUBJECT: costs(0.1, 3.4e6),
        peers.UPDATES: costs(0.1, 1900.0),
        peers.TIGERVNC: costs(0.2, 1.9e6),
    }
    delays: dict[str, dict[str, object]] = {peers.UPDATES: {"milliseconds": [3.0, 30.0, 3.0]}}
    random = {name: {**more, "barcode": "random"} for name, more in delays.items()}
    records = lines("cost", "scroll", three) + lines("latency", "video", delays)
    records += lines("latency", "video", random)
    found = updatetable.verdicts(records, "640x480")
    assert [(one.rival, round(one.ratio.median, 3), one.holds) for one in found] == [
        (peers.SUBJECT, 1.0, True),
        (peers.TIGERVNC, 0.5, True),
        (peers.TIGERVNC, 0.001, True),
        ("6 ms", 0.5, True),
        ("15 ms", 2.0, False),
    ]
    assert updatetable.rendered(records, "640x480").splitlines() == [
        "| workload |  | webcapd | webcapd-updates | TigerVNC |",
        "| --- | --- | --- | --- | --- |",
        "| scroll | bytes | 3.4 MB/s | 1.9 KB/s | 1.9 MB/s |",
        "| scroll | CPU, s/s | 0.10 | 0.10 | 0.20 |",
        "| video | latency, ms |  | 3.00 / 30.0 |  |",
        "| video | at random |  | 3.00 / 30.0 |  |",
    ]
    assert len({compare.group(one) for one in records}) == 3


def test_updates_are_a_table_of_their_own() -> None:
    """Nobody's figures are mixed with those of another call."""
    beside = lines("cost", "typing", {peers.SUBJECT: costs(0.1, 3.4e6)})
    first = [{**one, "table": None, "peer": "webcamd-like"} for one in beside]
    machine = {"kind": "machine", "run": ""}
    page = report.render([machine, *first, *beside], "640x480", "plot.svg")
    before, after = page.split("### Only what changed, 640x480")
    assert "webcamd-like" in before and "webcamd-like" not in after
    assert peers.SUBJECT in after and f"| {peers.SUBJECT} |" not in before
    assert compare.group(first[0]) != compare.group(beside[0])


@pytest.mark.parametrize(("brightness", "holds"), [(34.8, True), (34.6, False)])
def test_bytes_of_a_video_count_at_an_equal_error(brightness: float, holds: bool) -> None:
    truth = {peers.UPDATES_80: brightness, peers.TIGERVNC: 34.7}
    records = lines("fidelity", "video", {name: {"brightness": dB} for name, dB in truth.items()})
    (found,) = updatetable.verdicts(records, "640x480")
    assert found.holds is holds


def test_peer_of_one_workload_is_not_measured_with_others() -> None:
    some = [peers.PEERS[peers.UPDATES_80], peers.PEERS[peers.UPDATES]]
    assert peers.watching(some, "video") == some
    assert peers.watching(some, "full") == some[1:]
