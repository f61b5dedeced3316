"""docs/sources.md has all that there is, and its examples are understood."""

import re
import shlex
from pathlib import Path

import pytest
from program import ROOT

from webcapd.app import commandline
from webcapd.capture.feeds.registry import SCHEMES
from webcapd.capture.filters.parse import FILTERS
from webcapd.capture.mix.operators import OPERATORS
from webcapd.capture.patterns.patterns import PATTERNS

TEXT = (ROOT / "docs" / "sources.md").read_text()
README = (ROOT / "README.md").read_text()

# Commands that show a source, as far as this program reads them.
EXAMPLES = re.findall(r"^    (?:webcapd|script/run) (--source .*)$", TEXT + README, re.MULTILINE)
EXAMPLES += re.findall(r"`webcapd (--source [^`]*)`", TEXT)


def test_document_names_all_there_is() -> None:
    for scheme in SCHEMES:
        assert f"`{scheme}:" in TEXT, scheme
    for name in (*OPERATORS, *PATTERNS, "fade", "grid"):
        assert f"`{name}`" in TEXT, name
    for name in FILTERS:
        assert f"`{name}" in TEXT, name


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_is_understood(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tokens").write_text("0123456789abcdef0123456789abcdef\n")
    words = shlex.split(example, comments=True)
    # In the README what it does stands behind it.
    end = next(
        (at for at, word in enumerate(words) if at % 2 == 0 and word[:2] != "--"), len(words)
    )
    arguments = [word.replace("OP(LEFT,RIGHT)", "max(file:a,file:b)") for word in words[:end]]
    arguments = [word.replace("(LEFT,RIGHT)", "(file:a,file:b)") for word in arguments]
    assert commandline.parse(arguments).capture.source


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 15
