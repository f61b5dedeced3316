"""H.264 beside what one would take instead: CPU, bytes at equal fidelity, and latency.

    script/bench --video [--seconds 4] [--quick] [--no-docs]

/?video, pixelflux's H.264 of the full frame, and ffmpeg (x11grab, libx264 ultrafast
zerolatency) show the same screen by turns, 1920x1080 at 30 frames a second, to one client that
decodes nothing meanwhile.  Each change comes with its number as a barcode: that tells which
picture a frame shows, how long it took, and what it should have been.

CPU is the peer's, with all its processes; X is what the X server spends beyond what it spends
on the drawing alone.  Bytes are those at which what moves is as true (PSNR of brightness) as
with /?video at --h264-crf 25, from measurements at several factors; latency is from the drawing
to the last byte of the frame.
"""

import argparse
import contextlib
import math
import socket
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import barcode
import videoframes
from audience import connect
from latency import Recording, delays, parse_drawn
from layout import put
from peers import Peer, Scene, showing
from picture import LINE_ROWS, Pixels, film, film_frame, text
from running import ROOT, cpu_seconds, tree_cpu_seconds, workload, x_server
from workload import VIDEO

PAGE = ROOT / "docs/benchmarks.md"
BEGIN = "<!-- video: script/bench --video writes from here -->"
END = "<!-- video: script/bench --video writes to here -->"

WIDTH, HEIGHT, FPS, CRF = 1920, 1080, 30, 25
CRFS = (20, CRF, 30)
WORKLOADS = ("scroll", "video", "full")
SETTLE, GRACE = 2.0, 0.4
_CHECK_EVERY = 4
"""One of so many frames is compared with what it should have been."""
_TEXT, _TEXT_LINES = (1200, 800), 300
"""Of the workload *scroll*."""


class Subject(NamedTuple):
    """Who shows the screen as H.264."""

    name: str
    command: Callable[[Scene, int], list[str]]
    request: bytes
    split: videoframes.Split


class Run(NamedTuple):
    """What one measurement gave."""

    cpu: float
    """Cores."""
    x_cpu: float
    rate: float
    """Bytes a second."""
    frames: float
    """A second."""
    delays: list[float]
    """Milliseconds."""
    psnr: float


def _webcapd(scene: Scene, crf: int) -> list[str]:
    program = [sys.executable, "-P", str(ROOT / "webcapd.py"), "--display", scene.display]
    return [*program, "--port", str(scene.port), "--h264-crf", str(crf)]


def _pixelflux(scene: Scene, crf: int) -> list[str]:
    program = [sys.executable, str(ROOT / "bench/peer_pixelflux.py"), str(scene.port), scene.size]
    return [*program, "--h264", str(crf), "--pointer"]


def _ffmpeg(scene: Scene, crf: int) -> list[str]:
    grab = ["-f", "x11grab", "-framerate", str(FPS), "-video_size", scene.size, "-i", scene.display]
    encode = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-crf", str(crf)]
    # Where a frame begins is to be seen in the stream.
    encode += ["-pix_fmt", "yuv420p", "-g", "100000", "-x264-params", "aud=1"]
    send = ["-flush_packets", "1", "-f", "h264", f"tcp://127.0.0.1:{scene.port}?listen=1"]
    return ["ffmpeg", "-nostdin", "-loglevel", "error", *grab, *encode, *send]


_WEBSOCKET = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: d2ViY2FwZCdzIGJlbmNobQ==\r\n\r\n"
)
SUBJECTS = (
    Subject(
        "/?video",
        _webcapd,
        b"GET /?video&clock=live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        videoframes.of_mp4,
    ),
    Subject("pixelflux", _pixelflux, _WEBSOCKET, videoframes.of_messages),
    Subject("ffmpeg", _ffmpeg, b"", videoframes.of_byte_stream),
)


class Watched(NamedTuple):
    """What a client has received, and what that took."""

    recording: Recording
    began: float
    seconds: float
    cpu: float
    x_cpu: float


def watch(subject: Subject, display: str, x_pid: int, crf: int, seconds: float) -> Watched:
    """Read a subject's stream for some time."""
    peer = Peer(subject.name, "", lambda scene: subject.command(scene, crf), lambda: None)
    size = f"{WIDTH}x{HEIGHT}"
    with showing(peer, display, size, True) as (pid, port), connect(port) as client:
        client.sendall(subject.request)
        client.settimeout(0.05)
        recording = Recording()
        begin = recording.began + SETTLE
        at: list[tuple[float, float, float]] = []
        for until in (begin, begin + seconds):
            _read(client, recording, until)
            at.append((time.monotonic(), tree_cpu_seconds(pid), cpu_seconds(x_pid)))
        _read(client, recording, begin + seconds + GRACE)
    took, cpu, x_cpu = (after - before for before, after in zip(*at, strict=True))
    return Watched(recording, at[0][0], took, cpu / took, x_cpu / took)


def _read(client: socket.socket, recording: Recording, until: float) -> None:
    while time.monotonic() < until:
        with contextlib.suppress(TimeoutError):
            data = client.recv(1 << 20)
            if not data:
                raise SystemExit("the stream ended")
            recording.add(data, time.monotonic())


def drawing_alone(x_pid: int, seconds: float) -> float:
    """Give the cores that the X server takes while nobody looks."""
    began, before = time.monotonic(), cpu_seconds(x_pid)
    time.sleep(seconds)
    return (cpu_seconds(x_pid) - before) / (time.monotonic() - began)


def truths(name: str) -> Callable[[int], tuple[slice, slice, Pixels]]:
    """Give what shows, of a change's number, where something moves and what is to be there."""
    if name == "scroll":
        width, height = _TEXT
        page = np.vstack([text(width, _TEXT_LINES * LINE_ROWS)] * 2)

        def scrolled(number: int) -> tuple[slice, slice, Pixels]:
            top = (number - 1) % _TEXT_LINES * LINE_ROWS
            return slice(0, height), slice(0, width), page[top : top + height]

        return scrolled
    width, height = VIDEO if name == "video" else (WIDTH, HEIGHT)
    pictures = film(width, height)

    def filmed(number: int) -> tuple[slice, slice, Pixels]:
        picture = film_frame(pictures, number - 1)
        return slice(HEIGHT - height, HEIGHT), slice(WIDTH - width, WIDTH), picture

    return filmed


def brightness(picture: Pixels, frame: videoframes.Shown) -> NDArray[np.float32]:
    """Give the luma of B, G, R, X pixels, as the frame's stream has it."""
    red, green, blue = (0.2126, 0.7152, 0.0722) if frame.is_bt709 else (0.299, 0.587, 0.114)
    luma = picture[..., :3].astype(np.float32) @ np.array((blue, green, red), np.float32)
    return luma if frame.is_full else 16 + luma * (219 / 255)


def examine(watched: Watched, subject: Subject, name: str) -> tuple[dict[int, float], float, int]:
    """Decode what came: when each number was seen first, the PSNR, and how many frames there were.

    The PSNR is the median over some of the frames, without the rows of the barcode.
    """
    top, truth = barcode.place(HEIGHT), truths(name)
    seen: dict[int, float] = {}
    found: list[float] = []
    recording, frames = watched.recording, 0
    begin = recording.arrived(watched.began)
    end = recording.arrived(watched.began + watched.seconds)
    for frame in videoframes.shown(bytes(recording.data), subject.split):
        frames += begin < frame.end <= end
        number = barcode.read_pixels(frame.luma, top)
        if number is None:
            continue
        seen.setdefault(number, recording.arrival(frame.end))
        if begin < frame.end <= end and frames % _CHECK_EVERY == 0:
            rows, columns, picture = truth(number)
            error = frame.luma[rows, columns] - brightness(picture, frame)
            code = slice(max(0, top - rows.start), max(0, top + barcode.BLOCK - rows.start))
            error[code] = 0
            mean = float(np.square(error).mean()) * (1 if frame.is_full else (255 / 219) ** 2)
            found.append(10 * math.log10(255**2 / max(mean, 1e-3)))
    if not found:
        raise SystemExit(f"{subject.name} showed no barcode")
    return seen, statistics.median(found), frames


def measure(name: str, crf: int, seconds: float, order: Sequence[Subject]) -> dict[str, Run]:
    """Measure one workload, each subject in its turn."""
    watched: dict[str, Watched] = {}
    with (
        x_server(f"{WIDTH}x{HEIGHT}") as (display, x_pid),
        workload(name, display, "--numbered") as telling,
    ):
        time.sleep(1)
        alone = drawing_alone(x_pid, min(2.0, seconds))
        for subject in order:
            watched[subject.name] = watch(subject, display, x_pid, crf, seconds)
        telling.terminate()
        drawn = parse_drawn(telling.communicate()[0])
    runs = {}
    for subject in order:
        one = watched[subject.name]
        seen, psnr, frames = examine(one, subject, name)
        until = one.began + one.seconds
        wanted = {n: moment for n, moment in drawn.items() if one.began < moment < until}
        size = one.recording.arrived(until) - one.recording.arrived(one.began)
        runs[subject.name] = Run(
            one.cpu, one.x_cpu - alone, size / one.seconds, frames / one.seconds,
            delays(wanted, seen), psnr,
        )  # fmt: skip
        print(told(name, crf, subject.name, runs[subject.name]), flush=True)
    return runs


def measure_rest(seconds: float) -> dict[str, Run]:
    """Measure a screen at rest."""
    runs = {}
    with x_server(f"{WIDTH}x{HEIGHT}") as (display, x_pid), workload("idle", display):
        alone = drawing_alone(x_pid, min(2.0, seconds))
        for subject in SUBJECTS:
            one = watch(subject, display, x_pid, CRF, seconds)
            size = one.recording.arrived(one.began + one.seconds)
            size -= one.recording.arrived(one.began)
            runs[subject.name] = Run(
                one.cpu, one.x_cpu - alone, size / one.seconds, 0, [], math.nan
            )
            print(told("idle", CRF, subject.name, runs[subject.name]), flush=True)
    return runs


def told(name: str, crf: int, subject: str, run: Run) -> str:
    """Write a measurement for somebody who watches."""
    words = f"{name:7} crf {crf} {subject:10} {run.cpu:.4f} cores, X {run.x_cpu:.4f}"
    words += f", {run.rate / 1000:.1f} KB/s"
    if run.delays:
        words += f", {run.frames:.1f} frames/s, {run.psnr:.1f} dB"
        words += f", {statistics.median(run.delays):.1f} ms, 95 % {_percentile(run.delays):.1f}"
    return words


def _percentile(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def rate_at(psnr: float, runs: Sequence[Run]) -> float:
    """Give the bytes a second at a PSNR: on the line through the runs, whose logarithm it is."""
    if len(runs) < 2:
        return runs[0].rate
    slope, start = np.polyfit([run.psnr for run in runs], np.log([run.rate for run in runs]), 1)
    return math.exp(start + slope * psnr)


def table(found: dict[str, dict[int, dict[str, Run]]], rest: dict[str, Run]) -> str:
    """Make the table, in Markdown."""
    lines = [
        "| | | CPU (cores) | X | KB/s | at equal PSNR | PSNR (dB) | frames/s | latency median, 95 % (ms) |",  # noqa: E501
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for subject, run in rest.items():
        lines.append(
            f"| *idle* | {subject} | {run.cpu:.4f} | {run.x_cpu:.4f} | {run.rate / 1000:.1f} | | | | |"  # noqa: E501
        )
    for name, by_crf in found.items():
        equal = by_crf[CRF][SUBJECTS[0].name].psnr
        for subject, run in by_crf[CRF].items():
            at_equal = rate_at(equal, [runs[subject] for runs in by_crf.values()])
            lines.append(
                f"| *{name}* | {subject} | {run.cpu:.3f} | {run.x_cpu:.3f} | {run.rate / 1000:.0f} "
                f"| {at_equal / 1000:.0f} | {run.psnr:.1f} | {run.frames:.1f} "
                f"| {statistics.median(run.delays):.1f}, {_percentile(run.delays):.1f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="script/bench --video",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement (4)")
    parser.add_argument("--quick", action="store_true", help="2 s, one factor; writes nothing")
    parser.add_argument("--no-docs", action="store_true", help="only print")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="some of them")
    given = parser.parse_args()
    seconds = 2.0 if given.quick else given.seconds
    crfs = (CRF,) if given.quick else CRFS
    found: dict[str, dict[int, dict[str, Run]]] = {}
    for name in given.workloads.split(","):
        if name not in WORKLOADS:
            parser.error(f"--workloads: there is no {name!r}, only {', '.join(WORKLOADS)}")
        found[name] = {}
        for turn, crf in enumerate(crfs):
            # In another order each time: what drifts falls on all.
            order = SUBJECTS[turn:] + SUBJECTS[:turn]
            runs = measure(name, crf, seconds, order)
            found[name][crf] = {subject.name: runs[subject.name] for subject in SUBJECTS}
    generated = table(found, measure_rest(seconds))
    print(generated)
    if not (given.quick or given.no_docs):
        put(PAGE, BEGIN, END, generated)


if __name__ == "__main__":
    main()
