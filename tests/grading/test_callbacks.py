"""Whoever reaches the port for Java's calls has to know the name of an object."""

import socket

import pytest
from py4j.clientserver import ClientServer, JavaParameters, PythonParameters

from labkit.grading.callbacks import keep_to_java


class Told:
    def __init__(self):
        self.calls = []

    def call(self, *arguments):
        self.calls.append(arguments)
        return 7

    class Java:
        implements = ["java.lang.Runnable"]


@pytest.fixture
def gateway():
    made = ClientServer(JavaParameters(port=1), PythonParameters(port=0, daemonize=True))
    made.get_callback_server().server_socket.listen()  # its thread does so at some later moment
    keep_to_java(made)
    yield made
    made.shutdown_callback_server()


def ask(gateway, name):
    port = gateway.get_callback_server().get_listening_port()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(f"c\n{name}\ncall\ni1\ne\n".encode())
        return line.makefile("rb").readline()


def test_java_calls_what_it_was_given(gateway):
    told = Told()
    name = gateway.gateway_property.pool.put(told)
    assert ask(gateway, name) == b"!yi7\n"
    assert told.calls == [(1,)]


def test_others_get_no_answer(gateway):
    told = Told()
    gateway.gateway_property.pool.put(told)
    for guess in ("p0", "p1", "GATEWAY", "p"):
        assert ask(gateway, guess) == b""
    assert told.calls == []


def test_names_cannot_be_guessed(gateway):
    names = {gateway.gateway_property.pool.put(Told()) for _ in range(10)}
    assert len(names) == 10
    assert all(len(name) == 33 for name in names)
