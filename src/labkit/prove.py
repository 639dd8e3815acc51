"""Prove a lab's checks: the starter is todo, right answers pass, each mistake fails the check it names."""

from __future__ import annotations

import ast
import builtins
import linecache
import re
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pyspark.sql import SparkSession

from labkit import source
from labkit.answer import Learner
from labkit.hints import read_hints
from labkit.home import LabError
from labkit.judge import PUBLIC_SEED, judge
from labkit.labs import Lab
from labkit.outcome import CheckResult

Kind = Literal["starter", "solution", "alternative", "mistake"]
COMMENT = re.compile(r"^# (fails|because|outcome): (.+)$")


@dataclass(frozen=True)
class Variant:
    """An answer with a known verdict: the solution with some tasks replaced by a file's."""

    kind: Kind
    name: str
    path: Path
    because: str = ""
    fails: tuple[str, ...] = ()
    outcome: str = "failed"

    def __str__(self) -> str:
        return self.name if self.kind == self.name else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Trial:
    """A variant, the results of its checks, and what is wrong with them (nothing, when proved)."""

    variant: Variant
    results: tuple[CheckResult, ...]
    problems: tuple[str, ...]
    seconds: float = 0.0


def variants(lab: Lab) -> tuple[Variant, ...]:
    """Starter, solution, alternatives and mistakes of a lab."""
    return (
        Variant("starter", "starter", lab.solution),
        Variant("solution", "solution", lab.solution),
        *(read_variant("alternative", path) for path in _files(lab, "alternatives")),
        *(read_variant("mistake", path) for path in _files(lab, "mistakes")),
    )


def _files(lab: Lab, folder: str) -> list[Path]:
    return sorted((lab.solutions / folder).glob("*.py"))


def read_variant(kind: Kind, path: Path) -> Variant:
    """A mistake or alternative with its header comments; LabError when they are missing."""
    said: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        if match := COMMENT.match(line):
            key = match[1]
            said[key] = f"{said[key]}, {match[2]}" if key in said else match[2]
        elif not line.startswith("#"):
            break
    needed = {"because", "fails"} if kind == "mistake" else {"because"}
    if missing := needed - set(said):
        raise LabError(f"{path}:1: no `# {missing.pop()}: ...` comment at the top of the {kind}")
    if kind == "alternative" and "fails" in said:
        raise LabError(f"{path}:1: an alternative has no `# fails:`; is it a mistake?")
    fails = tuple(name.strip() for name in said.get("fails", "").split(",") if name.strip())
    return Variant(kind, path.stem, path, said["because"], fails, said.get("outcome", "failed"))


def namespace(lab: Lab, variant: Variant, spark: SparkSession) -> dict[str, Any]:
    """The definitions of solution.py (or its starter), those of the variant in their place."""
    text = source.read(lab.solution)
    names: dict[str, Any] = {"__name__": f"answer_{lab.slug}", "spark": spark}
    if variant.kind == "starter":
        define(text.starter_text, f"{lab.name}/lab.ipynb", names, text.tasks)
        return names
    define(text.solved_text, f"{lab.name}/solution.py", names, text.tasks)
    if variant.kind in ("mistake", "alternative"):
        before = {task: names.get(task) for task in text.tasks}
        define(variant.path.read_text("utf-8"), str(variant.path), names, ())
        replaced = [task for task in text.tasks if names.get(task) is not before[task]]
        if not replaced or (variant.kind == "mistake" and len(replaced) > 1):
            raise LabError(
                f"{variant.path}: replaces {', '.join(replaced) or 'no task'}; "
                f"a {variant.kind} replaces {'one' if variant.kind == 'mistake' else 'some'} "
                f"of {', '.join(text.tasks)}"
            )
    return names


def define(text: str, filename: str, names: dict[str, Any], tasks: Collection[str]) -> None:
    """Runs the definitions of a module: imports, functions, classes and constants, nothing else."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    for node in ast.parse(text, filename).body:
        if _defines(node, names, tasks):
            exec(compile(ast.Module([node], []), filename, "exec"), names)


def _defines(node: ast.stmt, names: dict[str, Any], tasks: Collection[str]) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
        return True
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return False
    used = {child.id for child in ast.walk(node.value) if isinstance(child, ast.Name)}
    known = (set(names) | set(vars(builtins))) - {"labkit", "spark", "lab"} - set(tasks)
    return used <= known


def replaced_task(lab: Lab, variant: Variant) -> str | None:
    """The task that a mistake replaces."""
    if variant.kind != "mistake":
        return None
    defined = {
        node.name
        for node in ast.parse(variant.path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    return next((task for task in source.read(lab.solution).tasks if task in defined), None)


def check_files(lab: Lab) -> list[Path]:
    return [path for path in (lab.checks, lab.hidden_checks) if path.is_file()]


def run_trial(lab: Lab, variant: Variant, spark: SparkSession, *, seed: int = PUBLIC_SEED) -> Trial:
    """Judges a variant in this process (the notebook's way) by public and hidden checks."""
    started = time.perf_counter()
    tasks = source.read(lab.solution).tasks
    only = replaced_task(lab, variant)
    learner = Learner(namespace(lab, variant, spark), tasks)
    results = judge(
        lab.root,
        learner,
        spark,
        check_files(lab),
        seed=seed,
        tasks=[only] if only else None,
        timeout=300,
    )
    seconds = time.perf_counter() - started
    return Trial(variant, results, tuple(faults(variant, results)), seconds)


def faults(variant: Variant, results: tuple[CheckResult, ...]) -> Iterator[str]:
    """What keeps these results from being the variant's known verdict."""
    wanted = {"starter": "todo", "solution": "passed", "alternative": "passed"}.get(variant.kind)
    if wanted:
        for result in results:
            if result.outcome != wanted:
                yield f"{result.id} is {result.outcome}, expected {wanted}: {result.reason}"
        return
    by_id = {result.id: result for result in results}
    for broken in (result for result in results if result.outcome == "broken"):
        yield f"{broken.id} broke: {broken.reason}"
    for name in variant.fails:
        named = [r for key, r in by_id.items() if key == name or key.startswith(f"{name}[")]
        if not named:
            yield f"names {name}, which is no check of its task"
        elif not any(result.outcome == variant.outcome for result in named):
            got = ", ".join(sorted({result.outcome for result in named}))
            yield f"{name} is {got}, expected {variant.outcome}: {named[0].reason}"


def idle_checks(trials: Collection[Trial]) -> list[str]:
    """Checks of the proof that rejected no mistake."""
    checks = {r.id for trial in trials if trial.variant.kind == "solution" for r in trial.results}
    rejecting = {
        result.id
        for trial in trials
        if trial.variant.kind == "mistake"
        for result in trial.results
        if result.outcome in ("failed", "error")
    }
    return sorted(checks - rejecting)


def prove(
    lab: Lab,
    spark: SparkSession,
    *,
    only: Collection[str] = (),
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> tuple[tuple[Trial, ...], tuple[str, ...]]:
    """All trials of a lab (or those named), and what is wrong with the lab as a whole."""
    chosen = [v for v in variants(lab) if not only or v.name in only]
    if not chosen:
        raise LabError(f"{lab.name} has no variant called {', '.join(only)}")
    trials = []
    for variant in chosen:
        trial = run_trial(lab, variant, spark)
        trials.append(trial)
        on_trial(trial)
    problems = list(static_problems(lab))
    if not only:
        problems += [f"{name} rejects no mistake" for name in idle_checks(trials)]
    return tuple(trials), tuple(problems)


def static_problems(lab: Lab) -> Iterator[str]:
    """Faults of a lab's files that need no Spark: hints, stray files, unknown tasks."""
    tasks = source.read(lab.solution).tasks
    hints = read_hints(lab.checks)
    for task in tasks:
        if not 2 <= len(hints.get(task, [])) <= 4:
            yield f"{task} has {len(hints.get(task, []))} hints; give 2 to 4 in HINTS of checks.py"
    for name in sorted(set(hints) - set(tasks)):
        yield f"HINTS names {name}, which is no task"
    allowed = {"lab.ipynb", "checks.py"}
    for path in lab.starter.parent.iterdir():
        if path.name not in allowed and not path.name.startswith(("__", ".")):
            yield f"stray file labs/{lab.name}/{path.name}"
    allowed = {"solution.py", "solution.ipynb", "hidden_checks.py", "mistakes", "alternatives"}
    for path in lab.solutions.iterdir():
        if path.name not in allowed and not path.name.startswith(("__", ".")):
            yield f"stray file solutions/{lab.name}/{path.name}"
