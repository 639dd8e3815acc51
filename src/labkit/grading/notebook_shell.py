"""The kernel's shell for submissions: what a notebook has beside Python costs no cell its rest.

Shell lines run through pipes, since the sandbox has no terminals. What can't run here (packages to
install, magics that nobody installed, a magic that raises, the utilities of Databricks) becomes a
note of its cell, and the lines after it run.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from labkit.escape import one_line

NOTES = 100  # no submission needs more to be understood
INSTALLERS = "pip|conda|mamba|micromamba|uv"
INSTALLS = re.compile(
    rf"\s*(?:sudo\s+)?(?:\S*python[\d.]*\s+-m\s+)?(?:(?:{INSTALLERS})[\d.]*|apt|apt-get)(?:\s|$)"
)
INSTALLER = re.compile(INSTALLERS)
NOTHING_INSTALLED = "a graded run installs nothing"
# Databricks writes the language of a cell as a line magic; the lines below it are not Python.
LANGUAGE = re.compile(r"\s*%(sql|sh|scala|r|fs)\b[ \t]*(.*)\n?", re.IGNORECASE)
PYTHON = re.compile(r"\s*(?:%python3?|%{1,2}pyspark|%%local)[ \t]*(?:\n|$)")
_cells = [0]  # so far; IPython tells of those that were asked for, not of calls
_notes: list[tuple[int, int, str]] = []
_printed: dict[int, int] = {}  # characters by cell


def prepare() -> str:
    """From now on the kernel's cells are run as above."""
    shell = sys.modules["IPython"].get_ipython()
    shell.events.register("pre_run_cell", _count)
    shell.transform_cell = _transforming(shell.transform_cell)
    shell.system = functools.partial(_run, shell)
    shell.getoutput = _unless_it_installs(shell.getoutput)
    shell.run_line_magic = _forgiving(shell)
    shell.run_cell_magic = _unless_unknown(shell)
    shell.ask_exit = lambda: note(
        "exit() and quit() end no graded run: the cells after it were run, too"
    )
    shell.push({"dbutils": Utilities("dbutils")}, interactive=False)
    for stream in (sys.stdout, sys.stderr):
        stream.write = _counted(stream.write)  # type: ignore[method-assign]
    return "null"


def notes() -> str:
    """JSON: cells by the order they ran, lines, and what is to be said of them."""
    most = int(os.environ["LAB_GRADED"])
    cut = [
        (cell, 1, f"printed {count:,} characters, cut at {most:,}")
        for cell, count in _printed.items()
        if count > most
    ]
    return json.dumps([*_notes, *cut])


def note(text: str) -> None:
    """Says something of the cell and the line that runs."""
    said = (_cells[0], _line(), one_line(text, 300))
    if len(_notes) < NOTES and said not in _notes:
        _notes.append(said)


def _line() -> int:
    names = sys.modules["IPython"].get_ipython().user_ns
    frame = sys._getframe()
    while frame is not None and frame.f_globals is not names:
        frame = frame.f_back  # type: ignore[assignment]
    return frame.f_lineno if frame is not None else 1


def _count(info: object) -> None:
    _cells[0] += 1


def _counted(write: Callable[[str], Any]) -> Any:
    """`write`, except that a cell's output is cut where it is more than anybody reads."""
    most = int(os.environ["LAB_GRADED"])

    def cut(text: str) -> int:
        cell = _cells[0]
        before = _printed.get(cell, 0)
        _printed[cell] = before + len(text)
        if before <= most:
            write(text[: most - before])
            if _printed[cell] > most:
                write(f"\n... the output of a cell is cut at {most:,} characters\n")
        return len(text)

    return cut


def _transforming(transform: Callable[[str], str]) -> Callable[[str], str]:
    def transformed(cell: str) -> str:
        code = transform(_of_databricks(cell, transform))
        if _parses(code) is None:  # IPython would never answer
            raise SyntaxError("nested too deeply for Python")
        return code

    return transformed


def _of_databricks(cell: str, transform: Callable[[str], str]) -> str:
    """A cell whose first line names its language, as IPython writes it."""
    if python := PYTHON.match(cell):
        return "\n" * python[0].count("\n") + cell[python.end() :]
    language = LANGUAGE.match(cell)
    if language is None:
        return cell
    rest = cell[language.end() :]
    if language[1].lower() in ("sql", "fs") and _parses(transform(rest)):
        return cell  # one line of SQL, and Python below it
    return f"%%{language[1].lower()}\n{language[2]}\n{rest}"


def _parses(code: str) -> bool | None:
    """Whether code is Python; None if it is nested too deeply for anybody to tell."""
    try:
        compile(code, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (MemoryError, RecursionError):
        return None
    except (SyntaxError, ValueError):
        return False
    return True


def _run(shell: Any, command: str) -> None:
    """What `!command` does: IPython would ask for a terminal, and the sandbox has none."""
    command = shell.var_expand(command, depth=1)
    if INSTALLS.match(command):
        note(f"`!{command}` was skipped: {NOTHING_INSTALLED}")
        return
    if command.rstrip().endswith("&"):
        note(f"`!{command}` was skipped: a graded run has no background processes")
        return
    process = subprocess.Popen(
        command, shell=True, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    with process:
        try:
            while process.stdout and (text := process.stdout.read(8_192)):
                sys.stdout.write(text)
        except BaseException:  # the cell was interrupted
            process.kill()
            raise
    shell.user_ns["_exit_code"] = process.returncode


def _unless_it_installs(getoutput: Callable[..., Any]) -> Callable[..., Any]:
    def checked(command: str, *args: Any, **kwargs: Any) -> Any:
        if INSTALLS.match(command):
            note(f"`!{command}` was skipped: {NOTHING_INSTALLED}")
            command = ":"  # the shell's word for nothing
        kwargs["depth"] = kwargs.get("depth", 0) + 1  # this call is between it and the cell
        return getoutput(command, *args, **kwargs)

    return checked


def _forgiving(shell: Any) -> Callable[..., Any]:
    """IPython's way to run a line magic, except that none of them ends its cell."""
    run = shell.run_line_magic

    def forgiving(name: str, line: str, _stack_depth: int = 1) -> Any:
        said = one_line(f"%{name} {line}", 100)
        if INSTALLER.fullmatch(name):
            note(f"`{said}` was skipped: {NOTHING_INSTALLED}")
            return None
        try:  # one call deeper than IPython thinks, which looks up the cell's names by depth
            return run(name, line, _stack_depth=_stack_depth + 1)
        except Exception as error:
            if shell.find_line_magic(name) is None:
                note(f"`{said}` was skipped: there is no such magic here")
            else:
                note(f"`{said}` raised {type(error).__name__}: {error}")

    return forgiving


def _unless_unknown(shell: Any) -> Callable[[str, str, str], Any]:
    """IPython's way to run a cell magic, except that the cell of an unknown one is skipped."""
    run = shell.run_cell_magic

    def unless_unknown(name: str, line: str, cell: str) -> Any:
        if shell.find_cell_magic(name) is None:
            note(f"the cell was skipped: there is no `%%{name}` here")
            return None
        return run(name, line, cell)

    return unless_unknown


class Utilities:
    """What stands for `dbutils` of Databricks: widgets have their defaults, the rest does nothing."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._widgets: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        part = Utilities(f"{self._name}.{name}")
        part._widgets = self._widgets
        return part

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        kind = self._name.removeprefix("dbutils.widgets.")
        if kind in ("text", "dropdown", "combobox", "multiselect"):
            given = dict(zip(("name", "defaultValue"), args, strict=False)) | kwargs
            self._widgets[str(given.get("name"))] = given.get("defaultValue")
            return None
        if kind == "get" and args and str(args[0]) in self._widgets:
            return self._widgets[str(args[0])]
        note(f"`{self._name}` did nothing: this is not Databricks")
        return Utilities(f"{self._name}()")

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __str__(self) -> str:
        return ""

    def __repr__(self) -> str:
        return f"<{self._name}: this is not Databricks>"
