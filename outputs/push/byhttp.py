"""Pictures by ``POST /publish/NAME``: an endless body of multipart parts, in chunks."""

import select
import time

from webcapd.encoder.frame import Frame
from webcapd.outputs.push.sender import Connection, Refused
from webcapd.outputs.push.target import Target

# Who has not answered by then does not mean to (RFC 9110, 10.1.1).
_CONTINUE_SECONDS = 1.0
# To say that all has come.
_GOODBYE_SECONDS = 1.0

_BOUNDARY = "webcapd"
_MAX_ANSWER = 16 * 1024

# Answers that may be others later.
_PASSING = (408, 409, 425, 429)


class HttpSender:
    """One request for as long as the connection lasts."""

    repeat_seconds = 4.0

    def __init__(self, target: Target, connection: Connection, token: str) -> None:
        self._target, self._connection, self._token = target, connection, token
        self._heard = b""
        self._sent = 0

    def connect(self) -> None:
        """Ask whether pictures are wanted before there are any."""
        self._heard, self._sent = b"", 0
        self._connection.open()
        token = f"Authorization: Bearer {self._token}\r\n" if self._token else ""
        self._connection.send(
            f"POST {self._target.path} HTTP/1.1\r\nHost: {self._target.host_header}\r\n"
            f"User-Agent: webcapd\r\n{token}Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"
            f"Content-Type: multipart/x-mixed-replace; boundary={_BOUNDARY}\r\n\r\n".encode()
        )
        until = time.monotonic() + _CONTINUE_SECONDS
        while not self._heard and time.monotonic() < until:
            self._wait(until)
            self.check()

    def _wait(self, until: float) -> None:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        poll.poll(max(0.0, 1000 * (until - time.monotonic())))

    def fileno(self) -> int:
        return self._connection.opened.fileno()

    def check(self) -> None:
        """Read what is answered: "go on" is no news, all else is the end."""
        while (data := self._connection.received()) is not None:
            self._heard += data
            while (answer := self._answer(is_all=not data)) is not None:
                status, sentence = answer
                if status >= 200:
                    raise _refusal(status, sentence, bool(self._token))
            if not data:
                raise ConnectionResetError(0, "it hung up")

    def _answer(self, is_all: bool) -> tuple[int, str] | None:
        """Take the next whole answer out of what was heard: its status, and its first line."""
        head, blank, rest = self._heard.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(None, 2)
        if not blank:
            if len(self._heard) > _MAX_ANSWER:
                raise ConnectionResetError(0, "it does not speak HTTP as it should")
            return None
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
            raise ConnectionResetError(0, "it does not speak HTTP as it should")
        if int(words[1]) < 200:
            self._heard = rest
            return int(words[1]), ""
        named = [line.partition(":") for line in lines[1:]]
        length = [value.strip() for name, _, value in named if name.lower() == "content-length"]
        wanted = int(length[0]) if length and length[0].isdigit() else _MAX_ANSWER
        if len(rest) < min(wanted, _MAX_ANSWER) and not is_all:
            return None
        self._heard = b""
        return int(words[1]), rest.decode("utf-8", "replace").partition("\n")[0]

    def send(self, frame: Frame) -> None:
        boundary = "" if self._sent else f"--{_BOUNDARY}\r\n"
        head = f"{boundary}Content-Type: image/jpeg\r\nContent-Length: {len(frame.data)}\r\n\r\n"
        part = head.encode() + frame.data + f"\r\n--{_BOUNDARY}\r\n".encode()
        try:
            self._connection.send(b"%x\r\n%b\r\n" % (len(part), part))
        except ConnectionError:
            # It may have said why.
            self.check()
            raise
        self._sent += 1

    def finish(self) -> None:
        """End the body, and let the other side say that it has it all."""
        self._connection.send(b"0\r\n\r\n")
        until = time.monotonic() + _GOODBYE_SECONDS
        try:
            while time.monotonic() < until:
                self._wait(until)
                self.check()
        except Refused as answer:
            if answer.is_final:
                raise

    def close(self) -> None:
        self._connection.close()

    def interrupt(self) -> None:
        self._connection.interrupt()


def _refusal(status: int, sentence: str, had_token: bool) -> Refused:
    """Say what an answer means to who sends."""
    is_final = 300 <= status < 500 and status not in _PASSING
    if status < 300:
        meaning = "it ended the request"
    elif status < 400:
        meaning = f"it answers {status}: it redirects, which is not followed"
    elif status == 401:
        wanted = "the token is not accepted" if had_token else "it wants a token: --token-file FILE"
        meaning = f"it answers 401: {wanted}"
    elif status == 404:
        meaning = "it answers 404: nothing is shown under this name (--source push:NAME does)"
    elif status == 409:
        meaning = "it answers 409: another one is sending pictures there"
    else:
        said = "".join(c if c.isascii() and c.isprintable() else "?" for c in sentence[:200])
        meaning = f"it answers {status}" + (f": {said}" if said else "")
    return Refused(meaning, is_final)
