"""The layout that everything else leans on."""

import ast
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import PATIENCE, ROOT

FOLDERS = ("app", "base", "capture", "encoder", "http")
PRODUCT = [ROOT / "webcapd.py", *sorted(path for f in FOLDERS for path in (ROOT / f).rglob("*.py"))]

# Lower folders know nothing of higher ones.
FORBIDDEN = {
    "base": ("webcapd.capture", "webcapd.encoder", "webcapd.http", "webcapd.app"),
    "capture": ("webcapd.encoder", "webcapd.http", "webcapd.app"),
    "encoder": ("webcapd.http", "webcapd.app"),
    "http": ("webcapd.app",),
    "app": (),
}
MODULES = [path for path in PRODUCT if path.parent != ROOT]


def called(path: Path) -> str:
    return str(path.relative_to(ROOT))


def run(*arguments: str | Path, cwd: Path = ROOT) -> str:
    """Run this Python; returns what it wrote to standard output."""
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def imports(path: Path) -> Iterator[str]:
    """List the dotted names that a file imports; "from a import b" gives a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


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


@pytest.mark.parametrize("path", MODULES, ids=called)
def test_module_imports_only_downwards(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    for name in imports(path):
        package, _, rest = name.partition(".")
        # Bare folder names would work from one working directory only.
        assert package not in ("app", "capture", "encoder")
        if package == "webcapd":
            assert rest.split(".")[0] in FOLDERS, f"{name} is the top module's own"
            assert not f"{name}.".startswith(tuple(f"{one}." for one in FORBIDDEN[folder])), name


@pytest.mark.parametrize("path", PRODUCT, ids=called)
def test_module_is_short_and_says_what_it_is(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 320
    assert ast.get_docstring(ast.parse(source))


@pytest.mark.parametrize("path", PRODUCT, ids=called)
def test_threads_have_names_that_the_kernel_can_show(path: Path) -> None:
    """It keeps 15 characters; a longer name must be cut on purpose."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Thread"):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            name = given["name"]
            cut = isinstance(name, ast.Subscript) and ast.unparse(name.slice) == ":15"
            assert cut or len(str(ast.literal_eval(name))) <= 15
