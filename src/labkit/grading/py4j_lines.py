"""Py4J's protocol as far as a filter has to read it: where a command ends, and what it asks for.

A command is a few lines of text: its name, what it is about, its arguments, and a line `e`. Java
reads the first lines by their number and the arguments up to `e`; so does `read_command`, which
refuses whatever the two could read differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

COMMAND_BYTES = 256_000_000
MOST_LINES = 100_000
BLANKS = bytes(range(33))  # what Java's `trim` takes away
# How many lines stand between the name of a command and its arguments, by name and subcommand.
# A command in EXACT has no further line but `e`.
FIRST = {
    **{b"c": 2, b"i": 1, b"fg": 2, b"fs": 3, b"ru": 2, b"rm": 2, b"rc": 1, b"md": 1, b"p": 1},
    **{b"ag": 2, b"as": 3, b"al": 1, b"ae": 1, b"ac": 1},
    **{b"ls": 1, b"lr": 1, b"ll": 1, b"la": 2, b"lm": 2, b"li": 2, b"lf": 2},
    **{b"jc": 1, b"ji": 2, b"jr": 2},
}
EXACT = FIRST.keys() - {b"c", b"i", b"al", b"ac", b"ll"}
WITH_SUBCOMMAND = {key[:1] for key in FIRST if len(key) == 2}
END = b"e"
ANSWER = b"!"  # how an answer begins, of Java and of Python


class ProtocolError(Exception):
    """What came is no command, or one that could be read in two ways; the connection must end."""


@dataclass(frozen=True)
class Command:
    """One command: its kind (`c`, `ru`), the lines that belong to the kind, and its arguments."""

    kind: str
    about: tuple[str, ...]
    arguments: tuple[bytes, ...]
    raw: bytes


def read_line(stream: BinaryIO, most: int = COMMAND_BYTES) -> bytes:
    """The next line without its end; empty at the end of the stream."""
    line = stream.readline(most)
    if not line:
        return b""
    if not line.endswith(b"\n") or b"\r" in line or not line.strip(BLANKS):
        raise ProtocolError("a line that is too long, blank, or not one line")
    return line[:-1]


def read_message(stream: BinaryIO) -> list[bytes]:
    """The lines of an answer, which is one line, or of a call of Java on Python; none at the end."""
    lines = [stream.readline()]
    if lines[0] and not lines[0].startswith(ANSWER):
        while lines[-1] and lines[-1] != END + b"\n":
            lines.append(stream.readline())
    return lines if lines[-1] else []


def read_command(name: bytes, stream: BinaryIO) -> Command:
    """The command whose first line was `name`."""
    lines = [name]
    key = name
    if name in WITH_SUBCOMMAND:
        lines.append(read_line(stream))
        key = name + lines[-1]
    if key not in FIRST:
        raise ProtocolError("a command that PySpark doesn't send")
    about = [read_line(stream) for _ in range(FIRST[key])]
    arguments: list[bytes] = []
    left = COMMAND_BYTES - sum(map(len, about))
    while left > 0 and (line := read_line(stream, left)) != END:
        if not line or key in EXACT or len(arguments) >= MOST_LINES:
            raise ProtocolError("a command without an end")
        arguments.append(line)
        left -= len(line)
    if left <= 0:
        raise ProtocolError("a command that is too long")
    raw = b"\n".join([*lines, *about, *arguments, END, b""])
    try:
        texts = tuple(line.decode() for line in about)
    except UnicodeDecodeError:
        raise ProtocolError("a name that is no text") from None
    return Command(key.decode("ascii"), texts, tuple(arguments), raw)
