"""The doctor: what it finds wrong on a machine, with a remedy for each."""

import importlib.metadata
import os

from labkit import home
from labkit.cli import doctor
from labkit.cli.doctor import examine
from labkit.home import LabError


def found(name: str):
    return {finding.name: finding for finding in examine(quick=True)}[name]


def test_healthy_machine_has_nothing_wrong():
    findings = list(examine(quick=True))
    assert len(findings) >= 9
    assert [finding for finding in findings if finding.ok is False] == []
    assert not any(finding.name == "Delta" for finding in findings)


def test_everything_wrong_has_a_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 9, 1, "final", 0))
    monkeypatch.setattr(doctor, "NEEDED_GB", 10**6)
    monkeypatch.setattr(doctor, "NEEDED_DISK_GB", 10**6)
    monkeypatch.setattr(doctor, "version", lambda name: "3.0.1")
    wrong = [finding for finding in examine(quick=True) if finding.ok is False]
    assert {"Python", "databricks-connect", "pandas", "memory", "disk"} <= {f.name for f in wrong}
    assert [finding.name for finding in wrong if not finding.remedy] == []


def test_missing_sandbox_is_worth_knowing_and_has_a_remedy(monkeypatch):
    monkeypatch.setattr(doctor.sandbox, "reason", lambda: "this system allows no namespaces here")
    finding = found("sandbox")
    assert finding.ok is None
    assert "allows no namespaces" in finding.detail
    assert "troubleshooting" in finding.remedy


def test_databricks_connect_is_named(monkeypatch):
    real = importlib.metadata.version
    monkeypatch.setattr(
        doctor, "version", lambda name: "16.1" if name == "databricks-connect" else real(name)
    )
    finding = found("databricks-connect")
    assert finding.ok is False
    assert "16.1" in finding.detail
    assert "uninstall" in finding.remedy


def test_java_that_does_not_run_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("labkit.spark.java.java_home", lambda: tmp_path)
    finding = found("Java")
    assert finding.ok is False
    assert str(tmp_path) in finding.detail
    assert "JAVA_HOME" in finding.remedy


def test_jar_that_was_changed_is_named(monkeypatch, tmp_path):
    folder = tmp_path / "jars"
    folder.mkdir()
    for path in (home.cache_dir() / "jars").iterdir():
        os.symlink(path, folder / path.name)
    victim = min(folder.glob("io.delta_*.jar"), key=lambda path: path.stat().st_size)
    data = victim.read_bytes()
    victim.unlink()
    victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    finding = found("jar files")
    assert finding.ok is False
    assert f"{victim} is not the" in finding.detail
    assert "Delete that file and run the command again" in finding.detail


def test_loopback_that_is_refused_is_named(monkeypatch):
    def refuse(*args, **options):
        raise OSError("Operation not permitted")

    monkeypatch.setattr(doctor.socket, "create_server", refuse)
    finding = found("ports")
    assert finding.ok is False
    assert "firewall" in finding.remedy


def test_look_that_breaks_is_a_finding_and_the_others_go_on(monkeypatch):
    def broken():
        raise ZeroDivisionError("division by zero")

    def refused():
        raise LabError("no cache; set LAB_CACHE")

    broken.__name__, refused.__name__ = "memory", "cache"
    monkeypatch.setattr(doctor, "memory", broken)
    monkeypatch.setattr(doctor, "cache", refused)
    findings = {finding.name: finding for finding in examine(quick=True)}
    assert "ZeroDivisionError" in findings["memory"].detail
    assert findings["cache"].detail == "no cache; set LAB_CACHE"
    assert findings["jars"].ok
