"""The rooms of labkit, ground floor first: a room imports only from those before it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit import home

PACKAGE = home.root() / "src" / "labkit"
ROOMS = (
    "home",
    "escape",
    "verdict",
    "course",
    "interview",
    "sandbox",
    "spark",
    "parts",
    "checks",
    "judge",
    "grading",
    "learner",
    "author",
    "site",
    "cli",
)
# The package itself: `labkit.open` imports the room of the learner when it is called.
DOOR = "__init__"
# What a lab's checks and notebooks may import of labkit.
FOR_LABS = re.compile(r"labkit|labkit\.checks(\.(airflow|dbt|kafka|parts|table_folders))?")


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name below `labkit`."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of all that a file imports of labkit, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node.lineno, name) for name in found if name.split(".")[0] == "labkit")


def module_of(name: str) -> str | None:
    """The module below `labkit` that an imported name is, or is in; None for the package itself."""
    parts = name.split(".")[1:]
    while parts:
        for found in (".".join(parts), ".".join([*parts, "__init__"])):
            if found in modules():
                return found
        parts.pop()
    return None


def room(module: str) -> str:
    return module.split(".")[0]


def test_every_module_is_in_a_room():
    assert {room(name) for name in modules()} == {*ROOMS, DOOR}
    assert len([name for name in modules() if "." not in name]) <= 3


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_only_from_rooms_before_it(name):
    before = ROOMS[: ROOMS.index(name) + 1]
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} imports {imported}"
        for module, path in modules().items()
        if room(module) == name
        for line, imported in imports(path)
        if (target := module_of(imported)) is not None and room(target) not in before
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle():
    arrows = {
        module: {target for _, name in imports(path) if (target := module_of(name))} - {module}
        for module, path in modules().items()
        if module != DOOR
    }
    while ends := [module for module, targets in arrows.items() if not targets & set(arrows)]:
        for module in ends:
            del arrows[module]
    assert not arrows, f"a circle is among {', '.join(sorted(arrows))}"


@pytest.mark.parametrize("folder", ["labs", "solutions"])
def test_labs_import_only_what_labkit_offers_them(folder):
    wrong = [
        f"{path.relative_to(home.root())}:{line} imports {name}"
        for path in sorted((home.root() / folder).rglob("*.py"))
        for line, name in imports(path)
        if not FOR_LABS.fullmatch(name.rpartition(".")[0] or name)
    ]
    assert wrong == []


def test_tests_mirror_the_rooms():
    folders = {path.parent for path in (home.root() / "tests").rglob("test_*.py")}
    rooms = {
        path.relative_to(home.root() / "tests").parts[0] for path in folders if path.name != "tests"
    }
    assert rooms - {"cheats"} <= set(ROOMS)


def test_the_page_on_architecture_names_the_rooms_in_this_order():
    text = (home.root() / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"^\| `(\w+)/?` \|", text, re.MULTILINE)
    assert tuple(named) == ROOMS
