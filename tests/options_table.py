"""The table in docs/options.md, made from the options as declared.

Run as a program, it writes the table there.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from webcapd.app import commandline  # noqa: E402
from webcapd.base.option import Declared, declared  # noqa: E402

PAGE = ROOT / "docs/options.md"
BEGIN = "<!-- options: python tests/options_table.py writes this table -->\n"
END = "<!-- /options -->\n"


# A bar within a cell.
MARK = "\\|"


def table() -> str:
    """Make the table, in Markdown."""
    rows = ["| option | default | |", "|---|---|---|"]
    for options in commandline.OPTIONS:
        rows += map(_row, declared(options))
    return "\n".join(rows) + "\n"


def _row(one: Declared) -> str:
    value = one.metavar or "|".join(one.details.choices or ())
    flags = ", ".join(f"`{flag}`" for flag in one.flags) + (f" {value}" if value else "")
    if one.kind is bool:
        flags += f", `--no-{one.flags[0][2:]}`"
    cells = (flags, one.default_text, one.details.help + one.range_text)
    return "".join(f"| {cell.replace('|', MARK)} " for cell in cells) + "|"


def table_in_page() -> str:
    """Give the table that stands there now."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
