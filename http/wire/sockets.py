"""The listening sockets: TCP, unix, or handed over by systemd."""

import contextlib
import ipaddress
import os
import socket
import stat
from collections.abc import MutableMapping, Sequence

from webcapd.base.systemd import inherited_sockets
from webcapd.http.options import HttpOptions
from webcapd.http.wire.address import parse_endpoint, url_host

# The kernel takes less where net.core.somaxconn is less.  A proxy that brings thousands of
# streams connects a hundred times in a moment, and to a socket file in vain once this is full.
_BACKLOG = 4096


class CannotListen(Exception):
    """An address cannot be listened on; the text is one clear sentence."""


class ListeningSocket:
    """One socket to accept connections from."""

    def __init__(self, accepting: socket.socket) -> None:
        self.socket = accepting
        accepting.setblocking(False)
        self._file: tuple[str, int, int] | None = None
        """Path, device and inode of a socket file of ours."""

    @classmethod
    def tcp(cls, host: str, port: int) -> "ListeningSocket":
        """Listen on an IP address; raises CannotListen."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        one = socket.socket(family)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # So that :: and 0.0.0.0 can be used side by side on one port.
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((host, port))
            one.listen(_BACKLOG)
        except OSError as error:
            one.close()
            raise CannotListen(
                f"cannot listen on {host} port {port}: {error.strerror or error}"
            ) from None
        return cls(one)

    @classmethod
    def unix(cls, path: str, mode: int) -> "ListeningSocket":
        """Listen on a socket file, made with these permissions; raises CannotListen."""
        one = socket.socket(socket.AF_UNIX)
        try:
            _remove_stale(path)
            # Nobody can connect before the permissions are set.
            mask = os.umask(0o177)
            try:
                one.bind(path)
            finally:
                os.umask(mask)
            os.chmod(path, mode)
            one.listen(_BACKLOG)
            listening = cls(one)
            made = os.stat(path)
            listening._file = (path, made.st_dev, made.st_ino)
        except OSError as error:
            one.close()
            raise CannotListen(f"cannot listen on {path}: {error.strerror or error}") from None
        return listening

    @property
    def url(self) -> str:
        """The address as a user would type it."""
        if self.socket.family == socket.AF_UNIX:
            path = self.socket.getsockname()
            return f"unix:{path.decode(errors='replace') if isinstance(path, bytes) else path}"
        host, port = self.socket.getsockname()[:2]
        return f"http://{url_host(host)}:{port}/"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.socket.family == socket.AF_UNIX:
            return True
        return ipaddress.ip_address(self.socket.getsockname()[0]).is_loopback

    def close(self) -> None:
        """Stop listening, and remove the socket file if it is still ours."""
        self.socket.close()
        if self._file is None:
            return
        path, *identity = self._file
        with contextlib.suppress(OSError):
            found = os.stat(path)
            if [found.st_dev, found.st_ino] == identity:
                os.unlink(path)


def _remove_stale(path: str) -> None:
    """Remove the socket file of a killed server; raises OSError if it is something else."""
    try:
        mode = os.stat(path, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError("there is a file of that name, and it is no socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass
    raise OSError("somebody listens there already")


def taken_over(environment: MutableMapping[str, str]) -> list[ListeningSocket]:
    """Take over what systemd has opened; raises CannotListen."""
    try:
        return [ListeningSocket(one) for one in inherited_sockets(environment)]
    except OSError as error:
        raise CannotListen(
            f"cannot take over systemd's sockets: {error.strerror or error}"
        ) from None


def open_sockets(options: HttpOptions, taken: Sequence[ListeningSocket]) -> list[ListeningSocket]:
    """Open what the options name, beside the sockets taken over or instead of them.

    Raises CannotListen, with nothing left open.
    """
    given = list(taken)
    with contextlib.ExitStack() as opened:
        for one in given:
            opened.callback(one.close)
        for host, port in [] if given and not options.listen else tcp_addresses(options):
            given.append(ListeningSocket.tcp(host, port))
            opened.callback(given[-1].close)
        # The unit names the file that its socket unit, if there is one, listens on.
        if options.unix and f"unix:{options.unix}" not in [one.url for one in given]:
            given.append(ListeningSocket.unix(options.unix, int(options.unix_mode, 8)))
            opened.callback(given[-1].close)
        if options.exit_idle and len(given) > len(taken):
            urls = " and ".join(one.url for one in given[len(taken) :])
            raise CannotListen(f"with --exit-idle nobody would listen on {urls} once it has ended")
        opened.pop_all()
    return given


def tcp_addresses(options: HttpOptions) -> list[tuple[str, int]]:
    """List the IP addresses and ports to listen on.  Pure."""
    if options.listen:
        endpoints = [parse_endpoint(text) for text in options.listen]
        return [(str(one.address), _or(one.port, options.port)) for one in endpoints]
    if options.unix:
        return []
    hosts = {"4": options.v4bindaddress, "6": options.v6bindaddress}
    return [(hosts[version], options.port) for version in str(options.ipv)]


def _or(port: int | None, default: int) -> int:
    return default if port is None else port
