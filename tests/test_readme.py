"""The README tells the truth."""

import readme_table


def test_readme_lists_the_options_as_declared() -> None:
    assert readme_table.table_in_readme() == readme_table.table(), (
        "run: python tests/readme_table.py"
    )
