"""The threads of a capture: from a display, and an engine that looks at it, to the end of both."""

import contextlib
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from webcapd.app.api.error import told
from webcapd.app.api.settings import Settings
from webcapd.app.api.tap import Maker, Tap
from webcapd.app.embedded import EmbeddedDisplay, embedded_display
from webcapd.app.engine import Engine, supervise
from webcapd.base.process.late import NotLoadable
from webcapd.base.shutdown import Shutdown
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.source import SourceError
from webcapd.encoder.jpeg.tiles import EncodeError

log = logging.getLogger(__name__)

NO_PICTURES = (SourceError, EncodeError, NotLoadable, ValueError)
"""What says in a sentence why there can be no pictures."""

_JOIN_SECONDS = 1.0

# When the program ends, a callback that does not return is not waited for any longer.
_EXIT_SECONDS = 3.0

T = TypeVar("T")


class Worker(Generic[T]):
    """What a capture has running: thread ``capture``, which starts and ends all the rest.

    start() is called once; all else is for any thread, and for the function that it gives to.
    Nothing is left once join() has said so.
    """

    def __init__(
        self,
        settings: Settings,
        make_maker: Callable[[Engine], Maker[T]],
        give: Callable[[T], object],
        wants_all: bool,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; ``give`` is called in the encoder thread.

        ``on_end`` is called when there is nothing more to come, in the thread that ends.
        """
        self._settings, self._make_maker = settings, make_maker
        self._give, self._wants_all, self._on_end = give, wants_all, on_end
        self._process = os.getpid()
        self._begun = threading.Event()
        """Whether it is known if there will be pictures."""
        self._is_up = False  # Set before _begun: whether there will.
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._starting = threading.RLock()
        """Held while the thread begins: who asks it to end finds it begun, or it never begins."""
        self._is_asked = False
        """Whether it was asked to end.  Guarded by _starting."""
        # Set by start():
        self._shutdown: Shutdown | None = None
        # Capture thread only until _begun; never changed then:
        self._engine: Engine | None = None
        self._tap: Tap[T] | None = None
        # Set once, by the thread that fails:
        self._failure: BaseException | None = None
        self._encoder_thread = 0

    def start(self) -> None:
        """Start; returns once it is known that there are pictures, or may be.

        Raises Error.
        """
        with told(), self._starting:
            self._shutdown = Shutdown()
            if self._is_asked:
                self._shutdown.close()
                self._begun.set()
                self._on_end()
                return
            try:
                self._thread.start()
            except RuntimeError:
                self._shutdown.close()
                raise
        try:
            self._begun.wait()
        except BaseException:
            self.ask_stop()
            self.join()
            raise
        if not self._is_up:
            self.join()
            self.raise_failure()

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is another process, which was forked: the threads are not here."""
        return os.getpid() != self._process

    @property
    def is_own_thread(self) -> bool:
        """Whether it is called by the very threads that are to end."""
        return threading.get_ident() in (self._encoder_thread, self._thread.ident)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def is_over(self) -> bool:
        """Whether it has run, or could not, and has ended."""
        return self._begun.is_set() and not self._thread.is_alive()

    @property
    def outage(self) -> str:
        """Why there is no picture just now, in one sentence; empty where there is one."""
        return str(self._engine.encoder.status()["reason"] or "") if self._engine else ""

    def want(self) -> None:
        """Ask for the next, where not all is wanted."""
        if self._tap is not None:
            self._tap.want()

    def unwant(self) -> None:
        """Take that back; nothing is given any more when this returns."""
        if self._tap is not None and not self.is_elsewhere:
            self._tap.unwant()

    def request_keyframe(self) -> None:
        """Have what is given next build on nothing before it, where that makes a difference."""
        if self._tap is not None:
            self._tap.request_keyframe()

    def ask_stop(self) -> None:
        """Ask it to end, also while it starts; returns at once."""
        if self.is_elsewhere:
            return
        with self._starting:
            self._is_asked = True
        if self._shutdown is not None:
            self._shutdown.ask()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end of all; tells whether it came in time."""
        # Not by its number: it has that before it can be waited for.
        if self.is_elsewhere or not self._thread.is_alive():
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def raise_failure(self) -> None:
        """Raise what it has ended by, once, if it has not ended as asked to.

        An Error where it could not go on; what ``give`` raised, as that was.
        """
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _end_at_exit(self) -> None:
        self.ask_stop()
        self.join(_EXIT_SECONDS)

    def _fail(self, error: BaseException) -> None:
        """End, as what came was not taken; in the encoder thread."""
        self._failure = error
        assert self._shutdown is not None
        self._shutdown.ask(1)

    def _run(self) -> None:
        shutdown = self._shutdown
        assert shutdown is not None
        at_exit = weakref.finalize(self._thread, self._end_at_exit)
        try:
            with (
                told(*NO_PICTURES),
                contextlib.ExitStack() as held,
                embedded_display(self._settings.options, shutdown) as display,
            ):
                if display is not None:
                    self._capture(display, shutdown, held)
        except BaseException as error:
            # What our own frames hold is not to live as long as the error does.
            self._failure = self._failure or error.with_traceback(None)
        finally:
            at_exit.detach()
            shutdown.close()
            self._begun.set()
            self._on_end()

    def _capture(
        self, display: EmbeddedDisplay, shutdown: Shutdown, held: contextlib.ExitStack
    ) -> None:
        """Capture until asked to stop; raises why it could not go on."""
        options = self._settings.options
        engine = Engine(
            options.capture,
            options.encoder,
            shutdown,
            _reception(options.http.publish_token_file, held),
            display.name,
            display.authority,
        )
        try:
            maker = self._make_maker(engine)
            self._engine = engine
            self._tap = Tap(maker, self._hand_out, self._fail, self._wants_all, engine.encoder.wake)
            engine.encoder.consumers.add(self._tap)
            engine.start()
            engine.wait_begun()
            # What was called back first may have ended it by now.
            if engine.encoder.begun:
                engine.encoder.picture_size()
                self._is_up = True
                self._begun.set()
                status = supervise(engine, shutdown)
                # Raises why it has ended, if it was not asked to.
                engine.encoder.picture_size()
                if status and self._failure is None:
                    raise SourceError("the embedded display, or the program in it, has ended")
        finally:
            engine.stop()
            display.ask_program_to_end()
            # However long a callback takes: what it is given is the engine's.
            while not engine.join(_JOIN_SECONDS):
                log.debug("a capture waits for its callback to return")
            if self._tap is not None:
                self._tap.dispose()
            engine.close()

    def _hand_out(self, made: T) -> None:
        self._encoder_thread = threading.get_ident()
        self._give(made)


def _reception(token_file: str, held: contextlib.ExitStack) -> Reception:
    """Read who may send pictures, which is given back with ``held``; raises ValueError."""
    if not token_file:
        return Reception(None)
    from webcapd.http.access.publishers import PublishAccess

    publishers = PublishAccess(token_file)
    held.callback(publishers.close)
    return Reception(publishers.keys)
