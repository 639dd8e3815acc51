"""Calls of Java on functions in this process: only the JVM may make them."""

from __future__ import annotations

import secrets
from typing import Any

from py4j.clientserver import ClientServerConnection
from py4j.java_gateway import PythonProxyPool
from py4j.protocol import Py4JError


class SecretNames(PythonProxyPool):  # type: ignore[misc]
    """Objects that Java may call, by names that nobody can guess.

    Py4J opens a port for these calls, `foreachBatch` does. Its Java side forgets the secret of the
    gateway for that port, and names count from p0: whoever reaches the port could call anything.
    """

    def put(self, object: Any, force_id: str | None = None) -> str:
        name: str = super().put(object, force_id or f"p{secrets.token_hex(16)}")
        return name


def keep_to_java(gateway: Any) -> None:
    """Gives objects of this gateway secret names; who doesn't know one gets no answer."""
    pool = gateway.gateway_property.pool
    pool.__class__ = SecretNames  # connections hold the pool already
    if ClientServerConnection._call_proxy is not _call:
        ClientServerConnection._call_proxy = _call


_call_known = ClientServerConnection._call_proxy


def _call(self: ClientServerConnection, name: str, stream: Any) -> Any:
    if name not in self.pool:
        raise Py4JError("a call on an object that Java was never given")  # ends the connection
    return _call_known(self, name, stream)
