"""Py4J's protocol: where a command ends, and what Java and the filter could read differently."""

import io
import random

import pytest

from labkit.grading.py4j_lines import (
    BLANKS,
    EXACT,
    FIRST,
    WITH_SUBCOMMAND,
    ProtocolError,
    read_command,
    read_line,
    read_message,
)


def read(data):
    stream = io.BytesIO(data)
    return read_command(read_line(stream), stream), stream.read()


@pytest.mark.parametrize(
    ("data", "kind", "about", "arguments"),
    [
        (b"c\no1\nselect\nro2\nsx\ne\n", "c", ("o1", "select"), (b"ro2", b"sx")),
        (b"c\nz:a.B\nc\ne\n", "c", ("z:a.B", "c"), ()),
        (b"i\njava.util.HashMap\ne\n", "i", ("java.util.HashMap",), ()),
        (b"r\nu\norg\nrj\ne\n", "ru", ("org", "rj"), ()),
        (b"r\nm\na.B\nc\ne\n", "rm", ("a.B", "c"), ()),
        (b"a\nc\nsint\ni3\ne\n", "ac", ("sint",), (b"i3",)),
        (b"m\nd\no7\ne\n", "md", ("o7",), ()),
        (b"p\nro3\ne\n", "p", ("ro3",), ()),
    ],
)
def test_command_is_read_to_its_end(data, kind, about, arguments):
    command, rest = read(data + b"next")
    assert (command.kind, command.about, command.arguments) == (kind, about, arguments)
    assert command.raw == data
    assert rest == b"next"


@pytest.mark.parametrize(
    "data",
    [
        b"c\no1\nsel\rect\ne\n",  # Java ends a line at a carriage return, too
        b"c\no1\n\nselect\ne\n",
        b"c\no1\n \nselect\ne\n",
        b"c\no1\nselect\n",
        b"c\no1\nselect\nsx",
        b"r\nm\na.B\nc\nc\nz:java.lang.System\nexit\ni0\ne\n",  # Java takes any line for the end here
        b"s\ne\n",  # ends the gateway
        b"z\n127.0.0.1\n1\n2\n",
        b"x\ne\n",
        b"c\n\xff\nselect\ne\n",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data):
    with pytest.raises(ProtocolError):
        read(data)


def test_command_has_a_length(monkeypatch):
    monkeypatch.setattr("labkit.grading.py4j_lines.COMMAND_BYTES", 100)
    read(b"c\no1\nselect\n" + b"sabcdefgh\n" * 5 + b"e\n")
    with pytest.raises(ProtocolError):
        read(b"c\no1\nselect\n" + b"sabcdefgh\n" * 20 + b"e\n")


def test_call_of_python_is_read_to_its_end():
    stream = io.BytesIO(b"c\np0\ncall\nro1\nL3\ne\n!yv\n")
    assert b"".join(read_message(stream)) == b"c\np0\ncall\nro1\nL3\ne\n"
    assert read_message(stream) == [b"!yv\n"]
    assert read_message(stream) == []
    assert read_message(io.BytesIO(b"c\np0\n")) == []


class Java:
    """Lines as Java's BufferedReader gives them."""

    def __init__(self, data):
        self.data, self.place = data, 0

    def line(self):
        end = next(
            (n for n in range(self.place, len(self.data)) if self.data[n] in b"\r\n"),
            len(self.data),
        )
        found = self.data[self.place : end]
        self.place = end + (2 if self.data[end : end + 2] == b"\r\n" else 1)
        return found

    def command(self):
        """The lines of one command, as py4j's classes in Java read them."""
        lines = [self.line()]
        key = lines[0]
        if key in WITH_SUBCOMMAND:
            lines.append(self.line())
            key += lines[-1][:1]  # Java looks at the first letter
        lines += [self.line() for _ in range(FIRST[key])]
        if key in EXACT:
            return [*lines, self.line()]
        while (line := self.line()).strip(BLANKS) and line != b"e":
            lines.append(line)
        return [*lines, line]


def test_java_reads_the_same_lines():
    draw = random.Random(7)
    words = [
        b"e",
        b"c",
        b"o1",
        b"sx",
        b"ro2",
        b"",
        b" ",
        b"a\rb",
        b"\t",
        b"e ",
        b"z:java.lang.System",
    ]
    accepted = 0
    for _ in range(50_000):
        key = draw.choice(sorted(FIRST))
        lines = [key] if len(key) == 1 else [key[:1], key[1:]]
        count = FIRST[key] + draw.choice((0, 0, 1, 2))
        lines += [draw.choice(words) for _ in range(count)]
        if draw.random() < 0.7:
            lines.append(b"e")
        data = draw.choice((b"\n", b"\n", b"\n", b"\r\n")).join(lines) + b"\nc\no1\nstop\ne\n"
        try:
            command, rest = read(data)
        except ProtocolError:
            continue
        accepted += 1
        java = Java(data)
        assert b"\n".join([*java.command(), b""]) == command.raw
        assert data[java.place :] == rest
    assert accepted > 5_000
