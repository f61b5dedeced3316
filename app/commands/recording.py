"""What ``webcapd record`` does: a source, its encoder, and a recorder, until all is recorded."""

import logging
import signal
from functools import partial

from webcapd.app.commands.running import run_command, run_output
from webcapd.app.engine import Engine
from webcapd.app.program import NOT_WRITTEN
from webcapd.app.standarderror import say
from webcapd.base.number import parse_period, written_bytes
from webcapd.base.shutdown import Shutdown
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.options import CaptureOptions
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.variant import PLAIN
from webcapd.outputs.options import RecordCommandOptions, RecordingOptions
from webcapd.outputs.recording.open import file_settings, file_sink, folder_sink, is_folder
from webcapd.outputs.recording.recorder import Recorder

log = logging.getLogger(__name__)


def record(
    command: RecordCommandOptions,
    recording: RecordingOptions,
    encoding: EncoderOptions,
    capture: CaptureOptions,
) -> int:
    """Record until all is recorded, or it is asked to stop; returns the exit code."""
    # Who reads standard output may leave: that is an error of writing.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    return run_command(partial(_record, command, recording, encoding, capture))


def _record(
    command: RecordCommandOptions,
    recording: RecordingOptions,
    encoding: EncoderOptions,
    capture: CaptureOptions,
    shutdown: Shutdown,
) -> int:
    output = command.output
    duration = parse_period(command.duration) if command.duration else 0.0
    settings = file_settings(output, recording, command.count, duration)
    if is_folder(output):
        sink = folder_sink(output, recording)
    else:
        sink = file_sink(output, recording, lambda: recorder.is_stopping())
    engine = Engine(capture, encoding, shutdown, Reception(None))
    recorder = Recorder(engine.variants, PLAIN, sink, settings, partial(_on_end, shutdown))

    def begin() -> None:
        width, height = engine.encoder.picture_size()
        place = "standard output" if output == "-" else output
        say(f"recording {engine.source.name} {width}x{height} into {place}")
        recorder.start()

    # What is recorded begins with a picture, and not with the placeholder before it.
    status = run_output(engine, [("recorder", recorder)], begin, shutdown, needs_picture=True)
    frames = recorder.frames
    say(
        f"recorded {frames} {'frame' if frames == 1 else 'frames'}, {recorder.seconds:.1f} s, "
        f"{written_bytes(sink.size)}"
        + (f", dropped {dropped}" if (dropped := recorder.dropped) else "")
    )
    return status


def _on_end(shutdown: Shutdown, why: str) -> None:
    """End, as the recorder has ended; ``why`` it could not write, if so."""
    if why:
        log.error("%s", why)
    shutdown.ask(NOT_WRITTEN if why else 0)
