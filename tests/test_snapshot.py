"""Snapshots for scripts: known ones are not sent again, and changes can be waited for."""

import json
import threading
from email.utils import parsedate_to_datetime

import mjpeg
import pytest
from mortal import MortalServer, mortal_server
from painter import painter
from program import Webcapd, webcapd
from rawhttp import raw
from waiting import wait_until
from xserver import XServer


def sequence(program: Webcapd) -> int:
    return int(program.get("/?snapshot")[1]["X-Sequence"])


def test_known_picture_is_not_sent_again(server: XServer) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        brush.noise(1)
        _, headers, jpeg = program.get("/?snapshot")
        tag = headers["ETag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            status, headers, body = program.get("/?snapshot", If_None_Match=known)
            assert (status, body) == (304, b"")
            assert headers["ETag"] == tag
        assert program.get("/?snapshot", If_None_Match='"other"')[2] == jpeg
        brush.noise(2)
        status, headers, body = program.get("/?snapshot", If_None_Match=tag)
        assert status == 200
        assert headers["ETag"] != tag
        brush.noise(1)
        # It names the content: what comes back has the name it had.
        assert program.get("/?snapshot", If_None_Match=tag)[0] == 304


def test_tags_on_several_lines_are_one_list(server: XServer) -> None:
    with webcapd("--display", server.name) as program, raw(program) as client:
        tag = program.get("/?snapshot")[1]["ETag"]
        client.request("/?snapshot", 'If-None-Match: "other"', f"If-None-Match: {tag}")
        assert client.head().code == 304


def test_connection_goes_on_after_answers_without_a_body(server: XServer) -> None:
    with webcapd("--display", server.name) as program:
        connection = program.connect()
        tag = ""
        for _ in range(5):
            connection.request("GET", "/?snapshot", headers={"If-None-Match": tag})
            response = connection.getresponse()
            response.read()
            tag = response.headers["ETag"]
        assert response.status == 304
        connection.close()


def test_headers_tell_of_the_picture(server: XServer) -> None:
    with webcapd("--display", server.name, "--quality", "61") as program:
        _, headers, jpeg = program.get("/?snapshot")
        captured, encoded = float(headers["X-Timestamp"]), float(headers["X-Encoded"])
        assert captured <= encoded
        assert int(parsedate_to_datetime(headers["Last-Modified"]).timestamp()) == int(captured)
        assert headers["X-Quality"] == "61"
        assert int(headers["X-Sequence"]) < 1 << 53, "JavaScript would round it"
        assert mjpeg.decode(jpeg).shape == (480, 640, 3)
        assert "Content-Disposition" not in headers
        headers = program.get("/?snapshot&download=1")[1]
        assert headers["Content-Disposition"].startswith('attachment; filename="screen-20')


def test_picture_of_some_age_costs_no_look(server: XServer) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        brush.noise(1)
        old = program.snapshot()
        looks = program.info()["capture"]["looks"]
        brush.noise(2)
        assert program.get("/?snapshot&max_age=3600")[2] == old
        assert program.info()["capture"]["looks"] == looks
        assert program.snapshot() != old


def test_long_poll_answers_when_the_picture_differs(server: XServer) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        brush.noise(1)
        number = sequence(program)
        answers = []

        def poll() -> None:
            answers.append(program.get(f"/?snapshot&after={number}&timeout=30"))

        thread = threading.Thread(target=poll)
        thread.start()
        wanted = "the encoder's variant is followed"
        wait_until(wanted, lambda: program.info()["encoder"]["variants"][0]["wantedFps"] is None)
        brush.noise(2)
        thread.join()
        ((status, headers, jpeg),) = answers
        assert status == 200
        assert int(headers["X-Sequence"]) > number
        assert jpeg


def test_long_poll_ends_without_a_change(server: XServer) -> None:
    with webcapd("--display", server.name) as program:
        number = sequence(program)
        status, _, body = program.get(f"/?snapshot&after={number}&timeout=0.05")
        assert (status, body) == (204, b"")
        assert program.get(f"/?snapshot&after={number + 5}")[0] == 200


def test_number_of_another_run_is_no_picture_seen(server: XServer) -> None:
    """Of an unchanged screen either: what another run called so is not known to be the same."""
    numbers: list[int] = []
    for _ in range(3):
        with webcapd("--display", server.name) as program, painter(server) as brush:
            for known in numbers:
                assert program.get(f"/?snapshot&after={known}&timeout=60")[0] == 200
            # As many pictures in each run: a mere count would be the same.
            for seed in range(3):
                brush.noise(seed)
                numbers.append(sequence(program))
            for known in numbers[:-1]:
                assert program.get(f"/?snapshot&after={known}&timeout=60")[0] == 200
            assert program.get(f"/?snapshot&after={numbers[-1]}")[0] == 204
    assert len(set(numbers)) == len(numbers)


def test_who_waits_no_longer_leaves_his_place_to_others(server: XServer) -> None:
    with webcapd("--display", server.name, "--max-clients", "1") as program:
        number = sequence(program)
        with raw(program) as client:
            client.request(f"/?snapshot&after={number}&timeout=60")
            wait_until("it waits", lambda: program.info()["limits"]["streamsAndWaits"] == 1)
        # In time for the next one: sooner than the minute is over.
        wait_until("it left", lambda: program.info()["limits"]["streamsAndWaits"] == 0)
        with mjpeg.stream(program) as stream:
            assert stream.part().body


@pytest.mark.parametrize(
    "asked", ["max_age=-1", "max_age=x", "after=1.5", "after=-1", "timeout=61", "download=yes"]
)
def test_malformed_values_are_refused(server: XServer, asked: str) -> None:
    with webcapd("--display", server.name) as program:
        assert program.get(f"/?snapshot&{asked}")[0] == 400


def test_health_tells_whether_there_is_a_picture() -> None:
    # On a number of its own: another test's server would soon have that of a killed one.
    with mortal_server() as server:
        server.start_xvfb()
        see_health(server)


def see_health(server: MortalServer) -> None:
    with webcapd("--display", server.name) as program:
        status, _, body = program.get("/?health")
        assert status == 200
        assert json.loads(body) == {"healthy": True, "state": "live", "reason": None}
        server.kill()
        wait_until("the loss is told", lambda: program.get("/health")[0] == 503)
        report = json.loads(program.get("/health")[2])
        assert report["healthy"] is False
        assert report["reason"]
