"""A service run as its unit says, where systemd is not the first process.

bubblewrap makes the namespaces, setpriv drops the user and all capabilities, and
confine.py loads the filter of system calls.  It does what the unit's lines say
and knows no others than these; PrivateUsers=, ProcSubset= and the Protect*=
lines beyond files are left to systemd itself.
"""

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from program import ROOT

# nobody
_UID = 65534

_HIDDEN = ("/home", "/root", "/run", "/tmp", "/var/tmp")


class Unit:
    """The [Service] section of a unit file."""

    def __init__(self, text: str, specifiers: Mapping[str, str]) -> None:
        """Read it; ``specifiers`` are what %i and the like stand for."""
        section = text.partition("[Service]\n")[2].partition("\n[")[0]
        self._lines = [
            tuple(
                re.sub("%([a-z])", lambda m: specifiers.get(m[1], m[0]), line).split("=", 1),
            )
            for line in section.splitlines()
            if line and not line.startswith("#")
        ]

    def all(self, name: str) -> list[str]:
        """List the values of a setting, in order."""
        return [line[1] for line in self._lines if line[0] == name]

    def one(self, name: str) -> str:
        """Give the only value of a setting."""
        (value,) = self.all(name)
        return value

    def last(self, name: str) -> str:
        """Give the value of a setting of which the last line counts, as drop-ins come last."""
        return self.all(name)[-1]

    def environment(self) -> dict[str, str]:
        words = " ".join(self.all("Environment")).split()
        return dict(word.split("=", 1) for word in words)

    def command(self, environment: Mapping[str, str]) -> list[str]:
        """Give the words of ExecStart=; $NAME becomes as many words as it holds."""
        found: list[str] = []
        for word in shlex.split(self.one("ExecStart")):
            is_name = word.startswith("$")
            found += environment.get(word[1:], "").split() if is_name else [word]
        return found


class Sandbox:
    """The namespaces and rights that a unit leaves to its service."""

    def __init__(self, unit_file: Path, instance: str, folder: Path) -> None:
        """``folder`` holds what is shared with the outside: runtime files and credentials."""
        self.runtime = folder / "runtime"
        self.credentials = folder / "credentials"
        self.notify = folder / "notify"
        self.state = folder / "state"
        for path in (folder, self.runtime, self.credentials, self.notify, self.state):
            path.mkdir(exist_ok=True)
            if os.geteuid() == 0:
                os.chown(path, _UID, _UID)
        self._unit_file = unit_file
        specifiers = {"i": instance, "t": "/run", "d": "/run/credentials"}
        self.unit = Unit(unit_file.read_text(), specifiers)

    def launcher(self) -> list[str]:
        """Give the command that runs another, named by its full path, in the sandbox."""
        unit = self.unit
        expected = {
            **{"ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes"},
            **{"PrivateDevices": "yes", "PrivateIPC": "yes"},
            **{"NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "UMask": "0077"},
        }
        assert {name: unit.one(name) for name in expected} == expected
        return [*self._namespaces(), "--", *_without_rights(), *self._filter()]

    def _namespaces(self) -> list[str]:
        unit = self.unit
        arguments = ["bwrap", "--unshare-ipc", "--unshare-pid", "--die-with-parent"]
        if unit.last("PrivateNetwork") == "yes":
            arguments.append("--unshare-net")
        if os.geteuid() == 0:
            # For setpriv, who then drops them.
            for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
                arguments += ["--cap-add", capability]
        arguments += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        for path in _HIDDEN:
            arguments += ["--perms", "1777", "--tmpfs", path]
        # Python and the program lie in a home or /tmp here, and not on a real host; the
        # unit's file is read by confine.py.
        shown = {ROOT, Path(os.path.realpath(ROOT / ".venv")), Path(sys.base_prefix)}
        for path in sorted(map(str, {*shown, self._unit_file})):
            for parent in reversed(Path(path).parents):
                if any(parent.is_relative_to(hidden) for hidden in _HIDDEN):
                    arguments += ["--perms", "0755", "--dir", str(parent)]
            arguments += ["--ro-bind-try", path, path]
        for path in unit.all("BindReadOnlyPaths"):
            arguments += ["--ro-bind-try", path.removeprefix("-"), path.removeprefix("-")]
        runtime = f"/run/{unit.one('RuntimeDirectory')}"
        arguments += ["--perms", "0755", "--dir", os.path.dirname(runtime)]
        arguments += ["--bind", str(self.runtime), runtime]
        for name in unit.all("StateDirectory"):
            arguments += ["--tmpfs", "/var/lib", "--perms", "0755"]
            arguments += ["--dir", os.path.dirname(f"/var/lib/{name}")]
            arguments += ["--bind", str(self.state), f"/var/lib/{name}"]
        arguments += ["--ro-bind", str(self.credentials), "/run/credentials"]
        return [*arguments, "--ro-bind", str(self.notify), "/run/systemd"]

    def _filter(self) -> list[str]:
        return [sys.executable, str(ROOT / "tests" / "confine.py"), str(self._unit_file)]


def _without_rights() -> list[str]:
    command = ["setpriv", "--no-new-privs"]
    if os.geteuid() == 0:
        command += [f"--reuid={_UID}", f"--regid={_UID}", "--clear-groups"]
        command += ["--bounding-set=-all", "--inh-caps=-all"]
    return command
