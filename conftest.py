"""What all tests share: the toy course, and a checkout that tests can't touch by accident."""

from pathlib import Path

import pytest

from labkit.labs import Lab

COURSE = Path(__file__).parent / "tests" / "course"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the toy course, built, for a test to change."""
    import shutil

    from labkit.build import build

    root = tmp_path / "course"
    shutil.copytree(COURSE, root, ignore=shutil.ignore_patterns("__pycache__"))
    build(Lab(0, "toy", root))
    return root


@pytest.fixture
def toy(course: Path) -> Lab:
    """The lab of the toy course."""
    return Lab(0, "toy", course)
