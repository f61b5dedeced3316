"""Pictures that are sent to ``/publish/NAME``: by whom, by which tools, and by nobody else."""

import base64
import contextlib
import itertools
import re
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import mjpeg
import numpy as np
import pytest
from footprint import Footprint
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import BAD, BOUNDARY, jpeg, noise, part, progressive
from program import TIMEOUT, Webcapd, run_to_end, webcapd
from rawhttp import RawClient, raw
from waiting import wait_until

from webcapd.base.jpegmarkers import plain_jpeg, read_shape
from webcapd.capture.feeds.received.inlet import STALE_SECONDS

TOKEN, OTHER = "token-of-the-camera", "token-of-a-guest"
BEARER = f"Authorization: Bearer {TOKEN}"

# Addresses of which none has guessed yet.
CLIENTS = (f"10.3.0.{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("publish") / "tokens"
    path.write_text(f"{TOKEN}\n{OTHER}\n")
    return path


@pytest.fixture(scope="module")
def program(tokens: Path) -> Iterator[Webcapd]:
    with webcapd(
        *("--source", "push:cam", "--publish-token-file", str(tokens)),
        *("--trust-proxy", "127.0.0.1", "--allow-origin", "https://wall.example"),
    ) as running:
        yield running


def url(program: Webcapd, name: str = "cam") -> str:
    return f"{program.url}publish/{name}"


def curl(*arguments: str) -> str:
    """Run curl; returns status code and what came."""
    command = ["curl", "-s", "-w", "%{http_code} ", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT).stdout


def put(program: Webcapd, body: bytes, *headers: str, method: str = "PUT") -> tuple[int, str]:
    """Send a body of known length; returns the answer's code and text."""
    with raw(program) as client:
        client.request(
            "/publish/cam", BEARER, f"Content-Length: {len(body)}", *headers, method=method
        )
        # Who refuses may hang up before it has all.
        with contextlib.suppress(OSError):
            client.send(body)
        head = client.head()
        return head.code, client.body(head).decode()


@contextlib.contextmanager
def pushing(program: Webcapd, *headers: str) -> Iterator[RawClient]:
    """Begin to send a multipart body."""
    with raw(program) as client:
        lines = (*(headers or (BEARER,)), "Transfer-Encoding: chunked")
        client.request("/publish/cam", *lines, method="POST")
        send(client, BOUNDARY + b"\r\n")
        yield client


def send(client: RawClient, data: bytes) -> None:
    """Send a chunk."""
    client.send(b"%x\r\n%b\r\n" % (len(data), data))


def send_until_answered(client: RawClient, data: bytes) -> None:
    """Send a chunk again and again: those that have come meanwhile count as one, the last."""

    def answered() -> bool:
        # Who refuses may hang up before it has all.
        with contextlib.suppress(OSError):
            send(client, data)
        return bool(select.select([client], [], [], 0)[0])

    wait_until("it is answered", answered)


def status(program: Webcapd) -> dict[str, object]:
    found: dict[str, object] = program.info()["capture"]["feed"]
    return found


def counted(program: Webcapd, what: str) -> int:
    return int(str(status(program)[what]))


def shown(program: Webcapd) -> bytes | None:
    """Give the picture that is shown; None for a placeholder."""
    code, _, body = program.get("/?snapshot")
    return body if code == 200 else None


def is_like(found: bytes, picture: bytes) -> bool:
    """Whether what is shown is a picture; it may have been encoded anew."""
    pixels, wanted = mjpeg.decode(found), mjpeg.decode(picture).astype(int)
    return pixels.shape == wanted.shape and bool(np.abs(pixels - wanted).mean() < 20)


def wait_shown(program: Webcapd, picture: bytes) -> None:
    """Wait until a picture is shown."""

    def is_shown() -> bool:
        found = shown(program)
        return found is not None and is_like(found, picture)

    wait_until("the picture is shown", is_shown)


def wait_refused(program: Webcapd, before: int) -> None:
    wait_until("some are refused", lambda: counted(program, "refused") > before)


def wait_free(program: Webcapd) -> None:
    wait_until("nobody is sending", lambda: status(program)["sender"] is None)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_one_picture_is_shown_until_the_next(program: Webcapd, method: str) -> None:
    picture = jpeg(seed=7)
    assert put(program, picture, method=method) == (200, "1 picture taken\n")
    wait_shown(program, picture)


def test_curl_sends_a_file_and_a_pipe(program: Webcapd, tmp_path: Path) -> None:
    """The former with a length, the latter in chunks, both after they were told to go on."""
    file = tmp_path / "large.jpg"
    file.write_bytes(jpeg(1920, 1080, seed=3))
    assert file.stat().st_size > 1024 * 1024
    token = ("--oauth2-bearer", TOKEN)
    assert "200" in curl(*token, "-T", str(file), url(program))
    wait_shown(program, file.read_bytes())
    file.write_bytes(jpeg(seed=4))
    piped = f"cat {file} | curl -s -w '%{{http_code}}' -u x:{TOKEN} -T - {url(program)}"
    done = subprocess.run(piped, shell=True, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.stdout == "1 picture taken\n200"
    wait_shown(program, file.read_bytes())


@contextlib.contextmanager
def ffmpeg(program: Webcapd) -> Iterator[None]:
    """Have ffmpeg send a test video, as its user writes it, while the context lasts."""
    source = "testsrc=size=320x240:rate=10"
    address = url(program).replace("//", f"//cam:{TOKEN}@")
    command = ["ffmpeg", "-loglevel", "fatal", "-re", "-f", "lavfi", "-i", source]
    sender = subprocess.Popen([*command, "-f", "mpjpeg", address], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        sender.terminate()
        sender.wait(TIMEOUT)


def test_ffmpeg_sends_a_video_and_leaves_a_placeholder(program: Webcapd) -> None:
    wait_free(program)
    with ffmpeg(program):
        begun = wait_until("pictures come", lambda: counted(program, "pictures"))
        wait_until("and more", lambda: counted(program, "pictures") > begun + 3)
        wait_until(
            "it is shown", lambda: mjpeg.decode(shown(program) or jpeg()).shape == (240, 320, 3)
        )
    wait_until("the placeholder", lambda: shown(program) is None)
    code, _, body = program.get("/?snapshot")
    assert (code, body) == (503, b"nobody sends pictures to push:cam any more\n")
    assert put(program, jpeg(seed=5))[0] == 200
    wait_shown(program, jpeg(seed=5))


def test_a_sender_that_was_cut_off_may_come_back_at_once(program: Webcapd) -> None:
    """What was whole by then is shown for a moment longer, so that nobody sees the gap."""

    def is_seen() -> bool:
        """Cut it off; tells whether the picture is seen then, as it must be but after its time."""
        wait_free(program)
        with pushing(program) as client:
            send(client, part(jpeg(seed=8)))
            wait_shown(program, jpeg(seed=8))
            send(client, part(jpeg(seed=9))[:-600])
            began = time.monotonic()
        wait_free(program)
        found = shown(program)
        if found is None:
            assert time.monotonic() - began > STALE_SECONDS
            return False
        return is_like(found, jpeg(seed=8))

    wait_until("it is seen in time", is_seen)
    with pushing(program) as client:
        send(client, part(jpeg(seed=10), length=False))
        wait_shown(program, jpeg(seed=10))


def test_a_second_sender_is_refused_while_the_first_is_there(program: Webcapd) -> None:
    wait_free(program)
    with pushing(program) as client:
        send(client, part(jpeg(seed=11)))
        wait_shown(program, jpeg(seed=11))
        assert put(program, jpeg())[0] == 409
        send(client, part(jpeg(seed=12)))
        wait_shown(program, jpeg(seed=12))
    wait_free(program)
    assert put(program, jpeg())[0] == 200


def test_the_end_of_the_body_is_answered(program: Webcapd) -> None:
    wait_free(program)
    with pushing(program) as client:
        send(client, part(jpeg(seed=1)) + part(jpeg(seed=2)))
        client.send(b"0\r\n\r\n")
        head = client.head()
        assert (head.code, client.body(head)) == (200, b"2 pictures taken\n")
        client.request("/?health")
        assert client.head().code == 200


def basic(password: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"x:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("target", "headers", "code"),
    [
        pytest.param("cam", [], 401, id="nothing"),
        pytest.param(f"cam?token={TOKEN}", [], 401, id="token in the query"),
        pytest.param("cam", ["Authorization: Bearer wrong"], 401, id="wrong token"),
        pytest.param("cam", [basic("wrong")], 401, id="wrong password"),
        pytest.param("cam", ["Authorization: Basic %%%"], 401, id="no Basic"),
        pytest.param("cam", [f"Authorization: Digest {TOKEN}"], 401, id="another scheme"),
        pytest.param("nowhere", [], 401, id="no name without a token"),
        pytest.param("nowhere", [BEARER], 404, id="another name"),
        pytest.param("", [BEARER], 404, id="no name"),
        pytest.param("CAM", [BEARER], 404, id="large letters"),
        pytest.param("cam", [BEARER, "Origin: https://evil.com"], 403, id="another origin"),
        pytest.param("cam", [BEARER, "Origin: https://wall.example"], 403, id="who may read"),
        pytest.param("cam", [BEARER, "Origin: null"], 403, id="no origin"),
        pytest.param("cam", [BEARER, "Sec-Fetch-Site: cross-site"], 403, id="cross-site"),
        pytest.param("cam", [BEARER, "Sec-Fetch-Site: same-site"], 403, id="same-site"),
        pytest.param("cam", [BEARER, "Host: evil.com"], 400, id="two hosts"),
    ],
)
def test_who_may_not_is_refused_before_anything_is_read(
    program: Webcapd, target: str, headers: list[str], code: int
) -> None:
    with raw(program) as client:
        client.request(
            f"/publish/{target}",
            *(*headers, "Content-Length: 1000000000", "Expect: 100-continue"),
            f"X-Forwarded-For: {next(CLIENTS)}",
            method="POST",
        )
        head = client.head()
        assert (head.code, head.headers["connection"]) == (code, "close")
        challenge = head.headers.get("www-authenticate", "").partition(" ")[0]
        assert challenge == ("Basic" if code == 401 else "")
        assert client.body(head).endswith(b"\n")


@pytest.mark.parametrize("authorization", [BEARER, basic(TOKEN), basic(OTHER)])
def test_a_page_of_ours_may_send_and_so_may_who_is_no_page(
    program: Webcapd, authorization: str
) -> None:
    wait_free(program)
    own = ["Origin: http://localhost", "Sec-Fetch-Site: same-origin"]
    for headers in ([], own, ["Sec-Fetch-Site: none"]):
        with raw(program) as client:
            length = f"Content-Length: {len(jpeg())}"
            client.request("/publish/cam", authorization, length, *headers, method="PUT")
            client.send(jpeg())
            assert client.head().code == 200
        wait_free(program)


def test_other_sites_scripts_are_never_told_that_they_may(program: Webcapd) -> None:
    with raw(program) as client:
        client.request(
            "/publish/cam",
            *("Origin: https://wall.example", "Access-Control-Request-Method: PUT"),
            method="OPTIONS",
        )
        head = client.head()
        assert head.headers["access-control-allow-methods"] == "GET, HEAD"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH"])
def test_nothing_is_to_be_read_there(program: Webcapd, method: str) -> None:
    with raw(program) as client:
        client.request("/publish/cam", BEARER, method=method)
        head = client.head()
        assert (head.code, head.headers["allow"]) == (405, "POST, PUT")


def test_who_guesses_is_locked_out(program: Webcapd) -> None:
    guesser = f"X-Forwarded-For: {next(CLIENTS)}"

    def code(authorization: str, *headers: str) -> int:
        with raw(program) as client:
            client.request("/publish/nowhere", authorization, *headers, method="PUT")
            return client.head().code

    assert [code(basic("wrong"), guesser) for _ in range(11)] == [401] * 10 + [429]
    assert code(BEARER, guesser) == 429
    assert code(BEARER, f"X-Forwarded-For: {next(CLIENTS)}") == 404


@pytest.mark.parametrize("target", ["/", "/?snapshot", "/publish", "/publish/cam/x", "/publish/"])
@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_no_other_address_takes_a_body(program: Webcapd, target: str, method: str) -> None:
    with raw(program) as client:
        client.request(target, BEARER, "Content-Length: 1000000000", method=method)
        head = client.head()
        assert head.code in (400, 404, 405)
        assert head.headers["connection"] == "close"


def test_without_tokens_there_is_no_such_address(tmp_path: Path) -> None:
    with webcapd("--source", "pattern:bars,size=64x48") as plain:
        assert [plain.get("/publish/cam", method=one)[0] for one in ("GET", "PUT")] == [404, 405]
    assert run_to_end("--source", "push:cam") == (
        2,
        "webcapd: push:cam needs --publish-token-file, so that not everybody pushes (see --help)",
    )


@pytest.mark.parametrize("name", ["", "Cam", "a" * 33, "a/b", "ü", "a b"])
def test_a_name_is_one_word(name: str, tokens: Path) -> None:
    code, words = run_to_end("--source", f"push:{name}", "--publish-token-file", str(tokens))
    assert code == 2
    assert "push:" in words and words.count("\n") == 0


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_refused_and_the_last_good_one_stays(program: Webcapd, name: str) -> None:
    wait_free(program)
    assert put(program, jpeg(seed=20))[0] == 200
    bad, why = BAD[name]
    code, words = put(program, bad)
    assert code == 400
    assert why in words and words.count("\n") == 1
    wait_shown(program, jpeg(seed=20))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 400),
        (b"GIF89a" + bytes(100), 400),
        (b"\x80\x04\x95\x1c\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.", 400),
        (b"<html>", 400),
        (b"--x\r\nContent-Length: 4294967296\r\n\r\n", 413),
        (b"--x\r\n" + b"A: b\r\n" * 10_000, 400),
        (b"\xff\xd8" + bytes(17 * 1024 * 1024), 413),
        (b"--x\r\n\r\n" + bytes(17 * 1024 * 1024), 413),
    ],
    ids=["nothing", "GIF", "pickle", "page", "2^32", "headers", "one of 17 MB", "part of 17 MB"],
)
def test_what_is_no_picture_is_refused_in_a_sentence(
    program: Webcapd, body: bytes, code: int
) -> None:
    wait_free(program)
    before = Footprint(program.process.pid).kilobytes
    found, words = put(program, body)
    assert found == code
    assert words.count("\n") == 1
    # One picture of 16 MB, and what its bytes take on the way.
    assert Footprint(program.process.pid).kilobytes < before + 80_000


def test_a_stream_outlives_some_bad_pictures_but_not_many(program: Webcapd) -> None:
    wait_free(program)
    bad = part(BAD["truncated"][0])
    with pushing(program) as client:
        for seed in range(30, 33):
            before = counted(program, "refused")
            for _ in range(3):
                send(client, bad)
            wait_refused(program, before)
            send(client, part(jpeg(seed=seed)))
            wait_shown(program, jpeg(seed=seed))
        send_until_answered(client, bad)
        head = client.head()
        assert head.code == 400
        assert b"damaged" in client.body(head)


@pytest.mark.parametrize("comment", [b"", b"hello"])
def test_baseline_is_passed_on_as_it_came_but_for_metadata(
    program: Webcapd, comment: bytes
) -> None:
    wait_free(program)
    bare = plain_jpeg(jpeg(seed=60), read_shape(jpeg(seed=60)))
    assert bare is not None
    with_comment = bare[:2] + b"\xff\xfe\0%c%b" % (len(comment) + 2, comment) + bare[2:]
    assert put(program, with_comment)[0] == 200
    wait_shown(program, bare)
    assert program.snapshot() == bare
    assert b"hello" not in program.snapshot()
    smaller = program.get("/?snapshot&scale=0.5")[2]
    assert mjpeg.decode(smaller).shape == (24, 32, 3)


def test_a_stream_of_nothing_but_bad_pictures_leaves_the_good_one(program: Webcapd) -> None:
    wait_free(program)
    assert put(program, jpeg(seed=61))[0] == 200
    with pushing(program) as client:
        send(client, part(BAD["truncated"][0]))
        client.send(b"0\r\n\r\n")
        assert client.head().code == 200
    # Longer than the last picture of a stream would count.
    time.sleep(2.2)
    wait_shown(program, jpeg(seed=61))


def test_what_is_not_baseline_is_encoded_anew(program: Webcapd) -> None:
    wait_free(program)
    assert put(program, progressive())[0] == 200
    wait_shown(program, mjpeg.encode(noise()))
    assert b"\xff\xc2" not in program.snapshot()


def test_the_same_picture_again_costs_no_frame(program: Webcapd) -> None:
    wait_free(program)
    with pushing(program) as client:
        send(client, part(jpeg(seed=40)))
        wait_shown(program, jpeg(seed=40))
        before = program.info()["encoder"]["frames"]
        begun = counted(program, "pictures")
        for _ in range(20):
            send(client, part(jpeg(seed=40)))
        wait_until("they have come", lambda: counted(program, "pictures") > begun)
        assert shown(program)
        assert program.info()["encoder"]["frames"] == before


def test_a_token_that_is_taken_away_ends_its_stream(program: Webcapd, tokens: Path) -> None:
    wait_free(program)
    with pushing(program, f"Authorization: Bearer {OTHER}") as client:
        send(client, part(jpeg(seed=41)))
        wait_shown(program, jpeg(seed=41))
        tokens.write_text(f"{TOKEN}\n")
        try:
            send_until_answered(client, part(jpeg(seed=41)))
            head = client.head()
            assert (head.code, client.body(head)) == (401, b"access was revoked meanwhile\n")
        finally:
            tokens.write_text(f"{TOKEN}\n{OTHER}\n")


def test_who_sends_nothing_for_ten_seconds_makes_room(program: Webcapd) -> None:
    wait_free(program)
    began = time.monotonic()
    with pushing(program) as client:
        head = client.head()
        assert (head.code, client.body(head)) == (408, b"the body did not come in time\n")
        assert time.monotonic() - began > 9
    assert put(program, jpeg())[0] == 200


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [b"--x\r\n", b"\r\n", b"\xff\xd8", b"Content-Length: 5\r\n", b"--x--", jpeg(8, 8)]
        )
        | st.binary(max_size=20),
        max_size=8,
    ).map(b"".join)
)
def test_any_body_is_answered(program: Webcapd, body: bytes) -> None:
    code, words = put(program, body)
    assert code in (200, 400, 409, 413)
    assert words.endswith("\n")


def test_it_ends_while_somebody_sends(tokens: Path) -> None:
    with (
        webcapd("--source", "push:cam", "--publish-token-file", str(tokens)) as running,
        pushing(running) as client,
    ):
        send(client, part(jpeg()))
        wait_shown(running, jpeg())
        assert running.stop() == 0


def test_four_may_send_at_a_time(tokens: Path) -> None:
    sources = [word for name in "abcde" for word in ("--source", f"push:{name}")]
    with (
        webcapd(*sources, "--publish-token-file", str(tokens)) as running,
        contextlib.ExitStack() as held,
    ):
        for number, name in enumerate("abcd"):
            client = held.enter_context(raw(running))
            client.request(
                *(f"/publish/{name}", BEARER, "Transfer-Encoding: chunked"), method="POST"
            )
            send(client, BOUNDARY + b"\r\n" + part(jpeg(seed=number)))
            running.wait_for_line(re.compile(f".* begins to send pictures to push:{name}$").match)
        # The first in order, whatever comes after it.
        wait_shown(running, jpeg(seed=0))

        def fifth() -> int:
            with raw(running) as client:
                client.request("/publish/e", BEARER, "Content-Length: 5", method="PUT")
                return client.head().code

        assert fifth() == 503


def test_a_refusal_is_in_the_log_as_ffmpeg_does_not_tell_its_user(tokens: Path) -> None:
    with webcapd("--source", "push:cam", "--publish-token-file", str(tokens)) as running:
        began = time.monotonic()
        for _ in range(20):
            assert put(running, b"GIF89a")[0] == 400
        assert "neither as a JPEG" in running.wait_for_line(lambda line: "refused" in line)
        # One a second, however long they take.
        most = 2 + time.monotonic() - began
        assert len([line for line in running.lines if "refused" in line]) <= most


def test_secrets_are_in_no_log_and_no_state(program: Webcapd) -> None:
    state = program.get("/?info")[2].decode()
    for secret in (TOKEN, OTHER):
        assert secret not in state
        assert not any(secret in line for line in program.lines)


def test_a_socket_that_is_reset_harms_nobody(program: Webcapd) -> None:
    wait_free(program)
    with pushing(program) as client:
        send(client, part(jpeg(seed=50))[:1000])
        linger = b"\1\0\0\0\0\0\0\0"
        client._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    wait_free(program)
    assert put(program, jpeg(seed=51))[0] == 200
    wait_shown(program, jpeg(seed=51))
