"""Run dbt in this process on its own Spark session: real project files, plain results."""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from labkit.home import LabError
from labkit.parts.known import DBT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROFILE = "labkit"
FOLDERS = ("models", "snapshots", "tests", "macros")
QUIET = ["--no-use-colors", "--no-send-anonymous-usage-stats", "--no-version-check"]


@dataclass(frozen=True)
class Result:
    """What dbt says of one node that it ran."""

    name: str
    type: str
    status: str
    message: str


@dataclass(frozen=True)
class Node:
    """A node of the project, as dbt understood it; `sql` is there once it was compiled."""

    name: str
    type: str
    parents: tuple[str, ...]
    config: dict[str, Any]
    sql: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    owner: str = ""


@dataclass(frozen=True)
class Run:
    """One call of dbt: whether it succeeded, what it did, and the project's nodes by unique id."""

    success: bool
    error: str
    results: tuple[Result, ...]
    nodes: dict[str, Node]

    def __repr__(self) -> str:
        done = ", ".join(f"{result.name} {result.status}" for result in self.results)
        return f"{'succeeded' if self.success else 'failed'}: {done or self.error}"


class Project:
    """A dbt project in a folder of its own, whose relations live in the database `schema`."""

    def __init__(self, folder: Path | str, schema: str) -> None:
        self.folder, self.schema = Path(folder), schema
        self._manifest: Any = None
        self._parsed: dict[str, Any] = {}  # the manifest's nodes, before any was compiled
        profile = {"type": "spark", "method": "session", "host": "NA", "threads": 1}
        outputs = {"dev": {**profile, "schema": schema}}
        self.folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump({PROFILE: {"target": "dev", "outputs": outputs}})
        (self.folder / "profiles.yml").write_text(text, "utf-8")

    def write(self, *answers: Mapping[str, str]) -> None:
        """Writes files by their path in the project; dbt reads the project again when one changed."""
        for files in answers:
            for path, text in files.items():
                target = self.folder / path
                if not target.is_file() or target.read_text("utf-8") != text:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(text, "utf-8")
                    self._manifest = None

    def run(self, *arguments: str, quiet: bool = False) -> Run:
        """`dbt <arguments>` on this project; dbt prints what it does unless `quiet`."""
        _import_dbt()
        from dbt.cli.main import dbtRunner

        with _left_alone(quiet):
            error = None
            if self._manifest is None:
                parsed = dbtRunner().invoke(["--quiet", "parse", *self._options()])
                self._manifest, error = parsed.result, parsed.exception
                self._parsed = {} if self._manifest is None else self._manifest.nodes
            if self._manifest is None:
                return Run(False, _message(error), (), {})
            # dbt compiles nodes in place, and leaves ephemeral models out of one compiled before.
            self._manifest.nodes = copy.deepcopy(self._parsed)
            flags = ["--quiet"] if quiet else []
            called = dbtRunner(manifest=self._manifest).invoke(
                [*flags, *arguments, *self._options()]
            )
        done = getattr(called.result, "results", None) or ()
        results = tuple(
            Result(r.node.name, str(r.node.resource_type), str(r.status), str(r.message or ""))
            for r in done
            if getattr(r, "node", None) is not None
        )
        compiled = {r.node.unique_id: r.node for r in done if getattr(r, "node", None) is not None}
        return Run(
            called.success, _message(called.exception), results, _nodes(self._manifest, compiled)
        )

    def _options(self) -> list[str]:
        folder = str(self.folder)
        paths = ["--project-dir", folder, "--profiles-dir", folder]
        return [*paths, "--target-path", f"{folder}/target", "--log-path", f"{folder}/logs", *QUIET]


_projects: dict[tuple[str, str], Project] = {}


def run_dbt(
    schema: str, project: str, files: dict[str, str], arguments: list[str]
) -> dict[str, Any]:
    """`dbt <arguments>` in the learner's process, on a scratch project; a Run as plain values.

    A project is known by its name and its schema. Its files are exactly `files`.
    """
    base = os.environ.get("LAB_SCRATCH") or tempfile.gettempdir()
    found = _projects.get((schema, project))
    if found is None:
        folder = tempfile.mkdtemp(prefix=f"dbt-{project}-", dir=base)
        found = _projects[schema, project] = Project(folder, schema)
    for folder in FOLDERS:
        for path in (found.folder / folder).rglob("*"):
            if path.is_file() and path.relative_to(found.folder).as_posix() not in files:
                path.unlink()
                found._manifest = None
    found.write(files)
    return asdict(found.run(*arguments, quiet=True))


def as_run(plain: Mapping[str, Any]) -> Run:
    """What `run_dbt` returned, as a Run."""
    results = tuple(Result(**result) for result in plain["results"])
    nodes = {key: Node(**node) for key, node in plain["nodes"].items()}
    return Run(plain["success"], plain["error"], results, nodes)


def _import_dbt() -> None:
    if "dbt.cli.main" in sys.modules:
        return
    if reason := DBT.missing():
        raise LabError(reason)
    sys.path.insert(0, str(DBT.site_packages))
    importlib.import_module("dbt.cli.main")


def _nodes(manifest: Any, compiled: Mapping[str, Any]) -> dict[str, Node]:
    everything = {**manifest.nodes, **manifest.sources, **manifest.exposures, **manifest.unit_tests}
    return {key: _node(compiled.get(key, node)) for key, node in everything.items()}


def _node(node: Any) -> Node:
    config = node.config.to_dict() if hasattr(node.config, "to_dict") else {}
    tests = ("severity", "error_if", "fail_calc", "where")
    kept = ("materialized", "on_schema_change", "contract", "enabled", *tests)
    owner = getattr(node, "owner", None)
    columns = getattr(node, "columns", None) or {}
    return Node(
        node.name,
        str(node.resource_type),
        tuple(node.depends_on.nodes) if hasattr(node, "depends_on") else (),
        json.loads(json.dumps({key: config[key] for key in kept if key in config}, default=str)),
        getattr(node, "compiled_code", None) or "",
        tuple((name, str(column.data_type or "")) for name, column in columns.items()),
        str(getattr(owner, "email", "") or getattr(owner, "name", "") or ""),
    )


def _message(error: Any) -> str:
    return "" if error is None else str(error).strip()


@contextlib.contextmanager
def _left_alone(quiet: bool) -> Iterator[None]:
    """What dbt changes in a process and would leave so: the folder, its output, Spark's settings.

    Its adapter switches ANSI mode off, in the session that the notebook and its checks use.
    """
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    before, settings = Path.cwd(), dict(spark.conf.getAll)
    with contextlib.ExitStack() as stack:
        if quiet:
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        try:
            yield
        finally:
            os.chdir(before)
            for key, value in dict(spark.conf.getAll).items():
                if value != settings.get(key):
                    _restore(spark, key, settings.get(key))


def _restore(spark: SparkSession, name: str, value: str | None) -> None:
    if value is None:
        spark.conf.unset(name)
    else:
        spark.conf.set(name, value)
