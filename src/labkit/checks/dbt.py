"""What labs with a dbt project import: projects, their runs, their tests."""

from labkit.checks.dbt_projects import (
    DataTests,
    dbt_of,
    require_files,
    require_success,
    rows_as_sql,
)
from labkit.checks.dbt_unit_tests import UnitTests, read_unit_tests
from labkit.parts.dbt import Node, Project

__all__ = [
    "DataTests",
    "Node",
    "Project",
    "UnitTests",
    "dbt_of",
    "read_unit_tests",
    "require_files",
    "require_success",
    "rows_as_sql",
]
