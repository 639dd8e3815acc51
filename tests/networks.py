"""A company's network on the loopback: a certificate authority of its own, an HTTPS server, a proxy."""

import functools
import http.server
import select
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

CERTIFICATES = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
subjectAltName = IP:127.0.0.1
authorityKeyIdentifier = keyid
"""
# What would decide the trust or the way of a test's connections.
DECIDING = (
    *("PIP_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY", "PIP_PROXY", "LAB_MAVEN_URL"),
)


class Authority:
    """A certificate authority that nobody knows, and a certificate of it for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "authority.pem"
        (folder / "settings").write_text(CERTIFICATES)
        new = ("-newkey", "rsa:2048", "-nodes", "-config", "settings")
        self._openssl(
            *("req", "-x509", *new, "-extensions", "authority", "-subj", "/CN=A company"),
            *("-keyout", "authority.key", "-out", self.file.name, "-days", "2"),
        )
        self._openssl(
            *("req", *new, "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
        )
        self._openssl(
            *(
                "x509",
                "-req",
                "-in",
                "server.csr",
                "-CA",
                self.file.name,
                "-CAkey",
                "authority.key",
            ),
            *("-CAcreateserial", "-extfile", "settings", "-extensions", "server"),
            *("-out", "server.pem", "-days", "2"),
        )

    def hashed(self) -> Path:
        """A folder with its certificate under the name that OpenSSL looks for, as systems have one."""
        store = self.folder / "store"
        store.mkdir(exist_ok=True)
        name = self._openssl("x509", "-hash", "-noout", "-in", self.file.name).strip()
        (store / f"{name}.0").write_text(self.file.read_text())
        return store

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        return context

    def _openssl(self, *arguments: str) -> str:
        return subprocess.run(
            ["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Says nothing: a client that does not trust the certificate ends the connection."""


@contextmanager
def files_served(folder: Path, authority: Authority | None = None):
    """The address of a server of these files: by HTTPS when it has a certificate of an authority."""
    handler = functools.partial(_Files, directory=str(folder))
    with _served(handler, authority) as port:
        yield f"{'https' if authority else 'http'}://127.0.0.1:{port}"


class Proxy:
    """A proxy's address, and what it was asked for."""

    def __init__(self) -> None:
        self.address = ""
        self.asked: list[str] = []
        self.refusal: tuple[int, str] | None = None


@contextmanager
def proxy():
    """A proxy for HTTPS: it connects to whom it is asked for, unless it is told to refuse."""
    state = Proxy()

    class Handler(_Files):
        def do_CONNECT(self) -> None:
            state.asked.append(self.path)
            if state.refusal:
                self.send_error(*state.refusal)
                return
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port))) as there:
                self.send_response(200)
                self.end_headers()
                _pass_on(self.connection, there)

    with _served(Handler) as port:
        state.address = f"http://127.0.0.1:{port}"
        yield state


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    partner = {one: other, other: one}
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(1 << 16)
            if not data:
                return
            partner[ready].sendall(data)


@contextmanager
def _served(handler, authority: Authority | None = None):
    with _Server(("127.0.0.1", 0), handler) as server:
        if authority:
            server.socket = authority.context().wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
