"""Ports for programs that cannot be handed a socket, nor say which port they were given."""

import itertools
import os
import socket

# Below those that the kernel gives by itself (ip_local_port_range), as to whoever connects: any
# of these may be taken between the look and the use, and who connects to one may get himself.
_FIRST, _COUNT = 10_000, 20_000
# Programs side by side have neighbouring numbers.
_APART = 97

_steps = itertools.count()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Give a port of this machine that is free, each time another one."""
    for step in _steps:
        port = _FIRST + (os.getpid() * _APART + step) % _COUNT
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise AssertionError("there is always another step")
