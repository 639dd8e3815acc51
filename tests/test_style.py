"""The whole checkout keeps the rules of ruff and mypy."""

import subprocess
import sys

import pytest

from labkit import home


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "src", "tests", "benchmarks"],
        ["mypy"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_linter_is_silent(command):
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=home.root(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
