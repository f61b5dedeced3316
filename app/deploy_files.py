"""The files for systemd, proxies and caches that come with webcapd, printed by an option each."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from webcapd.app.standarderror import say

_FOLDER = Path(__file__).resolve().parent.parent

_FILES = {
    "--print-unit": ("webcapd@.service", "print a systemd unit for this webcapd, and exit"),
    "--print-socket": ("webcapd@.socket", "print a systemd socket for it, and exit"),
    "--print-haproxy": ("haproxy.cfg", "print a configuration of haproxy, and exit"),
    "--print-nginx": ("app/fronts/nginx.conf", "print one of nginx as a cache, and exit"),
    "--print-varnish": ("app/fronts/varnish.vcl", "print one of Varnish as a cache, and exit"),
}

# As the unit has it.
_UNIT_COMMAND = "/usr/local/bin/webcapd"

# What the unit's ProtectHome= and PrivateTmp= hide.
_HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")


class _Print(argparse.Action):
    """Print a file and exit."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        text = (_FOLDER / str(self.const)).read_text()
        if _UNIT_COMMAND in text:
            command = own_command(sys.argv[0], sys.executable)
            text = text.replace(_UNIT_COMMAND, " ".join(map(quoted, command)))
            for path in hidden(command):
                say(
                    f"the unit's sandbox will not find {path}: install it elsewhere, "
                    "or loosen ProtectHome= or PrivateTmp="
                )
        sys.stdout.write(text)
        parser.exit()


def add_print_flags(group: argparse._ArgumentGroup) -> None:
    """Declare the flags that print the files."""
    for flag, (name, sentence) in _FILES.items():
        group.add_argument(flag, action=_Print, const=name, nargs=0, help=sentence)


def own_command(argv0: str, executable: str) -> list[str]:
    """Give the command that runs this very webcapd, from anywhere."""
    program = str(Path(argv0).absolute())
    return [executable, "-P", program] if program.endswith(".py") else [program]


def quoted(word: str) -> str:
    """Write a word for a unit's ExecStart= (systemd.service(5))."""
    word = word.replace("%", "%%").replace("\\", "\\\\")
    return f'"{word}"' if any(mark in word for mark in " '\t") else word


def hidden(command: Sequence[str]) -> list[str]:
    """List the parts of a command that the unit's sandbox does not see."""
    paths = [Path(word) for word in command if word.startswith("/")]
    return [str(path) for path in paths if any(path.is_relative_to(one) for one in _HIDDEN)]
