"""The jars' download: whom it trusts, which way it takes, and what it says when that fails."""

import hashlib
import os
import shutil
import socket
import sys

import pytest
from networks import DECIDING, Authority, files_served, proxy

from labkit.home import LabError
from labkit.spark import jars, maven
from labkit.spark.jars import Jar

JAR = b"no classes"
SHA256 = hashlib.sha256(JAR).hexdigest()
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on PATH")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The empty cache of a checkout that needs one jar, on a machine where nothing is configured."""
    root = tmp_path / "checkout"
    (root / "labs").mkdir(parents=True)
    (root / "lab").touch()
    (root / "jars.lock").write_text(f"spark org.example.toy:toy:1.0 {SHA256}\n")
    monkeypatch.setenv("LAB_ROOT", str(root))
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    for name in DECIDING:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return tmp_path / "cache"


@pytest.fixture
def repository(tmp_path):
    """A folder with the jar where a Maven repository has it."""
    folder = tmp_path / "repository" / "org" / "example" / "toy" / "toy" / "1.0"
    folder.mkdir(parents=True)
    (folder / "toy-1.0.jar").write_bytes(JAR)
    return tmp_path / "repository"


@pytest.fixture
def plain(repository, monkeypatch):
    """A mirror without certificates."""
    with files_served(repository) as address:
        monkeypatch.setenv("LAB_MAVEN_URL", address)
        yield address


@pytest.fixture
def https(repository, authority, monkeypatch):
    """A mirror whose certificate is from the company's own authority."""
    with files_served(repository, authority) as address:
        monkeypatch.setenv("LAB_MAVEN_URL", f"{address}/")
        yield address


def refused() -> str:
    with pytest.raises(LabError) as error:
        jars.jars()
    return str(error.value)


def test_a_jar_has_its_place_in_a_repository():
    jar = Jar("spark", "io.delta", "delta-spark_4.2_2.13", "4.4.0", "")
    assert jar.path == "io/delta/delta-spark_4.2_2.13/4.4.0/delta-spark_4.2_2.13-4.4.0.jar"


# ---------------------------------------------------------------- certificates


@needs_openssl
@pytest.mark.parametrize(
    "variable", ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
)
def test_whom_a_variable_trusts_the_download_trusts(https, authority, monkeypatch, variable):
    monkeypatch.setenv(variable, str(authority.file))
    (jar,) = jars.jars()
    assert jar.read_bytes() == JAR


@needs_openssl
@pytest.mark.parametrize("section", ["global", "install"])
def test_whom_pips_settings_trust_the_download_trusts(
    https, authority, monkeypatch, tmp_path, section
):
    (tmp_path / "pip.conf").write_text(f"[{section}]\ncert = {authority.file}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    (jar,) = jars.jars()
    assert jar.read_bytes() == JAR


@needs_openssl
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the store is no folder")
def test_whom_the_system_trusts_the_download_trusts(https, authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_DIR", str(authority.hashed()))
    (jar,) = jars.jars()
    assert jar.read_bytes() == JAR


@needs_openssl
def test_a_certificate_that_nobody_trusts_is_named(https, cache):
    said = refused()
    assert "the certificate of 127.0.0.1 is not trusted here" in said
    assert "set PIP_CERT" in said
    assert "proxy" not in said.lower()
    assert not list(cache.glob("jars/*.jar"))


def test_a_variable_that_names_no_certificates_is_named(plain, monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    assert f"SSL_CERT_FILE is {tmp_path / 'gone.pem'}, which holds no certificates" in refused()
    (tmp_path / "gone.pem").write_text("no certificate")
    assert "which holds no certificates" in refused()


# ---------------------------------------------------------------- proxies


@needs_openssl
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "PIP_PROXY"])
def test_the_download_takes_the_way_of_a_proxy(https, authority, monkeypatch, variable):
    monkeypatch.setenv("PIP_CERT", str(authority.file))
    with proxy() as company:
        monkeypatch.setenv(variable, company.address)
        (jar,) = jars.jars()
    assert jar.read_bytes() == JAR
    assert company.asked == [https.removeprefix("https://")]


@needs_openssl
def test_a_host_that_needs_no_proxy_is_asked_itself(https, authority, monkeypatch):
    monkeypatch.setenv("PIP_CERT", str(authority.file))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with proxy() as company:
        monkeypatch.setenv("HTTPS_PROXY", company.address)
        jars.jars()
    assert company.asked == []


def test_a_proxy_that_refuses_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("LAB_MAVEN_URL", "https://mirror.example.com")
    with proxy() as company:
        company.refusal = (407, "Proxy Authentication Required")
        monkeypatch.setenv("HTTPS_PROXY", company.address.replace("//", "//me:secret@"))
        said = refused()
    at = company.address.removeprefix("http://")
    assert f"the proxy {at} did not connect to mirror.example.com" in said
    assert "407 Proxy Authentication Required" in said
    assert "HTTPS_PROXY" in said
    assert "secret" not in said


def test_a_proxy_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("LAB_MAVEN_URL", "https://mirror.example.com")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        at = f"127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("HTTPS_PROXY", at)  # `http://` may be left out
    said = refused()
    assert f"the proxy {at} did not connect to mirror.example.com (Connection refused)" in said


# ---------------------------------------------------------------- the mirror


def test_without_a_mirror_the_address_is_that_of_sparks_own_ivy():
    assert maven.repository() == maven.central().rstrip("/")
    assert maven.central().startswith("https://")
    assert maven.host()


def test_a_mirror_that_lacks_a_jar_is_named(plain, repository):
    shutil.rmtree(repository / "org")
    said = refused()
    assert "the mirror 127.0.0.1 answered 404" in said
    assert "/org/example/toy/toy/1.0/toy-1.0.jar" in said
    assert "LAB_MAVEN_URL" in said


def test_another_file_than_the_lock_names_stays_out_of_the_cache(plain, repository, cache):
    (jar,) = repository.rglob("*.jar")
    jar.write_bytes(b"a page that asks for a password")
    assert "127.0.0.1 serves another file as org.example.toy:toy:1.0" in refused()
    assert not list(cache.glob("jars/*.jar"))


def test_a_network_that_leads_nowhere_is_told_of_proxy_and_mirror(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv("LAB_MAVEN_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
    said = refused()
    assert "127.0.0.1 could not be reached (Connection refused)" in said
    assert "HTTPS_PROXY" in said
    assert "LAB_MAVEN_URL" in said


def test_an_address_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv("LAB_MAVEN_URL", "nexus.example.com/maven")
    assert "LAB_MAVEN_URL has to begin with https://" in refused()
