"""The pages and the files that they consist of: how they are sent, and to whom."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import ROOT, Webcapd, run_to_end, webcapd
from updateclient import updates
from xserver import XServer, xvfb

FOLDER = ROOT / "http" / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
}
FILES = sorted(path for path in FOLDER.rglob("*") if path.suffix in TYPES)
PAGES = {"/": "index", "/?embed": "embed", "/embed": "embed", "/wall": "wall", "/?wall": "wall"}
TOKEN = "token-for-the-wall"

LAB = "http://lab3:8080/?token=of-the-lab"
GRAFANA = "https://grafana.example"
NAME = "Lab 3 <b>&amp; 100 % “left”"


def named(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    with xvfb(96, 64) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(screen: XServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webcapd]:
    """Run one that needs a token, has a name, and shows another one on its wall."""
    tokens = tmp_path_factory.mktemp("guarded") / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    options = ("--name", NAME, "--wall", LAB, "--allow-frame", GRAFANA, "--showfps")
    with webcapd("--display", screen.name, "--token-file", str(tokens), *options) as program:
        yield program


def with_token(path: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}token={TOKEN}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_file_is_there_for_everybody(guarded: Webcapd, path: Path) -> None:
    status, headers, body = guarded.get(f"/page/{named(path)}")
    assert (status, headers["Content-Type"]) == (200, TYPES[path.suffix])
    assert body == path.read_bytes()
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    # A worker has the policy of its script, and the wall's streams may come through one.
    assert ("connect-src 'self' http://lab3:8080;" in policy) == (path.suffix == ".js")
    assert guarded.get(f"/page/{named(path)}", "HEAD")[::2] == (200, b"")


def test_file_is_sent_once_and_asked_for_again(guarded: Webcapd) -> None:
    _, headers, _ = guarded.get("/page/index.js")
    assert headers["Cache-Control"] == "no-cache"
    status, again, body = guarded.get("/page/index.js", If_None_Match=f'"x", W/{headers["ETag"]}')
    assert (status, again["ETag"], body) == (304, headers["ETag"], b"")
    assert again["Cache-Control"] == "no-cache"
    status, _, body = guarded.get("/page/index.js", If_None_Match='"another"')
    assert (status, body) == (200, (FOLDER / "index.js").read_bytes())
    tags = {guarded.get(f"/page/{named(path)}")[1]["ETag"] for path in FILES}
    assert len(tags) == len({path.read_bytes() for path in FILES})


@pytest.mark.parametrize(
    "path",
    ["/page/", "/page/none.js", "/page/../target.py", "/page/%2e%2e/target.py", "/page//index.js"],
)
def test_nothing_else_is_a_file_of_the_page(guarded: Webcapd, path: str) -> None:
    assert guarded.get(with_token(path))[0] == 404


@pytest.mark.parametrize("path", PAGES)
def test_page_is_sent_to_who_has_a_token(guarded: Webcapd, path: str) -> None:
    assert guarded.get(path)[0] == 401
    status, headers, body = guarded.get(with_token(path))
    assert (status, headers["Content-Type"]) == (200, TYPES[".html"])
    assert body == (FOLDER / f"{PAGES[path]}.html").read_bytes()
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {GRAFANA}" in policy
    assert ("connect-src 'self' http://lab3:8080;" in policy) == (PAGES[path] == "wall")
    assert "of-the-lab" not in policy


@pytest.mark.parametrize(
    ("path", "place"),
    [("/wall/", "../wall"), ("/wall/?seconds=10", "../wall?seconds=10"), ("/embed/", "../embed"),
     ("/index/?x=/", "../?x=/")],
)  # fmt: skip
def test_page_is_not_a_folder(guarded: Webcapd, path: str, place: str) -> None:
    """Its relative addresses would lead one too deep."""
    status, headers, _ = guarded.get(with_token(path))
    assert (status, headers["Location"]) == (301, with_token(place))


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".html"], ids=named)
def test_page_has_no_script_of_its_own_and_no_address_but_relative_ones(path: Path) -> None:
    """What the policy forbids would just not run, and behind a proxy there is a prefix."""
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert all('src="' in tag for tag in re.findall("<script[^>]*>", text))
    addresses = re.findall(r'\b(?:src|href|srcset|action)="([^"]*)"', text)
    assert not [address for address in addresses if re.match(r"/|\w+:", address)]
    files = [address for address in addresses if address.startswith("page/")]
    assert all((FOLDER.parent / file).is_file() for file in files)


def test_displays_are_listed_for_the_wall(guarded: Webcapd) -> None:
    assert guarded.get("/displays")[0] == 401
    for path in ("/displays", "/?displays"):
        status, headers, body = guarded.get(with_token(path))
        assert (status, headers["Content-Type"]) == (200, "application/json")
        assert json.loads(body) == {"displays": ["./", LAB]}


def test_name_is_told_wherever_the_display_is(guarded: Webcapd) -> None:
    with updates(guarded, f"&token={TOKEN}") as client:
        client.wait_for_mark(-1)
        assert client.reader.hello["name"] == NAME
    guarded.wait_for_line(lambda line: line.startswith(f"webcapd: {NAME}: "))
    assert guarded.lines[0].startswith("webcapd: serving ")


def test_display_that_nobody_named_has_host_and_display_for_a_name(screen: XServer) -> None:
    name = f"{socket.gethostname().partition('.')[0]} {screen.name}"
    with webcapd("--display", screen.name) as program:
        assert program.info()["name"] == name
        assert f'webcapd_info{{name="{name}",' in program.get("/?metrics")[2].decode()
        assert program.get("/displays")[2] == b'{"displays": ["./"]}\n'
        assert "connect-src 'self';" in program.get("/wall")[1]["Content-Security-Policy"]


@pytest.mark.parametrize(
    "arguments",
    [("--name", "two\nlines"), ("--name", " "), ("--name", "x" * 101), ("--wall", "lab3:8080"),
     ("--allow-frame", "grafana.example")],
)  # fmt: skip
def test_mistake_ends_with_one_line(arguments: tuple[str, ...]) -> None:
    status, said = run_to_end("--display", ":1", *arguments)
    assert status == 2
    assert said.startswith(f"webcapd: argument {arguments[0]}: ")
    assert len(said.splitlines()) == 1


def test_token_of_another_display_is_in_no_info(screen: XServer) -> None:
    with webcapd("--display", screen.name, "--wall", LAB) as program:
        info = program.get("/?info")[2].decode()
    assert "//lab3:8080/" in info
    assert "of-the-lab" not in info
