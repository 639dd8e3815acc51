"""Write a lab's notebooks from its source, run the solved one, and tell when either is stale."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from labkit.author.code_text import code
from labkit.course import source
from labkit.course.labs import Lab
from labkit.home import LabError

CELL_SECONDS = 600
HASH = "built_from"


def build(lab: Lab) -> list[Path]:
    """Writes starter and solved notebook; outputs of unchanged cells stay. The files that changed."""
    text = source.read(lab.solution)
    solved = source.solved(text)
    if lab.solved.is_file():
        _keep_outputs(solved, nbformat.read(lab.solved, as_version=4))
    return [
        path
        for path, notebook in ((lab.starter, source.starter(text)), (lab.solved, solved))
        if write(path, _dump(notebook))
    ]


def execute(lab: Lab) -> Path:
    """Runs the solved notebook top to bottom under a real kernel and stores its outputs."""
    build(lab)
    notebook = source.solved(source.read(lab.solution))
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(lab.root)}},
    )
    os.environ["LAB_STRICT"] = "1"
    try:
        client.execute()
    except CellExecutionError as error:
        raise LabError(f"{lab.solution}: a cell raised when the notebook ran:\n{error}") from None
    finally:
        os.environ.pop("LAB_STRICT", None)
    _tidy_outputs(notebook)
    notebook.metadata["labkit"][HASH] = inputs_hash(lab)
    notebook.metadata["language_info"] = {"name": "python"}
    write(lab.solved, _dump(notebook))
    return lab.solved


def stale(lab: Lab) -> Iterator[str]:
    """What `lab build` or `lab build --execute` would change, one sentence a file."""
    text = source.read(lab.solution)
    if not lab.starter.is_file() or lab.starter.read_text("utf-8") != _dump(source.starter(text)):
        yield f"labs/{lab.name}/lab.ipynb is stale; run `lab build {lab.slug}`"
    if not lab.solved.is_file():
        yield f"solutions/{lab.name}/solution.ipynb is missing; run `lab build --execute {lab.slug}`"
        return
    stored = nbformat.read(lab.solved, as_version=4)
    if _bare(stored) != _bare(source.solved(text)):
        yield f"solutions/{lab.name}/solution.ipynb is stale; run `lab build --execute {lab.slug}`"
    elif stored.metadata.get("labkit", {}).get(HASH) != inputs_hash(lab):
        yield (
            f"the outputs in solutions/{lab.name}/solution.ipynb are older than its source, checks "
            f"or data; run `lab build --execute {lab.slug}`"
        )


def inputs_hash(lab: Lab) -> str:
    """sha256 over the code of solution.py and checks.py, and what the datasets are made from."""
    names = source.read(lab.solution).header["datasets"]
    digest = hashlib.sha256()
    for path in (lab.solution, lab.checks):
        digest.update(code(path.read_text("utf-8")).encode())
    for path in lab.made_from(names):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _dump(notebook: nbformat.NotebookNode) -> str:
    return str(nbformat.writes(notebook, indent=1, ensure_ascii=False)).rstrip("\n") + "\n"


def write(path: Path, text: str) -> bool:
    """Writes a file beside and moves it into place; False when it has that text already."""
    if path.is_file() and path.read_text("utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(text, "utf-8")
    os.replace(draft, path)
    return True


def _bare(notebook: nbformat.NotebookNode) -> list[tuple[Any, ...]]:
    return [
        (cell.cell_type, cell.id, cell.source, tuple(cell.metadata.get("tags", [])))
        for cell in notebook.cells
    ]


def _keep_outputs(new: nbformat.NotebookNode, old: nbformat.NotebookNode) -> None:
    stored = {cell.source: cell for cell in old.cells if cell.cell_type == "code"}
    for cell in new.cells:
        if cell.cell_type == "code" and (same := stored.get(cell.source)):
            cell.outputs = same.outputs
            cell.execution_count = same.execution_count
    if HASH in old.metadata.get("labkit", {}):
        new.metadata["labkit"][HASH] = old.metadata["labkit"][HASH]


def _tidy_outputs(notebook: nbformat.NotebookNode) -> None:
    """Drops what tells of the machine and the moment rather than of the lab."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if not (output.output_type == "stream" and output.name == "stderr")
            ]
