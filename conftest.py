"""What all tests share: the toy course, and the proofs of labs that run beside them."""

import os
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


@pytest.fixture(scope="session", autouse=True)
def proofs(request: pytest.FixtureRequest):
    """The trials of each lab that is to be proved, by slug: begun before the first test.

    Most tests wait for one process or another; the proofs take what they leave of the cores.
    """
    wanted: dict[str, Lab] = {
        item.callspec.params["lab"].slug: item.callspec.params["lab"]
        for item in request.session.items
        if "trials" in getattr(item, "fixturenames", ())
    }
    if not wanted:
        yield {}
        return
    from labkit.prove import Proof

    with Proof() as proof:
        short = not os.environ.get("LAB_LONG")
        yield {slug: proof.start(lab, short=short) for slug, lab in wanted.items()}
