"""What passes between a kernel and a JVM that is played here, with callbacks in both directions."""

import queue
import socket
import threading

import pytest

from labkit.grading.gateway_filter import Filter, Line
from labkit.grading.gateway_policy import Policy

REFUSED = b"!xsjava.lang.Runtime.getRuntime is not available to a graded submission\n"
RUNTIME = b"c\nz:java.lang.Runtime\ngetRuntime\ne\n"
VERSION = b"c\no1\nversion\ne\n"
SQL = "org.apache.spark.sql.execution.command."
PYTHON = (
    b"i\norg.apache.spark.api.python.SimplePythonFunction\njAAAA\n%s\nro3\n%s\ns3.11\nro4\nro5\ne\n"
)


class Jvm:
    """Hands out one end of a connection a time, whose other end a test holds."""

    session = "o1"

    def __init__(self):
        self.lines = queue.Queue()

    def line(self):
        with socket.create_server(("127.0.0.1", 0)) as waiting:
            theirs = socket.create_connection(waiting.getsockname())
            ours, _ = waiting.accept()
        ours.settimeout(10)
        self.lines.put((ours, ours.makefile("rb")))
        return Line(theirs)

    def parents(self, target):
        return {
            "o1": ("org.apache.spark.sql.classic.SparkSession",),
            "o4": ("org.apache.spark.SparkContext",),
            "o6": ("org.apache.spark.sql.classic.SparkSession$",),
        }.get(target, ())

    def entries(self, target):
        return {"o7": ["a=b", "spark.sql.execution.pyspark.python=/x"], "o8": ["a=b"]}.get(
            target, []
        )

    def forgotten(self, target):
        pass

    def in_own_folder(self, command):
        return b"c\no4\nsetCheckpointDir\ns/jvm/checkpoints\ne\n"

    def in_own_python(self, command):
        return PYTHON % (b"ro8", b"s/bin/python")

    def parsed(self, argument):
        if argument == b"swrong":
            return b"!xro9\n", "", ""
        kind = SQL + "AddJarsCommand" if b"jar" in argument else "a.Project"
        return b"", kind, ""


@pytest.fixture
def jvm():
    return Jvm()


@pytest.fixture
def filtering(jvm):
    made = Filter(jvm, "secret", Policy.load())
    made.start()
    return made


def connect(port):
    line = socket.create_connection(("127.0.0.1", port), timeout=60)
    return line, line.makefile("rb")


@pytest.fixture
def kernel(filtering):
    line, answers = connect(filtering.port)
    line.sendall(b"A\nsecret\n")
    assert answers.readline() == b"!yv\n"
    yield line, answers
    line.close()


def read(stream, lines):
    return b"".join(stream.readline() for _ in range(lines))


def test_wrong_secret_gets_no_answer(filtering, jvm):
    line, answers = connect(filtering.port)
    with line:
        line.sendall(b"A\nguess\n" + VERSION)
        assert answers.read() == b""
    assert jvm.lines.empty()


def test_what_is_on_the_list_passes_unchanged(kernel, jvm):
    line, answers = kernel
    line.sendall(VERSION)
    java, commands = jvm.lines.get(timeout=60)
    assert read(commands, 4) == VERSION
    java.sendall(b"!ys4.2.0\n")
    assert answers.readline() == b"!ys4.2.0\n"


def test_what_is_not_on_it_is_an_error_and_the_line_goes_on(kernel, jvm):
    line, answers = kernel
    line.sendall(RUNTIME + VERSION)
    assert answers.readline() == REFUSED
    _, commands = jvm.lines.get(timeout=60)
    assert read(commands, 4) == VERSION


def test_looking_up_a_name_is_no_error_but_calling_it_is(kernel):
    line, answers = kernel
    line.sendall(b"r\nu\njava.nio\nrj\ne\nr\nu\njava.lang.Runtime\nrj\ne\n")
    assert read(answers, 2) == b"!yp\n!ycjava.lang.Runtime\n"
    line.sendall(b"r\nm\njava.lang.Runtime\ngetRuntime\ne\n" + RUNTIME)
    assert answers.readline() == b"!ym\n"
    assert answers.readline() == REFUSED


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (b"sadd jar x", b"!xsADD JAR is not available to a graded submission\n"),
        (b"swrong", b"!xro9\n"),  # the parser's own error
        (b"s${labkit}", b"!xs${...} in SQL is not available to a graded submission\n"),
        (b"s$\\{labkit}", b"!xs${...} in SQL is not available to a graded submission\n"),
        (b"ro5", b"!xsSQL that is no text is not available to a graded submission\n"),
    ],
)
def test_statements_of_sql_are_read_first(kernel, text, answer):
    line, answers = kernel
    line.sendall(b"c\no1\nsql\n" + text + b"\ne\n")
    assert answers.readline() == answer


def test_settings_of_a_map_are_read_first(kernel, jvm):
    line, answers = kernel
    apply = b"c\no6\napplyModifiableSettings\nro1\nr%s\ne\n"
    line.sendall(apply % b"o7" + apply % b"o8")
    why = b"a setting of the workers' Python is not available to a graded submission"
    assert answers.readline() == b"!xs%s\n" % why
    _, commands = jvm.lines.get(timeout=60)
    assert read(commands, 6) == apply % b"o8"


def test_session_stays_and_default_session_is_not_set(kernel):
    line, answers = kernel
    line.sendall(b"m\nd\no1\ne\n")
    assert answers.readline() == b"!yv\n"
    line.sendall(b"c\nz:org.apache.spark.sql.classic.SparkSession\nsetDefaultSession\nro1\ne\n")
    assert answers.readline() == b"!yv\n"


def test_function_of_python_is_run_by_the_workers_own(kernel, jvm):
    line, _ = kernel
    look_up = b"r\nu\norg.apache.spark.api.python.SimplePythonFunction\nrj\ne\n"
    line.sendall(look_up)
    java, commands = jvm.lines.get(timeout=60)
    assert read(commands, 5) == look_up
    java.sendall(b"!ycorg.apache.spark.api.python.SimplePythonFunction\n")
    line.sendall(PYTHON % (b"ro7", b"s/tmp/mine"))
    assert read(commands, 10) == PYTHON % (b"ro8", b"s/bin/python")


def test_checkpoints_of_rdds_lie_where_the_jvm_alone_writes(kernel, jvm):
    line, _ = kernel
    line.sendall(b"c\no4\nsetCheckpointDir\ns/mine\ne\n")
    _, commands = jvm.lines.get(timeout=60)
    assert read(commands, 5) == b"c\no4\nsetCheckpointDir\ns/jvm/checkpoints\ne\n"


def test_settings_of_the_context_are_a_copy(kernel, jvm):
    line, _ = kernel
    line.sendall(b"c\no4\nconf\ne\n")
    _, commands = jvm.lines.get(timeout=60)
    assert read(commands, 4) == b"c\no4\ngetConf\ne\n"


def test_commands_inside_a_call_of_java_are_filtered(kernel, jvm):
    line, answers = kernel
    line.sendall(VERSION)
    java, commands = jvm.lines.get(timeout=60)
    read(commands, 4)
    java.sendall(b"c\np0\ncall\nro3\ne\n")
    assert read(answers, 5) == b"c\np0\ncall\nro3\ne\n"
    line.sendall(RUNTIME)
    assert answers.readline() == REFUSED
    line.sendall(VERSION)
    assert read(commands, 4) == VERSION
    java.sendall(b"!ysinner\n")
    assert answers.readline() == b"!ysinner\n"
    line.sendall(b"!yfp1;java.lang.Runnable\n")
    assert commands.readline().startswith(b"!xsa Python object as java.lang.Runnable is not")
    java.sendall(b"!ysouter\n")
    assert answers.readline() == b"!ysouter\n"


def test_lines_that_java_opens_lead_through_the_filter(kernel, jvm):
    line, answers = kernel
    python = socket.create_server(("127.0.0.1", 0))
    python.settimeout(10)
    port = python.getsockname()[1]
    line.sendall(f"c\nGATEWAY_SERVER\nresetCallbackClient\nro7\ni{port}\ne\n".encode())
    java, commands = jvm.lines.get(timeout=60)
    told = read(commands, 6).split(b"\n")
    assert told[:4] == [b"c", b"GATEWAY_SERVER", b"resetCallbackClient", b"ro7"]
    assert told[4] != f"i{port}".encode()
    java.sendall(b"!yv\n")
    assert answers.readline() == b"!yv\n"

    called, replies = connect(int(told[4][1:]))
    called.sendall(b"c\np0\ncall\nro3\nL1\ne\n")
    function, _ = python.accept()
    function.settimeout(10)
    calls = function.makefile("rb")
    assert read(calls, 6) == b"c\np0\ncall\nro3\nL1\ne\n"
    function.sendall(RUNTIME)
    assert calls.readline() == REFUSED
    function.sendall(VERSION)
    assert read(replies, 4) == VERSION
    called.sendall(b"!ys4.2.0\n")
    assert calls.readline() == b"!ys4.2.0\n"
    function.sendall(b"!yv\n")
    assert replies.readline() == b"!yv\n"
    for one in (called, function, python):
        one.close()


def test_what_is_no_command_ends_the_line_and_no_other(kernel, filtering, jvm):
    line, answers = kernel
    before = threading.active_count()
    line.sendall(b"s\ne\n")
    assert answers.read() == b""
    other, told = connect(filtering.port)
    with other:
        other.sendall(b"A\nsecret\n" + RUNTIME)
        assert read(told, 2) == b"!yv\n" + REFUSED
    assert threading.active_count() < before + 10


def test_connections_beyond_their_number_wait(jvm, monkeypatch):
    # Each of the two ports takes a place before somebody comes.
    monkeypatch.setattr("labkit.grading.gateway_filter.CONNECTIONS", 3)
    made = Filter(jvm, "secret", Policy.load())
    made.start()
    lines = [connect(made.port) for _ in range(3)]
    for line, _ in lines:
        line.sendall(b"A\nsecret\n")
    assert [answers.readline() for _, answers in lines[:2]] == [b"!yv\n"] * 2
    waiting, answers = lines[2]
    waiting.settimeout(0.3)
    with pytest.raises(TimeoutError):
        waiting.recv(1)
    lines[0][0].shutdown(socket.SHUT_RDWR)
    waiting.settimeout(10)
    assert waiting.recv(4) == b"!yv\n"
    for line, _ in lines:
        line.close()
