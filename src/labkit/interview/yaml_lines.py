"""Values of a YAML file that know their line, so that a fault in one is told with its place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml

from labkit.home import LabError

# The parser in C, where PyYAML was built with it: all cards in a tenth of the time.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TEXT, NUMBER = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int"


@dataclass(frozen=True)
class Value:
    """One value of a file."""

    name: str
    path: Path
    node: yaml.Node

    @property
    def place(self) -> str:
        return f"{self.path}:{self.node.start_mark.line + 1}"

    def fault(self, what: str, remedy: str) -> LabError:
        """An error to raise: where the value is, what is wrong with it, what to do."""
        return LabError(f"{self.place}: {self.name} {what}; {remedy}")

    def fields(self, needed: Collection[str], optional: Collection[str] = ()) -> dict[str, Value]:
        """The values of a mapping that has these keys and no other."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.fault("is not a mapping", f"write keys: {', '.join(needed)}")
        found: dict[str, Value] = {}
        for key, value in self.node.value:
            name = str(key.value)
            if name not in needed and name not in optional:
                known = ", ".join([*needed, *optional])
                raise Value(f"`{name}`", self.path, key).fault("is unknown", f"known are {known}")
            if name in found:
                raise Value(f"`{name}`", self.path, key).fault("is there twice", "remove one")
            found[name] = Value(f"`{name}`", self.path, value)
        if missing := [name for name in needed if name not in found]:
            raise self.fault(f"lacks {', '.join(missing)}", "add it; interview/README.md says what")
        return found

    def items(self, least: int = 1, most: int | None = None) -> list[Value]:
        """The values of a list that is long enough and not too long."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.fault("is not a list", "write [one, two], or lines that begin with a dash")
        found = [Value(f"{self.name}[{n}]", self.path, v) for n, v in enumerate(self.node.value)]
        if len(found) < least or (most is not None and len(found) > most):
            wanted = f"at least {least}" if most is None else f"{least} to {most}"
            raise self.fault(f"has {len(found)} entries", f"it needs {wanted}")
        return found

    def text(self) -> str:
        """A text that is not empty, with single spaces; paragraphs are kept apart."""
        if not isinstance(self.node, yaml.ScalarNode) or self.node.tag != TEXT:
            raise self.fault("is not a text", "put it in quotes")
        paragraphs = [" ".join(part.split()) for part in str(self.node.value).split("\n\n")]
        text = "\n\n".join(part for part in paragraphs if part)
        if not text:
            raise self.fault("is empty", "write it, or remove the key if it is optional")
        return text

    def number(self, least: int, most: int) -> int:
        """A whole number in a range."""
        node = self.node
        if not isinstance(node, yaml.ScalarNode) or node.tag != NUMBER or not node.value.isdigit():
            raise self.fault("is not a whole number", f"write one from {least} to {most}")
        if not least <= int(node.value) <= most:
            raise self.fault(f"is {node.value}", f"write a number from {least} to {most}")
        return int(node.value)

    def one_of(self, words: Collection[str]) -> str:
        """A text that is one of these words."""
        text = self.text()
        if text not in words:
            raise self.fault(f"is `{text}`", f"write one of {', '.join(words)}")
        return text


def read(path: Path) -> Value:
    """The whole of a file."""
    try:
        node = yaml.compose(path.read_text("utf-8"), LOADER)
    except OSError as error:
        raise LabError(f"{path} can't be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise LabError(f"{path}:{line}: not YAML, {error.problem}; mend the line") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LabError(f"{path} is not YAML: {error}; save it as UTF-8") from None
    if node is None:
        raise LabError(f"{path} is empty; write a card in it or remove it")
    return Value("the file", path, node)
