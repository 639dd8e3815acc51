"""Notebooks are read whatever their kernel is called, if they are in Python."""

import json

import pytest

from labkit.grading.cells import UnreadableError
from labkit.grading.notebook_cells import notebook_cells


def notebook(*sources, **metadata):
    cells = [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": None},
        {"kernelspec": {"name": "python3", "language": "python"}},
        {"kernelspec": {"name": "pysparkkernel", "display_name": "PySpark", "language": ""}},
        {"kernelspec": {"name": "sparkkernel", "language": "python"}},
        {"kernelspec": {"name": "synapse_pyspark", "language": "Python"}},
        {"kernelspec": {"language": " "}, "language_info": {"name": "pyspark"}},
        {"language_info": {"name": "PySpark"}},
        {"language_info": {"name": "pyspark3"}},
        {"language_info": {"name": ""}},
        {"language_info": {"name": 3}},
    ],
)
def test_notebook_of_pyspark_or_of_no_language_is_python(metadata):
    assert notebook_cells(notebook("x = 1", **metadata), "a.ipynb")


@pytest.mark.parametrize("language", ["scala", "R", "sql", "julia"])
def test_notebook_in_another_language_is_refused(language):
    text = notebook("x", kernelspec={"name": "sparkkernel", "language": language})
    with pytest.raises(UnreadableError, match=f"is a notebook in {language}"):
        notebook_cells(text, "a.ipynb")


def test_half_a_surrogate_pair_can_be_sent_to_a_kernel():
    (cell,) = notebook_cells(notebook("# good \ud83d\nx = 1"), "a.ipynb")
    assert cell.source == "# good \ufffd\nx = 1"
