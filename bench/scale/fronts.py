"""Caches in front of a webcapd, with the files that are shipped: for a while, on loopback."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ports import free_port
from running import ROOT, end

NGINX = (ROOT / "app/fronts/nginx.conf").read_text()
VARNISH = (ROOT / "app/fronts/varnish.vcl").read_text()
VARNISH_FLAGS = tuple(
    word
    for flag in re.findall(r"^# .*?( -[sp] .*)", VARNISH, re.MULTILINE)
    for word in flag.split()
)
"""As the file says that it is started."""

_PATIENCE = 30.0

_NGINX_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Front:
    """A cache that listens."""

    name: str
    pid: int
    port: int
    """Plain HTTP, HTTP/1.1."""
    tls_port: int = 0
    """HTTP/2, of nginx with a certificate."""


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """Change a text; each change must find something."""
    for old, new in changes:
        if old not in text:
            raise ValueError(f"there is no {old!r} any more")
        text = text.replace(old, new)
    return text


def checking(text: str) -> str:
    """Have a front ask webcapd who may look, as its file says how."""
    if "#auth_request" in text:
        return replaced(text, ("#auth_request /may-look", "auth_request /may-look"))
    return replaced(text, ("if (false)", "if (true)"))


@contextmanager
def _listening(front: Front, process: "subprocess.Popen[str]", log: Path) -> Iterator[Front]:
    """Wait until it listens, and end it with the context."""
    deadline = time.monotonic() + _PATIENCE
    try:
        while True:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", front.port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{front.name} did not start: {log.read_text()}")
            time.sleep(0.02)
        yield front
    finally:
        end(process)


@contextmanager
def nginx(
    folder: Path, origin: Path, text: str = NGINX, certificate: Path | None = None
) -> Iterator[Front]:
    """Run nginx in front of a webcapd's socket file.

    Only what another machine has at another place is changed.  Without a
    certificate it speaks plain HTTP only, with one TLS and HTTP/2 as well.
    """
    port, tls_port, steps = free_port(), free_port(), free_port()
    listen, key = f"listen 127.0.0.1:{port};", "ssl_certificate_key /etc/nginx/webcapd.pem;"
    changes = [
        # Where nobody may become another one, the line is ignored with a warning.
        ("user www-data webcapd;", "user root;" if os.geteuid() == 0 else ""),
        ("/run/nginx.pid", f"{folder}/nginx.pid"),
        ("/var/lib/nginx/webcapd", f"{folder}/cache"),
        ("/run/webcapd/0/http.sock", str(origin)),
        ("listen [::]:80 ipv6only=off", f"listen unix:{folder}/redirect.sock"),
        ("127.0.0.1:8089", f"127.0.0.1:{steps}"),
        (
            "http {\n",
            "http {\n"
            + "".join(f"    {name}_temp_path {folder}/{name};\n" for name in _NGINX_FOLDERS),
        ),
    ]
    tls = "listen [::]:443 ipv6only=off ssl http2;"
    if certificate is None:
        changes += [(tls, listen), (key, ""), ("ssl_certificate /etc/nginx/webcapd.pem;", "")]
    else:
        changes += [
            (tls, f"{listen}\n        listen 127.0.0.1:{tls_port} ssl http2;"),
            ("/etc/nginx/webcapd.pem", str(certificate)),
        ]
    path, log = folder / "nginx.conf", folder / "nginx.log"
    path.write_text(replaced(text, *changes))
    command = ["nginx", "-p", str(folder), "-c", str(path), "-e", str(log), "-g", "daemon off;"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True)
    found = Front("nginx", process.pid, port, tls_port if certificate else 0)
    with _listening(found, process, log) as front:
        yield front


@contextmanager
def varnish(
    folder: Path, origin: Path, text: str = VARNISH, flags: Sequence[str] = VARNISH_FLAGS
) -> Iterator[Front]:
    """Run Varnish in front of a webcapd's socket file."""
    port = free_port()
    path, log = folder / "webcapd.vcl", folder / "varnish.log"
    path.write_text(replaced(text, ("/run/webcapd/0/http.sock", str(origin))))
    command = ["varnishd", "-F", "-n", str(folder / "varnish"), "-a", f"127.0.0.1:{port}"]
    # As whoever we are, and without a door for those who administer it.
    command += ["-j", "none", "-T", "none", "-f", str(path), *flags]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True
        )
    with _listening(Front("Varnish", process.pid, port), process, log) as front:
        yield front
