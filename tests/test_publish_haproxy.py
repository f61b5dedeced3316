"""Pictures that are sent over TLS, through haproxy with the file that is shipped."""

import contextlib
import http.client
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import mjpeg
import pytest
from front import SHIPPED, Front, end, front, impatient, make_certificate, socket_of
from pictures import jpeg
from program import TIMEOUT, Webcapd, webcapd
from test_haproxy import with_password
from waiting import wait_until

TOKEN = "token-of-the-camera"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run the instance that is sent to; its socket and the certificate are in there."""
    folder = tmp_path_factory.mktemp("front")
    make_certificate(folder)
    tokens = folder / "tokens"
    tokens.write_text(TOKEN + "\n")
    program = Webcapd(
        *("--source", "push:cam", "--publish-token-file", str(tokens)),
        *("--unix", str(socket_of(folder, 0)), "--trust-proxy", "unix"),
    )
    try:
        program.wait_for_line(lambda line: line.startswith("webcapd: serving "))
        yield folder
    finally:
        end(program)


@pytest.mark.parametrize("text", [SHIPPED, with_password("secret")], ids=["open", "auth"])
def test_ffmpeg_sends_over_tls_and_outlives_all_timeouts(folder: Path, text: str) -> None:
    """Where viewers need a password, who sends needs none, and its token arrives."""
    viewer = {"Authorization": "Basic YWxpY2U6c2VjcmV0"}  # alice:secret
    with front(folder, impatient(text, 1500)) as running:
        wait_until("it is there", lambda: shown(running, viewer) is not None)
        size = "64x48" if text == SHIPPED else "80x60"

        def outlives() -> bool:
            """Send; tells whether that went on for longer than all timeouts."""
            with ffmpeg(running.port, size) as sender:

                def has_ended() -> bool:
                    return sender.poll() is not None

                wait_until(
                    "it is shown, or cut off",
                    lambda: has_ended() or shown(running, viewer) == size,
                )
                before = pictures(running, viewer)
                wait_until(
                    "it goes on, or is cut off",
                    lambda: has_ended() or pictures(running, viewer) > before + 20,
                )
                return not has_ended()

        # A busy machine may be too slow for timeouts that are so short, so again if need be.
        wait_until("one outlives all timeouts", outlives, 3 * TIMEOUT)


@contextlib.contextmanager
def ffmpeg(port: int, size: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Have ffmpeg send a video through haproxy while the context lasts."""
    address = f"https://x:{TOKEN}@127.0.0.1:{port}/display/0/publish/cam"
    video = ["-f", "lavfi", "-i", f"testsrc=size={size}:rate=10"]
    command = ["ffmpeg", "-loglevel", "error", "-re", *video, "-f", "mpjpeg", address]
    sender = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield sender
    finally:
        sender.terminate()
        sender.wait(TIMEOUT)


def test_another_webcapd_shows_what_ffmpeg_sends(folder: Path) -> None:
    """From ffmpeg over TLS to webcapd, and from there over TLS to another."""
    with front(folder, SHIPPED) as running:
        wait_until("who sent before is gone", lambda: sender_of(running) is None)
        source = f"https://localhost:{running.port}/display/0/?stream,ca={folder / 'tls.pem'}"
        with webcapd("--source", source) as far, ffmpeg(running.port, "96x64"):

            def size() -> tuple[int, ...]:
                status, _, body = far.get("/?snapshot")
                return mjpeg.decode(body).shape if status == 200 else ()

            wait_until("it is shown there", lambda: size() == (64, 96, 3))


def ask(running: Front, viewer: dict[str, str], query: str) -> tuple[int, bytes]:
    """Ask; a busy machine may be too slow for timeouts that are so short, so again if need be."""

    def answer() -> tuple[int, bytes] | None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _, body = running.get(f"/display/0/{query}", **viewer)
            return status, body
        return None

    return wait_until("an answer", answer)


def shown(running: Front, viewer: dict[str, str]) -> str | None:
    """Give the size of what is shown, "" for a placeholder; None if nobody answers."""
    status, body = ask(running, viewer, "?snapshot&max_age=0")
    if status != 200:
        return "" if b"push:cam" in body else None
    height, width, _ = mjpeg.decode(body).shape
    return f"{width}x{height}"


def pictures(running: Front, viewer: dict[str, str]) -> int:
    def counted() -> bytes | None:
        status, body = ask(running, viewer, "?info")
        # Impatient as it is, the proxy may answer for webcapd.
        return body if status == 200 else None

    return int(json.loads(wait_until("its count", counted))["capture"]["feed"]["pictures"])


def sender_of(running: Front) -> object:
    """Give who sends pictures, None if nobody does."""
    status, body = ask(running, {}, "?info")
    return json.loads(body)["capture"]["feed"]["sender"] if status == 200 else "unknown"


@pytest.mark.parametrize("text", [SHIPPED, with_password("secret")], ids=["open", "auth"])
def test_curl_sends_by_http_2_and_strangers_do_not(folder: Path, text: str, tmp_path: Path) -> None:
    file = tmp_path / "picture.jpg"
    file.write_bytes(jpeg(1920, 1080))

    def send(*arguments: str) -> str:
        place = f"https://127.0.0.1:{running.port}/display/0/publish/cam"
        command = [
            "curl",
            "-sk",
            "--http2",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{http_version}",
        ]
        done = subprocess.run(
            [*command, *arguments, "-T", str(file), place],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        return done.stdout

    with front(folder, text) as running:
        wait_until("it is there", lambda: send() == "401 2")
        assert send("-u", "alice:secret") == "401 2"
        wait_until("nobody else sends", lambda: send("--oauth2-bearer", TOKEN) == "200 2")
        assert send("-u", f"x:{TOKEN}") == "200 2"
