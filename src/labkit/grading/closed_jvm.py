"""Ways out that the JVM of filtered submissions does not have: taken out at its start.

A text can be put together from data, stored in a view, and read in another session: no reader of
statements and options finds all of it. So what it would call is not there, in no session here.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from labkit.spark.reflection import drop_reflection

# `SELECT TRANSFORM ... USING 'script'` runs bash as the JVM's user; bash reads this file first.
ENVIRONMENT = {"BASH_ENV": str(Path(__file__).with_name("no_scripts.sh"))}
# Options of Kafka's client name a module of Java's to log in with. One of them takes a ticket from
# any file, and the client then renews the ticket by a program, which another option names. Others
# ask servers for objects. Kafka asks this list, which needs what it forbids by itself, too.
LOGIN_MODULES = [
    f"com.sun.security.auth.module.{name}LoginModule"
    for name in ("Jndi", "KeyStore", "Krb5", "Ldap", "NT", "Unix")
]
JAVA_OPTIONS = f"-Dorg.apache.kafka.disallowed.login.modules={','.join(LOGIN_MODULES)}"


def close(jvm: Any) -> None:
    """Leaves no function of SQL that calls Java, no way to a database, no option with objects.

    Derby, which Spark brings along, runs static methods of Java, and classes out of a file. ORC
    reads a filter, as an object of any class, from an option that its own code alone should write.
    """
    functions = getattr(jvm.org.apache.spark.sql.catalyst.analysis, "FunctionRegistry$")
    drop_reflection(jvm, functions.__getattr__("MODULE$").builtin())
    package = jvm.org.apache.spark.sql.execution.datasources.jdbc.connection
    provider = getattr(package, "ConnectionProvider$").__getattr__("MODULE$")
    known = provider.getClass().getSuperclass().getDeclaredField("providers")
    known.setAccessible(True)
    known.set(provider, provider.providers().take(0))
    filters = jvm.org.apache.orc.OrcConf.KRYO_SARG
    for name in ("attribute", "hiveConfName"):
        option = filters.getDeclaringClass().getDeclaredField(name)
        option.setAccessible(True)
        option.set(filters, f"{option.get(filters)}.{secrets.token_hex(16)}")
