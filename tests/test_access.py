"""Who is let in: passwords and tokens over real sockets, and files that change meanwhile."""

import base64
import contextlib
import datetime
import itertools
import json
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import bcrypt
import mjpeg
import pytest
from painter import painter
from program import TIMEOUT, Webcapd, run_to_end, webcapd
from rawhttp import RawClient, raw
from waiting import wait_until
from xserver import XServer, xvfb

WALL, OTHER_SITE = "https://wall.example", "https://other.example"

LONG = "x" * 72
USERS = {"ann": "correct horse", "colon": "a:b:c", "börge": "grüße ☃", "long": LONG, "none": ""}
TOKEN, EXPIRED, LATER = "token-for-the-wall", "token-of-yesterday", "token-of-tomorrow"
SECRETS = [*filter(None, USERS.values()), TOKEN, EXPIRED, LATER, "wrong-guess"]

# Addresses of which none has guessed yet.
CLIENTS = (f"10.2.{number >> 8}.{number & 255}" for number in itertools.count())

Response = tuple[int, Mapping[str, str], bytes]


def entry(user: str, password: str, cost: int = 4) -> str:
    hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(cost)).decode()
    return f"{user}:$2y$" + hashed[4:] + "\n"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def replace(path: Path, text: str) -> None:
    """Write a file as careful people do: nobody sees half of it."""
    part = path.with_name("part")
    part.write_text(text)
    part.replace(path)


class Guarded:
    """A running webcapd with passwords and tokens, and their files."""

    def __init__(self, program: Webcapd, users: Path, tokens: Path) -> None:
        self.program, self.users, self.tokens = program, users, tokens

    def get(self, path: str, authorization: str = "", **headers: str) -> Response:
        if authorization:
            headers["Authorization"] = authorization
        return self.program.get(path, **headers)

    def status(self, path: str, authorization: str = "", **headers: str) -> int:
        return self.get(path, authorization, **headers)[0]


def tokens_text() -> str:
    zone = datetime.UTC
    yesterday = datetime.datetime.now(zone) - datetime.timedelta(days=1)
    tomorrow = datetime.datetime.now(zone) + datetime.timedelta(days=1)
    return f"{TOKEN}\n{EXPIRED} {yesterday.isoformat()}\n{LATER} {tomorrow.isoformat()}\n"


@contextlib.contextmanager
def guarded(folder: Path, display: str, *arguments: str) -> Iterator[Guarded]:
    users, tokens = folder / "users", folder / "tokens"
    users.write_text("".join(entry(user, password) for user, password in USERS.items()))
    tokens.write_text(tokens_text())
    files = ("--auth-file", str(users), "--token-file", str(tokens))
    with webcapd("--display", display, *files, "--trust-proxy", "127.0.0.1", *arguments) as program:
        yield Guarded(program, users, tokens)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Run one webcapd for the tests that change nothing; each guesses from another address."""
    folder = tmp_path_factory.mktemp("shared")
    origins = ("--allow-origin", WALL, "--allow-origin", "http://second.example")
    with (
        xvfb(96, 64) as screen,
        guarded(folder, screen.name, "--loghttp", "--log-level", "debug", *origins) as one,
    ):
        yield one
        # Whichever of its tests have run here.
        user = next(iter(USERS))
        assert one.status("/?snapshot", basic(user, USERS[user])) == 200
        one.program.wait_for_line(lambda line: "/?snapshot" in line)
        said = "\n".join(one.program.lines)
        assert [secret for secret in SECRETS if secret in said] == []
        encoded = [basic(user, password).split()[1] for user, password in USERS.items()]
        assert [secret for secret in encoded if secret in said] == []


@pytest.mark.parametrize("user", list(USERS))
def test_right_password_opens_everything(shared: Guarded, user: str) -> None:
    right = basic(user, USERS[user])
    for page in ("/", "/?snapshot", "/?info", "/?metrics", "/?health"):
        assert shared.status(page, right) == 200
    with mjpeg.stream(shared.program, Authorization=right) as stream:
        stream.part()


def test_password_counts_to_its_72nd_byte(shared: Guarded) -> None:
    """More of it bcrypt never saw, in htpasswd neither; the library refuses it."""
    assert shared.status("/?info", basic("long", LONG + "more")) == 200
    assert shared.status("/?info", basic("long", LONG[:-1]), X_Forwarded_For="10.1.0.1") == 401


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        basic("ann", "wrong-guess"),
        basic("ann", ""),
        basic("ann", "correct horse\0"),
        basic("ann", "correct horse\0correct horse"),
        basic("none", "\0"),
        basic("nobody", "correct horse"),
        basic("", "correct horse"),
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        basic("ann", "correct horse")[:-1],
        "Basic b\xf6rge",
        "Digest username=ann",
        "Bearer wrong-guess",
        "Bearer",
        f"Bearer {EXPIRED}",
        f"Bearer {TOKEN}x",
        TOKEN,
    ],
)
def test_whoever_has_nothing_right_is_asked_for_it(shared: Guarded, authorization: str) -> None:
    for page in ("/?snapshot", "/?stream", "/"):
        status, headers, body = shared.get(page, authorization, X_Forwarded_For=next(CLIENTS))
        assert status == 401
        assert headers["WWW-Authenticate"] == 'Basic realm="webcapd", charset="UTF-8"'
        assert body.decode().count("\n") == 1
        assert not [secret for secret in SECRETS if secret in body.decode()]


def test_token_shows_the_picture_and_nothing_else(shared: Guarded) -> None:
    for token in (TOKEN, LATER):
        for page in ("/?snapshot&", "/?", "/snapshot?", "/?action=snapshot&"):
            assert shared.status(f"{page}token={token}") == 200
        for page in ("/?snapshot", "/"):
            assert shared.status(page, f"Bearer {token}") == 200
            assert shared.status(page, f"bearer  {token} ") == 200
        with mjpeg.stream(shared.program, f"/?stream&token={token}") as stream:
            stream.part()
        for page in ("/?info", "/?metrics"):
            assert shared.status(page, f"Bearer {token}") == 403
            assert shared.status(f"{page}&token={token}") == 403


def test_token_is_not_logged_however_it_is_written(shared: Guarded) -> None:
    """See what the log has, at the end of the shared fixture."""
    for name in ("token", "TOKEN", "%74oken", "toke%6E"):
        assert shared.status(f"/?snapshot&{name}={LATER}") == 200
    targets = [
        f"/nothing?token={LATER}",
        *(f"/?snapshot{wrong}{LATER}" for wrong in ("&amp;token=", ";token=", "&tokens=", "&")),
        *(f"/?token{wrong}{LATER}" for wrong in ("%3D", "%253D", "", ":", "/", "&", "=&", "==")),
        f"/?tok%2565n={LATER}",
        f"/?snapshot&quality={LATER}",
        f"/{LATER}",
        f"/token/{LATER}/",
        f"/?{LATER}=",
        f"http://{LATER}@localhost/?snapshot",
        f"http://ann:{LATER}@evil.com/?snapshot",
        f"//ann:{LATER}@localhost/",
        f"/?snapshot#{LATER}",
        f"/?token={LATER} {LATER}",
        f"{LATER}",
    ]
    for target in targets:
        for version in ("1.0", "1.1", "1.9"):
            with raw(shared.program) as client:
                client.request(target, version=version)
                client.head()
    with raw(shared.program) as client:
        client.request("/?logged", method=LATER)
        client.head()
        client.request("/?snapshot&scale=0.5&", method="HEAD")
        client.head()
    shared.program.wait_for_line(lambda line: '"HEAD /?snapshot&scale=0.5& HTTP/1.1"' in line)


def test_expired_token_is_worth_nothing(shared: Guarded) -> None:
    response = shared.get(f"/?snapshot&token={EXPIRED}", X_Forwarded_For="10.3.0.1")
    assert response[0] == 401
    assert b"expired" in response[2]


def test_health_is_open_to_all_and_names_nothing(shared: Guarded) -> None:
    for authorization in ("", basic("ann", "wrong-guess"), "Bearer wrong-guess"):
        status, _, body = shared.get("/?health", authorization)
        assert (status, json.loads(body)) == (200, {"healthy": True, "state": "live"})


def test_head_is_asked_for_the_same(shared: Guarded) -> None:
    status, headers, body = shared.program.get("/?snapshot", "HEAD")
    assert (status, body) == (401, b"")
    assert "WWW-Authenticate" in headers
    right = basic("ann", USERS["ann"])
    for page in ("/?snapshot", "/?stream"):
        status, _, body = shared.program.get(page, "HEAD", Authorization=right)
        assert (status, body) == (200, b"")


def test_curl_logs_in_with_a_password_and_with_a_token(shared: Guarded) -> None:
    def curl(*arguments: str) -> str:
        command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{content_type}"]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=True
        )
        return done.stdout

    url = shared.program.url
    assert curl("-u", "ann:correct horse", f"{url}?info") == "200 application/json"
    assert curl("-u", "börge:grüße ☃", f"{url}?snapshot") == "200 image/jpeg"
    assert curl("--oauth2-bearer", TOKEN, f"{url}?snapshot") == "200 image/jpeg"
    assert curl(f"{url}?snapshot&token={TOKEN}") == "200 image/jpeg"
    assert curl(f"{url}?snapshot").startswith("401 text/plain")


def test_scripts_of_a_named_site_may_read_with_a_password(shared: Guarded) -> None:
    right = basic("ann", USERS["ann"])
    for authorization, status in ((right, 200), ("", 401)):
        found, headers, _ = shared.get("/?snapshot", authorization, Origin=WALL)
        assert found == status
        assert headers["Access-Control-Allow-Origin"] == WALL
        assert headers["Access-Control-Allow-Credentials"] == "true"
    for origin in (OTHER_SITE, "null", f"{WALL}.other.example"):
        headers = shared.get("/?snapshot", right, Origin=origin)[1]
        assert headers["Vary"] == "Origin"
        assert not [name for name in headers if name.startswith("Access-Control")]


def test_browser_may_ask_in_advance_without_a_password(shared: Guarded) -> None:
    status, headers, body = shared.program.get("/?snapshot", "OPTIONS", Origin=WALL)
    assert (status, body) == (204, b"")
    assert headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert "Authorization" in headers["Access-Control-Allow-Headers"]
    status, headers, _ = shared.program.get("/?snapshot", "OPTIONS", Origin=OTHER_SITE)
    assert status == 204
    assert not [name for name in headers if name.startswith("Access-Control")]


def test_any_site_may_read_what_needs_no_password(server: XServer) -> None:
    with webcapd("--display", server.name, "--allow-origin", "*") as program:
        headers = program.get("/?snapshot", Origin=OTHER_SITE)[1]
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in headers


def test_secrets_are_told_to_nobody(shared: Guarded) -> None:
    right = basic("ann", USERS["ann"])
    arguments = Path(f"/proc/{shared.program.process.pid}/cmdline").read_bytes().decode()
    pages = [shared.get(page, right)[2].decode() for page in ("/?info", "/?metrics", "/")]
    for text in (arguments, *pages):
        assert [secret for secret in [*SECRETS, "$2y$"] if secret in text] == []


def test_who_guesses_too_often_is_shut_out_alone(server: XServer, tmp_path: Path) -> None:
    right = basic("ann", USERS["ann"])
    with (
        guarded(tmp_path, server.name, "--keepalive", "0.5") as one,
        mjpeg.stream(one.program, Authorization=right, X_Forwarded_For="10.0.0.66") as stream,
    ):
        for number in range(10):
            guess = basic("ann", f"{number}") if number % 2 else f"Bearer {number}"
            assert one.status("/?snapshot", guess, X_Forwarded_For="10.0.0.66") == 401
        for authorization in (right, f"Bearer {TOKEN}", basic("ann", "wrong-guess")):
            response = one.get("/?snapshot", authorization, X_Forwarded_For="10.0.0.66")
            assert response[0] == 429
            assert 0 < int(response[1]["Retry-After"]) <= 61
        # Who says nothing guesses nothing, and health is open to all.
        assert one.status("/?snapshot", X_Forwarded_For="10.0.0.66") == 401
        assert one.status("/?health", X_Forwarded_For="10.0.0.66") == 200
        # What the guesser says of himself changes nothing; others are others.
        assert one.status("/?snapshot", right, X_Forwarded_For="10.9.9.9, 10.0.0.66") == 429
        assert one.status("/?snapshot", right, X_Forwarded_For="10.0.0.67") == 200
        assert one.status("/?snapshot", right) == 200
        sequence = [stream.part() for _ in range(3)]
        assert all(part.body for part in sequence)


def test_neighbours_of_an_ipv6_network_guess_as_one(server: XServer, tmp_path: Path) -> None:
    with guarded(tmp_path, server.name) as one:
        statuses = [
            one.status("/?snapshot", "Bearer guess", X_Forwarded_For=f"2001:db8::{number}")
            for number in range(1, 13)
        ]
        assert statuses == [401] * 10 + [429] * 2
        assert one.status("/?snapshot", "Bearer guess", X_Forwarded_For="2001:db8:0:1::1") == 401
        # What stands behind a % is for the machine that wrote it, and for nobody here.
        scoped = [
            one.status("/?snapshot", "Bearer guess", X_Forwarded_For=f"2001:db8::%{number}")
            for number in range(12)
        ]
        assert scoped == [429] * 12


def test_who_is_known_waits_for_no_guess(server: XServer, tmp_path: Path) -> None:
    """A guess costs much on purpose, but not others' time."""
    with guarded(tmp_path, server.name) as one, contextlib.ExitStack() as stack:
        right = basic("ann", USERS["ann"])
        assert one.status("/?snapshot", right) == 200
        replace(one.users, one.users.read_text() + entry("slow", "secret", cost=12))

        def answered_before_a_guess() -> bool:
            guessers = [stack.enter_context(raw(one.program)) for _ in range(3)]
            for guesser in guessers:
                guesser.request(
                    "/?snapshot",
                    f"X-Forwarded-For: {next(CLIENTS)}",
                    f"Authorization: {basic('slow', 'wrong-guess')}",
                )
            for authorization in (right, f"Bearer {TOKEN}"):
                assert one.status("/?snapshot", authorization) == 200
            found = not all(select.select([guesser], [], [], 0)[0] for guesser in guessers)
            assert [guesser.head().code for guesser in guessers] == [401] * 3
            return found

        # Were they to wait, it would never be so; all guesses may be answered while we stand still.
        wait_until("who is known is answered before a guess", answered_before_a_guess)


def until_it_ends(stream: mjpeg.Stream) -> None:
    """Read a stream to its end; what comes until then is whole."""
    deadline = time.monotonic() + TIMEOUT
    while stream.response.read1(1 << 16):
        assert time.monotonic() < deadline, "the stream goes on"


def test_change_of_the_files_is_heeded_while_it_runs(server: XServer, tmp_path: Path) -> None:
    ann, new = basic("ann", USERS["ann"]), basic("new", "welcome")
    with (
        guarded(tmp_path, server.name, "--keepalive", "0.5") as one,
        mjpeg.stream(one.program, Authorization=ann) as removed,
        mjpeg.stream(one.program, f"/?stream&token={TOKEN}") as taken_back,
        mjpeg.stream(one.program, f"/?stream&token={LATER}") as untouched,
    ):
        assert one.status("/?info", new) == 401
        replace(one.users, entry("new", "welcome"))
        replace(one.tokens, f"{LATER}\n")
        # It is waited for a file that does not answer, but for 2 s only.
        addresses = (f"10.4.0.{number}" for number in itertools.count())

        def status(path: str, authorization: str = "") -> int:
            return one.status(path, authorization, X_Forwarded_For=next(addresses))

        wait_until("the new one is let in", lambda: status("/?info", new) == 200)
        wait_until("the old one is not", lambda: status("/?info", ann) == 401)
        taken = f"/?snapshot&token={TOKEN}"
        wait_until("its token is taken back", lambda: status(taken) == 401)
        until_it_ends(removed)
        until_it_ends(taken_back)
        one.program.wait_for_line(lambda line: line.endswith("its access was revoked"))
        assert untouched.part().body

        # Whatever is wrong with a file, nobody is let in or out by it.
        replace(one.users, "new:welcome\n")
        replace(one.tokens, "short\n")
        for _ in range(2):
            assert one.status("/?info", new) == 200
            assert one.status(f"/?snapshot&token={LATER}") == 200

        def kept() -> list[str]:
            lines = [line for line in one.program.lines if "stays in force" in line]
            return [line for line in lines if "does not answer" not in line]

        # Written before the answers, but perhaps read after them.
        wait_until("both are told", lambda: len(kept()) >= 2)
        assert len(kept()) == 2
        assert not [line for line in one.program.lines if "welcome" in line or "short" in line]
        assert untouched.part().body


@pytest.mark.parametrize("how", ["removed", "expired"])
@pytest.mark.parametrize("page", ["stream", "updates"])
def test_token_that_ends_is_worth_nothing_a_second_later(
    server: XServer, tmp_path: Path, page: str, how: str
) -> None:
    """Also on a screen at rest, long before anything would be sent."""
    keepalive = 9
    with guarded(tmp_path, server.name, "--keepalive", f"{keepalive}") as one:
        took = [seconds_until_ended(one, page, how) for _ in range(2)]

        def is_soon() -> bool:
            took.append(seconds_until_ended(one, page, how))
            return min(took) < 1.0

        # On a machine that does other things too.
        wait_until("it ends within a second", is_soon)
        assert max(took) < keepalive


def seconds_until_ended(one: Guarded, page: str, how: str) -> float:
    """Give the seconds from the end of a token to the end of what it let in."""
    replace(one.tokens, f"{TOKEN}\n")
    with raw(one.program) as client:
        client.request(f"/?{page}&token={TOKEN}")
        assert client.head().code == 200
        ends = datetime.datetime.now(datetime.UTC)
        if how == "removed":
            replace(one.tokens, f"{LATER}\n")
        else:
            ends += datetime.timedelta(seconds=1)
            replace(one.tokens, f"{TOKEN} {ends.isoformat()}\n")
        client.rest()
        late = datetime.datetime.now(datetime.UTC) - ends
    assert late > datetime.timedelta(0)
    return late.total_seconds()


def test_token_that_expires_ends_its_stream(server: XServer, tmp_path: Path) -> None:
    with guarded(tmp_path, server.name, "--keepalive", "0.5") as one:
        # As late as a busy machine may be with letting it in.
        soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=9)
        replace(one.tokens, f"{TOKEN} {soon.isoformat()}\n")
        with mjpeg.stream(one.program, f"/?stream&token={TOKEN}") as stream:
            assert stream.part().body
            until_it_ends(stream)


def test_who_waits_for_a_change_must_still_have_leave_when_it_comes(
    server: XServer, tmp_path: Path
) -> None:
    def waiting_since(client: RawClient, sequence: str) -> None:
        client.request(f"/?snapshot&after={sequence}&timeout=60&token={TOKEN}")

    with (
        guarded(tmp_path, server.name) as one,
        painter(server) as brush,
        raw(one.program) as client,
    ):
        right = basic("ann", USERS["ann"])
        sequence = one.get("/?snapshot", right)[1]["X-Sequence"]
        waiting_since(client, sequence)

        def waits() -> bool:
            info = json.loads(one.get("/?info", right)[2])
            return bool(info["limits"]["streamsAndWaits"] == 1)

        wait_until("somebody waits", waits)
        replace(one.tokens, f"{LATER}\n")
        brush.fill(0x123456)
        assert client.head().code == 401


@pytest.mark.parametrize(
    ("flag", "text", "said"),
    [
        ("--auth-file", None, "No such file"),
        ("--auth-file", "", "it has no entry"),
        ("--auth-file", "ann:secret-word\n", "htpasswd -B"),
        ("--token-file", "secret-word\n", "less than 16 characters"),
        ("--token-file", "secret-word-of-16 secret-word\n", "2027-01-31T18:00"),
    ],
)
def test_file_that_is_no_good_is_refused_at_the_start(
    server: XServer, tmp_path: Path, flag: str, text: str | None, said: str
) -> None:
    path = tmp_path / "file"
    if text is not None:
        path.write_text(text)
    status, line = run_to_end("--display", server.name, "--port", "0", flag, str(path))
    assert (status, line.count("\n")) == (1, 0)
    assert str(path) in line
    assert said in line
    assert "secret-word" not in line


def test_tokens_alone_ask_for_a_token_and_keep_the_state_closed(
    server: XServer, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    with webcapd("--display", server.name, "--token-file", str(tokens)) as program:
        status, headers, _ = program.get("/?snapshot", Authorization=basic("ann", "x"))
        assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="webcapd"')
        assert program.get(f"/?snapshot&token={TOKEN}")[0] == 200
        status, _, body = program.get("/?info")
        assert status == 401
        assert b"--auth-file" in body


def test_passwords_alone_know_no_token(server: XServer, tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text(entry("ann", "secret"))
    network = ("--v4bindaddress", "0.0.0.0")
    with webcapd("--display", server.name, "--auth-file", str(users), *network) as program:
        assert program.get(f"/?snapshot&token={TOKEN}")[0] == 401
        assert program.get("/?snapshot&token=x", Authorization=basic("ann", "secret"))[0] == 200
        program.wait_for_line(lambda line: "put TLS in front of it" in line)
