"""What ``webcapd record`` does: a source, its encoder, and a recorder, until all is recorded."""

import logging
import signal
import sys
from functools import partial

from webcapd.app.engine import Engine, Part, join_all, supervise
from webcapd.app.program import NOT_WRITTEN, exit_code_of
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

# To write what is left may take its time, where a disk is slow.
_STOP_SECONDS = 1.8


def record(
    command: RecordCommandOptions,
    recording: RecordingOptions,
    encoding: EncoderOptions,
    capture: CaptureOptions,
) -> int:
    """Record until all is recorded, or it is asked to stop; returns the exit code."""
    logging.basicConfig(level="INFO", format="webcapd: %(message)s", stream=sys.stderr)
    # Who reads standard output may leave: that is an error of writing.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    shutdown = Shutdown()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: shutdown.ask())
    try:
        return exit_code_of(partial(_record, command, recording, encoding, capture, shutdown))
    finally:
        shutdown.close()


def _record(
    command: RecordCommandOptions,
    recording: RecordingOptions,
    encoding: EncoderOptions,
    capture: CaptureOptions,
    shutdown: Shutdown,
) -> int:
    output = command.output
    is_over = False
    parts: list[tuple[str, Part]] = []
    duration = parse_period(command.duration) if command.duration else 0.0
    settings = file_settings(output, recording, command.count, duration)
    if is_folder(output):
        sink = folder_sink(output, recording)
    else:
        sink = file_sink(output, recording, lambda: is_over)
    engine = Engine(capture, encoding, shutdown, Reception(None))
    parts.append(("encoder", engine))
    recorder = Recorder(engine.variants, PLAIN, sink, settings, partial(_on_end, shutdown))
    parts.append(("recorder", recorder))
    try:
        engine.start()
        if (status := engine.wait_begun()) is not None:
            return status
        width, height = engine.encoder.picture_size()
        place = "standard output" if output == "-" else output
        _say(f"recording {engine.source.name} {width}x{height} into {place}")
        recorder.start()
        status = supervise(engine, shutdown)
    finally:
        is_over = True
        # The recorder first, which so has what the encoder made last.
        for _, part in reversed(parts):
            part.stop()
        for name in join_all(list(reversed(parts)), _STOP_SECONDS):
            log.warning("the %s threads did not end in time", name)
    seconds, frames = recorder.seconds, recorder.frames
    _say(
        f"recorded {frames} {'frame' if frames == 1 else 'frames'}, {seconds:.1f} s, "
        f"{written_bytes(sink.size)}"
        + (f", dropped {dropped}" if (dropped := recorder.dropped) else "")
    )
    return status


def _on_end(shutdown: Shutdown, why: str) -> None:
    """End, as the recorder has ended; ``why`` it could not write, if so."""
    if why:
        log.error("%s", why)
    shutdown.ask(NOT_WRITTEN if why else 0)


def _say(sentence: str) -> None:
    print(f"webcapd: {sentence}", file=sys.stderr, flush=True)
