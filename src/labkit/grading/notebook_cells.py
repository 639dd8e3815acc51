"""The code cells of a Jupyter notebook, read by the format's own rules."""

from __future__ import annotations

import json
from typing import Any

from labkit.escape import one_line, well_formed
from labkit.grading.cells import CONFLICT_BEGINS, Cell, UnreadableError, in_conflict

PYTHON = ("python", "pyspark")  # how the kernels of Python call it: python3, synapse_pyspark


def notebook_cells(text: str, name: str) -> list[Cell]:
    """Reading the JSON here spares nbformat's 1.4 s of import."""
    notebook = _notebook(text, name)
    language = _language(notebook.get("metadata"))
    if language and not any(word in language.lower() for word in PYTHON):
        raise UnreadableError(f"{name} is a notebook in {language}; these labs are in Python")
    cells = []
    for number, cell in enumerate(notebook["cells"], start=1):
        source = cell.get("source") if isinstance(cell, dict) else None
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str) or "cell_type" not in cell:
            raise UnreadableError(f"{name}: cell {number} is malformed; save it again in Jupyter")
        if cell["cell_type"] == "code" and source.strip():
            # JSON can hold half a surrogate pair, of which no message to a kernel can be made.
            cells.append(Cell(number, well_formed(source)))
    return cells


def _notebook(text: str, name: str) -> dict[str, Any]:
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        if conflict := CONFLICT_BEGINS.search(text):
            raise in_conflict(name, text.count("\n", 0, conflict.start()) + 1) from None
        detail = " ".join(str(error).split())[:160]
        raise UnreadableError(
            f"{name} is not JSON, so not a notebook ({detail}); save it again in Jupyter"
        ) from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        if isinstance(notebook, dict) and "worksheets" in notebook:
            raise UnreadableError(f"{name} is in nbformat 3; save it again in Jupyter")
        raise UnreadableError(f"{name} is JSON, but not a notebook: it has no list of cells")
    if notebook.get("nbformat") != 4:
        version = str(notebook.get("nbformat"))[:20]
        raise UnreadableError(f"{name} is in nbformat {version}, expected 4; save it again")
    return dict(notebook)


def _language(metadata: object) -> str:
    """The language that a notebook names; empty if it names none."""
    if isinstance(metadata, dict):
        for key, field in (("kernelspec", "language"), ("language_info", "name")):
            part = metadata.get(key)
            if isinstance(part, dict) and isinstance(part.get(field), str) and part[field].strip():
                return one_line(part[field], 40)
    return ""
