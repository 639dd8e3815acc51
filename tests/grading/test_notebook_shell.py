"""What a notebook has beside Python costs no cell its rest: run in a kernel in the sandbox."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from labkit import home
from labkit.grading.cells import Cell
from labkit.grading.kernel import Kernel, KernelDiedError
from labkit.grading.submission import Submission
from labkit.sandbox.limits import Limits
from labkit.sandbox.sandbox import Sandbox

# What a cell holds, and what the report says of it (nothing where it is empty); `done` ends most of
# them, to show that what follows was run.
CELLS = {
    "a terminal, which the sandbox doesn't have": ("import os\nos.openpty()", "Error: "),
    "a shell line": ("!echo ready\ndone", ""),
    "a shell line with a name of the cell": (
        "word = 'ready'\n!echo {word} > said\nassert open('said').read() == 'ready\\n'\ndone", "",
    ),
    "the output of a shell line": ("told = !echo ready\nassert told == ['ready']\ndone", ""),
    "a command that is not there": ("!labkit-no-such-command\ndone", ""),
    "a command that waits for input": ("!cat\ndone", ""),
    "a command that goes on in the background": ("!sleep 60 &\ndone", "no background processes"),
    "a package": ("%pip install chispa\ndone", "`%pip install chispa` was skipped"),
    "a package by the shell": ("!pip install -q chispa\ndone", "installs nothing"),
    "a package by Python": ("!python3 -m pip install chispa\ndone", "installs nothing"),
    "a package, and what was said": ("told = !pip install chispa\ndone", "installs nothing"),
    "a package inside a block": ("if True:\n    %conda install chispa\ndone", "installs nothing"),
    "a package in an exported script": (
        "get_ipython().system('pip install chispa')\ndone", "installs nothing",
    ),
    "a line of SQL": ("%sql SELECT 1\ndone", "`%sql SELECT 1` was skipped"),
    "a cell of SQL": ("%%sql\nSELECT * FROM orders", "there is no `%%sql` here"),
    "a cell of SQL in Databricks": ("%sql\nSELECT * FROM orders", "there is no `%%sql` here"),
    "a cell of Python in Databricks": ("%python\ndone", ""),
    "a cell of Bash": ("%%bash\necho ready", ""),
    "a cell of the shell in Databricks": ("%sh\nls /", ""),
    "a cell with its time": ("%%time\ndone", ""),
    "a cell with its time, after a comment": ("# slow\n%%time\ndone", "no such magic"),
    "a magic that is not there": ("%nothing at all\ndone", "no such magic"),
    "a notebook to run first": ("%run ./Includes/Classroom-Setup\ndone", "not found"),
    "an extension": ("%load_ext labkit_no_such\ndone", "ModuleNotFoundError"),
    "a plot": ("%matplotlib inline\ndone", ""),
    "a display": ("display({'a': 1})\ndone", ""),
    "a widget": (
        "dbutils.widgets.text('day', '2026-03-01')\n"
        "assert dbutils.widgets.get('day') == '2026-03-01'\ndone", "",
    ),
    "files of Databricks": (
        "for file in dbutils.fs.ls('/mnt'):\n    print(file.name)\ndone", "not Databricks",
    ),
    "the end of a notebook of Databricks": ("dbutils.notebook.exit('ok')\ndone", "not Databricks"),
    "exit": ("exit()\ndone", "exit() and quit() end no graded run"),
    "quit without brackets": ("quit", "exit() and quit() end no graded run"),
    "sys.exit": ("import sys\nsys.exit(1)", "SystemExit"),
    "an error": ("x = 1\n1 / 0", "ZeroDivisionError"),
    "signs": ("x = " + "-" * 20_000 + "1", "SyntaxError: nested too deeply for Python"),
    "attributes": ("x = y" + ".a" * 100_000, "SyntaxError: nested too deeply for Python"),
    "a null byte": ("x = '\0'", "null bytes"),
    "an await": ("import asyncio\nawait asyncio.sleep(0)\ndone", ""),
}  # fmt: skip
LINES = {"an error": 2, "a package inside a block": 2, "a cell with its time, after a comment": 2}


@contextmanager
def kernel():
    with (
        Sandbox.make(on=True) as sandbox,
        Kernel(
            sandbox.submissions / "one", {},
            root=home.root(), sandbox=sandbox, read=[], limits=Limits(),
        ) as one,
    ):  # fmt: skip
        yield one


def run(*sources):
    cells = tuple(Cell(number, source) for number, source in enumerate(sources, start=1))
    with kernel() as one:
        return one.run(Submission(Path("lab.ipynb"), cells, "", None))


@pytest.fixture(scope="module")
def told():
    """The problems by the name of their cell; of the last one, the cells that were run whole."""
    sources = [
        source.replace("done", f"done_{number} = True")
        for number, (source, _) in enumerate(CELLS.values())
    ]
    last = "raise ValueError(' '.join(n[5:] for n in globals() if n.startswith('done_')))"
    problems = run(*sources, last)
    names = [*CELLS, "last"]
    return {names[problem.cell - 1]: problem for problem in problems}


@pytest.mark.parametrize("name", CELLS)
def test_cell_is_told_if_it_did_not_run_as_written(told, name):
    says = CELLS[name][1]
    if not says:
        assert name not in told
    else:
        assert says in told[name].message
        assert told[name].line == LINES.get(name, told[name].line)


def test_what_follows_in_the_cell_is_run(told):
    done = {list(CELLS)[int(number)] for number in told["last"].message.split(": ")[1].split()}
    assert done == {name for name, (source, _) in CELLS.items() if "done" in source}


def test_end_of_the_process_names_the_cell():
    with pytest.raises(KernelDiedError, match="cell 2: the submission's process ended"):
        run("x = 1", "import os\nos._exit(0)")
