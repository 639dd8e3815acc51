"""What the filter itself asks the JVM: for a session, the class of an object, the plan of a statement."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from labkit.grading.gateway_policy import SETTING
from labkit.grading.py4j_lines import END, Command, ProtocolError

HERE = "127.0.0.1"
DONE = b"!yv\n"
SESSIONS = "org.apache.spark.sql.classic.SparkSession"
CHECKPOINTS = "checkpoints"  # in the JVM's folder
PYTHON_FUNCTION = "org.apache.spark.api.python.SimplePythonFunction"


class Line:
    """One end of a connection, with what has been read of it."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self.stream: BinaryIO = connected.makefile("rb")
        self.send = connected.sendall

    def ask(self, raw: bytes) -> bytes:
        """The answer to a command that makes Java call nobody."""
        self.send(raw)
        return self.stream.readline()

    def close(self) -> None:
        """Ends the connection."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.stream.close()
        self._socket.close()


class Jvm:
    """What this process itself asks the JVM: for the session, and what the list has to know."""

    def __init__(self, port: int, secret: str, offered: str, python: str) -> None:
        self._port, self._secret, self._python = port, secret, python
        self._kinds: dict[str, tuple[str, ...]] = {}  # of objects; Java never uses a handle twice
        self._parents: dict[str, tuple[str, ...]] = {}  # of classes, by name
        self._asking = threading.Lock()
        self._line = self.line()
        properties = self._object("c\nz:java.lang.System\ngetProperties\ne\n")
        self.session = self._object(f"c\n{properties}\nget\ns{offered}\ne\n")
        self._forget(properties)
        self._line.ask(f"c\nz:{SESSIONS}\nsetActiveSession\nr{self.session}\ne\n".encode())
        state = self._object(f"c\n{self.session}\nsessionState\ne\n")
        self._parser = self._object(f"c\n{state}\nsqlParser\ne\n")
        self._forget(state)
        context = self._object(f"c\n{self.session}\nsparkContext\ne\n")
        settings = self._object(f"c\n{context}\ngetConf\ne\n")
        self._folder = _string(
            self._line.ask(f"c\n{settings}\nget\nsspark.local.dir\ne\n".encode())
        )
        self._forget(settings)
        self._forget(context)
        # Not a HashMap: a kernel may put something into those, whoever made them.
        self._environment = self._object("i\njava.util.concurrent.ConcurrentHashMap\ne\n")
        self._line.ask(f"c\n{self._environment}\nput\nsPYTHONHASHSEED\ns0\ne\n".encode())

    def line(self) -> Line:
        """A connection to the gateway, authenticated."""
        line = Line(socket.create_connection((HERE, self._port)))
        if line.ask(f"A\n{self._secret}\n".encode()) != DONE:
            raise ProtocolError("the gateway refused its secret")
        return line

    def parents(self, target: str) -> tuple[str, ...]:
        """The name of an object's class, then those of all that it extends; none of no object."""
        if target in self._kinds:
            return self._kinds[target]
        with self._asking:
            name = self._class(target)
            if not name:
                return ()
            if name not in self._parents:
                self._parents[name] = (name, *self._parents_of(target))
            self._kinds[target] = self._parents[name]
            return self._parents[name]

    def forgotten(self, target: str) -> None:
        """Takes note that the kernel gave an object back."""
        self._kinds.pop(target, None)

    def parsed(self, argument: bytes) -> tuple[bytes, str, str]:
        """An error of Java's about a statement of SQL, or the class of its plan, and a setting's text."""
        with self._asking:
            answer = self._line.ask(
                b"c\n%s\nparsePlan\n%s\ne\n" % (self._parser.encode(), argument)
            )
            if not answer.startswith(b"!yr"):
                return answer, "", ""
            plan = answer[3:].rstrip(b"\n").decode()
            kind, text = self._class(plan), ""
            if kind.endswith(SETTING):
                text = self._setting(plan)
            self._forget(plan)
            return b"", kind, text

    def entries(self, target: str) -> Iterator[str]:
        """`name=value` of each entry of a map in the JVM, which no command need have named."""
        if "java.util.Map" not in self.parents(target):
            return
        with self._asking:
            found = self._object(f"c\n{target}\nentrySet\ne\n")
            iterator = self._object(f"c\n{found}\niterator\ne\n")
            try:
                while self._line.ask(f"c\n{iterator}\nhasNext\ne\n".encode()) == b"!ybtrue\n":
                    entry = self._object(f"c\n{iterator}\nnext\ne\n")
                    told = self._line.ask(f"c\n{entry}\ntoString\ne\n".encode())
                    self._forget(entry)
                    yield _string(told)
            finally:
                self._forget(iterator)
                self._forget(found)

    def in_own_python(self, command: Command) -> bytes:
        """The command that makes a function of Python's, to be run by the workers' own Python.

        PySpark's side names the program and its environment. Either would start another process
        in the place of a worker, one that has given up nothing.
        """
        arguments = list(command.arguments)
        arguments[1:2] = [f"r{self._environment}".encode()]
        arguments[3:4] = [f"s{self._python}".encode()]
        return b"\n".join([b"i", PYTHON_FUNCTION.encode(), *arguments, END, b""])

    def in_own_folder(self, command: Command) -> bytes:
        """The command that says where RDDs are saved, and read again as objects of Java's: in the
        JVM's folder, where nobody else writes.
        """
        target, method = command.about
        return f"c\n{target}\n{method}\ns{self._folder}/{CHECKPOINTS}\ne\n".encode()

    def _setting(self, plan: str) -> str:
        """`name = value` of a SET, asked of its plan: a text of it is cut, or hidden, by settings."""
        option = self._object(f"c\n{plan}\nkv\ne\n")
        if self._line.ask(f"c\n{option}\nisEmpty\ne\n".encode()) == b"!ybtrue\n":
            return ""
        pair = self._object(f"c\n{option}\nget\ne\n")
        name = self._line.ask(f"c\n{pair}\n_1\ne\n".encode())
        value = self._object(f"c\n{pair}\n_2\ne\n")
        told = self._line.ask(f"c\n{value}\ntoString\ne\n".encode())
        for target in (option, pair, value):
            self._forget(target)
        is_set = _string(told).startswith("Some(")
        return f"{_string(name)} = {_string(told)[5:-1]}" if is_set else ""

    def _class(self, target: str) -> str:
        """The name of an object's class."""
        ask = f"c\nz:org.apache.commons.lang3.ObjectUtils\nidentityToString\nr{target}\ne\n"
        return _string(self._line.ask(ask.encode())).rpartition("@")[0]

    def _parents_of(self, target: str) -> list[str]:
        found = []
        kind = self._object(f"c\n{target}\ngetClass\ne\n")
        for method in ("getAllSuperclasses", "getAllInterfaces"):
            ask = f"c\nz:org.apache.commons.lang3.ClassUtils\n{method}\nr{kind}\ne\n"
            parents = self._object(ask)
            text = _string(self._line.ask(f"c\n{parents}\ntoString\ne\n".encode()))
            self._forget(parents)
            found += re.findall(r"(?:class|interface) ([^,\]]+)", text)
        self._forget(kind)
        return found

    def _object(self, command: str) -> str:
        answer = self._line.ask(command.encode())
        found = re.match(rb"!y[a-z](o\d+)", answer)
        if not found:
            raise ProtocolError(f"the gateway gave no object: {answer[:200]!r}")
        return found[1].decode()

    def _forget(self, target: str) -> None:
        self._line.ask(f"m\nd\n{target}\ne\n".encode())


def _string(answer: bytes) -> str:
    """The text in an answer of Java's; empty when it has none."""
    return answer[3:].rstrip(b"\n").decode("utf-8", "replace") if answer[:3] == b"!ys" else ""
