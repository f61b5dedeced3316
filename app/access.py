"""Who may look and who may send something, by the files that the options name."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from webcapd.app.commandline import Options
from webcapd.capture.feeds.received.reception import Reception
from webcapd.http.access.access import Access
from webcapd.http.access.publishers import PublishAccess
from webcapd.http.handler import Door
from webcapd.http.options import HttpOptions

if TYPE_CHECKING:
    from webcapd.outputs.recording.recorder import Recorder


class StartError(Exception):
    """webcapd cannot start; the text is one clear sentence."""


def viewers_of(options: HttpOptions) -> Access:
    """Read who may look; raises StartError."""
    try:
        return Access(options.auth_file, options.token_file)
    except ValueError as error:
        raise StartError(str(error)) from None


def senders_of(
    token_file: str, closed_at_end: ExitStack, what: str = "pictures", bearer_only: bool = False
) -> PublishAccess | None:
    """Read who may send something, None where nobody may; raises StartError."""
    if not token_file:
        return None
    try:
        access = PublishAccess(token_file, what, bearer_only)
    except ValueError as error:
        raise StartError(str(error)) from None
    closed_at_end.callback(access.close)
    return access


def make_doors(
    options: Options,
    publishers: PublishAccess | None,
    reception: Reception,
    recorder: Recorder | None,
    closed_at_end: ExitStack,
) -> list[Door]:
    """Put together what takes requests that change something; raises StartError."""
    doors: list[Door] = []
    if publishers is not None:
        from webcapd.http.doors.publish import PublishDoor

        doors.append(PublishDoor(publishers, reception.inlets))
    if recorder is not None and (
        commands := senders_of(options.record.record_token_file, closed_at_end, "commands", True)
    ):
        from webcapd.http.doors.record import RecordDoor

        doors.append(RecordDoor(commands, recorder.ask))
    return doors
