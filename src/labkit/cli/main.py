"""The `lab` command: it starts quickly, because each command imports what it needs itself."""

from __future__ import annotations

import errno
import sys
import traceback

import typer
from rich.markup import escape

from labkit.cli import author, batch, check, interview, learner, machine, parts, rehearse, site
from labkit.cli.screen import errors
from labkit.escape import printable
from labkit.home import LabError

INTERRUPTED = 130
# What a machine refuses, and its user can mend.
REFUSED = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG),
}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
# In the order in which `lab --help` shows them.
app.callback(invoke_without_command=True)(learner.where)
app.command("list")(learner.list_labs)
app.command()(learner.start)
app.command()(check.check)
app.command()(check.watch)
app.command()(learner.hint)
app.command()(learner.solution)
app.command()(learner.reset)
app.command("progress")(learner.show_progress)
app.command()(batch.grade)
app.command("report")(batch.report)
app.command()(author.export)
app.command()(site.site)
app.command()(interview.interview)
app.command()(rehearse.rehearse)
app.command()(rehearse.finish)
app.command()(machine.doctor)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    machine.test
)
app.command()(author.init)
app.command()(author.new)
app.command()(author.build)
app.command()(author.prove)
app.add_typer(parts.app, name="parts")
app.add_typer(machine.spark_app, name="spark")
app.add_typer(machine.kafka_app, name="kafka")


def main() -> None:
    """The entry point: errors that have a remedy are one message, not a traceback."""
    try:
        app()
    except LabError as error:
        errors.print(f"lab: {escape(printable(str(error)))}", style="red")
        sys.exit(error.exit_code)
    except Exception as error:  # not 1, which says that an answer is wrong
        if isinstance(error, OSError) and error.errno in REFUSED:
            place = f"{error.filename}: " if error.filename else ""
            errors.print(f"lab: {escape(printable(f'{place}{error.strerror}'))}", style="red")
            errors.print("Mend that, and run the command again.")
        else:
            traceback.print_exc()
            errors.print("lab: this is a bug in labkit; please report the lines above", style="red")
        sys.exit(3)  # nor 2: no answer is to blame for a full disk
    except SystemExit as end:
        command = sys.argv[1:2]
        if end.code == INTERRUPTED and command != ["grade"]:  # which says itself what it keeps
            nothing = "; nothing was judged" if command == ["check"] else ""
            errors.print(f"Interrupted{nothing}.")
        raise
