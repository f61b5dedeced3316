"""Feeds whose pictures come in by an inlet."""

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping

from webcapd.capture.feeds.feed import Feed, FeedPicture
from webcapd.capture.feeds.received.inlet import Inlet
from webcapd.capture.source import SourceError

# All threads of a feed together get this long to end.
_JOIN_SECONDS = 1.0


class InletFeed(Feed):
    """Shows what others put into an inlet."""

    def __init__(self, inlet: Inlet[FeedPicture]) -> None:
        self.inlet = inlet
        self._is_open = False

    def open(self) -> tuple[int, int]:
        picture = self.inlet.open()
        self._is_open = True
        return picture.width, picture.height

    def take(self) -> FeedPicture | None:
        return self.inlet.take()

    def close(self) -> None:
        self._is_open = False

    def dispose(self) -> None:
        self.inlet.close()

    def fileno(self) -> int | None:
        return self.inlet.fileno()

    def pending(self) -> bool:
        return self.inlet.changed() if self._is_open else self.inlet.is_there()

    def seconds_until_new(self) -> float:
        return self.inlet.seconds_left()

    def status(self) -> Mapping[str, object]:
        return self.inlet.status()


class ThreadedFeed(InletFeed):
    """Has threads that put pictures into its inlet, from the first open() to dispose()."""

    def __init__(self, inlet: Inlet[FeedPicture]) -> None:
        super().__init__(inlet)
        self._has_begun = False
        self._lock_of_threads = threading.Lock()
        self._threads: set[threading.Thread] = set()  # Guarded by _lock_of_threads.

    @abstractmethod
    def begin(self) -> None:
        """Take what is needed, and start threads; raises OSError, and has taken nothing then."""

    @abstractmethod
    def end(self) -> None:
        """Ask the threads to end, and wake those that wait; also without begin()."""

    def start_thread(self, name: str, run: Callable[[], None]) -> None:
        """Run something in a thread of its own; raises RuntimeError."""

        def run_and_forget() -> None:
            try:
                run()
            finally:
                with self._lock_of_threads:
                    self._threads.discard(thread)

        thread = threading.Thread(target=run_and_forget, name=name[:15], daemon=True)
        with self._lock_of_threads:
            thread.start()
            self._threads.add(thread)

    def open(self) -> tuple[int, int]:
        if not self._has_begun:
            try:
                self.begin()
            except OSError as error:
                raise SourceError(
                    f"{self.name} cannot be opened: {error.strerror or error}"
                ) from None
            self._has_begun = True
        return super().open()

    def dispose(self) -> None:
        self.end()
        deadline = time.monotonic() + _JOIN_SECONDS
        with self._lock_of_threads:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        super().dispose()
