"""Solution text in, starter and solved notebook out."""

from pathlib import Path

import pytest

from labkit.course import source
from labkit.home import LabError

HEADER = """# ---
# level: senior
# minutes: 5
# needs: []
# datasets: []
# topics: []
# ---
# %% [markdown]
# # Title
"""
PATH = Path("solutions/07_x/solution.py")


def parse(body: str) -> source.Source:
    return source.parse(HEADER + body, PATH)


def test_region_becomes_todo_and_raise_at_its_indent():
    text = parse(
        "# %%\ndef f(x):\n    if x:\n        # BEGIN SOLUTION: add one\n        return x + 1\n"
        "        # END SOLUTION\n"
    )
    assert '        # TODO: add one\n        raise NotImplementedError("f")\n' in text.starter_text
    assert "x + 1" not in text.starter_text
    assert "SOLUTION" not in text.solved_text
    assert text.tasks == ("f",)


def test_region_outside_a_function_leaves_an_ellipsis():
    text = parse("# %%\n# BEGIN SOLUTION: choose a number\nn = 3\n# END SOLUTION\n")
    assert "# TODO: choose a number\n...\n" in text.starter_text
    assert text.tasks == ()


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        ("# %%\n# END SOLUTION\n", 11, "without BEGIN"),
        ("# %%\n# BEGIN SOLUTION: a\nx = 1\n", 11, "isn't closed"),
        (
            "# %%\n# BEGIN SOLUTION: a\n# %%\nx = 1\n# END SOLUTION\n",
            11,
            "isn't closed in its cell",
        ),
        ("# %%\n# BEGIN SOLUTION: a\n# BEGIN SOLUTION: b\n", 12, "inside another"),
        ("# %%\n# BEGIN SOLUTION: a\n\n# END SOLUTION\n", 11, "empty solution"),
        ("# %%\n# BEGIN SOLUTION\nx = 1\n# END SOLUTION\n", 11, "write `# BEGIN SOLUTION: what"),
        ("# %%\nx = 1  # END SOLUTION\n", 11, "on a line of its own"),
        ("# %% [markdown]\n# BEGIN SOLUTION: a\n", 11, "in prose"),
        ("# %%\ndef f():\n    # BEGIN SOLUTION: a\n    x = 1\n# END SOLUTION\n", 14, "indented"),
    ],
)
def test_malformed_marker_is_named_by_file_and_line(body, line, says):
    with pytest.raises(LabError, match=rf"solution\.py:{line}: .*{says}"):
        parse(body)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# %%\nx = 1\n", "begin with a YAML header"),
        ("# ---\n# level: senior\n", "isn't closed"),
        ("# ---\n# level: [\n# ---\n", "isn't YAML"),
        ("# ---\n# level: senior\n# ---\n", "has no"),
        (HEADER.replace("senior", "expert"), "use one of"),
        (HEADER.replace("# topics: []", "# topics: []\n# tags: []"), "unknown keys"),
        (HEADER.replace("# topics: []", "# topics: []\n# spark: maybe"), "write `spark: false`"),
    ],
)
def test_malformed_header_is_an_error(text, says):
    with pytest.raises(LabError, match=says):
        source.parse(text, PATH)


def test_title_is_the_first_heading_and_required():
    assert parse("# %%\nx = 1\n").title == "Title"
    with pytest.raises(LabError, match="no `# # Title`"):
        source.parse(HEADER.replace("# # Title", "# Title"), PATH)


def test_solution_cells_are_left_out_of_the_starter():
    text = parse('# %% [markdown] tags=["solution"]\n# The answer is 3.\n\n# %%\nx = 1\n')
    assert [cell.source for cell in source.starter(text).cells] == ["# Title", "x = 1"]
    assert "The answer is 3." in [cell.source for cell in source.solved(text).cells]


def test_notebooks_are_the_same_each_time_with_ordinal_cell_ids():
    text = parse("# %%\nx = 1\n\n# %%\ny = 2\n")
    first, second = source.starter(text), source.starter(text)
    assert first == second
    assert [cell.id for cell in first.cells] == ["cell-01", "cell-02", "cell-03"]
    assert first.metadata["labkit"]["title"] == "Title"
