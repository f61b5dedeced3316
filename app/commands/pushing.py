"""What ``webcapd push`` does: an engine whose frames are sent, until it is asked to stop."""

import logging
import ssl
import time

from webcapd.app.commands.running import run_command, run_output
from webcapd.app.engine import Engine
from webcapd.app.standarderror import say
from webcapd.base.shutdown import Shutdown
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.options import CaptureOptions
from webcapd.encoder.options import EncoderOptions
from webcapd.outputs.push.byhttp import HttpSender
from webcapd.outputs.push.bysocket import TcpSender, UdpSender
from webcapd.outputs.push.pusher import Pusher
from webcapd.outputs.push.sender import Connection, Sender
from webcapd.outputs.push.target import Target

log = logging.getLogger(__name__)


def push(
    target: Target, token: str, ca: str, encoding: EncoderOptions, capture: CaptureOptions
) -> int:
    """Send pictures until asked to stop, or refused for good; returns the exit code."""

    def run(shutdown: Shutdown) -> int:
        def on_end(why: str) -> None:
            log.error("%s", why)
            shutdown.ask(1)

        engine = Engine(capture, encoding, shutdown, Reception(None))
        pusher = Pusher(engine.variants, make_sender(target, token, ca), str(target), on_end)

        def begin() -> None:
            width, height = engine.encoder.picture_size()
            say(f"pushing {engine.source.name} {width}x{height} to {target}")
            pusher.start()

        began = time.monotonic()
        try:
            return run_output(engine, [("push", pusher)], begin, shutdown)
        finally:
            seconds, megabytes = time.monotonic() - began, pusher.bytes / 1e6
            counted = f"{pusher.frames} {'picture' if pusher.frames == 1 else 'pictures'}"
            say(f"sent {counted}, {megabytes:.1f} MB, in {seconds:.1f} s")

    return run_command(run)


def make_sender(target: Target, token: str, ca: str) -> Sender:
    """Give what sends pictures to an address."""
    if target.scheme == "udp":
        return UdpSender(target.host, target.port, token)
    tls = ssl.create_default_context(cafile=ca or None) if target.has_tls else None
    connection = Connection(target.host, target.port, tls)
    if target.scheme in ("http", "https"):
        return HttpSender(target, connection, token)
    return TcpSender(connection, token)
