"""Whether pages can be used by keyboard and screen reader, as far as axe-core finds out."""

from typing import Any

from browser import Browser
from program import ROOT

_SCRIPT = ROOT / ".venv" / "node" / "node_modules" / "axe-core" / "axe.min.js"

_RUN = """
axe.run().then(({ violations }) => violations.map(({ id, help, nodes }) =>
  [id, help, nodes.map(({ html }) => html)]))
"""


def violations(browser: Browser) -> list[Any]:
    """Give what is wrong with the page that a browser shows: rule, sentence, elements."""
    browser.evaluate(_SCRIPT.read_text() + "\n;0")
    found: list[Any] = browser.promised(_RUN)
    return found
