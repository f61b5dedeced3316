"""Who is measured: webcapd, and what one would take instead.

All at 30 frames a second, quality 75, colour at half resolution (4:2:0), to one
client or more that read all; TigerVNC at its level 6 (79, 4:4:4), as noVNC asks.  The
pointer: webcapd, ffmpeg, GStreamer and TigerVNC show it, as they do by default; the
others, which do not, show it for the workload ``cursor`` only.
"""

import contextlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from audience import wire_named
from ports import free_port
from running import ROOT, end
from wires import Wire

FPS = 30
_BENCH = ROOT / "bench"


@dataclass(frozen=True)
class Scene:
    """What a peer is to show, and where it is to listen."""

    display: str
    size: str
    port: int
    pointer: bool
    """Whether the workload is about the pointer."""


@dataclass(frozen=True)
class Peer:
    """A program that shows a screen."""

    name: str
    wire_name: str
    command: Callable[[Scene], list[str]]
    version: Callable[[], str | None]
    """What is installed; None if it is not."""
    many: bool = True
    """Whether it is measured with more than one client."""
    only: str = ""
    """The one workload that it is measured with; empty for all."""
    is_seen: bool = True
    """Whether its pictures can be looked at here, so that latency can be told."""

    @property
    def wire(self) -> Wire:
        return wire_named(self.wire_name)


def _webcapd(*options: str) -> Callable[[Scene], list[str]]:
    def command(scene: Scene) -> list[str]:
        program = [sys.executable, "-P", str(ROOT / "webcapd.py"), "--display", scene.display]
        return [*program, "--port", str(scene.port), "--max-clients", "1100", *options]

    return command


def _ffmpeg(scene: Scene) -> list[str]:
    grab = ["-f", "x11grab", "-framerate", str(FPS), "-video_size", scene.size, "-i", scene.display]
    # Its scale of quality is another: 5 gives frames of the size that 75 gives elsewhere.
    encode = ["-c:v", "mjpeg", "-q:v", "5", "-pix_fmt", "yuvj420p"]
    send = ["-flush_packets", "1", "-f", "mpjpeg", f"tcp://127.0.0.1:{scene.port}?listen=1"]
    return ["ffmpeg", "-nostdin", "-loglevel", "error", *grab, *encode, *send]


def _ffmpeg_h264(scene: Scene) -> list[str]:
    grab = ["-f", "x11grab", "-framerate", str(FPS), "-video_size", scene.size, "-i", scene.display]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-crf", "25"]
    # Unasked, it would have colours at full resolution.
    encode = [*codec, "-pix_fmt", "yuv420p", "-g", "100000"]
    boxes = "empty_moov+default_base_moof+frag_every_frame"
    send = ["-flush_packets", "1", "-f", "mp4", "-movflags", boxes]
    where = f"tcp://127.0.0.1:{scene.port}?listen=1"
    return ["ffmpeg", "-nostdin", "-loglevel", "error", *grab, *encode, *send, where]


def _gstreamer(scene: Scene) -> list[str]:
    pipeline = (
        f"ximagesrc display-name={scene.display} use-damage=false ! video/x-raw,framerate={FPS}/1"
        # Straight from RGB, jpegenc would code colours at full resolution.
        " ! videoconvert ! video/x-raw,format=I420 ! jpegenc quality=75 ! multipartmux"
        f" ! tcpserversink host=127.0.0.1 port={scene.port} sync=false"
    )
    return ["gst-launch-1.0", "-q", *pipeline.split()]


def _bounded_gstreamer(scene: Scene) -> list[str]:
    queue = ["queue", "max-size-buffers=4", "leaky=downstream", "!"]
    # A frame is up to three buffers.
    bounds = ["buffers-max=24", "buffers-soft-max=12", "recover-policy=latest"]
    command = _gstreamer(scene)
    sink = command.index("tcpserversink")
    return [*command[:sink], *queue, *command[sink:], *bounds]


def _pixelflux(scene: Scene) -> list[str]:
    program = [sys.executable, str(_BENCH / "peer_pixelflux.py"), str(scene.port), scene.size]
    return program + ["--pointer"] * scene.pointer


def _loop(scene: Scene) -> list[str]:
    program = [sys.executable, str(_BENCH / "peer_loop.py"), str(scene.port)]
    return program + ["--pointer"] * scene.pointer


def _tigervnc(scene: Scene) -> list[str]:
    screen = ["X0tigervnc", "-display", scene.display, f"FrameRate={FPS}"]
    return [*screen, f"rfbport={scene.port}", "localhost=1", "SecurityTypes=None"]


def _said(pattern: str, *command: str) -> str | None:
    """Find a version in what a program says."""
    if shutil.which(command[0]) is None:
        return None
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(pattern, said)
    return found[1] if found else None


def _packages(*names: str) -> str | None:
    """Name the installed versions of Python packages."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return None


def _gstreamer_version() -> str | None:
    for element in ("ximagesrc", "videoconvert", "jpegenc", "multipartmux", "tcpserversink"):
        if _said("(Factory)", "gst-inspect-1.0", element) is None:
            return None
    return _said(r"GStreamer (\S+)", "gst-launch-1.0", "--version")


def _tigervnc_version() -> str | None:
    if shutil.which("X0tigervnc") is None:
        return None
    return _said(r"(?i)server version (\d[\w.]*)", "X0tigervnc", "-version") or "unknown"


def _own_version() -> str | None:
    tree = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return _said(r"(\S+)", *tree) or "unknown"


_NO_REST = ("--no-use-paint-over-quality",)
_EQUAL = ("--quality", "75", *_NO_REST)

SUBJECT = "webcapd"
UPDATES = "webcapd-updates"
UPDATES_80 = "webcapd-updates-80"
UPDATES_VIDEO = "webcapd-updates-video"
FFMPEG_H264 = "ffmpeg-h264"
TIGERVNC = "TigerVNC"
BOUNDED = "GStreamer-bounded"
PEERS = {
    peer.name: peer
    for peer in (
        Peer(SUBJECT, "/?stream", _webcapd(*_EQUAL), _own_version),
        Peer(
            "ffmpeg", "tcp", _ffmpeg, lambda: _said(r"version (\S+)", "ffmpeg", "-version"), False
        ),
        Peer("GStreamer", "tcp", _gstreamer, _gstreamer_version),
        Peer("pixelflux", "websocket", _pixelflux, lambda: _packages("pixelflux", "websockets")),
        Peer("webcamd-like", "/", _loop, lambda: _packages("mss", "opencv-python")),
        # Not among the rivals, as they send what changed and no whole pictures.
        Peer(UPDATES, "/?updates", _webcapd(*_EQUAL), _own_version),
        # Brightness is then as true as TigerVNC's, so that bytes can be compared.
        Peer(
            UPDATES_80,
            "/?updates",
            _webcapd("--quality", "80", *_NO_REST),
            _own_version,
            only="video",
        ),
        # What moves goes as H.264.
        Peer(UPDATES_VIDEO, "/?updates&video=1", _webcapd(*_EQUAL), _own_version),
        Peer(
            FFMPEG_H264,
            "mp4",
            _ffmpeg_h264,
            lambda: _said(r"version (\S+)", "ffmpeg", "-version"),
            False,
            is_seen=False,
        ),
        # It encodes for each client anew.
        Peer(
            TIGERVNC,
            "rfb",
            _tigervnc,
            _tigervnc_version,
            False,
        ),
        # With many clients only, see crowds.py.
        Peer(BOUNDED, "tcp", _bounded_gstreamer, _gstreamer_version),
        # What paint-over costs.
        Peer("webcapd-defaults", "/?stream", _webcapd(), _own_version),
    )
}
RIVALS = ("ffmpeg", "GStreamer", "pixelflux", "webcamd-like")
ALWAYS = (SUBJECT, *RIVALS)
CHANGES = (SUBJECT, UPDATES, UPDATES_80, UPDATES_VIDEO, "pixelflux", TIGERVNC, FFMPEG_H264)
"""Those of the table of updates."""


def installed(names: list[str]) -> dict[str, Peer]:
    """Give the peers that can run here; says which cannot."""
    found = {}
    for name in names:
        if PEERS[name].version() is None:
            print(f"{name}: skipped, it is not installed (script/bench --setup)", flush=True)
        else:
            found[name] = PEERS[name]
    return found


def watching(peers: list[Peer], workload: str) -> list[Peer]:
    """Give those that are measured with a workload."""
    return [peer for peer in peers if peer.only in ("", workload)]


@contextmanager
def showing(peer: Peer, display: str, size: str, about_pointer: bool) -> Iterator[tuple[int, int]]:
    """Run a peer; gives its pid and port.  It may not listen yet."""
    scene = Scene(display, size, free_port(), about_pointer)
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            peer.command(scene),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            text=True,
            env={**os.environ, "DISPLAY": display},
        )
        try:
            yield process.pid, scene.port
            if process.poll() is not None:
                raise RuntimeError(f"{peer.name} ended, with code {process.returncode}")
        except (RuntimeError, SystemExit) as error:
            said.seek(0)
            raise RuntimeError(f"{peer.name}: {error}\n{said.read()[-2000:]}") from None
        finally:
            end(process)
