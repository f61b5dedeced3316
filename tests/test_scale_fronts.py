"""nginx and Varnish as they are shipped, before a real webcapd: one answer serves all."""

import base64
import hashlib
import http.client
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from manifestreader import ManifestReader
from painter import Painter, painter
from program import ROOT, TIMEOUT, Webcapd
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

from scale import fronts
from scale.connection import Address, Loop
from scale.fronts import Front
from scale.viewer import ManifestViewer, StreamViewer, Tally, Viewer
from webcapd.http.access.access import MAX_FAILURES

TOKEN = "0123456789abcdef0123"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
VIEWERS = 25
CHANGES = 4


class Place:
    """A screen, a webcapd that shows it to caches, and one in front that asks who may look."""

    def __init__(self, folder: Path, screen: XServer) -> None:
        self.folder, self._screen = folder, screen
        (folder / "tokens").write_text(f"{TOKEN}\n")
        self.start()

    def start(self) -> None:
        self.origin = Webcapd(
            *("--display", self._screen.name, "--unix", str(self.folder / "s"), "--loghttp"),
            *("--announce", "cache", "--cache-checks-access"),
            *("--token-file", str(self.folder / "tokens"), "--trust-proxy", "unix"),
        )
        self.origin.wait_for_line(lambda line: "serving" in line)

    def kill(self) -> None:
        self.origin.process.kill()
        self.origin.ended()

    def asked(self, kind: str) -> int:
        """Count the requests for objects below a path that reached webcapd."""
        return sum(f'"GET /{kind}/' in line for line in self.origin.lines)


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    with xvfb(640, 480) as running:
        yield running


@pytest.fixture(scope="module")
def brush(screen: XServer) -> Iterator[Painter]:
    with painter(screen) as one:
        yield one


@pytest.fixture(scope="module")
def place(screen: XServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    one = Place(tmp_path_factory.mktemp("scale"), screen)
    yield one
    one.kill()


@pytest.fixture(scope="module", params=["nginx", "varnish"])
def front(request: pytest.FixtureRequest, place: Place) -> Iterator[Front]:
    folder, path = place.folder / request.param, place.folder / "s"
    folder.mkdir()
    if request.param == "nginx":
        with fronts.nginx(folder, path, fronts.checking(fronts.NGINX)) as one:
            yield one
    else:
        with fronts.varnish(folder, path, fronts.checking(fronts.VARNISH)) as one:
            yield one


Answer = tuple[int, str, bytes]
"""Status, what the cache says of it, body."""


def get(
    front: Front, path: str, headers: Mapping[str, str] = BEARER, source: str = "127.0.0.1"
) -> Answer:
    connection = http.client.HTTPConnection(
        "127.0.0.1", front.port, timeout=TIMEOUT, source_address=(source, 0)
    )
    with closing(connection) as one:
        one.request("GET", path, headers=dict(headers))
        answer = one.getresponse()
        return answer.status, answer.headers.get("X-Cache-Status", ""), answer.read()


def reader_of(front: Front) -> ManifestReader:
    """Give a reader that gets groups from a front."""

    def fetch(name: str) -> bytes:
        status, _, body = get(front, f"/tiles/{name}")
        if status != 200:
            raise LookupError(name)
        return body

    return ManifestReader(fetch)


def read_until(front: Front, reader: ManifestReader, wanted: Pixels) -> None:
    """Go on from manifest to manifest, as docs/manifest.md says, until the picture is this."""

    def is_there() -> bool:
        path = f"/manifest/{reader.run}-{reader.number}" if reader.run else "/manifest"
        status, _, body = get(front, path)
        with suppress(LookupError):
            if status != 200 or not reader.read(body):
                # Of a cache, of another run, or of nobody.
                reader.run = ""
        picture = reader.reader.picture[..., ::-1]
        return picture.shape == wanted.shape and np.array_equal(picture, wanted)

    wait_until("the picture out of the cache", is_there)


@contextmanager
def watching(
    front: Front, kinds: Sequence[Callable[[Loop, Address, Tally], Viewer]]
) -> Iterator[tuple[list[Viewer], Tally]]:
    """Have viewers watch, in a thread of their own, until the context ends."""
    loop = Loop(b"".join(f"{name}: {value}\r\n".encode() for name, value in BEARER.items()))
    tally, done = Tally(), threading.Event()
    viewers = [kind(loop, ("127.0.0.1", front.port), tally) for kind in kinds]
    for one in viewers:
        loop.later(0, one.begin)

    def run() -> None:
        while not done.is_set():
            loop.turn(0.05)
        loop.close()

    thread = threading.Thread(target=run, name="viewers")
    thread.start()
    try:
        yield viewers, tally
    finally:
        done.set()
        thread.join(TIMEOUT)


def pattern(seed: int) -> Pixels:
    """Make a picture of two colours that cannot be made small, and is sent exactly."""
    noise = np.random.default_rng(seed).integers(0, 2, (200, 640, 1), np.uint8)
    return (noise * 200).repeat(3, 2)


def _has_asked(place: Place, kind: str, count: int) -> bool:
    return place.asked(kind) >= count


def test_one_request_serves_all_who_watch(
    front: Front, place: Place, brush: Painter, screen: XServer
) -> None:
    before, began = {kind: place.asked(kind) for kind in ("tiles", "manifest")}, time.monotonic()
    # Varnish passes streams on as they are, and has no need of them.
    kinds = [ManifestViewer, StreamViewer if front.name == "nginx" else ManifestViewer]
    reader = reader_of(front)
    with watching(front, kinds * VIEWERS) as (viewers, tally):
        # Or they would have the first change by the way in.
        wait_until("all watch", lambda: all(one.seen.shown for one in viewers))
        for seed in range(CHANGES):
            brush.image(pattern(seed), 0, 100)
            read_until(front, reader, screen.pixels())
            wait_until(
                "all viewers have it",
                lambda: all(one.seen.shown[-1][1] >= reader.number for one in viewers),
            )
    different = {"tiles": tally.addresses["groups"], "manifest": tally.addresses["manifests"]}
    for kind, paths in different.items():
        most = 1.1 * len(paths)
        if kind == "manifest":
            # The reader here asks for some that no viewer waits for; and of one that has nothing
            # new for 5 s they ask again.
            most += CHANGES + (time.monotonic() - began) / 5
        # What it tells of is written before it answers, but perhaps read after that.
        told = partial(_has_asked, place, kind, before[kind] + CHANGES)
        wait_until("it is told", told)
        assert CHANGES <= place.asked(kind) - before[kind] <= most, (kind, len(paths))


def test_hit_is_refused_without_a_token(front: Front, brush: Painter, screen: XServer) -> None:
    brush.image(pattern(50), 0, 100)
    reader = reader_of(front)
    read_until(front, reader, screen.pixels())
    listed, group = f"/manifest/{reader.run}-0", f"/tiles/{reader.fetched[-1]}"
    get(front, group)
    assert get(front, group)[:2] == (200, "HIT")
    for path in (group, "/manifest", listed, "/?updates&tiles=names"):
        assert get(front, path, {})[0] == 401
    assert get(front, group, {"Authorization": "Bearer of-bad-news-01234"})[0] == 401
    assert get(front, f"{group}?token={TOKEN}", {})[:2] == (200, "HIT")
    assert get(front, group)[:2] == (200, "HIT")
    # The page, too, asks for the credentials that its viewer has; another one's are no use to who
    # has none.
    for page in ("/", "/?via=cache"):
        assert get(front, page)[0] == 200
        assert get(front, page, {})[0] == 401


def test_who_is_locked_out_locks_nobody_out(front: Front) -> None:
    # Credentials that nothing is remembered of yet, which are the same to webcapd.
    shared = {"Authorization": f"bearer   {TOKEN}"}
    guesser = {"nginx": "127.0.0.2", "Varnish": "127.0.0.3"}[front.name]
    for number in range(MAX_FAILURES):
        assert get(front, f"/manifest?token=guess-of-{front.name}-{number}", {}, guesser)[0] == 401
    assert get(front, "/manifest", shared, guesser)[0] != 200
    assert get(front, "/manifest", shared)[0] == 200


def test_crowd_larger_than_all_threads_is_not_dropped(
    place: Place, tmp_path: Path, brush: Painter, screen: XServer
) -> None:
    """As the file says how Varnish is started, but for fewer threads: so fewer viewers do."""
    flags = (*fronts.VARNISH_FLAGS, "-p", "thread_pool_min=10", "-p", "thread_pool_max=10")
    with (
        fronts.varnish(tmp_path, place.folder / "s", flags=flags) as front,
        # One connection each.
        watching(front, [partial(ManifestViewer, sparing=True)] * 400) as (viewers, tally),
    ):
        for seed in range(2):
            wait_until("all viewers wait", lambda: all(one.seen.shown for one in viewers))
            brush.image(pattern(60 + seed), 0, 100)
        reader = reader_of(front)
        read_until(front, reader, screen.pixels())
        wait_until(
            "all viewers have it",
            lambda: all(one.seen.shown[-1][1] >= reader.number for one in viewers),
        )
        assert not tally.requests["failed"]


def test_files_for_a_try_are_made_as_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs/scale.md").read_text()
    _, _, rest = page.partition("## To try it")
    _, *blocks = re.findall(r"```sh\n(.*?)```", rest.partition("\n## ")[0], re.DOTALL)
    assert [block.count("webcapd --print") for block in blocks] == [1, 1]
    checked = fronts.replaced(
        "".join(blocks), ("nginx -p", "nginx -t -p"), ("varnishd -F", "varnishd -C"), (" &\n", "\n")
    )
    own = f'webcapd() {{ {sys.executable} -P {ROOT}/webcapd.py "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-ec", own + checked], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for name in ("nginx.conf", "webcapd.vcl"):
        text = (tmp_path / name).read_text()
        assert str(tmp_path / "http.sock") in text
        assert not re.search(r"^[^#\n]*(/run|/etc|/var)/", text, re.MULTILINE)
    # All places have what the file itself says.
    wanted = " ".join(fronts.VARNISH_FLAGS)
    assert page.count(wanted) == page.count("/varnishd -F") + page.count(" varnishd -F") == 2


def test_signed_addresses_are_checked_by_nginx_alone(place: Place, tmp_path: Path) -> None:
    """With the lines of docs/scale.md."""
    page = (ROOT / "docs/scale.md").read_text()
    mapped, checked = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    text = fronts.replaced(
        fronts.NGINX, ("http {\n", f"http {{\n{mapped}"), ("#auth_request /may-look;", checked)
    )

    def token(until: int, secret: str = "a secret") -> str:
        digest = hashlib.md5(f"{until} {secret}".encode(), usedforsecurity=False).digest()
        return f"{base64.urlsafe_b64encode(digest).decode().rstrip('=')},{until}"

    now = int(time.time())
    with fronts.nginx(tmp_path, place.folder / "s", text) as front:
        for given in (token(now + 1000), quote(token(now + 1000))):
            assert get(front, f"/manifest?token={given}", {})[0] == 200
        for wrong in (token(now - 1), token(now + 1000, "another"), token(now + 1000)[1:]):
            assert get(front, f"/manifest?token={wrong}", {})[0] == 401
        assert get(front, "/manifest", {})[0] == 401
        assert get(front, "/?updates&tiles=names", {})[0] == 401
        assert get(front, "/page/index.js", {})[0] == 200


def test_restart_is_seen_for_what_it_is(
    front: Front, place: Place, brush: Painter, screen: XServer
) -> None:
    reader = reader_of(front)
    read_until(front, reader, screen.pixels())
    place.kill()
    # Nobody is told of a screen that nobody looks at; what was asked for before may be a hit.
    held = f"/manifest/{reader.run}-{reader.number}"
    wait_until("an error", lambda: get(front, held)[0] >= 500)
    if front.name == "Varnish":
        assert get(front, held)[2] == b"webcapd does not answer\n"
    brush.image(pattern(99), 0, 100)
    place.start()
    began = time.monotonic()
    read_until(front, reader, screen.pixels())
    # 5 s are promised; the rest is for a machine that others use.
    assert time.monotonic() - began < 10
