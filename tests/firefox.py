"""Firefox without a window, driven through WebDriver BiDi."""

import base64
import contextlib
import itertools
import json
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import png_pixels
from program import TIMEOUT
from waiting import wait_until
from websockets.sync.client import ClientConnection, connect
from xserver import Pixels

# It is to speak with nobody but us, and to ask nothing at its start.
_PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    # As other hosts: no secure context.
    "network.dns.localDomains": "webcapd.test",
    "services.settings.server": "http://127.0.0.1:9/",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Firefox:
    """A running Firefox with one page."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self.logged: list[Any] = []
        """Errors and warnings of the page, oldest first."""
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded"])
        self._context: str = wait_until("its page is there", self._page)

    def _page(self) -> str:
        """Give its only page; nothing before there is one."""
        pages = self.call("browsingContext.getTree")["contexts"]
        return str(pages[0]["context"]) if pages else ""

    def call(self, method: str, **parameters: Any) -> Any:
        """Give a command; returns its result."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        self._connection.send(json.dumps(command))
        while (answer := json.loads(self._connection.recv(TIMEOUT))).get("id") != number:
            if answer["params"].get("level") in ("error", "warn"):
                self.logged.append(answer["params"])
        assert answer["type"] == "success", answer
        return answer["result"]

    def visit(self, url: str) -> None:
        """Go to a page; does not wait until it is loaded, but until the one before is left."""
        self.evaluate("globalThis.isBefore = true; 0")
        self.call("browsingContext.navigate", context=self._context, url=url, wait="none")
        wait_until(f"{url} is gone to", self._has_left)

    def _has_left(self) -> bool:
        # Between two pages nothing can be evaluated.
        with contextlib.suppress(AssertionError):
            return not self.evaluate("globalThis.isBefore ?? false")
        return False

    def evaluate(self, script: str) -> Any:
        """Run a script in the page; returns the value of its last expression."""
        return self.promised(script)

    def promised(self, script: str) -> Any:
        """Run a script and wait for its promise; gives what that comes to."""
        result = self.call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await eval({json.dumps(script)}) ?? null))()",
            target={"context": self._context},
            awaitPromise=True,
        )
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])

    def set_window(self, width: int, height: int, density: float = 1) -> None:
        """Set the size of the page, in CSS pixels, and how many pixels each has."""
        self.call(
            "browsingContext.setViewport",
            context=self._context,
            viewport={"width": width, "height": height},
            devicePixelRatio=density,
        )

    def turn_wheel(self, x: int, y: int, delta: int) -> None:
        """Turn the wheel at a place; away from a person is below 0."""
        scroll = {"type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": delta}
        self._act({"type": "wheel", "id": "wheel", "actions": [scroll]})

    def drag(self, x: int, y: int, to_x: int) -> None:
        """Drag what is at a place to the left or right."""
        moves: list[dict[str, object]] = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "x": to_x, "y": y},
            {"type": "pointerUp", "button": 0},
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": moves})

    def press(self, key: str) -> None:
        """Press a key that writes something."""
        presses = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._act({"type": "key", "id": "keyboard", "actions": presses})

    def _act(self, source: dict[str, Any]) -> None:
        self.call("input.performActions", context=self._context, actions=[source])

    def screenshot(self) -> Pixels:
        """Give what the page looks like, as B, G, R."""
        taken = self.call("browsingContext.captureScreenshot", context=self._context)
        return png_pixels(base64.b64decode(taken["data"]))

    def complaints(self) -> list[Any]:
        """Give the errors and warnings of pages."""
        self.call("browsingContext.getTree")
        return self.logged


@contextlib.contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """Run Firefox with an empty folder for what it keeps."""
    if platform.freedesktop_os_release()["ID"] == "ubuntu" and not shutil.which("firefox-esr"):
        pytest.skip("Ubuntu has Firefox as a snap only, which does not see our folders")
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in _PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    process = subprocess.Popen(
        [
            *("firefox-esr", "--headless", "--no-remote", "--remote-debugging-port", "0"),
            *("--profile", profile, "about:blank"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        told = profile / "WebDriverBiDiServer.json"

        def listens() -> Any:
            # It may be half written.
            with contextlib.suppress(FileNotFoundError, ValueError):
                return json.loads(told.read_text())
            return None

        server = wait_until("Firefox listens", listens)
        address = f"ws://{server['ws_host']}:{server['ws_port']}/session"
        # On a busy machine it may be silent for longer than the library bears.
        patience = {"open_timeout": TIMEOUT, "ping_interval": None}
        with connect(address, max_size=None, **patience) as connection:
            yield Firefox(connection)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(TIMEOUT)
        process.kill()
        process.wait()
