"""What is told on standard error: the log, and what is said at any log level."""

import logging
import sys


def start_log(level: str, name: str = "") -> None:
    """Have the log written; ``name`` tells one that shares its place with others."""
    who = ": ".join(filter(None, ("webcapd", name.replace("%", "%%"))))
    logging.basicConfig(level=level.upper(), format=f"{who}: %(message)s", stream=sys.stderr)


def say(sentence: str) -> None:
    """Tell whoever started the program, in a line that no other thread's line comes into.

    Other programs wait for some of these, so they are not left to the log's level.
    """
    # print() would write the end of the line apart, and the log may be written meanwhile.
    print(f"webcapd: {sentence}\n", end="", file=sys.stderr, flush=True)


def fail(sentence: str, status: int) -> int:
    """Tell why the program ends; gives its exit code."""
    say(sentence)
    return status
