"""`from checks import ...` in hidden checks: the public checks of their own lab, no other file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

HIDDEN_FILE = "hidden_checks.py"
NAME = "checks"
# What pytest calls the files of a lab in a judge: alone, or after their folders.
MODULES = (NAME, "hidden_checks")


class PublicChecks:
    """A pytest plugin: while hidden checks are loaded, `checks` is the file of their own lab.

    The name is never looked up on `sys.path`, where a learner may have a file of that name, and
    it is taken back afterwards: each lab's hidden checks find the module of their lab, in a process
    that has loaded others. An import inside a function comes too late for it.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        if isinstance(collector, pytest.Module) and collector.path.name == HIDDEN_FILE:
            with _importable(public_checks(collector.path)):
                return (yield)
        return (yield)


def public_checks(hidden: Path) -> Path:
    """The file of public checks beside these hidden ones: of the folder of that name in `labs`."""
    return hidden.parents[2] / "labs" / hidden.parent.name / f"{NAME}.py"


@contextmanager
def loaded_anew() -> Iterator[None]:
    """Checks are loaded from their files in here, also when a module of that name was there before.

    It comes back afterwards: a notebook may have imported a file of the learner's called `checks`.
    """
    aside = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            if name.rpartition(".")[2] in MODULES and not name.startswith("labkit"):
                del sys.modules[name]
        sys.modules.update(aside)


@contextmanager
def _importable(path: Path) -> Iterator[None]:
    """In here `import checks` loads this file, whatever is called so elsewhere."""
    aside = sys.modules.pop(NAME, None)
    finder = _Finder(path)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.modules.pop(NAME, None)
        if aside is not None:
            sys.modules[NAME] = aside


class _Finder(MetaPathFinder):
    def __init__(self, path: Path) -> None:
        self._path = path

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != NAME:
            return None
        if not self._path.is_file():  # None would have other finders look for one on sys.path
            raise ModuleNotFoundError(f"there is no {self._path}", name=NAME)
        return spec_from_file_location(NAME, self._path)
