"""``POST /?record=start|stop|mark``: a recording set up at the command line goes on and off.

A request names no path and no format; what it asks for is handed on to whoever records.
"""

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from webcapd.http.access.clients import client_key
from webcapd.http.access.publishers import PublishAccess, check_is_no_foreign_page
from webcapd.http.exchange import Exchange
from webcapd.http.wire.response import HttpError, Response

COMMANDS = ("start", "stop", "mark")

# What is no address of this page has no such parameter.
_TARGET = re.compile(r"/\?((?:.*&)?record(?:=.*)?)$", re.ASCII)

_CHALLENGE = 'Bearer realm="webcapd record"'


class RecordDoor:
    """Where a recording is started and stopped; for any thread."""

    def __init__(self, access: PublishAccess, ask: Callable[[str], Mapping[str, object]]) -> None:
        """``ask`` takes one of COMMANDS, and gives the state that follows."""
        self._access, self._ask = access, ask

    def serves(self, target: str) -> bool:
        """Whether a request's target speaks of the recording."""
        return _TARGET.match(target) is not None

    def receive(self, exchange: Exchange) -> None:
        """Do what one request asks for; raises HttpError, and OSError when the client is gone."""
        request = exchange.request
        check_is_no_foreign_page(request.headers)
        self._admit(exchange)
        if request.method != "POST":
            refusal = "a recording is started and stopped by POST"
            raise HttpError(405, refusal, headers=(("Allow", "POST"),))
        found = _TARGET.match(request.target)
        values = parse_qs(found[1] if found else "", keep_blank_values=True).get("record", [])
        if len(values) != 1 or values[0] not in COMMANDS:
            raise HttpError(400, "record is start, stop or mark")
        state = self._ask(values[0])
        if values[0] == "mark" and state["state"] != "recording":
            raise HttpError(409, "nothing is being recorded that could be marked")
        body = json.dumps(state) + "\n"
        exchange.send(Response(200, "application/json", body.encode()))

    def _admit(self, exchange: Exchange) -> None:
        authorization = exchange.request.headers.get("authorization")
        try:
            self._access.admit(authorization, client_key(exchange.address))
        except HttpError as error:
            if error.status == 401:
                error.headers = (("WWW-Authenticate", _CHALLENGE),)
            raise
