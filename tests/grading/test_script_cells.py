"""Exported scripts are read as the cells that they were."""

import warnings

import pytest
from handed_in import write

from labkit.grading.cells import UnreadableError, parsed
from labkit.grading.script_cells import script_cells
from labkit.grading.submission import read_submission

OPEN = 'import labkit\nlab = labkit.open("toy")\n'
META = '# METADATA ********************\n\n# META {\n# META   "language": "python"\n# META }\n'
# The text of a file, and its code cells: number, and the beginning of the first line of code.
SCRIPTS = {
    "VS Code": ("# %%\nx = 1\n\n# %% Title\ny = 2\n", {1: "x = 1", 2: "y = 2"}),
    "Spyder": ("#%% Set-up\nx = 1\n#%%\ny = 2\n", {1: "x = 1", 2: "y = 2"}),
    "lines before the first mark": ("x = 1\n# %%\ny = 2\n", {1: "x = 1", 2: "y = 2"}),
    "a comment before the first mark": ("# by Ada\n# %%\nx = 1\n", {1: "x = 1"}),
    "prose of jupytext": ("# %% [markdown]\n# # Hi\n# %%\nx = 1\n", {2: "x = 1"}),
    "a magic that jupytext made a comment": ("# %%\n# %%time\nx = 1\n", {1: "# %%time"}),
    "the light format of jupytext": (
        "# ---\n# jupyter:\n#   jupytext:\n#     text_representation:\n"
        "#       format_name: light\n# ---\n\n# # Hi\n\n# +\nx = 1\n\ny = 2\n# -\n\nz = 3\n",
        {1: "x = 1", 2: "z = 3"},
    ),
    "a plus in an ordinary comment": ("# +\nx = 1\n# -\ny = 2\n", {1: "# +"}),
    "nbconvert": (
        "#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\n\nx = 1\n\n\n# # Prose\n\n"
        "# In[ ]:\n\n\nget_ipython().system('ls')\n",
        {1: "x = 1", 2: "get_ipython().system('ls')"},
    ),
    "Databricks": (
        "# Databricks notebook source\n# MAGIC %md\n# MAGIC # Orders\n\n# COMMAND ----------\n\n"
        "# DBTITLE 1,Orders\n# MAGIC %sql\n# MAGIC SELECT 'it''s'\n\n# COMMAND ----------\n\nx = 1\n",
        {2: "%sql", 3: "x = 1"},
    ),
    "one cell of Databricks": ("# Databricks notebook source\nx = 1\n", {1: "# Databricks"}),
    "Fabric": (
        f"# Fabric notebook source\n\n{META}\n# MARKDOWN ********************\n\n# # Hi\n\n"
        f"# CELL ********************\n\n!pip install chispa\nx = 1\n\n{META}\n"
        f"# PARAMETERS CELL ********************\n\n# MAGIC %%sql\n# MAGIC SELECT 1\n\n{META}",
        {2: "!pip install chispa", 3: "%%sql"},
    ),
    "a mark inside a string": (
        '# %%\nnote = """\n# %% this is text\n"""\n# %%\ndef f():\n    """Sum.\n\n'
        '# In[1]:\n    """\n',
        {1: 'note = """', 2: "def f():"},
    ),
    "a mark inside a string, and Windows": (
        '# %%\r\nnote = """\r\n# %% text\r\n"""\r\n# %%\r\nx = 1\r\n', {1: 'note = """', 2: "x = 1"},
    ),
    "a page break, which is no line's end": ("# %%\nx = '\x0c'\n# %%\ny = 2\n", {1: "x =", 2: "y = 2"}),
    "a cell that is no Python": ("# %%\ndef f(\n\n# %%\nx = 1\n", {1: "def f(", 2: "x = 1"}),
    "half a string": ('# %%\nnote = """half\n\n# %%\nx = 1\n', {1: 'note = """half', 2: "x = 1"}),
    "a cell of a wrong indent": (
        "# %%\nif x:\n        y\n    z\n# %%\nx = 1\n", {1: "if x:", 2: "x = 1"},
    ),
    "no marks": ("x = 1\ny = 2\n", {1: "x = 1"}),
    "no marks, with lines for the shell": (
        "!pip install chispa\nif True:\n    %matplotlib inline\nx = 1\n", {1: "!pip install"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_is_read_as_its_cells(tmp_path, name):
    text, expected = SCRIPTS[name]
    found = read_submission(write(tmp_path / "a.py", text)).cells
    cells = {cell.number: cell.source.strip() for cell in found}
    assert list(cells) == list(expected)
    for number, begins in expected.items():
        assert cells[number].startswith(begins)


def test_magic_of_databricks_is_a_magic_again():
    text = "# Databricks notebook source\n# MAGIC %sql\n# MAGIC SELECT 1\n# MAGIC\n# MAGIC -- x\n"
    (cell,) = script_cells(text, "a.py")
    assert cell.source == "\n%sql\nSELECT 1\n\n-- x\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def f(:\n", "line 1: not Python"),
        ("x = 1\nprint 'two'\n", "line 2: not Python"),
        ("!ls\nprint 'two'\n", "not Python"),
        ("x = " + "-" * 20_000 + "1\n", "nested too deeply"),
        ("x = y" + ".a" * 100_000 + "\n", "nested too deeply"),
        ("x = 1\n<<<<<<< HEAD\ny = 1\n=======\ny = 2\n>>>>>>> main\n", "line 2: conflict markers"),
        ("# %%\n<<<<<<< HEAD\n# %%\n=======\ny = 2\n>>>>>>> main\n", "line 2: conflict markers"),
    ],
)
def test_what_is_no_python_is_told_as_what_it_is(text, says):
    with pytest.raises(UnreadableError, match=says):
        script_cells(text, "a.py")


def test_conflict_markers_in_a_string_are_text():
    text = '"""\n<<<<<<< HEAD\n=======\n>>>>>>> main\n"""\n'
    assert script_cells(text, "a.py")


def test_python_s_warnings_are_for_nobody():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        parsed("one = '\\d'\n")
    assert not told
