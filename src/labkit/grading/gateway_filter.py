"""Between a submission and the JVM: a process that passes the calls on a list and refuses the rest.

PySpark's gateway gives whoever knows its secret the whole JVM. A graded kernel gets the port and
the secret of this process instead, which reads each command (`py4j_lines`), asks the list
(`gateway_policy`), and answers what is not on it with an error that names the call.

Java calls Python, too (`foreachBatch`), and whoever answers may send commands of his own over that
line. So those lines lead through this process as well.

Started with a line of JSON on standard input: port and secret of the gateway, the name under which
the session is offered, the Python of Spark's workers, and the secret that the kernel will send.
Writes a line of JSON: its port, and the handle of the session. Ends with its standard input.
"""

from __future__ import annotations

import hmac
import json
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from labkit.grading.gateway_jvm import DONE, HERE, PYTHON_FUNCTION, SESSIONS, Jvm, Line
from labkit.grading.gateway_policy import GATEWAY_SERVER, LOOK_UPS, RESET, Policy, text_of
from labkit.grading.py4j_lines import (
    ANSWER,
    END,
    Command,
    ProtocolError,
    read_command,
    read_line,
    read_message,
)

CONNECTIONS = 512
MEMORY_BYTES = 2_000_000_000  # of this process: a submission decides how long its commands are
STACK_BYTES = 1 << 20  # of a thread of it
CONTEXT = "org.apache.spark.SparkContext"


class Filter:
    """Serves one submission, on as many connections as it has threads."""

    def __init__(self, jvm: Jvm, own_secret: str, policy: Policy) -> None:
        self._jvm, self._own_secret, self._policy = jvm, own_secret.encode(), policy
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._python_port = 0  # where the kernel waits for calls of Java
        self._callbacks = socket.create_server((HERE, 0), backlog=64)
        self._kernels = socket.create_server((HERE, 0), backlog=64)
        self.port: int = self._kernels.getsockname()[1]

    def start(self) -> None:
        """Serves from now on, in threads."""
        for listening, serve in (
            (self._kernels, self._serve_kernel),
            (self._callbacks, self._serve_callbacks),
        ):
            threading.Thread(target=self._accept, args=(listening, serve), daemon=True).start()

    def _accept(self, listening: socket.socket, serve: Callable[[Line], None]) -> None:
        while True:
            self._places.acquire()  # beyond that number, connections wait until others end
            connected, _ = listening.accept()
            threading.Thread(target=self._serve, args=(connected, serve), daemon=True).start()

    def _serve(self, connected: socket.socket, serve: Callable[[Line], None]) -> None:
        line = Line(connected)
        # However it ends, whoever is on the other side is told by the end of the connection.
        with suppress(ProtocolError, OSError, ValueError, MemoryError):
            serve(line)
        line.close()
        self._places.release()

    def _serve_kernel(self, kernel: Line) -> None:
        """A connection that Python opened: commands, until it ends."""
        if read_line(kernel.stream) != b"A":
            return
        if not hmac.compare_digest(read_line(kernel.stream), self._own_secret):
            return
        kernel.send(DONE)
        java = self._jvm.line()
        try:
            while name := read_line(kernel.stream):
                self._command(read_command(name, kernel.stream), kernel, java)
        finally:
            java.close()

    def _serve_callbacks(self, java: Line) -> None:
        """A connection that Java opened: calls of Python's functions, until it ends."""
        kernel = Line(socket.create_connection((HERE, self._python_port)))
        try:
            while call := read_message(java.stream):
                kernel.send(b"".join(call))
                self._python_answers(kernel, java)
        finally:
            kernel.close()

    def _command(self, command: Command, kernel: Line, java: Line) -> None:
        refused = self._policy.refused(command, self._jvm.parents)
        raw = command.raw
        if refused and command.kind in LOOK_UPS:
            # Whoever looks up a name is told "does not exist"; whoever then calls it learns more.
            kernel.send(_found(command))
            return
        if not refused and command.kind == "c":
            target, method = command.about
            if method == "sql" and command.arguments:
                error, refused = self._statement(command)
                if error:
                    kernel.send(error)
                    return
            elif method == "applyModifiableSettings":
                refused = self._settings(command)
            elif target == f"z:{SESSIONS}" and method == "setDefaultSession":
                kernel.send(DONE)  # it is that of the whole JVM
                return
            elif method == "conf" and CONTEXT in self._jvm.parents(target):
                raw = f"c\n{target}\ngetConf\ne\n".encode()  # a copy: the context's own is for all
            elif method == "setCheckpointDir":
                raw = self._jvm.in_own_folder(command)
            elif target == GATEWAY_SERVER and method == RESET:
                raw = self._reset(command)
        elif not refused and command.kind == "i" and command.about == (PYTHON_FUNCTION,):
            raw = self._jvm.in_own_python(command)
        if refused:
            kernel.send(_error(refused))
        elif command.kind == "md" and command.about[0] == self._jvm.session:
            kernel.send(DONE)  # the handle is for every thread, as long as the kernel is
        else:
            if command.kind == "md":
                self._jvm.forgotten(command.about[0])
            java.send(raw)
            self._java_answers(kernel, java)

    def _java_answers(self, kernel: Line, java: Line) -> None:
        """Passes Java's answer, and the calls of Python that Java makes before it."""
        while message := read_message(java.stream):
            kernel.send(b"".join(message))
            if message[0].startswith(ANSWER):
                return
            self._python_answers(kernel, java)
        raise ProtocolError("the gateway ended")

    def _python_answers(self, kernel: Line, java: Line) -> None:
        """Passes what a function of Python's gives, and the commands that it sends before that."""
        while name := read_line(kernel.stream):
            if not name.startswith(ANSWER):
                self._command(read_command(name, kernel.stream), kernel, java)
                continue
            refused = self._policy.refused_arguments([name[2:]]) if len(name) > 2 else ""
            java.send(_error(refused) if refused else name + b"\n")
            return
        raise ProtocolError("the kernel ended")

    def _statement(self, command: Command) -> tuple[bytes, str]:
        """The parser's error about the SQL of a command, or what is refused of it."""
        argument = command.arguments[0]
        if not argument.startswith(b"s"):
            return b"", "SQL that is no text"
        text = text_of(argument[1:].decode("utf-8", "replace"))
        if "${" in text:  # as Java reads it: py4j drops backslashes
            return b"", "${...} in SQL"  # Spark puts a setting there before it parses
        error, kind, setting = self._jvm.parsed(argument)
        return error, "" if error else self._policy.refused_statement(kind, text, setting)

    def _settings(self, command: Command) -> str:
        """What is refused of the settings that a command sets at once: out of a map in the JVM."""
        for argument in command.arguments:
            if argument.startswith(b"r"):
                for setting in self._jvm.entries(argument[1:].decode()):
                    if refused := self._policy.refused_text(text_of(setting)):
                        return refused
        return ""

    def _reset(self, command: Command) -> bytes:
        """The command that tells Java where Python waits for its calls: here."""
        address, port = command.arguments
        self._python_port = int(port[1:])
        own = b"i%d" % self._callbacks.getsockname()[1]
        return b"\n".join([b"c", *map(str.encode, command.about), address, own, END, b""])


def _found(command: Command) -> bytes:
    """An answer to a look-up: a method of a class, a class, or a package."""
    name = command.about[0]
    if command.kind == "rm":
        return b"!ym\n"
    is_class = name.rpartition(".")[2][:1].isupper()
    return f"!yc{name}\n".encode() if is_class else b"!yp\n"


def _error(name: str) -> bytes:
    text = f"{name} is not available to a graded submission"
    escaped = text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")
    return f"!xs{escaped}\n".encode()


def main() -> None:
    """Serves until standard input ends."""
    threading.stack_size(STACK_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    told = json.loads(sys.stdin.readline())
    jvm = Jvm(told["port"], told["secret"], told["offered"], told["python"])
    serving = Filter(jvm, told["own_secret"], Policy.load())
    serving.start()
    print(json.dumps({"port": serving.port, "session": jvm.session}), flush=True)
    sys.stdin.read()
    os._exit(0)  # with the threads


if __name__ == "__main__":
    main()
