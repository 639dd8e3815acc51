"""Spark's and Delta's classes as a JVM keeps them once parsed, for every JVM after the first.

Java's class-data sharing. Measured until Spark and a first MERGE are done: 19 s of CPU without,
12 s with it. An archive holds for one Java, one Spark and one set of jars; a JVM that finds it was
made for others ignores it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyspark

from labkit import home
from labkit.spark.jars import jars
from labkit.spark.java import java_home

JAVAS_OWN, ADDED = "java.jsa", "spark.jsa"


def folder() -> Path:
    """Where the archive of this Java, Spark and jars is, or will be: 210 MB."""
    # The bundled Java is the same one, wherever the folder around it lies.
    java = (java_home() / "release").resolve()
    parts = [java, pyspark.__file__, pyspark.__version__, *jars()]
    # A JVM compares the time of each jar with that in the archive: the same Spark installed again
    # at the same place is another one.
    parts += sorted(
        jar.stat().st_mtime_ns for jar in Path(pyspark.__file__).parent.glob("jars/*.jar")
    )
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]
    return home.cache_dir() / f"classes-{digest}"


def option() -> str:
    """What a JVM is told of the archive; nothing while there is none."""
    own, added = (folder() / name for name in (JAVAS_OWN, ADDED))
    return f"-XX:SharedArchiveFile={own}:{added}" if added.is_file() else ""
