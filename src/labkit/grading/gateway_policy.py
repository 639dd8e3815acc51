"""Which calls on the JVM a graded submission may make: the list, and what is not on it."""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from labkit.grading.py4j_lines import Command

LIST = Path(__file__).with_name("allowed_calls.toml")
OBJECT = re.compile(r"o\d+")
ANY = "java.lang.Object"
GATEWAY_SERVER = "GATEWAY_SERVER"
RESET = "resetCallbackClient"
SETTING = "SetCommand"  # the plan of `SET name = value`
# The plan of a statement whose name is an expression, `IDENTIFIER(...)`: it hides what the statement does.
NAMED_LATER = "PlanWithUnresolvedIdentifier"
# Parts of the protocol that only carry what other calls gave: elements of arrays and lists.
HARMLESS = {"ag", "as", "al", "ae", "ll", "la", "md", "p"}
LOOK_UPS = {"ru", "rm"}
STRING = ord("s")
REFERENCE = ord("r")
PROXY = ord("f")


@dataclass(frozen=True)
class Policy:
    """The calls of PySpark's and Delta's own Python code; everything else is refused by its name."""

    objects: dict[str, frozenset[str]]  # a method -> the classes whose objects have it
    statics: dict[str, frozenset[str]]  # a class -> its static methods; "*": all but `not_static`
    not_static: frozenset[str]
    constructors: frozenset[str]
    imports: frozenset[str]
    arrays: frozenset[str]
    callbacks: frozenset[str]  # Java interfaces that Python may implement
    statements: dict[str, str]  # of SQL: the class of a plan that is refused -> its name
    hidden: dict[str, str]  # a word of a statement whose plan hides what it does -> its name
    texts: tuple[tuple[re.Pattern[str], str], ...]

    @classmethod
    def load(cls, path: Path = LIST) -> Self:
        """The list that labkit ships."""
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        objects: dict[str, set[str]] = defaultdict(set)
        for name, methods in data["objects"].items():
            for method in methods:
                objects[method].add(name)
        return cls(
            objects={method: frozenset(names) for method, names in objects.items()},
            statics={name: frozenset(methods) for name, methods in data["statics"].items()},
            statements=data["statements"],
            hidden=data["hidden"],
            texts=tuple(
                (re.compile(one["pattern"], re.I | re.S), one["is"]) for one in data["text"]
            ),
            **{name: frozenset(values) for name, values in data["classes"].items()},
        )

    def refused(self, command: Command, parents: Callable[[str], Sequence[str]]) -> str:
        """What of a command is not on the list; empty when all of it is.

        `parents` gives the name of an object's class, then those of all that it extends.
        """
        kind, about = command.kind, command.about
        if kind in HARMLESS:
            return self.refused_arguments([line.encode() for line in about[2:]])
        if kind == "c":
            why = self._refused_call(about[0], about[1], parents)
        elif kind == "i":
            why = "" if about[0] in self.constructors else f"new {about[0]}(...)"
        elif kind == "ru":
            why = "" if self._may_look_up(about[0]) else about[0]
        elif kind == "rm":
            why = "" if self._is_static(*about) else ".".join(about)
        elif kind == "ji":
            why = "" if text_of(about[1]) in self.imports else f"an import of {about[1]}"
        elif kind == "ac":
            why = "" if about[0][1:] in self.arrays else f"an array of {about[0][1:]}"
        else:
            why = f"py4j's command {kind}"
        return why or self.refused_arguments(command.arguments)

    def refused_arguments(self, arguments: Collection[bytes]) -> str:
        """What among arguments, or the value that Python gives back, may not be there."""
        texts = []
        for argument in arguments:
            kind, rest = argument[0], argument[1:].decode("utf-8", "replace")
            if kind == REFERENCE and not OBJECT.fullmatch(rest):
                return "a part of py4j as an argument"
            if kind == PROXY and not self.callbacks.issuperset(rest.split(";")[1:]):
                return f"a Python object as {rest.partition(';')[2]}"
            if kind == STRING:
                texts.append(text_of(rest))
        return self.refused_text(" = ".join(texts)) if texts else ""

    def refused_text(self, text: str) -> str:
        """Which way into the JVM a text names: SQL has some of its own, and so have settings."""
        return next((name for pattern, name in self.texts if pattern.search(text)), "")

    def refused_statement(self, plan: str, text: str, setting: str) -> str:
        """What is refused of a statement of SQL, by the class of its plan; `setting` is what it sets."""
        kind = plan.rpartition(".")[2]
        if kind == SETTING:
            return self.refused_text(setting)
        if why := next(filter(None, map(self.refused_text, readings(text))), ""):
            return why
        if kind == NAMED_LATER:
            words = set(re.findall(r"\w+", text.upper()))  # as Spark reads keywords: "ı" is an I
            return next((name for word, name in self.hidden.items() if word in words), "")
        return self.statements.get(kind, "")

    def _refused_call(
        self, target: str, method: str, parents: Callable[[str], Sequence[str]]
    ) -> str:
        if target.startswith("z:"):
            return "" if self._is_static(target[2:], method) else f"{target[2:]}.{method}"
        if target == GATEWAY_SERVER and method in ("getCallbackClient", RESET):
            return ""
        if not OBJECT.fullmatch(target):
            return f"{target}.{method}"
        having = self.objects.get(method, frozenset())
        if ANY in having or not having.isdisjoint(found := parents(target)):
            return ""
        return f"{found[0]}.{method}" if found else f"{method} of nothing"

    def _is_static(self, name: str, method: str) -> bool:
        allowed = self.statics.get(name, frozenset())
        return method in allowed or ("*" in allowed and method not in self.not_static)

    def _may_look_up(self, name: str) -> bool:
        """Whether a name is a class on the list, the end of one's name, or a package around one."""
        return any(
            name == known or known.startswith(f"{name}.") or known.endswith(f".{name}")
            for known in (*self.statics, *self.constructors, *self.arrays)
        )


# What SQL makes of a backslash and what follows; comments, which may stand beside the dots of a name.
WRITTEN = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.S)
COMMENTS = (re.compile(r"/\*(?:(?!/\*|\*/).)*\*/", re.S), re.compile(r"--[^\n]*"))
DOT = re.compile(r"(?<!\s)\s*+\.\s*")


def readings(text: str) -> Iterator[str]:
    """A statement of SQL without the ways of writing a name that hide it: an option has one, too.

    With its comments, and without: what looks like one may stand in a string.
    """

    def sign(found: re.Match[str]) -> str:
        if code := found[1] or found[2]:
            return chr(min(int(code, 16), sys.maxunicode))
        return chr(int(found[3], 8)) if found[3] else found[4]

    text = WRITTEN.sub(sign, text).replace("`", "")
    yield DOT.sub(".", text)
    for comment in COMMENTS:
        text = comment.sub(" ", text)
        yield DOT.sub(".", text)


def text_of(escaped: str) -> str:
    """A string as Java reads it: py4j escapes line breaks and backslashes."""
    if "\\" not in escaped:
        return escaped
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), escaped)
