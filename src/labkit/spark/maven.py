"""Files from Maven Central or a mirror of it, by the certificates and proxies that pip uses here."""

from __future__ import annotations

import ast
import os
import re
import ssl
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pyspark
import requests
import truststore
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from labkit.home import LabError

MIRROR = "LAB_MAVEN_URL"
CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
SECONDS = (15, 60)  # to connect, and between two pieces
PIECE = 1 << 20
PAGE = "docs/network.md has examples."
# Where Ivy keeps the address that it takes jars from.
SETTINGS = "org/apache/ivy/core/settings/repository.properties"
ROOT = re.compile(r"^ivy\.ibiblio\.default\.artifact\.root\s*=\s*(\S+)", re.MULTILINE)


@cache
def ivy() -> Path:
    """The jar of Ivy that Spark ships."""
    return next((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))


@cache
def central() -> str:
    """Maven Central's address, which Spark's own Ivy knows: `--packages` would ask there."""
    with zipfile.ZipFile(ivy()) as jar:
        found = ROOT.search(jar.read(SETTINGS).decode())
    if found is None:
        raise LabError(f"{ivy().name} names no repository; set {MIRROR}. {PAGE}")
    return found[1]


def repository() -> str:
    """The address below which Maven's files are: a mirror, if one is named, or Maven Central."""
    return (os.environ.get(MIRROR) or central()).rstrip("/")


def host() -> str:
    """The repository's machine, as messages name it: an address may hold a password."""
    return urlsplit(repository()).hostname or repository()


class Downloads:
    """Downloads over one connection; LabError names what a person can set: certificates, proxy, mirror.

    Java would look at none of pip's settings, so these files are fetched in Python. The certificate
    of the other side is always checked.
    """

    def __init__(self) -> None:
        self._pip = pip_settings()
        self._session = requests.Session()
        self._session.mount("https://", _Adapter(trust(self._pip.get("cert"))))
        self._session.mount("http://", _Adapter(None))
        self._root = repository()
        if urlsplit(self._root).scheme not in ("http", "https"):
            raise LabError(f"{MIRROR} has to begin with https:// or http://")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def fetch(self, path: str, target: Path) -> None:
        """Writes the repository's file at `path` to `target`."""
        url = f"{self._root}/{path}"
        proxy = self._pip.get("proxy")
        try:
            with self._session.get(
                url,
                stream=True,
                timeout=SECONDS,
                proxies={"http": proxy, "https": proxy} if proxy else None,
            ) as reply:
                reply.raise_for_status()
                with target.open("wb") as file:
                    for piece in reply.iter_content(PIECE):
                        file.write(piece)
        except requests.RequestException as error:
            used = proxy or requests.utils.select_proxy(
                url, requests.utils.get_environ_proxies(url)
            )
            raise LabError(_explained(error, url, used)) from None


class _Adapter(HTTPAdapter):
    """Connections by a trust of our own, tried again where that may help."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        busy = (429, 502, 503, 504)
        super().__init__(
            max_retries=Retry(
                total=2, other=0, backoff_factor=0.5, status_forcelist=busy,
                raise_on_status=False, respect_retry_after_header=False,
            )
        )  # fmt: skip

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        kwargs |= {"ssl_context": self._context, "proxy_ssl_context": self._context}
        return super().proxy_manager_for(proxy, **kwargs)


def trust(pips: str | None) -> ssl.SSLContext:
    """The system's certificates, and those that pip's `cert` and the environment name."""
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    named = {"cert in pip's settings": pips}
    named |= {variable: os.environ.get(variable) for variable in CERTIFICATES}
    for name, value in named.items():
        if value:
            path = Path(value).expanduser()
            try:
                if path.is_dir():
                    context.load_verify_locations(capath=path)
                else:
                    context.load_verify_locations(cafile=path)
            except OSError as error:  # ssl.SSLError is one: a file that holds no certificate
                said = error.strerror or str(error)
                raise LabError(f"{name} is {value}, which holds no certificates ({said})") from None
    return context


def pip_settings() -> dict[str, str]:
    """pip's settings by name, from its files and PIP_* variables; what counts most comes last."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "pip", "config", "list"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in found:
            found[section][name] = ast.literal_eval(value)
    return found["global"] | found["install"] | found[":env:"]


def _explained(error: requests.RequestException, url: str, proxy: str | None) -> str:
    """What happened and what to set, in one message; addresses without users and passwords."""
    at = urlsplit(proxy if proxy and "//" in proxy else f"//{proxy or ''}")
    of_proxy = isinstance(error, requests.exceptions.ProxyError)
    cause = _cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {at.hostname if of_proxy else host()} is not trusted here "
            f"({cause.verify_message}). If your network has a certificate authority of its own, set "
            f"PIP_CERT to a PEM file that holds its certificate. {PAGE}"
        )
    code, why = 0, getattr(cause, "strerror", None) or str(cause)
    if error.response is not None:
        code = error.response.status_code
        why = f"{code} {error.response.reason}"
    if of_proxy or code == 407:
        return (
            f"the proxy {at.hostname}:{at.port} did not connect to {host()} ({why}). HTTPS_PROXY and "
            "HTTP_PROXY name the proxy, with user and password if it wants them; NO_PROXY names "
            f"the hosts that need none. {PAGE}"
        )
    if code and os.environ.get(MIRROR):
        return (
            f"the mirror {host()} answered {why} for {urlsplit(url).path}. {MIRROR} has to name a "
            f"repository that has Maven Central's files and that you may read. {PAGE}"
        )
    if code:
        return (
            f"{host()} answered {why} for {urlsplit(url).path}. If your network has a mirror of Maven "
            f"Central, set {MIRROR} to its address. {PAGE}"
        )
    return (
        f"{host()} could not be reached ({why}). The jars need the network once. Behind a proxy set "
        f"HTTPS_PROXY; if only a mirror of Maven Central can be reached, set {MIRROR}. {PAGE}"
    )


def _cause(error: BaseException) -> BaseException:
    """The innermost error: requests wraps those of urllib3, which wraps those of Python."""
    # An HTTP response's `reason` is text, a failed connection's is an error.
    around = (getattr(error, "reason", None), *error.args, error.__cause__)
    inner = next((each for each in around if isinstance(each, BaseException)), None)
    return _cause(inner) if inner else error
