"""The pixel plane's connection: libxcb and libxcb-shm through cffi, in ABI mode (abi/xcb.h).

Errors are values in xcb, so nothing here can end the process as Xlib's default
handlers would.  Encoder thread only.
"""

import functools
import socket
import sys
from typing import Any

from webcapd.capture.geometry import Rectangle
from webcapd.capture.source import SourceError
from webcapd.capture.x11.abi.xcbtypes import ffi
from webcapd.capture.x11.dial import Dialler

_Z_PIXMAP = 2
_ALL_PLANES = 0xFFFFFFFF

# libxcb adds the whole sequence number behind an event.
_EVENT_BYTES = 32


@functools.cache
def _libraries() -> tuple[Any, Any, Any]:
    """Load libxcb, libxcb-shm and the C library, once."""
    try:
        return ffi.dlopen("libxcb.so.1"), ffi.dlopen("libxcb-shm.so.0"), ffi.dlopen(None)
    except OSError as error:
        raise SourceError(f"libxcb and libxcb-shm are needed to capture X11: {error}") from None


class GrabError(Exception):
    """The server refused a grab; mostly the geometry changed under it."""


class XcbConnection:
    """One connection to an X server, for its pixels alone."""

    def __init__(self, dialler: Dialler) -> None:
        """Connect; raises SourceError."""
        self._dialler = dialler
        self.display = dialler.name
        self._xcb, self._shm, self._libc = _libraries()
        dialled = dialler.dial()
        self.local = dialled.socket.family == socket.AF_UNIX
        """Whether the server is on this machine, by the kind of socket."""
        parts = [ffi.new("char[]", part) for part in dialled.cookie]
        shown = ffi.new("auth_t *", (len(parts[0]) - 1, parts[0], len(parts[1]) - 1, parts[1]))
        auth = shown if dialled.cookie.kind else ffi.NULL
        # From here on the descriptor is libxcb's, which closes it in any case.
        self._connection = self._xcb.xcb_connect_to_fd(dialled.socket.detach(), auth)
        if self._xcb.xcb_connection_has_error(self._connection):
            self.close()
            raise SourceError(f"the X server of display {dialler.name} refuses a second connection")

    def close(self) -> None:
        self._xcb.xcb_disconnect(self._connection)

    def drain(self) -> int:
        """Throw away the events that have come; returns how many events and errors.

        Some events no client can decline, and libxcb would keep them all.
        """
        count = 0
        while (event := self._xcb.xcb_poll_for_event(self._connection)) != ffi.NULL:
            self._libc.free(event)
            count += 1
        return count

    def shm_version(self) -> tuple[int, int] | None:
        """Tell the version of the server's MIT-SHM extension, None without it."""
        # Through the handle: the address is part of libxcb-shm, not a copy.
        extension = self._xcb.xcb_get_extension_data(
            self._connection, ffi.addressof(self._shm, "xcb_shm_id")
        )
        if extension == ffi.NULL or not extension.present:
            return None
        cookie = self._shm.xcb_shm_query_version(self._connection)
        reply = self._shm.xcb_shm_query_version_reply(self._connection, cookie, ffi.NULL)
        if reply == ffi.NULL:
            return None
        version = (reply.major_version, reply.minor_version)
        self._libc.free(reply)
        return version

    def attach_fd(self, fd: int) -> int:
        """Share the memory behind a descriptor; returns the segment's X id.

        The connection closes ``fd``.  Raises OSError with the server's reason.
        """
        segment = self._xcb.xcb_generate_id(self._connection)
        cookie = self._shm.xcb_shm_attach_fd_checked(self._connection, segment, fd, 0)
        return self._attached(segment, cookie)

    def attach_sysv(self, shmid: int) -> int:
        """Share a SysV segment; returns its X id.  Raises OSError with the reason."""
        segment = self._xcb.xcb_generate_id(self._connection)
        cookie = self._shm.xcb_shm_attach_checked(self._connection, segment, shmid, 0)
        return self._attached(segment, cookie)

    def _attached(self, segment: int, cookie: Any) -> int:
        """Wait for the server's word: an attach fails asynchronously."""
        error = self._xcb.xcb_request_check(self._connection, cookie)
        if error != ffi.NULL:
            code = error.error_code
            self._libc.free(error)
            raise OSError(f"the X server refused the segment (X error {code})")
        if self._xcb.xcb_connection_has_error(self._connection):
            raise OSError("the connection broke at the attach")
        return int(segment)

    def detach(self, segment: int) -> None:
        """Have the server let go of a segment; waits until it has."""
        cookie = self._shm.xcb_shm_detach_checked(self._connection, segment)
        self._libc.free(self._xcb.xcb_request_check(self._connection, cookie))

    def request_shared(self, drawable: int, area: Rectangle, segment: int, offset: int) -> Any:
        """Ask for an area to be written into a segment; returns the cookie."""
        return self._shm.xcb_shm_get_image(
            self._connection, drawable, *area, _ALL_PLANES, _Z_PIXMAP, segment, offset
        )

    def await_shared(self, cookie: Any) -> None:
        """Wait until rows asked for stand in the segment.  Raises GrabError, SourceError."""
        reply = self._shm.xcb_shm_get_image_reply(self._connection, cookie, ffi.NULL)
        if reply == ffi.NULL:
            raise self._failure()
        self._libc.free(reply)

    def fetch(self, drawable: int, area: Rectangle) -> bytes:
        """Fetch an area through the connection.  Raises GrabError, SourceError."""
        cookie = self._xcb.xcb_get_image(self._connection, _Z_PIXMAP, drawable, *area, _ALL_PLANES)
        reply = self._xcb.xcb_get_image_reply(self._connection, cookie, ffi.NULL)
        if reply == ffi.NULL:
            raise self._failure()
        try:
            length = self._xcb.xcb_get_image_data_length(reply)
            return bytes(ffi.buffer(self._xcb.xcb_get_image_data(reply), length))
        finally:
            self._libc.free(reply)

    def request_pointer_and_size(self, root: int) -> tuple[Any, Any]:
        """Ask where the pointer is, and how large the root window; returns the cookies."""
        return (
            self._xcb.xcb_query_pointer(self._connection, root),
            self._xcb.xcb_get_geometry(self._connection, root),
        )

    def await_pointer_and_size(
        self, cookies: tuple[Any, Any]
    ) -> tuple[tuple[int, int] | None, tuple[int, int]]:
        """Give where the pointer is, and how large the root window, as was asked.

        The pointer may be on another screen of the display: then it is None.

        Raises SourceError.
        """
        asked, asked_size = cookies
        pointer = self._xcb.xcb_query_pointer_reply(self._connection, asked, ffi.NULL)
        geometry = self._xcb.xcb_get_geometry_reply(self._connection, asked_size, ffi.NULL)
        try:
            if ffi.NULL in (pointer, geometry):
                raise self._dialler.gone()
            place = (pointer.root_x, pointer.root_y) if pointer.same_screen else None
            return place, (geometry.width, geometry.height)
        finally:
            self._libc.free(pointer)
            self._libc.free(geometry)

    def tell(self, request: "Request") -> None:
        """Send a request that has no answer; it goes out with the next that has one."""
        self._send(request, is_void=True)

    def ask(self, request: "Request") -> bytes:
        """Send a request; gives the answer, empty if it was refused.  Raises SourceError."""
        return self.answer(self.request(request))

    def request(self, request: "Request") -> int:
        """Send a request that has an answer; gives its number."""
        return self._send(request, is_void=False)

    def answer(self, number: int) -> bytes:
        """Wait for the answer to a request; empty if it was refused.  Raises SourceError."""
        reply = self._xcb.xcb_wait_for_reply(self._connection, number, ffi.NULL)
        if reply == ffi.NULL:
            failure = self._failure()
            if isinstance(failure, SourceError):
                raise failure
            return b""
        try:
            return bytes(ffi.buffer(reply, 32 + 4 * reply.length))
        finally:
            self._libc.free(reply)

    def event(self, arrived: bool = False) -> tuple[int, bytes] | None:
        """Take the next event, or error without a request; None if there is none.

        With the number of the last request that the server had seen to when it
        came about.  ``arrived`` limits it to those that came before answers
        that were waited for.
        """
        take = self._xcb.xcb_poll_for_queued_event if arrived else self._xcb.xcb_poll_for_event
        event = take(self._connection)
        if event == ffi.NULL:
            return None
        data = bytes(ffi.buffer(event, _EVENT_BYTES + 4))
        self._libc.free(event)
        return int.from_bytes(data[_EVENT_BYTES:], sys.byteorder), data[:_EVENT_BYTES]

    def fileno(self) -> int:
        """Descriptor that turns readable when events come."""
        return int(self._xcb.xcb_get_file_descriptor(self._connection))

    def _send(self, request: "Request", is_void: bool) -> int:
        how, vector = request.laid_out(is_void)
        number: int = self._xcb.xcb_send_request(self._connection, 0, vector, how)
        return number

    def _failure(self) -> Exception:
        """Tell a dead connection from a refused grab."""
        if self._xcb.xcb_connection_has_error(self._connection):
            return self._dialler.gone()
        return GrabError("the X server refused the grab")


class Request:
    """A request, as libxcb wants it; to be sent any number of times.

    ``minor`` is an extension's own opcode, or the byte that some requests of
    the core protocol have in its place.
    """

    def __init__(self, opcode: int, minor: int, fields: bytes) -> None:
        # libxcb fills in the length.
        self._bytes = ffi.new("uint8_t[]", [opcode, minor, 0, 0, *fields])
        # It uses the two vectors before the first, too.
        self._vector: Any = ffi.new("iovec_t[3]")
        # Without an extension of libxcb's own: the opcode is known already.
        self._how: Any = ffi.new("request_t *", (1, ffi.NULL, opcode, 0))

    def laid_out(self, is_void: bool) -> tuple[Any, Any]:
        """Give what describes it and the vector of its bytes, which sending uses up."""
        self._how.is_void = is_void
        self._vector[2] = (self._bytes, len(self._bytes))
        return self._how, self._vector + 2
