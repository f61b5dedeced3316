"""The benchmark: what it reads off streams and screens is true, and its arithmetic right."""

import json
import math
import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import TIMEOUT
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

import barcode
import before
import compare
import cost
import crowds
import figures
import frugal
import latency
import layout
import peers
import picture
import report
import running
import wires
import workload
from figures import Record
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates.copy import find_copies

numbers = st.integers(0, barcode.LIMIT - 1)
pieces = st.lists(st.integers(1, 400), min_size=1)


def jpeg(pixels: Pixels) -> bytes:
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])[1].tobytes()


def with_barcode(number: int, top: int, seed: int) -> Pixels:
    """Draw a barcode as a workload does, on noise."""
    size = barcode.BLOCK
    shape = (top + 2 * size, barcode.WIDTH + 50, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    pixels[top : top + size, : barcode.WIDTH] = 0
    for column in barcode.blocks(number):
        pixels[top : top + size, column * size : (column + 1) * size] = 255
    return pixels


@given(numbers, st.integers(0, 40), st.integers(0, 9))
def test_barcode_is_read_wherever_the_jpeg_has_its_grid(number: int, top: int, seed: int) -> None:
    assert barcode.read(jpeg(with_barcode(number, top, seed)), top) == number


@given(numbers, numbers)
def test_barcode_half_drawn_is_no_number(old: int, new: int) -> None:
    """Or else it is one of the two."""
    pixels = with_barcode(old, 0, 0)
    half = barcode.WIDTH - 4 * barcode.BLOCK
    pixels[:, half:] = with_barcode(new, 0, 0)[:, half:]
    assert barcode.read(jpeg(pixels), 0) in (None, old)


@pytest.mark.parametrize("grey", [0, 100, 255])
def test_plain_screen_has_no_barcode(grey: int) -> None:
    assert barcode.read(jpeg(np.full((64, 400, 3), grey, np.uint8)), 16) is None
    assert barcode.read(jpeg(np.full((64, 400, 3), grey, np.uint8)), 64) is None
    assert barcode.read(b"no JPEG", 0) is None


def multipart(bodies: Sequence[bytes]) -> bytes:
    head = "--x\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\nX-More: 1\r\n\r\n"
    return b"".join(head.format(len(body)).encode() + body + b"\r\n" for body in bodies)


def messages(stripes: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Frame stripes as a WebSocket server does, with a ping before each."""
    data = b""
    for frame, top, body in stripes:
        payload = b"\x03\x00" + frame.to_bytes(2, "big") + top.to_bytes(2, "big") + body
        length = len(payload)
        size = bytes([length]) if length < 126 else b"\x7e" + length.to_bytes(2, "big")
        data += b"\x89\x01p" + b"\x82" + size + payload
    return data


bodies = st.lists(st.binary(max_size=900).map(lambda data: b"\xff\xd8" + data), max_size=6)


@given(bodies, st.integers(0, 900))
def test_pictures_are_found_in_a_multipart_stream(sent: list[bytes], missing: int) -> None:
    response = b"HTTP/1.1 200 OK\r\n\r\n"
    data = response + multipart(sent)
    found = list(wires.pictures(data, wires.Multipart("/")))
    assert [data[one.start : one.end] for one in found] == sent
    cut = data[: max(len(response), len(data) - missing)]
    ends = [one.end for one in wires.pictures(cut, wires.Multipart("/"))]
    assert ends == [one.end for one in found if one.end <= len(cut)]


@given(bodies, st.integers(0, 65535))
def test_pictures_are_found_in_messages(sent: list[bytes], frame: int) -> None:
    stripes = [(frame, 540 * place, body) for place, body in enumerate(sent)]
    data = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + messages(stripes)
    found = list(wires.pictures(data, wires.WebSocket()))
    assert [(one.part.frame, one.part.top, data[one.start : one.end]) for one in found] == stripes


def served(parts: Sequence[bytes]) -> tuple[int, threading.Thread]:
    """Serve one client on a port, part by part; then wait for it to leave."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as client:
            for part in parts:
                client.sendall(part)
            client.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    return listener.getsockname()[1], thread


@settings(max_examples=5, deadline=None)
@given(pieces)
def test_audience_counts_frames_however_they_come(sizes: list[int]) -> None:
    """It begins in the middle of a picture, and more is under way than a buffer holds."""
    picture = bytes(200_000)
    data = picture[:5000] + b"\r\n" + multipart([picture, bytes(9), bytes(400), picture])
    cuts = np.cumsum(sizes).tolist()
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    port, thread = served(parts)
    peer = peers.Peer("test", "tcp", lambda scene: [], lambda: "1")
    with cost.audience(port, peer, 1) as crowd:

        def complete() -> bool:
            # The last two bytes belong to a part that never begins.
            return bool(crowd.account()["bytes"] >= len(data) - 2)

        wait_until("everything has arrived", complete)
        assert crowd.account()["frames"] == [4]
    thread.join(TIMEOUT)


def lines(peer: str, totals: Sequence[float], **more: object) -> list[Record]:
    shared = {"kind": "cost", "peer": peer, "least_fps": 30.0, **more}
    return [
        {**shared, "round": place, "process": total, "server": 0.0}
        for place, total in enumerate(totals)
    ]


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that was twice as slow in one round changes none of them."""
    records = lines("a", [1.0, 2.0, 1.0]) + lines("b", [4.0, 8.0, 4.0]) + lines("c", [5.0] * 3)
    found = figures.against_best(records, "a", ["b", "c"], figures.total)
    assert found == ("b", figures.Spread(0.25, 0.25, 0.25))
    assert figures.against_best(records, "a", ["nobody"], figures.total) is None


@given(st.lists(st.floats(0, 1e3), min_size=1), st.floats(0, 1))
def test_percentile_is_a_value_that_the_share_does_not_exceed(
    values: list[float], share: float
) -> None:
    found = figures.percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


def test_dropping_frames_is_not_cheap() -> None:
    shared = {"kind": "fan-out", "clients": 200}
    slow = lines("webcapd", [0.1], **shared | {"least_fps": 20.0})
    rivals = lines("all", [1.0], **shared) + lines("few", [0.1], **shared | {"least_fps": 9.0})
    (verdict,) = figures.fan_out_verdicts(slow + rivals, 30, "webcapd", ["all", "few"])
    assert (verdict.rival, verdict.ratio.median, verdict.holds) == ("all", math.inf, False)
    fast = lines("webcapd", [0.9], **shared)
    (verdict,) = figures.fan_out_verdicts(fast + rivals, 30, "webcapd", ["all", "few"])
    assert (verdict.rival, verdict.ratio.median, verdict.holds) == ("all", 0.9, True)


def test_rival_that_drops_frames_of_a_film_is_no_measure_where_another_does_not() -> None:
    shared = {"kind": "cost", "size": "s", "workload": "full"}
    own = lines("webcapd", [0.5], **shared)
    for least, best in ((9.0, "able"), (29.0, "cheap")):
        rivals = lines("able", [1.0], **shared) + lines(
            "cheap", [0.4], **shared | {"least_fps": least}
        )
        (verdict,) = figures.cost_verdicts(own + rivals, "s", 29.0, "webcapd", ["able", "cheap"])
        assert verdict.rival == best


def test_crowds_are_judged_by_cores_by_the_rival_and_by_who_got_fewest_frames() -> None:
    for least, holds in ((29.0, True), (20.0, False)):
        records = [
            {
                **{"kind": "fan-out", "table": "viewers", "round": 0, "server": 0.0, "bytes": 1e9},
                **{"workload": crowd.workload, "size": crowd.size, "clients": crowd.clients},
                **{"peer": peer, "process": cores, "memory": 1e6},
                "least_fps": least * crowd.fps / 29.2,
                # Who spends less, on half the frames, is not cheap.
                "frames": crowd.clients * crowd.fps * share,
            }
            for crowd in crowds.CROWDS
            for peer, cores, share in zip(crowd.peers, (0.7, 0.6), (1.0, 0.5), strict=False)
        ]
        judged = {one.what: one.holds for one in crowds.verdicts(records)}
        assert list(judged.values()) == [True, True, holds, holds]
        assert crowds.rendered(records).count("viewers") == 1
        assert crowds.rendered(records).count("1000 of *typing*") == 1


def test_number_that_was_never_shown_waits_for_a_later_one() -> None:
    drawn = {1: 10.0, 2: 10.1, 3: 10.2, 4: 10.3}
    assert latency.delays(drawn, {1: 10.01, 3: 10.25}) == pytest.approx([10, 150, 50])


def test_line_that_a_workload_was_ended_in_is_no_number() -> None:
    assert latency.parse_drawn("1 10.25\n2 10.5\n3 1") == {1: 10.25, 2: 10.5}
    assert latency.parse_drawn("1") == {}


def test_results_measured_anew_replace_the_old_ones_of_their_kind() -> None:
    def run(name: str, workloads: Sequence[str]) -> list[Record]:
        measured = [{"run": name, "kind": "cost", "workload": one} for one in workloads]
        return [{"run": name, "kind": "machine"}, *measured]

    merged = compare.merged(run("old", ["idle", "full"]), run("new", ["full"]))
    assert [(one["run"], one.get("workload")) for one in merged] == [
        ("old", None),
        ("old", "idle"),
        ("new", None),
        ("new", "full"),
    ]
    assert compare.merged(run("old", ["full"]), run("new", ["full"])) == run("new", ["full"])


def test_quick_fails_when_a_ratio_is_too_high_or_missing() -> None:
    def records(own: float) -> list[Record]:
        found = []
        for peer, value in (("webcapd", own), (compare.QUICK_RIVAL, 1.0)):
            for name in compare.QUICK_COSTS:
                found += lines(peer, [value], workload=name)
            for name in compare.QUICK_LATENCIES:
                line = {"kind": "latency", "peer": peer, "workload": name, "round": 0}
                found.append({**line, "milliseconds": [value]})
        return found

    assert compare.judge_quick(records(0.01)) == 0
    assert compare.judge_quick(records(3.0)) == 1
    assert compare.judge_quick(records(0.01)[:-1]) == 1


def test_quick_fails_where_a_figure_is_above_its_bound() -> None:
    assert frugal.judge({"start": (0.3, 0.35), "memory": (30.0, 30.0)}) == 0
    assert frugal.judge({"start": (0.3, 0.35), "memory": (30.1, 30.0)}) == 1


def test_report_replaces_its_own_part_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    layout.put(page, report.BEGIN, report.END, "new")
    layout.put(page, report.BEGIN, report.END, "newer")
    assert page.read_text() == f"before\n{report.BEGIN}\n\nnewer\n\n{report.END}\nafter\n"
    page.write_text("nothing of that")
    with pytest.raises(SystemExit):
        layout.put(page, report.BEGIN, report.END, "new")


def test_peer_that_is_not_installed_is_skipped_with_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert list(peers.installed(["ffmpeg", "webcapd", "GStreamer"])) == ["webcapd"]
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "ffmpeg",
        "GStreamer",
    ]


def shown_number(server: XServer) -> int | None:
    pixels = server.pixels()
    return barcode.read(jpeg(pixels), barcode.place(len(pixels)))


@pytest.mark.parametrize("name", [name for name in workload.NAMES if name != "cursor"])
def test_workload_shows_the_numbers_that_it_tells(name: str) -> None:
    with xvfb(640, 480) as server, running.workload(name, server.name, "--numbered") as drawing:
        assert drawing.stdout is not None
        told = [int(drawing.stdout.readline().split()[0]) for _ in range(3)]
        assert told == [1, 2, 3]
        assert (wait_until("a number is shown", lambda: shown_number(server)) or 0) >= 3


@pytest.mark.parametrize("size", [(640, 360), (320, 240)])
def test_no_part_of_a_film_recurs_in_the_next_frame(size: tuple[int, int]) -> None:
    pictures = picture.film(*size)
    before = picture.film_frame(pictures, 20)
    for number in range(21, 30):
        frame = picture.film_frame(pictures, number)
        assert (before[..., :3] != frame[..., :3]).any(2).all()
        found = find_copies(before, frame, Rectangle(0, 0, *size), two_axes=True)
        assert sum(rect.area for rect, _ in found) < 0.02 * size[0] * size[1]
        before = frame


def test_film_shows_the_frame_that_its_number_tells() -> None:
    with xvfb(800, 480) as server, running.workload("video", server.name, "--numbered"):

        def numbered() -> tuple[int, Pixels] | None:
            pixels = server.pixels()
            number = barcode.read_pixels(
                np.ascontiguousarray(pixels[..., 1]), barcode.place(len(pixels))
            )
            return None if number is None else (number, pixels)

        number, pixels = wait_until("a frame is shown", numbered) or (0, None)
        assert pixels is not None
        wanted = picture.film_frame(picture.film(640, 360), number - 1)
        assert (pixels[-360:, -640:, :3] == wanted[..., :3]).mean() > 0.9


def test_workload_moves_the_pointer(server: XServer) -> None:
    with running.workload("cursor", server.name), server.connected() as display:

        def place() -> tuple[int, int]:
            pointer = display.screen().root.query_pointer()
            return pointer.root_x, pointer.root_y

        first = place()
        wait_until("the pointer moves", lambda: place() != first)


def test_webcapd_is_measured_for_real() -> None:
    subject = peers.PEERS[peers.SUBJECT]
    # Of less, a busy machine may leave nothing that could be measured.
    seconds = 3.0
    (record,) = cost.costs("video", "640x480", [subject], seconds)
    assert record["process"] > 0 and record["memory"] > 1e6
    assert record["bytes"] > record["fps"] * 1000 > 0
    json.dumps(record)
    (record,) = latency.latencies("typing", "640x480", [subject], seconds)
    assert len(record["milliseconds"]) >= 3
    assert min(record["milliseconds"]) > 0


def test_processor_time_counts_ended_threads() -> None:
    before = running.cpu_seconds(os.getpid())
    burning = threading.Thread(target=lambda: sum(range(3_000_000)))
    burning.start()
    burning.join()
    spent = running.cpu_seconds(os.getpid()) - before
    assert spent > 0.01
    assert running.tree_cpu_seconds(os.getpid()) >= before + spent


def test_earlier_checkout_is_compared_line_by_line() -> None:
    def cost(peer: str, total: float, clients: int | None) -> Record:
        line = {"kind": "cost", "workload": "full", "size": "640x480", "round": 0, "peer": peer}
        counted = {"clients": clients} if clients else {}
        return {**line, "process": total, "server": 0.0, **counted}

    records = [
        cost(before.NAME, 0.10, None),
        cost(peers.SUBJECT, 0.11, None),
        cost(before.NAME, 0.20, 10),
        cost(peers.SUBJECT, 0.10, 10),
    ]
    found = list(before.verdicts(records))
    assert [(one.what, one.holds) for one in found] == [
        ("CPU, full 640x480", False),
        ("CPU, full 640x480, 10 clients", True),
    ]


def test_checkout_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"webcapd\.py is not there"):
        before.peer_of(tmp_path)
