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


def test_pages_have_lines_of_normal_width():
    """At most 100 characters; rows of tables and generated pages are as long as they are."""
    pages = [
        *home.root().glob("*.md"), *home.root().glob("docs/*.md"),
        *home.root().glob("datasets/*/README.md"), *home.root().glob("benchmarks/*.md"),
    ]  # fmt: skip
    long = [
        f"{page.relative_to(home.root())}:{number}"
        for page in pages
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1)
        if len(line) > 100 and not line.startswith("|")
    ]
    assert not long
