"""Keeps the tree of windows true, by way of the connection that pixels come by.

Events and answers of one connection come in the order in which the server saw
to things, and each says after which request that was: so they are put together
again into one history, whatever libxcb hands out first.  Requests' and replies'
layouts are the core protocol's.

The server is never grabbed: a program that is stopped or dies in a grab would
stop all others on the display.

Encoder thread only.
"""

import itertools
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from webcapd.capture.x11.windows.events import parse_all, place_of
from webcapd.capture.x11.windows.titles import Wanted
from webcapd.capture.x11.windows.trail import Trail
from webcapd.capture.x11.windows.tree import WindowTree
from webcapd.capture.x11.windows.window import TreeWindow
from webcapd.capture.x11.xcb import Request, XcbConnection

_CHANGE_ATTRIBUTES, _GET_ATTRIBUTES, _GET_GEOMETRY, _QUERY_TREE, _GET_PROPERTY = 2, 3, 14, 15, 20

_EVENT_MASK_VALUE = 1 << 11
_SUBSTRUCTURE_NOTIFY, _PROPERTY_CHANGE = 1 << 19, 1 << 22

# A title is a line of text; of a longer one no more than so many units of four bytes count.
_TITLE_WORDS = 0x10000

# Windows read in one go: less than libxcb sends, and the server answers, at once.
_AT_ONCE = 64

# Goes between two refreshes: new windows have new windows in them, a few levels deep.
_ROUNDS = 16

# And at the start: some hundred thousand windows.
_FIRST_ROUNDS = 100

# Events taken at once: faster than they are taken they do not come for long.
_MAX_EVENTS = 20_000

_Take = Callable[[bytes], None]

_geometry = struct.Struct("=12xhhHHH").unpack_from


class WindowWatch:
    """Watches all windows of a screen for those that are wanted."""

    def __init__(
        self,
        connection: XcbConnection,
        root: int,
        title_atoms: Iterable[int],
        wanted: Wanted,
        trail: Trail,
    ) -> None:
        """Prepare."""
        self._connection = connection
        self._atoms = tuple(title_atoms)
        self.tree = WindowTree(root, wanted, trail)
        self._events: deque[tuple[int, bytes]] = deque()
        """Those not applied yet."""
        self._concerned = False

    def begin(self, progress: Callable[[], None]) -> None:
        """Read all windows that there are; raises SourceError."""
        for _ in range(_FIRST_ROUNDS):
            self.catch_up()
            progress()
            if not self.tree.unread:
                break

    def catch_up(self) -> bool:
        """Take in what has happened, and read what is new; tells whether it may concern masks.

        Raises SourceError.
        """
        for _ in range(_MAX_EVENTS):
            event = self._connection.event()
            if event is None:
                break
            self._events.append(event)
        self._apply()
        for _ in range(_ROUNDS):
            if not self.tree.unread:
                break
            self._read()
        concerned, self._concerned = self._concerned, False
        return concerned

    def on_answer(self) -> None:
        """Take in what happened before the last answer that was waited for."""
        self._take_arrived()
        self._apply()

    def _take_arrived(self) -> None:
        while event := self._connection.event(arrived=True):
            self._events.append(event)

    def _apply(self, before: int | None = None) -> None:
        """Take in the events that came about before a request was seen to, or all."""
        now = time.monotonic()
        for event in parse_all(self._due(before)):
            self._concerned |= self.tree.apply(event, now)

    def _due(self, before: int | None) -> Iterator[bytes]:
        """Take out the events that came about before a request was seen to, or all."""
        while self._events:
            number, event = self._events[0]
            # Numbers are 32 bits wide, and begin anew.
            if before is not None and (number - before) & 0xFFFFFFFF < 0x80000000:
                break
            self._events.popleft()
            yield event

    def _read(self) -> None:
        """Read some of the windows that are in doubt."""
        windows = list(itertools.islice(self.tree.unread.values(), _AT_ONCE))
        asked = [(window, self._ask(window)) for window in windows]
        self._concerned = True
        for window, questions in asked:
            for number, take in questions:
                answer = self._connection.answer(number)
                self._take_arrived()
                self._apply(number)
                if self.tree.get(window.xid) is not window:
                    continue
                if answer:
                    take(answer)
                else:
                    self.tree.remove(window, time.monotonic())
            self.tree.rehash(window, time.monotonic())
        self._apply()

    def _ask(self, window: TreeWindow) -> list[tuple[int, _Take]]:
        """Ask for what is not known of a window; gives the requests' numbers and who takes in."""
        is_root = window is self.tree.root
        questions: list[tuple[int, _Take]] = []
        if not window.known:
            # Before anything is asked: what changes later is then told.
            self._select(window)
            take = self._taker(window, self._take_children)
            questions.append((self._request(_QUERY_TREE, window), take))
        if not (window.known or is_root):
            questions += [
                (self._request(_GET_GEOMETRY, window), self._taker(window, self._take_geometry)),
                (self._request(_GET_ATTRIBUTES, window), self._taker(window, self._take_state)),
            ]
        if not is_root:
            atoms = tuple(window.changes) if window.known else self._atoms
            questions += [self._ask_title(window, atom) for atom in atoms]
        return questions

    def _taker(self, window: TreeWindow, take: Callable[[TreeWindow, bytes], None]) -> _Take:
        return lambda answer: take(window, answer)

    def _select(self, window: TreeWindow) -> None:
        """Have the server tell what happens to a window's children and properties."""
        fields = struct.pack(
            "=III", window.xid, _EVENT_MASK_VALUE, _SUBSTRUCTURE_NOTIFY | _PROPERTY_CHANGE
        )
        self._connection.tell(Request(_CHANGE_ATTRIBUTES, 0, fields))

    def _request(self, opcode: int, window: TreeWindow) -> int:
        return self._connection.request(Request(opcode, 0, struct.pack("=I", window.xid)))

    def _ask_title(self, window: TreeWindow, atom: int) -> tuple[int, _Take]:
        # Of any type.
        fields = struct.pack("=IIIII", window.xid, atom, 0, 0, _TITLE_WORDS)
        number = self._connection.request(Request(_GET_PROPERTY, 0, fields))
        return number, lambda answer: self._take_title(window, atom, answer)

    def _take_children(self, window: TreeWindow, answer: bytes) -> None:
        (count,) = struct.unpack_from("=16xH", answer)
        children = struct.unpack_from(f"={count}I", answer, 32)
        self.tree.found_children(window, children, time.monotonic())

    def _take_geometry(self, window: TreeWindow, answer: bytes) -> None:
        self.tree.found_place(window, place_of(*_geometry(answer)))

    def _take_state(self, window: TreeWindow, answer: bytes) -> None:
        unmapped = 0
        self.tree.found_state(window, answer[26] != unmapped)

    def _take_title(self, window: TreeWindow, atom: int, answer: bytes) -> None:
        is_text = answer[1] == 8
        (count,) = struct.unpack_from("=16xI", answer)
        value = answer[32 : 32 + count] if is_text else b""
        self.tree.found_title(window, atom, value, time.monotonic())
