"""The names of the JVM's packages and classes, which py4j asks for anew each time they are used.

`_jvm.org.apache.hadoop.fs.Path` is five questions. For each part that is no class, the JVM looks
through all jars, once for each package that PySpark imports: a twentieth of a check's seconds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import accumulate
from typing import Any
from weakref import WeakKeyDictionary

from py4j.java_gateway import JavaClass, JavaPackage, JVMView

PACKAGE = ""
# By the line to a JVM: what a name is in a view of it, a package or the class with this full name.
_known: WeakKeyDictionary[Any, dict[tuple[str, str], str]] = WeakKeyDictionary()


def remember() -> None:
    """From now on this process asks a JVM once for a class, and for the packages above it.

    A name that was no class so far is asked for again: a jar may have come, or an import.
    """
    for kind in (JVMView, JavaPackage):
        if not hasattr(kind.__getattr__, "__wrapped__"):
            kind.__getattr__ = _remembering(kind.__getattr__)


def _remembering(ask: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    @functools.wraps(ask)
    def known_or_asked(self: Any, name: str) -> Any:
        client = self._gateway_client
        view, full = (
            (self._id, name) if isinstance(self, JVMView) else (self._jvm_id, f"{self._fqn}.{name}")
        )
        known = _known.setdefault(client, {})
        found = known.get((view, full))
        if found == PACKAGE:
            return JavaPackage(full, client, view)
        if found is not None:
            return JavaClass(found, client)
        answer = ask(self, name)
        if isinstance(answer, JavaClass):
            *packages, _ = accumulate(full.split("."), "{}.{}".format)
            known |= {(view, package): PACKAGE for package in packages}
            known[view, full] = answer._fqn
        return answer

    return known_or_asked
