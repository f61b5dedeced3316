"""The layout that everything else leans on."""

import ast
import functools
import graphlib
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import ROOT, TIMEOUT

# What each room may reach beside itself.
_BELOW_HTTP = ("encoder", "capture", "base")
REACH = {
    "base": (),
    "capture": ("base",),
    "encoder": ("capture", "base"),
    "http": _BELOW_HTTP,
    "outputs": _BELOW_HTTP,
    "compat": ("http", "outputs", *_BELOW_HTTP),
    "app": ("http", "outputs", *_BELOW_HTTP),
}
ROOMS = [room for room in REACH if (ROOT / room).exists()]
OTHER_FOLDERS = {"tests", "bench", "script", "docs", "examples"}

MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
PRODUCT = [ROOT / "webcapd.py", *MODULES]

# What is installed beside us.
HEAVY = {"cv2", "numpy", "Xlib", "PIL", "cffi", "xxhash", "h11", "bcrypt", "prometheus_client"}
HEAVY |= {"turbojpeg", "av"}

MAX_IMPORTS = 10
"""Of our own modules; app/, which puts all together, has no bound."""
MAX_FILES = 16
"""In a folder."""
MAX_LINES, MIN_LINES = 300, 20
"""Of a file.  One with less belongs to who uses it."""
MAX_FUNCTION_LINES = 50


def called(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def run(*arguments: str | Path, cwd: Path = ROOT) -> str:
    """Run this Python; returns what it wrote to standard output."""
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def imports(path: Path) -> Iterator[str]:
    """List the dotted names that a file imports; "from a import b" gives a.b."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def module_name(path: Path) -> str:
    return ".".join(("webcapd", *path.relative_to(ROOT).with_suffix("").parts))


OURS = {module_name(path) for path in MODULES}


def imported_modules(path: Path) -> set[str]:
    """Give the modules of ours that a module imports, for their types alone too."""
    return {
        name if name in OURS else name.rpartition(".")[0]
        for name in imports(path)
        if name.startswith("webcapd.")
    }


def test_http_and_tests_are_no_regular_packages() -> None:
    """An __init__.py there would hide the standard library's http."""
    assert not (ROOT / "http" / "__init__.py").exists()
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_standard_http_is_found_in_the_project_root() -> None:
    found = run("-c", "import http.client; print(http.client.__file__)")
    assert Path(found.strip()).parent == Path(sysconfig.get_path("stdlib"), "http")


@pytest.mark.parametrize("safe", [(), ("-P",)], ids=["", "safe path"])
@pytest.mark.parametrize("cwd", [ROOT, ROOT / "http", Path("/")], ids=str)
def test_program_runs_from_anywhere(safe: tuple[str, ...], cwd: Path) -> None:
    assert run(*safe, ROOT / "webcapd.py", "--version", cwd=cwd).startswith("webcapd ")


def test_program_runs_by_its_relative_name() -> None:
    assert run("webcapd.py", "--version").startswith("webcapd ")


@pytest.mark.parametrize("safe", [(), ("-P",)], ids=["", "safe path"])
def test_program_runs_through_a_link(safe: tuple[str, ...], tmp_path: Path) -> None:
    link = tmp_path / "screen"
    link.symlink_to(ROOT / "webcapd.py")
    assert run(*safe, link, "--version", cwd=tmp_path).startswith("webcapd ")


def test_top_module_is_the_package_of_the_folders() -> None:
    """Loaded twice, under two names, its classes would not be each other's."""
    source = (
        "import webcapd.app.server as app, webcapd.http.site as site; print(app.Site is site.Site)"
    )
    assert run("-c", source) == "True\n"


def test_modules_import_only_downwards() -> None:
    for path, name in ((one, name) for one in MODULES for name in imports(one)):
        package, _, rest = name.partition(".")
        # Bare names of rooms would work from one working directory only.
        assert package not in REACH or package == "http", called(path)
        if package == "webcapd":
            own, room = room_of(path), rest.partition(".")[0]
            assert room in ROOMS, f"{called(path)}: {name} is the top module's own"
            assert room == own or room in REACH[own], f"{called(path)}: {name} is none of {own}/'s"


def test_top_module_knows_nothing_but_the_wiring() -> None:
    rooms = {name.split(".")[1] for name in imports(ROOT / "webcapd.py") if name[:8] == "webcapd."}
    assert rooms <= {"app", "compat", "base"}


def test_modules_import_each_other_in_no_circle() -> None:
    """Not even for their types: what needs a circle is one thing, or has one more in it."""
    graph = {module_name(path): imported_modules(path) for path in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # CycleError names them.


def test_modules_are_no_hubs() -> None:
    counts = {called(path): len(imported_modules(path)) for path in MODULES}
    assert not [
        name for name, count in counts.items() if count > MAX_IMPORTS and name[:4] != "app/"
    ]


def test_only_its_room_knows_x11() -> None:
    for path in MODULES:
        if path.is_relative_to(ROOT / "capture" / "x11"):
            continue
        for name in imports(path):
            told = f"{called(path)}: {name}"
            assert not re.match("(Xlib|cffi|_cffi_backend)[.]", f"{name}."), told
            # Others are given a source: capture/ opens it, app/ starts the display it shows.
            if room_of(path) not in ("capture", "app"):
                assert not name.startswith("webcapd.capture.x11"), told


def test_modules_are_as_long_as_one_noun_takes_and_say_what_they_are() -> None:
    for path in PRODUCT:
        lines = len(path.read_text().splitlines())
        assert ast.get_docstring(parsed(path)), called(path)
        assert lines <= MAX_LINES, called(path)
        assert lines >= MIN_LINES or path.name == "__init__.py", called(path)


def test_functions_fit_on_a_screen() -> None:
    for path in PRODUCT:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno
                assert lines < MAX_FUNCTION_LINES, f"{called(path)}: {node.name}"


def test_folders_are_seen_at_a_glance() -> None:
    for folder in {path.parent for path in MODULES}:
        files = [path.name for path in folder.iterdir() if path.is_file()]
        assert len(files) <= MAX_FILES, f"{called(folder)}: {len(files)} files"


def test_every_room_is_packaged_and_checked() -> None:
    """By its link the wheel and the type checker see it; the sdist lists it."""
    here = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("[!.]*/**/*.py")}
    assert here - OTHER_FOLDERS == set(ROOMS)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    packed = project["hatch"]["build"]["targets"]["sdist"]["force-include"]
    assert packed == {room: room for room in sorted(ROOMS)}
    for room in ROOMS:
        assert (ROOT / ".package" / "webcapd" / room).samefile(ROOT / room)
    assert ".package/webcapd" in project["mypy"]["files"]
    assert project["ruff"]["extend-exclude"] == [".package"]


@pytest.mark.parametrize("name", ["architecture", "internals"])
def test_documents_name_files_that_there_are(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text()
    known = {called(path) for path in (*PRODUCT, *(ROOT / "tests").glob("*.py"))}
    for path in re.findall(r"[\w/.]+\.py\b", text):
        if "NAME" not in path:
            assert any(f"/{one}".endswith(f"/{path}") for one in known), path
    for path in re.findall(r"`(?:\w+/)+`", text):
        assert "NAME" in path or (ROOT / path.strip("`")).is_dir(), path


def loaded_by(source: str) -> set[str]:
    """Give the top-level names of all modules that are loaded once Python has run something."""
    shown = "import sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    command = [sys.executable, "-c", f"{source}\n{shown}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "source",
    [
        "import webcapd",
        "import webcapd; webcapd.main(['--version'])",
        "import webcapd; webcapd.Options, webcapd.Error, webcapd.Settings(display=':0')",
        "import webcapd\ntry: webcapd.main(['--help'])\nexcept SystemExit: pass",
        "import webcapd\ntry: webcapd.main(['--nonsense'])\nexcept SystemExit: pass",
        "import webcapd\ntry: webcapd.main(['screens', '--help'])\nexcept SystemExit: pass",
        "import webcapd\ntry: webcapd.main(['record', '--help'])\nexcept SystemExit: pass",
        "import webcapd\ntry: webcapd.main(['export', '--help'])\nexcept SystemExit: pass",
        "import webcapd\ntry: webcapd.main(['push', '--help'])\nexcept SystemExit: pass",
        "import webcapd\ntry: webcapd.main(['view', '--help'])\nexcept SystemExit: pass",
    ],
)
def test_what_shows_no_screen_loads_no_heavy_packages(source: str) -> None:
    """They take from some 20 (Xlib) to 100 ms (NumPy with OpenCV), and need libraries."""
    assert not loaded_by(source) & HEAVY


def test_names_of_the_api_are_there_when_they_are_used() -> None:
    names = run("-c", "import webcapd; print(*dir(webcapd))").split()
    assert {"Options", "Server", "frames", "Capture", "main", "__version__"} <= set(names)
    source = "import webcapd; print(webcapd.Server.__module__, hasattr(webcapd, 'Nonsense'))"
    assert run("-c", source) == "webcapd.app.server False\n"


def test_threads_have_names_that_the_kernel_can_show() -> None:
    """It keeps 15 characters; a longer name must be cut on purpose."""
    for path in PRODUCT:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Thread"):
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                name = given["name"]
                cut = isinstance(name, ast.Subscript) and ast.unparse(name.slice) == ":15"
                assert cut or len(str(ast.literal_eval(name))) <= 15, called(path)
