"""What all tests share: the toy course, and what runs beside the tests: proofs and notebooks."""

import resource
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from labkit.course.labs import Lab

COURSE = Path(__file__).parent / "tests" / "toy_course"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the toy course, built, for a test to change."""
    import shutil

    from labkit.author.build import build

    root = tmp_path / "course"
    shutil.copytree(COURSE, root, ignore=shutil.ignore_patterns("__pycache__"))
    build(Lab(0, "toy", root))
    return root


@pytest.fixture
def toy(course: Path) -> Lab:
    """The lab of the toy course."""
    return Lab(0, "toy", course)


@pytest.fixture(autouse=True)
def own_memory():
    """A test that grades in this process bounds its memory; what later tests start isn't bound."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    yield
    resource.setrlimit(resource.RLIMIT_DATA, before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for a worker comes last: until then the workers have the time of all other tests."""
    items.sort(key=lambda item: bool(WAITING.intersection(_fixtures(item))))


WAITING = {"trials", "whole_trials", "under_nbval"}


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


def _labs(items: list[pytest.Item], fixture: str) -> dict[str, Lab]:
    """The labs whose tests use a fixture, by slug."""
    labs = (item.callspec.params["lab"] for item in items if fixture in _fixtures(item))
    return {lab.slug: lab for lab in labs}


@dataclass
class Beside:
    """What runs in two workers beside the tests, by lab: trials, and solved notebooks."""

    trials: dict[str, list[Future]] = field(default_factory=dict)
    notebooks: dict[str, Future] = field(default_factory=dict)


@pytest.fixture(scope="session", autouse=True)
def beside(request: pytest.FixtureRequest):
    """Begun before the first test, for most tests wait for one process or another."""
    proved = _labs(request.session.items, "trials")
    opened = _labs(request.session.items, "under_nbval")
    if not proved and not opened:
        yield Beside()
        return
    from labkit.author.prove import Proof, run_notebook

    due = _labs(request.session.items, "whole_trials")
    with Proof() as proof:
        yield Beside(
            {
                slug: proof.start(lab, depth="short" if slug in due else "smoke")
                for slug, lab in proved.items()
            },
            {slug: proof.after(run_notebook, lab) for slug, lab in opened.items()},
        )
