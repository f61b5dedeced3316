"""What is written from something else is up to date: a table, and types."""

import keyword_types
import options_table
import xcb_types


def test_page_lists_the_options_as_declared() -> None:
    assert options_table.table_in_page() == options_table.table(), (
        "run: python tests/options_table.py"
    )


def test_keywords_of_the_python_api_are_the_options_as_declared() -> None:
    assert keyword_types.FILE.read_text() == keyword_types.written(), (
        "run: python tests/keyword_types.py"
    )


def test_declarations_of_libxcb_are_those_of_its_header() -> None:
    assert xcb_types.FILE.read_text() == xcb_types.written(), "run: python tests/xcb_types.py"
