"""Proxies that others ship for a camera: as they are, and with the line of docs/deploy.md."""

import http.client
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import mjpeg
import pytest
from painter import painter
from program import ROOT, TIMEOUT, Webcapd, webcapd
from waiting import wait_until
from xserver import XServer

from ports import free_port

# As a printer's browser says it.
HOST = "printer.lan"

NGINX = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
daemon off;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream mjpgstreamer1 {{
        ip_hash;
        server 127.0.0.1:8080;
    }}
    server {{
        listen 127.0.0.1:{port};
        {block}
    }}
}}
"""

HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m
    option http-server-close
frontend public
    bind 127.0.0.1:{port}
    use_backend webcam if {{ path_beg /webcam/ }}
{block}
"""

Configure = Callable[[Path, str], list[str]]


def block(kind: str) -> str:
    """Give the lines that the docs show for a proxy."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", (ROOT / "docs/deploy.md").read_text(), re.DOTALL)
    return str(found)


def nginx(folder: Path, text: str) -> list[str]:
    path = folder / "nginx.conf"
    path.write_text(text)
    # The prefix as well: "error_log off", as Mainsail ships it, names a file there.
    return ["nginx", "-p", str(folder), "-c", str(path), "-e", str(folder / "error.log")]


def haproxy(folder: Path, text: str) -> list[str]:
    path = folder / "haproxy.cfg"
    path.write_text(text)
    return ["haproxy", "-f", str(path)]


PROXIES = [
    pytest.param(nginx, NGINX, "nginx", "proxy_set_header Host localhost;", id="Mainsail"),
    pytest.param(
        haproxy, HAPROXY, "haproxy", "http-request set-header Host localhost", id="OctoPi"
    ),
]


@contextmanager
def proxied(
    program: Webcapd, folder: Path, configure: Configure, frame: str, lines: str
) -> Iterator[Callable[[str], http.client.HTTPResponse]]:
    """Run a proxy in front of webcapd; gives what asks it for an address."""
    port = free_port()
    text = frame.format(folder=folder, port=port, block=lines)
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{program.port}")
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(configure(folder, text), stdout=log, stderr=log)

    def ask(path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        connection.request("GET", path, headers={"Host": HOST, "Connection": "close"})
        return connection.getresponse()

    def listens() -> bool:
        assert running.poll() is None, (folder / "log").read_text()
        with closing(socket.socket()) as connection:
            return connection.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until("the proxy listens", listens)
        yield ask
    finally:
        running.terminate()
        running.wait(TIMEOUT)


@pytest.mark.parametrize(("configure", "frame", "kind", "line"), PROXIES)
def test_shipped_proxy_is_told_the_line_that_it_lacks(
    server: XServer, tmp_path: Path, configure: Configure, frame: str, kind: str, line: str
) -> None:
    shown = block(kind)
    assert shown.count(line) == 1
    shipped = shown.replace(line, "")
    with (
        webcapd("--display", server.name) as program,
        proxied(program, tmp_path, configure, frame, shipped) as ask,
    ):
        answer = ask("/webcam/?action=snapshot")
        assert answer.status == 403
        assert f"{kind}: {line}" in answer.read().decode()


@pytest.mark.parametrize(("configure", "frame", "kind", "line"), PROXIES)
def test_proxy_with_the_line_of_the_docs_passes_changes_on(
    server: XServer, tmp_path: Path, configure: Configure, frame: str, kind: str, line: str
) -> None:
    with (
        webcapd("--display", server.name, "--keepalive", "9") as program,
        proxied(program, tmp_path, configure, frame, block(kind)) as ask,
        painter(server) as brush,
    ):
        picture = ask("/webcam/?action=snapshot")
        assert picture.status == 200
        assert picture.read().startswith(b"\xff\xd8")
        with closing(ask("/webcam/?action=stream")) as response:
            assert response.status == 200
            stream = mjpeg.Stream(response)
            for seed in range(3):
                brush.noise(seed)
                stream.until(mjpeg.decode(mjpeg.encode(server.pixels())))
