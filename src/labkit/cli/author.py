"""The commands of those who make labs or hand them out: init, new, build, prove, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from labkit import home
from labkit.cli import known_answers, parts
from labkit.cli.screen import Slug, console, errors
from labkit.course.labs import find_lab, find_labs
from labkit.home import LabError

if TYPE_CHECKING:
    from labkit.author.trial import Trial


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="a new folder, or one without files")
    ],
) -> None:
    """Author: make a repository for a course of your own, with one lab, one card and CI."""
    from labkit.author import own_course

    written = own_course.lay_out(folder)
    slug = own_course.first_lab(folder)
    where = escape(str(folder))
    console.print(f"{len(written)} files in {where}, with the lab `{slug}` as an example")
    console.print(f"Try it: cd {where} && ./lab start {slug}", style="dim")
    console.print("Its README.md says how to write labs of your own.", style="dim")


def new(slug: Slug) -> None:
    """Author: create the files of a new lab, notebooks included."""
    from labkit.author import build as builder
    from labkit.author.new_lab import scaffold

    root = home.root()
    for path in [*scaffold(root, slug), *builder.build(find_lab(slug, root))]:
        console.print(f"wrote {path.relative_to(root)}")


def build(
    slug: Annotated[list[str] | None, typer.Argument(help="labs; default: all")] = None,
    execute: Annotated[
        bool, typer.Option("--execute", help="run the solved notebook and store its outputs")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="only report stale files")] = False,
) -> None:
    """Author: generate the notebooks from solution.py, and docs/labs.md from labs/catalogue.yaml."""
    from labkit.author import build as builder
    from labkit.author import labs_page

    root = home.root()
    labs = [find_lab(name, root) for name in slug] if slug else find_labs(root)
    if execute:
        parts.provide(labs, required=True)
    stale = 0
    for lab in labs:
        if check:
            for sentence in builder.stale(lab):
                errors.print(escape(sentence), style="red")
                stale += 1
            continue
        written = [builder.execute(lab)] if execute else builder.build(lab)
        for path in written:
            console.print(f"wrote {path.relative_to(root)}")
    every = find_labs(root)
    if not check:
        for path in labs_page.write(every):
            console.print(f"wrote {path.relative_to(root)}")
    elif labs_page.is_stale(every):
        errors.print(f"{labs_page.PAGE} is stale; run `lab build`", style="red")
        stale += 1
    raise typer.Exit(1 if stale else 0)


def prove(
    slug: Annotated[
        list[str] | None, typer.Argument(help="labs; with --answers one lab, then more files")
    ] = None,
    all_labs: Annotated[bool, typer.Option("--all", help="every lab")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="only this variant or answer; repeatable")
    ] = None,
    rest: Annotated[
        bool, typer.Option("--rest", help="only what the record of the proof doesn't hold yet")
    ] = False,
    workers: Annotated[int, typer.Option(help="processes that judge side by side")] = 2,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="print why each mistake was rejected")
    ] = False,
    long: Annotated[
        bool, typer.Option("--long", help="each mistake by all checks of its task")
    ] = False,
    clauses: Annotated[
        bool,
        typer.Option("--clauses", help="only show which sentences of the tasks no mistake breaks"),
    ] = False,
    answers: Annotated[
        list[Path] | None,
        typer.Option(
            help="judge only the answers in this file, in the form of mistakes.py: "
            "those with `breaks` must be rejected, others pass; repeatable"
        ),
    ] = None,
) -> None:
    """Author: prove that a lab's checks accept right answers and reject wrong ones."""
    import functools
    import time

    from labkit.author.prove import prove as prove_labs

    root = home.root()
    if not slug and (answers or not all_labs):
        raise LabError("say which lab: `lab prove SLUG`, or `lab prove --all`")
    if answers and slug:
        first, *more = slug  # `--answers FILE FILE`: the second one comes as an argument
        parts.provide([find_lab(first, root)], required=True)
        files = [*answers, *map(Path, more)]
        good = known_answers.show_answers(find_lab(first, root), files, workers, only or ())
        raise typer.Exit(0 if good else 1)
    labs = find_labs(root) if all_labs else [find_lab(name, root) for name in slug or ()]
    if clauses:
        for lab in labs:
            known_answers.show_clauses(lab)
        return
    parts.provide(labs, required=True)
    started = time.perf_counter()
    show = functools.partial(_show_trial, reasons=reasons)
    problems_by_lab = prove_labs(
        labs,
        only=only or (),
        rest=rest,
        workers=workers,
        depth="long" if long else "whole",
        on_trial=show,
    )
    for name, problems in problems_by_lab.items():
        for problem in problems:
            console.print(f"[red]✗[/] {name}: {escape(problem)}")
    wrong = sum(map(len, problems_by_lab.values()))
    verdict = f"{wrong} problems" if wrong else "proved"
    console.print(
        f"{', '.join(problems_by_lab)}: {verdict} in {time.perf_counter() - started:.0f} s"
    )
    raise typer.Exit(1 if wrong else 0)


def _show_trial(trial: Trial, *, reasons: bool) -> None:
    mark = "[red]✗[/]" if trial.problems else "[green]✓[/]"
    console.print(f"{mark} {trial.lab}: {escape(str(trial))} [dim]{trial.seconds:.1f} s[/]")
    if not reasons or trial.variant.kind != "mistake":
        return
    console.print(f"    [dim]because {escape(trial.variant.because)}[/]")
    for result in trial.results:
        if result.outcome != "passed":
            text = f"{result.id} [{result.outcome}]: {result.reason}"
            console.print("    " + escape(text).replace("\n", "\n      "))


def export(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="a new folder, or an earlier export")
    ],
    labs: Annotated[str, typer.Option(metavar="A,B", help="only these labs; default: all")] = "",
    grader: Annotated[
        str,
        typer.Option(
            metavar="ACTION",
            help="GitHub action that grades, OWNER/REPO/.github/actions/grade@REF; default: the "
            "hand-out's own",
        ),
    ] = "",
) -> None:
    """Instructor: write a repository to hand out, with starters, checks and set-up, no answers."""
    from labkit.author import export as exporting

    root = home.root()
    names = [name.strip() for name in labs.split(",") if name.strip()]
    chosen = [find_lab(name, root) for name in names] if names else find_labs(root)
    chosen = sorted(set(chosen), key=lambda lab: lab.number)
    done = exporting.export(chosen, folder, grader=grader or exporting.LOCAL_GRADER)
    console.print(
        f"{', '.join(lab.slug for lab in chosen)} in {escape(str(folder))}: "
        f"{len(done.written)} files, "
        "no line of an answer in them"
    )
    for name in done.kept:
        console.print(f"kept with your changes: {escape(name)}", style="yellow")
    console.print(f"Try it: cd {escape(str(folder))} && ./lab check {chosen[0].slug}", style="dim")
