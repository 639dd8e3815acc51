"""Hidden checks import the public ones of their lab under plain pytest, too: several labs in one process."""

import os
import subprocess
import sys

import pytest

HIDDEN = '''
from checks import LAB
from labkit.checks import check

if LAB != "{lab}":
    raise ImportError(f"the checks of {{LAB}} in {lab}")


@check("double")
def test_hidden_{lab}(learner):
    """is loaded"""
'''


@pytest.mark.parametrize(
    "files",
    [
        ["labs/{}/checks.py", "solutions/{}/hidden_checks.py"],
        ["solutions/{}/hidden_checks.py", "labs/{}/checks.py"],
        ["solutions/{}/hidden_checks.py"],
    ],
    ids=["public_first", "hidden_first", "hidden_alone"],
)
def test_each_lab_finds_its_own(tmp_path, files):
    labs = ("00_first", "01_second")
    for lab in labs:
        for path, text in (
            (f"labs/{lab}/checks.py", f"LAB = {lab[3:]!r}\n"),
            (f"solutions/{lab}/hidden_checks.py", HIDDEN.format(lab=lab[3:])),
            ("checks.py", "LAB = 'of the folder that pytest runs in'\n"),
        ):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--collect-only", "--import-mode=importlib"),
            *("-c", os.devnull, f"--rootdir={tmp_path}", "-o", "python_files=*checks.py"),
            *(path.format(lab) for lab in labs for path in files),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::test_hidden_first" in done.stdout
    assert "::test_hidden_second" in done.stdout
