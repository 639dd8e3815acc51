"""The parts that labs may need, by the names that a lab's header gives under `needs`."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path

from labkit.home import LabError
from labkit.parts.environment import Part
from labkit.spark.java import java_home

# Airflow reports home, reads a configuration and keeps a database: none of it of this machine's own.
AIRFLOW = Part(
    "airflow",
    "Airflow",
    wants=("apache-airflow==3.3.2",),
    megabytes=270,
    settings={
        "AIRFLOW_HOME": "{folder}",
        "AIRFLOW__CORE__DAGS_FOLDER": "{folder}/dags",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    },
)
# Beside labkit, yet in a folder of its own: dbt-core wants pathspec < 0.13 and mypy wants 1.0,
# dbt-common wants python-dateutil < 3.
DBT = Part(
    "dbt",
    "dbt",
    wants=("dbt-core==1.11.16", "dbt-spark[session]==1.11.0"),
    megabytes=50,
    joins=True,
)
# Its JVM has its files in the process's folder, and fits into the memory that a sandbox gives.
FLINK = Part(
    "flink",
    "Flink",
    wants=("apache-flink==2.3.0",),
    megabytes=850,
    pythons=((3, 11), (3, 12)),
    java=True,
    settings={
        "FLINK_LOG_DIR": "{folder}",
        "FLINK_ENV_JAVA_OPTS": "-Xmx768m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "
        "-Djava.io.tmpdir={folder}",
    },
)
PARTS = {part.name: part for part in (AIRFLOW, DBT, FLINK)}


def find_part(name: str) -> Part:
    """The part called so; LabError names the nearest."""
    if name in PARTS:
        return PARTS[name]
    near = difflib.get_close_matches(name, PARTS, n=1, cutoff=0.4)
    hint = f"Did you mean `{near[0]}`?" if near else f"There are {', '.join(PARTS)}."
    raise LabError(f"there is no part `{name}`. {hint}")


def needed(needs: Collection[str]) -> list[Part]:
    """The parts among what labs need; a broker, which they may need too, is none."""
    return [part for name, part in PARTS.items() if name in needs]


def installed(needs: Collection[str]) -> dict[str, Path]:
    """The folders of the parts among `needs` that are there, by the variables that tell of them.

    The folder of Java is one more when one of them needs it: where the cache can't be seen, neither
    can the bundled Java.
    """
    parts = [part for part in needed(needs) if not part.missing()]
    java = {"JAVA_HOME": java_home()} if any(part.java for part in parts) else {}
    return {part.variable: part.folder for part in parts} | java
