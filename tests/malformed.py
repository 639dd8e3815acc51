"""Files that are no submission, with what the refusal says; for tests of reading and of batches."""

import json

import nbformat

GOOD = nbformat.v4.new_notebook(
    cells=[
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell('import labkit\nlab = labkit.open("toy")'),
        nbformat.v4.new_code_cell(""),
        nbformat.v4.new_code_cell("x = 1"),
    ]
)


def changed(**metadata):
    notebook = nbformat.from_dict(json.loads(nbformat.writes(GOOD)))
    notebook.metadata.update(metadata)
    return nbformat.writes(notebook)


MALFORMED = {
    "empty file": ("a.ipynb", "", "is empty"),
    "white space": ("a.ipynb", " \n\n", "is empty"),
    "not JSON": ("a.ipynb", "hello", "not a notebook|not JSON|nbformat 99"),
    "truncated JSON": ("a.ipynb", nbformat.writes(GOOD)[:200], "not a notebook|not JSON|nbformat 99"),
    "JSON of another kind": ("a.ipynb", "[1, 2]", "not a notebook|not JSON|nbformat 99"),
    "a JSON object without cells": ("a.ipynb", "{}", "not a notebook|not JSON|nbformat 99"),
    "wrong nbformat": ("a.ipynb", '{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}', "not a notebook|not JSON|nbformat 99"),
    "cells are a number": ("a.ipynb", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}', "notebook|malformed"),
    "cells without type": ("a.ipynb", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}', "notebook|malformed"),
    "nbformat 3": ("a.ipynb", '{"nbformat": 3, "worksheets": []}', "nbformat 3"),
    "source is a number": ("a.ipynb", '{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}', "cell 1 is malformed"),
    "no cells": ("a.ipynb", nbformat.writes(nbformat.v4.new_notebook()), "no code cell"),
    "prose only": ("a.ipynb", nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("a")])), "no code cell"),
    "other language": ("a.ipynb", changed(kernelspec={"language": "R", "name": "ir", "display_name": "R"}), "notebook in R"),
    "binary": ("a.ipynb", b"\x89PNG\r\n\x1a\n\xff\xfe", "not UTF-8"),
    "latin-1 text": ("a.py", "name = 'é'".encode("latin-1"), "not UTF-8"),
    "null bytes": ("a.py", "x = 1\x00", "null bytes"),
    "not Python": ("a.py", "def f(:\n", "line 1: not Python"),
    "other suffix": ("a.txt", "x = 1", "neither .ipynb nor .py"),
    "1e400 nested lists": ("a.ipynb", "[" * 100_000, "not a notebook|not JSON|nbformat 99"),
}  # fmt: skip
