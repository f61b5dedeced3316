"""What is declared in capture/x11/abi/xcb.h, as cffi has it once it has read that.

Run as a program, it writes that into capture/x11/abi/xcbtypes.py.
"""

import ast
import contextlib
import io
import pprint
import re
import tempfile
from pathlib import Path

from cffi import FFI

FOLDER = Path(__file__).resolve().parent.parent / "capture" / "x11" / "abi"
FILE = FOLDER / "xcbtypes.py"

_HEAD = '''\
"""The declarations of xcb.h, read: python tests/xcb_types.py writes this file.

Reading them takes cffi 20 ms and 3 MB at each start, most of it for its parser of C.
"""

from typing import Any

import _cffi_backend

# fmt: off
ffi: Any = _cffi_backend.FFI(
    "webcapd.capture.x11.abi.xcbtypes",
'''


def written() -> str:
    """Give what is to stand in the file."""
    ffi = FFI()
    # A comment is no declaration.
    ffi.cdef(re.sub(r"/[*].*?[*]/", "", (FOLDER / "xcb.h").read_text(), flags=re.S))
    ffi.set_source("webcapd.capture.x11.abi.xcbtypes", None)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        made = Path(folder) / "made.py"
        ffi.emit_python_code(str(made))
        source = made.read_text()
    # One call, of constants alone.
    (call,) = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    lines = [_HEAD]
    for keyword in call.keywords:
        value = pprint.pformat(ast.literal_eval(keyword.value), width=96, compact=True)
        lines.append(f"    {keyword.arg}=\n{value},\n")
    return "".join(lines) + ")\n"


if __name__ == "__main__":
    FILE.write_text(written())
