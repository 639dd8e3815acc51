"""Puts into a wheel what a course of somebody's own needs of a checkout beside the modules."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TRAVELS = (
    "jars.lock", "requirements.lock", "requirements-airflow.lock", "requirements-dbt.lock",
    "requirements-flink.lock", "own_course",
)  # fmt: skip


class Program(BuildHookInterface[Any]):
    """Fills the folder that `labkit.home.program` looks for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """A checkout that is installed as it lies has all of it at its top."""
        if version != "editable":
            build_data["force_include"] |= {name: f"labkit/program/{name}" for name in TRAVELS}
