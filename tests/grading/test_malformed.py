"""A submission that can't be graded is one row with a reason, starts no JVM, and stops nothing."""

import gzip
import io
import json
import os
import re
import zipfile

import pytest

from labkit.grading.grade import Grader
from labkit.grading.grading_spark import WarmSpark
from labkit.verdict.report_json import from_json, to_json

DOUBLE = "def double(numbers):\n    return numbers.selectExpr('n', 'n * 2 AS twice')\n"
OPEN = "import labkit\nlab = labkit.open('toy')\nspark = lab.spark\n"


def cell(source, kind="code"):
    return {"cell_type": kind, "metadata": {}, "source": source}


def notebook(*sources, **changes):
    cells = [cell(source) for source in sources]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **changes}


def zipped(name):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, DOUBLE)
    return data.getvalue()


GOOD = json.dumps(notebook(OPEN, DOUBLE))
KINDS = {
    "an empty file": ("a.ipynb", "", "is empty"),
    "blank lines": ("a.py", "\n \n", "is empty"),
    "truncated JSON": ("a.ipynb", GOOD[:-20], "is not JSON"),
    "two notebooks in one file": ("a.ipynb", GOOD + GOOD, "is not JSON"),
    "a merge conflict": ("a.ipynb", "{\n<<<<<<< HEAD\n" + GOOD, "line 2: conflict markers of Git"),
    "a merge conflict in Python": ("a.py", f"<<<<<<< a\n{DOUBLE}=======\n>>>>>>> b\n", "line 1: conflict"),
    "a web page": ("a.ipynb", "\n<!DOCTYPE html><title>Sign in</title>", "is a web page, whatever"),
    "brackets without end": ("a.ipynb", "[" * 200_000, "is not JSON"),
    "a list": ("a.ipynb", "[]", "not a notebook"),
    "no list of cells": ("a.ipynb", json.dumps({"nbformat": 4, "cells": {}}), "not a notebook"),
    "nbformat 3": ("a.ipynb", json.dumps({"nbformat": 3, "worksheets": []}), "nbformat 3"),
    "nbformat 99": ("a.ipynb", json.dumps(notebook("x", nbformat=99)), "nbformat 99"),
    "nbformat of another type": ("a.ipynb", json.dumps(notebook("x", nbformat=[4])), "nbformat"),
    "a cell that is no object": ("a.ipynb", json.dumps(notebook() | {"cells": [3]}), "cell 1 is malformed"),
    "a cell without a source": (
        "a.ipynb", json.dumps(notebook() | {"cells": [{"cell_type": "code"}]}), "cell 1 is malformed",
    ),
    "a source of numbers": ("a.ipynb", json.dumps(notebook([1, 2])), "cell 1 is malformed"),
    "no cells": ("a.ipynb", json.dumps(notebook()), "no code cell"),
    "prose alone": ("a.ipynb", json.dumps(notebook() | {"cells": [cell("Hi", "markdown")]}), "no code cell"),
    "blank cells": ("a.ipynb", json.dumps(notebook(" ", "\n")), "no code cell"),
    "another language": (
        "a.ipynb", json.dumps(notebook("x", metadata={"kernelspec": {"language": "scala"}})), "in scala",
    ),
    "a lab that it is not of": ("a.py", "import labkit\nlab = labkit.open('scd2')\n", "is of lab `scd2`"),
    "a picture": ("a.ipynb", b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8"),
    "a compressed notebook": ("a.ipynb", gzip.compress(GOOD.encode()), "is a gzip archive"),
    "UTF-16": ("a.ipynb", GOOD.encode("utf-16"), "not UTF-8"),
    "Latin-1": ("a.py", "name = 'é'".encode("latin-1"), "not UTF-8"),
    "null bytes": ("a.py", "x = 1\x00\n", "null bytes"),
    "Python that does not parse": ("a.py", "def double(\n", "not Python"),
    "Python 2": ("a.py", "print 'two'\n", "not Python"),
    "thousands of signs": ("a.py", "x = " + "-" * 20_000 + "1\n", "nested too deeply"),
    "thousands of attributes": ("a.py", "x = y" + ".a" * 100_000 + "\n", "nested too deeply"),
    "a megabyte of Python": ("a.py", "a;" * 500_001 + "\n", "the limit is 1,000,000"),
    "another kind of file": ("a.docx", "x", "neither .ipynb nor .py"),
    "capitals": ("LAB.IPYNB", GOOD, "rename it to LAB.ipynb"),
    "an ending too many": ("lab.ipynb.txt", GOOD, "rename it to lab.ipynb"),
    "an exported page": ("lab.html", "<html>", "hand in the notebook"),
    "an archive of Databricks": ("lab.dbc", zipped("a.py"), "is an archive of Databricks"),
    "an archive": ("a.zip", zipped("a.py"), "unpack it"),
    "an archive that climbs": ("a.zip", zipped("../../../../tmp/a.py"), "unpack it"),
    "an archive named like a notebook": ("a.ipynb", zipped("a.py"), "is a zip archive, whatever"),
    "too many cells": ("a.ipynb", json.dumps(notebook(*["x = 1"] * 2001)), "2001 code cells"),
}  # fmt: skip


def grade(toy, path, session, **options):
    with WarmSpark(session) as warm:
        return Grader(warm).grade(toy, path, **options)


def never():
    raise AssertionError("a JVM for a file that can't be graded")


@pytest.mark.parametrize(("name", "content", "says"), KINDS.values(), ids=KINDS.keys())
def test_file_that_cannot_be_graded_is_a_row_with_a_reason(toy, tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    row = grade(toy, path, never, hidden=True, seed=5)
    assert row.status in ("unreadable", "no_lab")
    assert re.search(says, row.message)
    assert (row.score, row.exit_code) == (0, 2)
    assert from_json(to_json(row)).without_timing() == row.without_timing()


def huge(path):
    with path.open("wb") as out:
        out.truncate(3_000_000_000)


def locked(path):
    path.write_text(GOOD)
    path.chmod(0)


PLACES = {
    "nothing": (lambda path: None, "isn't there"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "a link to nothing": (lambda path: path.symlink_to("gone"), "isn't there"),
    "a link to itself": (lambda path: path.symlink_to(path), "can't be read"),
    "3 GB": (huge, "3000 MB"),
    "a pipe": (lambda path: os.mkfifo(path), "is no ordinary file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "is no ordinary file"),
    "not for us": (locked, "can't be read: Permission denied"),
}


@pytest.mark.parametrize(("make", "says"), PLACES.values(), ids=PLACES.keys())
def test_place_without_a_readable_file_is_a_row_with_a_reason(
    toy, tmp_path, monkeypatch, make, says
):
    path = tmp_path / "a.ipynb"
    make(path)
    if make is locked and os.geteuid() == 0:  # whom permissions don't stop
        read = type(path).read_bytes
        monkeypatch.setattr(type(path), "read_bytes", lambda p: refused() if p == path else read(p))
    row = grade(toy, path, never)
    assert (row.status, row.exit_code) == ("unreadable", 2)
    assert says in row.message


def refused():
    raise PermissionError(13, "Permission denied")


RUNS = {
    "a magic that does not exist": "%nothing here",
    "a cell magic that does not exist": "%%nothing\nhere",
    "a shell command that does not exist": "!labkit-no-such-command",
    "a module that does not exist": "import labkit_no_such_module",
    "code of Python 2": "print 'two'",
    "half a cell": "for x in (",
    "a tab among spaces": "if True:\n        x = 1\n\tx = 2",
    "a warning made an error": "import warnings\nwarnings.warn('old', DeprecationWarning)",
}


def test_cells_that_cannot_run_are_told_and_the_rest_is_judged(toy, spark, tmp_path):
    path = tmp_path / "a.ipynb"
    kernelspec = {"name": "no-such-kernel", "display_name": "Gone", "language": "python"}
    path.write_text(
        json.dumps(notebook(OPEN, *RUNS.values(), DOUBLE, metadata={"kernelspec": kernelspec}))
    )
    row = grade(toy, path, lambda: spark, tasks=["double"])
    assert row.status == "graded"
    assert [check.outcome for check in row.checks] == ["passed"]
    assert not any("\x1b" in problem.message for problem in row.problems)
    told = {list(RUNS)[problem.cell - 2] for problem in row.problems}
    silent = {"a shell command that does not exist", "a warning made an error"}
    assert told == set(RUNS) - silent
