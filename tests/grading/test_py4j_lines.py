"""Py4J's protocol: where a command ends, and what Java and the filter could read differently."""

import io

import pytest

from labkit.grading.py4j_lines import ProtocolError, read_command, read_line, read_message


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
