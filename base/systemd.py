"""What systemd hands over and wants to be notified of: sd_listen_fds(3) and sd_notify(3).

Both are a few lines over the environment, and the libraries for them either
need a compiler or have not been kept.
"""

import logging
import os
import socket
from collections.abc import Mapping, MutableMapping

log = logging.getLogger(__name__)

_FIRST_DESCRIPTOR = 3


def hands_over_sockets(environment: Mapping[str, str]) -> bool:
    """Whether systemd has opened listening sockets for us."""
    pid, count = environment.get("LISTEN_PID", ""), environment.get("LISTEN_FDS", "")
    return pid == str(os.getpid()) and count.isdigit() and int(count) > 0


def inherited_sockets(environment: MutableMapping[str, str]) -> list[socket.socket]:
    """Take over the listening sockets that systemd has opened for us, if any.

    Takes the variables out of the environment: they are not for our children.
    Raises OSError if a descriptor is no listening socket.
    """
    is_ours = hands_over_sockets(environment)
    count = environment.pop("LISTEN_FDS", "")
    for name in ("LISTEN_PID", "LISTEN_FDNAMES"):
        environment.pop(name, None)
    if not is_ours:
        return []
    sockets = []
    for descriptor in range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + int(count)):
        os.set_inheritable(descriptor, False)
        one = socket.socket(fileno=descriptor)
        if not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise OSError(f"descriptor {descriptor}, handed over by systemd, does not listen")
        sockets.append(one)
    return sockets


class ServiceManager:
    """Who started us as a service, if it wants to be notified of how we are.  Main thread only."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        """Take its variables out of the environment: they are not for our children."""
        self._address = environment.pop("NOTIFY_SOCKET", "")
        own = environment.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = environment.pop("WATCHDOG_USEC", "")
        period = usec if own else ""
        self.watchdog_seconds = int(period) / 1e6 if period.isdigit() else 0.0
        """It restarts a service that says nothing for so long; 0 for never."""

    @property
    def is_present(self) -> bool:
        """Whether there is one."""
        return bool(self._address)

    def notify(self, *lines: str) -> None:
        """Send assignments such as READY=1; never waits, and never fails."""
        if not self._address:
            return
        # An @ stands for the zero byte of an abstract address.
        address = self._address.replace("@", "\0", 1) if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            log.debug("the service manager takes no message: %s", error)
