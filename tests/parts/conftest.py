"""A part without packages, for tests of the processes that run in one."""

from pathlib import Path

import pytest

from labkit.parts import packages
from labkit.parts.environment import STAMP
from labkit.parts.known import AIRFLOW


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder that passes for an installed part: an interpreter of its own, and no package."""
    folder = tmp_path_factory.mktemp("part") / "airflow"
    packages.make_folder(folder)
    (folder / STAMP).write_text('{"megabytes": 1}')
    return folder


@pytest.fixture
def part(place, monkeypatch) -> str:
    """Its name."""
    monkeypatch.setenv(AIRFLOW.variable, str(place))
    return AIRFLOW.name
