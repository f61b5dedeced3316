"""haproxy for real, with the file that is shipped, in front of two displays."""

import contextlib
import http.client
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast

import mjpeg
import pytest
from front import (
    SHIPPED,
    Front,
    end,
    front,
    impatient,
    instance,
    make_certificate,
    replaced,
)
from h2client import H2Response, h2_client, h2_client_of
from mortal import mortal_server
from painter import painter
from program import ROOT, TIMEOUT, Webcapd
from waiting import wait_until
from xserver import XServer, xvfb

# So that nobody takes one for the other.
SIZES = {0: (320, 240), 7: (240, 160)}

GRAFANA = "https://grafana.example"

NO_WEBCAPD = b"no webcapd answers for this display; is webcapd@ of its number running?\n"


class Fleet:
    """haproxy, and displays 0 and 7 behind it."""

    def __init__(self, front: Front, servers: dict[int, XServer]) -> None:
        self.front = front
        self.servers = servers
        self.programs: dict[int, Webcapd] = {}

    def start(self, number: int, *arguments: str) -> None:
        """Start the instance of a display."""
        name = self.servers[number].name
        self.programs[number] = instance(self.front.folder, number, name, *arguments)

    def wait_until_up(self, number: int) -> None:
        wait_until(f"display {number} is there", lambda: self.status(number) == 200)

    def status(self, number: int) -> int:
        return self.front.get(f"/display/{number}/?info")[0]

    def listed(self) -> object:
        """Give the displays that haproxy itself lists."""
        return json.loads(self.front.get("/displays")[2])["displays"]

    def size(self, jpeg: bytes) -> tuple[int, int]:
        height, width = mjpeg.decode(jpeg).shape[:2]
        return width, height


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    make_certificate(path)
    return path


@pytest.fixture(scope="module")
def fleet(folder: Path) -> Iterator[Fleet]:
    """Run two displays, and haproxy as shipped."""
    with (
        xvfb(*SIZES[0]) as first,
        xvfb(*SIZES[7]) as second,
        front(folder) as running,
    ):
        fleet = Fleet(running, {0: first, 7: second})
        try:
            fleet.start(0, "--keepalive", "0.5")
            fleet.start(7, "--keepalive", "0.5", "--allow-frame", GRAFANA)
            for number in SIZES:
                fleet.wait_until_up(number)
            yield fleet
        finally:
            for program in fleet.programs.values():
                end(program)


@contextlib.contextmanager
def stream(fleet: Fleet, number: int, running: Front | None = None) -> Iterator[mjpeg.Stream]:
    """Watch a display over HTTP/1.1 in TLS."""
    with contextlib.closing((running or fleet.front).connect()) as connection:
        connection.request("GET", f"/display/{number}/?stream")
        response = connection.getresponse()
        assert response.status == 200, response.read()
        with response:
            yield mjpeg.Stream(response)


def parts_of(response: H2Response) -> mjpeg.Stream:
    """Read a stream that comes over HTTP/2."""
    # It has what is used of the other.
    return mjpeg.Stream(cast(http.client.HTTPResponse, response))


def haproxy_version() -> tuple[int, ...]:
    said = subprocess.run(["haproxy", "-v"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"version (\d+)\.(\d+)", said)
    assert found
    return int(found[1]), int(found[2])


def with_password(password: str) -> str:
    """Do with the shipped file what it says has to be done for Basic auth."""
    done = subprocess.run(
        ["openssl", "passwd", "-5", password], check=True, capture_output=True, text=True
    )
    text = replaced(SHIPPED, ("$5$rounds=1000$...", done.stdout.strip()))
    return re.sub(r"^( *)#(userlist |    user |http-request )", r"\1\2", text, flags=re.M)


@pytest.mark.parametrize("text", [SHIPPED, with_password("secret")], ids=["", "auth"])
def test_haproxy_finds_no_fault(folder: Path, text: str) -> None:
    running = Front(folder, text, "checked")
    try:
        assert running.check() == ""
    finally:
        running.stop()


def test_each_address_has_its_display(fleet: Fleet) -> None:
    for number, size in SIZES.items():
        status, headers, body = fleet.front.get(f"/display/{number}/?snapshot")
        assert (status, headers["content-type"]) == (200, "image/jpeg")
        assert fleet.size(body) == size
        assert fleet.front.info(number)["capture"]["display"] == fleet.servers[number].name
        with stream(fleet, number) as watched:
            for _ in range(2):
                assert fleet.size(watched.part().body) == size


def test_addresses_of_no_display_say_so(fleet: Fleet) -> None:
    assert fleet.front.get("/display/3/?info")[::2] == (503, NO_WEBCAPD)
    for path in ("/display/100/", "/display/07/", "/display/x/", "/stream", "/display/0x/"):
        status, _, body = fleet.front.get(path)
        assert (status, body[:20]) == (404, b"the displays are at "), path


def test_displays_that_run_are_listed_by_haproxy_itself(fleet: Fleet) -> None:
    status, headers, _ = fleet.front.get("/displays")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert headers["cache-control"] == "no-store"
    assert fleet.listed() == ["display/0/", "display/7/"]


def test_wall_comes_from_any_instance_with_its_policy(fleet: Fleet) -> None:
    for path in ("/", "/wall", "/wall?seconds=10"):
        status, headers, body = fleet.front.get(path)
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert body == (ROOT / "http/page/wall.html").read_bytes()
        assert headers["content-security-policy"].startswith("default-src 'none'; ")
    status, headers, body = fleet.front.get("/page/wall/wall.css")
    assert (status, body) == (200, (ROOT / "http/page/wall/wall.css").read_bytes())
    again = fleet.front.get("/page/wall/wall.css", If_None_Match=headers["etag"])
    assert again[0] == 304
    assert fleet.front.get("/page/none.js")[0] == 404


def test_address_without_its_slash_leads_to_the_one_with_it(fleet: Fleet) -> None:
    status, headers, _ = fleet.front.get("/display/7")
    assert (status, headers["location"]) == (301, "/display/7/")
    status, headers, _ = fleet.front.get("/display/7?snapshot&fps=2")
    assert (status, headers["location"]) == (301, "/display/7/?snapshot&fps=2")


def test_plain_http_leads_to_tls(fleet: Fleet) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", fleet.front.plain_port, TIMEOUT)
    with contextlib.closing(connection):
        connection.request("GET", "/display/0/?stream", headers={"Host": "wall.example"})
        response = connection.getresponse()
        assert response.status == 301
        assert response.getheader("Location") == "https://wall.example/display/0/?stream"


def test_every_answer_is_made_safe(fleet: Fleet) -> None:
    for path in ("/", "/display/0/", "/display/0/?snapshot", "/display/3/", "/nowhere"):
        _, headers, _ = fleet.front.get(path)
        headers = {name.lower(): value for name, value in headers.items()}
        assert headers["strict-transport-security"].startswith("max-age="), path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["content-security-policy"].endswith("frame-ancestors 'self'"), path


def test_policy_of_a_page_is_its_own(fleet: Fleet) -> None:
    _, headers, _ = fleet.front.get("/display/7/?embed")
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert policy.endswith(f"; frame-ancestors 'self' {GRAFANA}")
    assert headers["referrer-policy"] == "no-referrer"
    # The page's files are below the display's path.
    assert fleet.front.get("/display/7/page/embed.js")[0] == 200


def test_ten_streams_share_one_connection(fleet: Fleet) -> None:
    with h2_client(fleet.front.port) as client:
        numbers = [*SIZES] * 5
        responses = [client.get(f"/display/{number}/?stream") for number in numbers]
        assert [response.status for response in responses] == [200] * 10
        streams = [parts_of(response) for response in responses]
        for _ in range(3):
            parts = [one.part() for one in streams]
            assert [fleet.size(part.body) for part in parts] == [SIZES[n] for n in numbers]


def test_stream_shows_what_is_drawn(fleet: Fleet) -> None:
    server = fleet.servers[0]
    with painter(server) as paint, stream(fleet, 0) as watched:
        for colour in (0xC02020, 0x20C020, 0x2020C0):
            paint.fill(colour)
            wanted = mjpeg.decode(mjpeg.encode(server.pixels(), 75))
            watched.until(wanted)


def test_snapshots_are_shared_for_a_second(fleet: Fleet) -> None:
    def shared() -> bool:
        ages = []
        for number, size in SIZES.items():
            status, headers, body = fleet.front.get(f"/display/{number}/?snapshot")
            # One display's is never taken for another's.
            assert (status, fleet.size(body)) == (200, size)
            assert headers["cache-control"] == "no-store"
            ages.append(headers.get("age"))
        return None not in ages

    wait_until("snapshots come out of the cache", shared)


@pytest.mark.parametrize("query", ["?snapshot&max_age=0", "?snapshot&after=0", "?info", "?health"])
def test_nothing_else_is_kept(fleet: Fleet, query: str) -> None:
    for _ in range(3):
        status, headers, _ = fleet.front.get(f"/display/7/{query}")
        assert status == 200
        assert "age" not in headers


def test_client_is_known_by_its_address(fleet: Fleet) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9"}
    with contextlib.closing(fleet.front.connect()) as connection:
        connection.request("GET", "/display/7/?stream", headers=headers)
        with connection.getresponse() as response:
            mjpeg.Stream(response).part()
            clients = [client["client"] for client in fleet.front.info(7)["clients"]]
    assert clients
    assert all(client.startswith("127.0.0.1") for client in clients), clients


def statistics(running: Front) -> list[str]:
    """Give the lines that haproxy has about its servers, comma-separated."""
    port = running.statistics_port
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, TIMEOUT)) as connection:
        connection.request("GET", "/;csv")
        return connection.getresponse().read().decode().splitlines()


def test_statistics_are_there_for_this_machine(fleet: Fleet) -> None:
    lines = statistics(fleet.front)
    states = {line.split(",")[1]: line.split(",")[17] for line in lines if "displays," in line}
    assert states["7"].startswith("UP")
    assert states["3"].startswith("DOWN")


def test_killed_instance_is_back_when_it_is_back(fleet: Fleet) -> None:
    with stream(fleet, 0) as other, stream(fleet, 7) as watched:
        watched.part()
        fleet.programs[7].process.kill()
        fleet.programs[7].ended()
        with pytest.raises((http.client.IncompleteRead, AssertionError)):
            while True:
                watched.part()
        wait_until("it is known to be down", lambda: fleet.status(7) == 503)
        assert fleet.front.get("/display/7/?stream")[2] == NO_WEBCAPD
        wait_until("it is listed no more", lambda: fleet.listed() == ["display/0/"])
        fleet.start(7, "--keepalive", "0.5")
        fleet.wait_until_up(7)
        assert fleet.listed() == ["display/0/", "display/7/"]
        with stream(fleet, 7) as again:
            assert fleet.size(again.part().body) == SIZES[7]
        # The neighbour has not noticed.
        assert fleet.size(other.part().body) == SIZES[0]


def test_wall_without_any_display_looks_again_by_itself(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    with front(tmp_path) as running:

        def says() -> bool:
            return running.get("/displays")[2] == b'{"displays": []}'

        wait_until("all are known to be down", says)
        wait_until("all have been checked", lambda: "INI" not in "".join(statistics(running)))
        # Those that never ran are told of once, or not at all where haproxy can leave it.
        told = len(re.findall(r"is DOWN", running.log.read_text()))
        assert told <= (0 if haproxy_version() >= (3, 1) else 100)
        for path in ("/", "/wall", "/page/wall/wall.css"):
            status, headers, body = running.get(path)
            assert (status, headers["refresh"]) == (503, "5")
            assert b"no webcapd runs on this host yet" in body
        assert running.get("/display/3/")[1]["refresh"] == "5"


def test_lost_display_is_shown_as_lost(folder: Path) -> None:
    # On a number of its own: another test's server would soon have that of a killed one.
    with mortal_server() as server, front(folder, name="lost") as running:
        server.start_xvfb(200, 100)
        program = instance(folder, 42, server.name, "--keepalive", "0.5")
        try:
            wait_until("it is up", lambda: running.get("/display/42/health")[0] == 200)
            server.kill()

            def tells() -> bool:
                status, _, body = running.get("/display/42/health")
                return status == 503 and b"{" in body and not json.loads(body)["healthy"]

            wait_until("the display is lost", tells)
            with contextlib.closing(running.connect()) as connection:
                connection.request("GET", "/display/42/?stream")
                response = connection.getresponse()
                assert response.status == 200
                with response:
                    placeholders = mjpeg.Stream(response)
                    # Longer than haproxy needs to take a server out.
                    for _ in range(3):
                        mjpeg.decode(placeholders.part().body)
            assert tells()
        finally:
            end(program)
            shutil.rmtree(folder / "42")


def test_resting_stream_outlives_all_timeouts(folder: Path) -> None:
    """All timeouts but the tunnel's are a third of the time between two frames."""
    with xvfb(200, 100) as server, front(folder, impatient(SHIPPED), "impatient") as running:
        program = instance(folder, 43, server.name, "--keepalive", "1.5")
        try:
            wait_until("it is up", lambda: running.get("/display/43/?info")[0] == 200)
            connection, response = running.served("/display/43/?stream")
            with (
                contextlib.closing(connection),
                h2_client_of(running.port, "/display/43/?stream") as (_, other),
            ):
                both = [mjpeg.Stream(response), parts_of(other)]
                for _ in range(2):
                    for one in both:
                        mjpeg.decode(one.part().body)
        finally:
            end(program)
            shutil.rmtree(folder / "43")


def test_password_can_be_asked_for_at_the_edge(fleet: Fleet) -> None:
    with front(fleet.front.folder, with_password("secret"), "auth") as running:
        for path in ("/", "/display/7/", "/display/7/?snapshot"):
            status, headers, _ = running.get(path)
            assert (status, headers["www-authenticate"]) == (401, 'Basic realm="webcapd"')

        def let_in() -> bool:
            # alice:secret
            return running.get("/display/7/?info", Authorization="Basic YWxpY2U6c2VjcmV0")[0] == 200

        wait_until("who has the password gets in", let_in)


def let_in(response: H2Response) -> H2Response | None:
    return response if response.status == 200 else None


def test_address_can_have_only_so_many_streams_open(fleet: Fleet) -> None:
    text = replaced(SHIPPED, ("{ sc1_conn_cur gt 200 }", "{ sc1_conn_cur gt 2 }"))
    with front(fleet.front.folder, text, "limited") as running, h2_client(running.port) as client:
        wait_until("it is up", lambda: running.get("/display/7/?info")[0] == 200)
        # Until what was asked for before is seen to have ended, that counts, too.
        ask = partial(client.get, "/display/7/?stream")
        streams = [wait_until("it is let in", lambda: let_in(ask())) for _ in range(2)]
        assert len(streams) == 2
        assert client.get("/display/7/?stream").status == 429


def test_address_can_ask_only_so_often(fleet: Fleet) -> None:
    text = replaced(SHIPPED, ("{ sc1_http_req_rate gt 1000 }", "{ sc1_http_req_rate gt 5 }"))
    with front(fleet.front.folder, text, "rated") as running:
        answers = [running.get("/display/7/?info")[0] for _ in range(5)]
        # 503 before the first check, since haproxy 3.1.
        assert set(answers) <= {200, 503}
        # The next one, unless that many have taken longer than is counted for.
        wait_until("it is refused", lambda: running.get("/display/7/?info")[0] == 429)
