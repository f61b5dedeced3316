"""--exit-idle: a display that nobody watches costs no process, and nobody who comes is lost."""

import contextlib
import http.client
import itertools
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from activation import OK, Systemd, activated, ask, can_run_systemd
from front import front, make_certificate
from program import ROOT, TIMEOUT, Webcapd, run_to_end
from waiting import wait_until
from xserver import XServer, xvfb

_HANDED = ("bash", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "bash")


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    with xvfb(64, 64) as running:
        yield running


class Kept:
    """One connection for all requests of who watches over a server."""

    def __init__(self, path: Path) -> None:
        self._connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT)
        self._connection.sock = socket.socket(socket.AF_UNIX)
        self._connection.sock.settimeout(TIMEOUT)
        self._connection.sock.connect(str(path))

    def get(self, target: str) -> http.client.HTTPResponse:
        self._connection.request("GET", target)
        return self._connection.getresponse()

    def close(self) -> None:
        self._connection.close()


@pytest.mark.parametrize(
    ("wrapper", "arguments", "reason"),
    [
        ((), (), "for sockets that systemd holds (webcapd@.socket)"),
        (_HANDED, ("--listen", "127.0.0.1:0"), "nobody would listen at --listen"),
        (_HANDED, ("--ring", "/dev/shm/none.wcf"), "--ring is written all the time"),
        (_HANDED, ("--record", "none"), "--record records all the time"),
        (_HANDED, ("--source", "tcp://:5000", "--publish-token-file", "x"), "sends to tcp:"),
    ],
)
def test_what_cannot_be_started_again_is_refused(
    wrapper: tuple[str, ...], arguments: tuple[str, ...], reason: str
) -> None:
    shown = () if "--source" in arguments else ("--display", ":1")
    status, said = run_to_end("--exit-idle", "5", *shown, *arguments, wrapper=wrapper)
    assert (status, said.count("\n")) == (2, 0)
    assert reason in said


def test_socket_of_its_own_is_refused(screen: XServer, tmp_path: Path) -> None:
    own = ("--unix", str(tmp_path / "own.sock"))
    launcher = ("systemd-socket-activate", f"--listen={tmp_path}/http.sock")
    program = Webcapd("--exit-idle", "5", "--display", screen.name, *own, wrapper=launcher)
    program.wait_for_line(lambda line: line.startswith("Listening on "))
    with contextlib.suppress(ConnectionResetError):
        ask(tmp_path / "http.sock", "/")
    assert program.ended() == 1
    refusal = f"nobody would listen on unix:{tmp_path}/own.sock once it has ended"
    assert program.lines[-1].endswith(refusal)
    assert not (tmp_path / "own.sock").exists()


def test_ends_when_nobody_watches_and_is_there_again(screen: XServer, tmp_path: Path) -> None:
    display = ("--display", screen.name, "--exit-idle", "0.5")
    with activated(tmp_path, 7, *display) as holder, contextlib.ExitStack() as kept:
        # Whoever watches keeps it.
        with contextlib.closing(Kept(holder.path)) as viewer:
            answer = viewer.get("/?updates")
            assert answer.status == 200
            began = time.monotonic()
            while time.monotonic() - began < 1.7:
                assert answer.read1(100)
                time.sleep(0.1)
            assert holder.starts == 1 and not holder.statuses
        # Nobody keeps it by a connection on which nothing more is asked.
        viewer = kept.enter_context(contextlib.closing(Kept(holder.path)))
        answer = viewer.get("/?snapshot")
        assert answer.read() and answer.getheader("Connection") is None
        began = time.monotonic()
        # Nor by who watches over it, or is refused, on connections that would be kept.
        pages = {"/?health": 200, "/?metrics": 200, "/?info": 200, "/displays": 200}
        pages |= {"/nothing": 404, "/?snapshot&scale=x": 400}
        for page, status in itertools.cycle(pages.items()):
            if holder.statuses:
                break
            with contextlib.closing(Kept(holder.path)) as monitor:
                answer = monitor.get(page)
                assert (answer.status, answer.getheader("Connection")) == (status, "close")
            time.sleep(0.05)
        # Other servers wait for 30 s on a connection that asks nothing.
        assert time.monotonic() - began < 20
        assert holder.statuses[0] == 0
        assert any("nobody has watched for 0.5 s" in line for line in holder.said)
        assert ask(holder.path, "/") == OK
        assert holder.path.is_socket()


def test_what_is_only_restarted_is_never_too_much_for_the_socket() -> None:
    """A token file that comes late, for one: each start of the service is one of the socket's."""

    def setting(file: str, name: str) -> float:
        (found,) = re.findall(rf"^{name}=(\d+)$", (ROOT / file).read_text(), re.MULTILINE)
        return float(found)

    slowest = setting("webcapd@.socket", "TriggerLimitBurst") * setting(
        "webcapd@.service", "RestartSec"
    )
    assert setting("webcapd@.socket", "TriggerLimitIntervalSec") < slowest


def test_mistake_in_the_options_is_not_started_again_without_end(tmp_path: Path) -> None:
    if not can_run_systemd():
        pytest.skip("a systemd of our own cannot run here")
    with contextlib.closing(Systemd(tmp_path, 7, ":7", "--nonsense")) as systemd:
        # A busy machine does not get round to ten starts in the time that others do.
        (units,) = tmp_path.glob("units-*")
        (units / "webcapd@.socket.d").mkdir()
        more = units / "webcapd@.socket.d" / "more.conf"
        more.write_text("[Socket]\nTriggerLimitIntervalSec=600\n")
        systemd.control("daemon-reload")
        state = ("show", "--value", "--property=Result", "--property=ActiveState")
        systemd.control("start", "webcapd@7.service")
        assert systemd.control(*state, "webcapd@7.service") == "exit-code\nfailed"
        assert systemd.starts == 1
        # A client waits in the socket, and so starts it each time: not without end.
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
            client.settimeout(2 * TIMEOUT)
            client.connect(str(systemd.path))
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""
        assert systemd.control(*state, "webcapd@7.socket") == "trigger-limit-hit\nfailed"
        assert systemd.starts <= 1 + 10
        assert not systemd.path.exists()


def test_recording_is_use(screen: XServer, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("a-token-of-sixteen-and-more\n")
    tokens.chmod(0o600)
    recording = (
        "--record",
        str(tmp_path / "films"),
        "--record-token-file",
        str(tokens),
        "--pre",
        "0",
    )
    with activated(
        tmp_path, 7, "--display", screen.name, "--exit-idle", "0.5", *recording
    ) as holder:

        def command(word: str) -> object:
            connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT)
            with contextlib.closing(connection):
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.connect(str(holder.path))
                bearer = {"Authorization": "Bearer a-token-of-sixteen-and-more"}
                connection.request("POST", f"/?record={word}", headers=bearer)
                answer = connection.getresponse()
                assert answer.status == 200
                return json.loads(answer.read())["state"]

        assert command("start") == "recording"
        # Looked at once a second at least.
        time.sleep(1.7)
        assert not holder.statuses
        command("stop")
        holder.wait_for_end()


def test_haproxy_starts_none_that_nobody_watches(
    screen: XServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_certificate(tmp_path)
    idle = ("--display", screen.name, "--exit-idle", "600")
    with activated(tmp_path, 3, *idle) as third, activated(tmp_path, 7, *idle) as seventh:
        monkeypatch.setenv("WEBCAPD_DISPLAYS", "3,7,50")
        with front(tmp_path) as proxy:
            assert proxy.check() == ""
            listed = json.loads(proxy.get("/displays")[2])
            assert listed == {"displays": [f"display/{n}/" for n in (3, 7, 50)]}
            # Ten times as long as between two checks, of which there are none.
            time.sleep(1)
            assert (third.starts, seventh.starts) == (0, 0)
            assert proxy.get("/display/7/?snapshot")[0] == 200
            assert (third.starts, seventh.starts) == (0, 1)
            # The wall comes from the first of them.
            assert proxy.get("/")[0] == 200
            assert (third.starts, seventh.starts) == (1, 1)
            status, _, body = proxy.get("/display/50/?snapshot")
            assert (status, body[:26]) == (503, b"no webcapd answers for thi")
        # And with checks, as without the variable: this test can fail.
        assert seventh.process is not None
        seventh.process.terminate()
        seventh.wait_for_end()
        monkeypatch.delenv("WEBCAPD_DISPLAYS")
        with front(tmp_path, name="checking"):
            wait_until("a check starts it", lambda: seventh.starts == 2)
