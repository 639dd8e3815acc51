"""Ways out of SQL that the JVM of filtered submissions does not have: taken out at its start.

A text can be put together from data, stored in a view, and read in another session: no reader of
statements finds all of it. So what it would call is not there, in no session of this JVM.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labkit.spark.reflection import drop_reflection

# `SELECT TRANSFORM ... USING 'script'` runs bash as the JVM's user; bash reads this file first.
ENVIRONMENT = {"BASH_ENV": str(Path(__file__).with_name("no_scripts.sh"))}


def close(jvm: Any) -> None:
    """Leaves no function of SQL that calls Java, and no way to a database through JDBC.

    Derby, which Spark brings along, runs static methods of Java, and classes out of a file.
    """
    functions = getattr(jvm.org.apache.spark.sql.catalyst.analysis, "FunctionRegistry$")
    drop_reflection(jvm, functions.__getattr__("MODULE$").builtin())
    package = jvm.org.apache.spark.sql.execution.datasources.jdbc.connection
    provider = getattr(package, "ConnectionProvider$").__getattr__("MODULE$")
    known = provider.getClass().getSuperclass().getDeclaredField("providers")
    known.setAccessible(True)
    known.set(provider, provider.providers().take(0))
