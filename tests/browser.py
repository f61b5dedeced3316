"""Chromium without a window, driven through its DevTools protocol over a pair of pipes."""

import base64
import contextlib
import fcntl
import itertools
import json
import os
import platform
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from processes import outlived, tree
from program import TIMEOUT
from xserver import Pixels

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)

# A bound on an answer; the first one comes when it has started, which on a busy machine takes long.
_SILENCE_SECONDS = 4 * TIMEOUT

# Chromium takes commands from descriptor 3 and answers on 4.
_WITH_PIPES = 'exec 3<&"$1" 4>&"$2"; shift 2; exec chromium "$@"'

_MIDDLE = """
(() => {
  const image = document.querySelector(%s);
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  if (!canvas.width) return null;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const middle = context.getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1);
  return Array.from(middle.data.slice(0, 3));
})()
"""


# Events that are kept once their domain is enabled.
_KEPT = {
    "Network.requestWillBeSent",
    "Runtime.consoleAPICalled",
    "Runtime.exceptionThrown",
    "Log.entryAdded",
}


class _Pipes:
    """The connection to a Chromium: commands in, answers and events of all its pages out."""

    def __init__(self, pid: int, commands: int, answers: int) -> None:
        self.pid = pid
        self._commands, self._answers = commands, answers
        self._numbers = itertools.count(1)
        self._unread = b""
        self.pages: dict[str | None, Browser] = {}
        """The pages, by their sessions."""

    def call(self, session: str | None, method: str, parameters: dict[str, Any]) -> Any:
        """Give a command; returns its result."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        # Events arrive between command and answer.
        while (answer := self._message()).get("id") != number:
            page = self.pages.get(answer.get("sessionId"))
            if page and answer["method"] in _KEPT:
                page.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _message(self) -> Any:
        """Read one message."""
        deadline = time.monotonic() + _SILENCE_SECONDS
        while b"\0" not in self._unread:
            patience = max(0.0, deadline - time.monotonic())
            assert select.select([self._answers], [], [], patience)[0], "Chromium is silent"
            chunk = os.read(self._answers, 1 << 16)
            assert chunk, "Chromium has ended"
            self._unread += chunk
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)


class Browser:
    """A running Chromium with one page."""

    def __init__(self, pipes: "_Pipes") -> None:
        self._pipes = pipes
        self.events: list[Any] = []
        """What the browser told of the page that is of interest, oldest first."""
        self._session: str | None = None
        # Each in a window of its own: none hides another.
        self._target = self.call("Target.createTarget", url="about:blank", newWindow=True)
        attached = self.call("Target.attachToTarget", **self._target, flatten=True)
        self._session = attached["sessionId"]
        pipes.pages[self._session] = self

    @property
    def pid(self) -> int:
        """The first of the browser's processes."""
        return self._pipes.pid

    def tab(self) -> "Browser":
        """Open another page."""
        return Browser(self._pipes)

    def close(self) -> None:
        """Close the page."""
        session, self._session = self._session, None
        self._pipes.pages.pop(session)
        self.call("Target.closeTarget", **self._target)

    def call(self, method: str, **parameters: Any) -> Any:
        """Give a command; returns its result."""
        return self._pipes.call(self._session, method, parameters)

    def visit(self, url: str) -> None:
        """Go to a page; does not wait until it is loaded."""
        result = self.call("Page.navigate", url=url)
        assert "errorText" not in result, result

    def evaluate(self, script: str) -> Any:
        """Run a script in the page; returns the value of its last expression."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def watch(self) -> None:
        """Keep what pages request, log and fail at, from now on."""
        for domain in ("Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def complaints(self) -> list[Any]:
        """Give the errors and warnings of pages, since the watch began."""
        self.evaluate("0")
        return [
            event["params"]
            for event in self.events
            if event["method"] == "Runtime.exceptionThrown"
            or event["params"].get("type") in ("error", "warning", "assert")
            or event["params"].get("entry", {}).get("level") in ("error", "warning")
        ]

    def promised(self, script: str) -> Any:
        """Run a script and wait for its promise; gives what that comes to."""
        arguments = {"expression": script, "awaitPromise": True, "returnByValue": True}
        result = self.call("Runtime.evaluate", **arguments)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def set_window(self, width: int, height: int, density: float = 1) -> None:
        """Set the size of the page, in CSS pixels, and how many pixels each has."""
        size = {"width": width, "height": height, "deviceScaleFactor": density}
        self.call("Emulation.setDeviceMetricsOverride", **size, mobile=False)

    def turn_wheel(self, x: int, y: int, delta: int) -> None:
        """Turn the wheel at a place; away from a person is below 0."""
        wheel = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": delta}
        self.call("Input.dispatchMouseEvent", **wheel)

    def drag(self, x: int, y: int, to_x: int) -> None:
        """Drag what is at a place to the left or right."""
        for kind, now in (("mousePressed", x), ("mouseMoved", to_x), ("mouseReleased", to_x)):
            mouse = {"type": kind, "x": now, "y": y, "button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", **mouse)

    def press(self, key: str) -> None:
        """Press a key that writes something."""
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def screenshot(self) -> Pixels:
        """Give what the page looks like, as B, G, R."""
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        return png_pixels(data)

    def middle_pixel(self, selector: str) -> tuple[int, int, int] | None:
        """Give red, green and blue in the middle of an image of the page, once it shows."""
        if not self.evaluate(f"document.querySelector({json.dumps(selector)}) !== null"):
            return None
        pixel = self.evaluate(_MIDDLE % json.dumps(selector))
        return tuple(pixel) if pixel else None


def png_pixels(data: bytes) -> Pixels:
    """Read a PNG, as B, G, R."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


@contextlib.contextmanager
def chromium(profile: Path, *flags: str) -> Iterator[Browser]:
    """Run Chromium with an empty folder for what it keeps."""
    if platform.freedesktop_os_release()["ID"] == "ubuntu" and not shutil.which("chromium"):
        pytest.skip("Ubuntu has Chromium as a snap only, which does not see our folders")
    with contextlib.ExitStack() as stack:

        def end_of_pipe(descriptor: int, inherited: bool) -> int:
            # Away from 3 and 4, so that the shell never overwrites one with the other.
            moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
            os.close(descriptor)
            if not inherited:
                stack.callback(os.close, moved)
            return moved

        their_commands, commands = os.pipe()
        answers, their_answers = os.pipe()
        theirs = end_of_pipe(their_commands, True), end_of_pipe(their_answers, True)
        commands, answers = end_of_pipe(commands, False), end_of_pipe(answers, False)
        process = subprocess.Popen(
            [
                *("bash", "-c", _WITH_PIPES, "bash", *map(str, theirs)),
                *(*FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"),
            ],
            pass_fds=theirs,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for descriptor in theirs:
            os.close(descriptor)
        try:
            yield Browser(_Pipes(process.pid, commands, answers))
        finally:
            # Its helpers write into the profile, which whoever gave it may want to remove.
            with outlived(*tree(process.pid)):
                process.terminate()
                process.wait(TIMEOUT)
