"""Notebooks on disk: stable bytes, kept outputs, and staleness that is told."""

import nbformat
import pytest

from labkit.author.build import build, stale


def test_second_build_changes_no_file(toy):
    assert build(toy) == []


def test_fresh_build_lacks_only_outputs(toy):
    assert list(stale(toy)) == [
        "the outputs in solutions/00_toy/solution.ipynb are older than its source, checks or data; "
        "run `lab build --execute toy`"
    ]


@pytest.mark.parametrize("file", ["lab.ipynb"])
def test_edited_starter_is_stale(toy, file):
    toy.starter.write_text(toy.starter.read_text().replace("Double", "Triple"))
    assert any("lab.ipynb is stale" in sentence for sentence in stale(toy))


def test_edited_source_makes_both_notebooks_stale(toy):
    toy.solution.write_text(toy.solution.read_text().replace("# Double and sum", "# Double it"))
    sentences = list(stale(toy))
    assert any("lab.ipynb is stale" in sentence for sentence in sentences)
    assert any("solution.ipynb is stale" in sentence for sentence in sentences)


def test_outputs_of_unchanged_cells_are_kept(toy):
    notebook = nbformat.read(toy.solved, as_version=4)
    marked = next(cell for cell in notebook.cells if 'lab.check("double")' in cell.source)
    marked.outputs = [nbformat.v4.new_output("stream", text="seen")]
    nbformat.write(notebook, toy.solved)
    toy.solution.write_text(toy.solution.read_text().replace("# # Double", "# # Double numbers"))
    build(toy)
    again = nbformat.read(toy.solved, as_version=4)
    kept = next(cell for cell in again.cells if 'lab.check("double")' in cell.source)
    assert kept.outputs[0]["text"] == "seen"


def test_checks_edited_after_the_run_make_outputs_stale(toy):
    notebook = nbformat.read(toy.solved, as_version=4)
    from labkit.author.build import HASH, inputs_hash

    notebook.metadata["labkit"][HASH] = inputs_hash(toy)
    nbformat.write(notebook, toy.solved)
    assert list(stale(toy)) == []
    toy.checks.write_text(toy.checks.read_text() + "\n# more\n")
    assert list(stale(toy)) == [], "a comment changes no output"
    toy.checks.write_text(toy.checks.read_text() + "\nMORE = 1\n")
    assert any("outputs" in sentence for sentence in stale(toy))
