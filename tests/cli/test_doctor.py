"""The doctor: what it finds wrong on a machine, with a remedy for each."""

import importlib.metadata
import os
import socket

import pytest
from processes import alive

from labkit import home
from labkit.cli import doctor, programs
from labkit.cli.doctor import examine
from labkit.home import LabError
from labkit.parts.known import PARTS


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


@pytest.mark.parametrize(
    ("platform", "switch", "remedy"),
    [
        ("linux", "1\n", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        ("linux", "0\n", "--privileged"),
        ("linux", None, "--privileged"),
        ("darwin", None, "grade on Linux"),
    ],
)
def test_the_way_to_a_sandbox_is_that_of_the_system(
    monkeypatch, tmp_path, platform, switch, remedy
):
    restricted = tmp_path / doctor.RESTRICTED.name
    if switch:
        restricted.write_text(switch)
    monkeypatch.setattr(doctor, "RESTRICTED", restricted)
    monkeypatch.setattr(doctor.sys, "platform", platform)
    monkeypatch.setattr(doctor.sandbox, "reason", lambda: "no namespaces")
    assert remedy in doctor.grading_sandbox().remedy


@pytest.fixture
def on_path(monkeypatch, tmp_path):
    """A PATH with programs that only tell their version."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def add(name: str, said: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{said}\n")
        (tmp_path / name).chmod(0o755)

    return add


def test_browser_and_driver_of_one_version_are_fine(on_path):
    on_path("chromium-browser", "echo Chromium 128.0.1 built on Debian")
    on_path("chromedriver", "echo 'ChromeDriver 128.0.7 (abc)'")
    finding = programs.chromium()
    assert (finding.ok, finding.detail.split()[0]) == (True, "128.0.1")


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({}, "no chromium and no chromedriver on PATH"),
        ({"chromium": "echo Chromium 128.0"}, "no chromedriver on PATH"),
        ({"chromium": "echo Chromium 128.0", "chromedriver": "echo ChromeDriver 9.1"}, "is 9.1"),
        ({"chromium": "exit 1", "chromedriver": "echo ChromeDriver 9.1"}, "is broken"),
    ],
    ids=["none", "no driver", "two versions", "broken"],
)
def test_missing_browser_is_worth_knowing_and_has_a_remedy(on_path, said, detail):
    for name, line in said.items():
        on_path(name, line)
    finding = programs.chromium()
    assert finding.ok is None
    assert detail in finding.detail
    assert "apt install chromium chromium-driver" in finding.remedy
    assert "not browser" in finding.remedy


def test_where_no_test_is_nobody_needs_a_browser(on_path, course, monkeypatch):
    monkeypatch.setenv("LAB_ROOT", str(course))
    assert programs.chromium().ok


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_part_that_is_missing_has_a_remedy(part, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(programs, "who_need", lambda need, labs: [f"a_{need}_lab"])
    finding = found(part.title)
    assert finding.ok is None
    assert finding.detail == f"{part.title} is not installed; a_{part.name}_lab needs it"
    assert finding.remedy == f"./lab parts install {part.name}"


@pytest.mark.parametrize(
    ("address", "trouble"),
    [("127.0.0.1:1", "where nobody listens"), ("nowhere", "which is no host:port")],
)
def test_broker_of_others_that_does_not_answer_is_wrong(monkeypatch, address, trouble):
    monkeypatch.setenv("LAB_KAFKA", address)
    finding = found("Kafka")
    assert finding.ok is False
    assert trouble in finding.detail
    assert "unset LAB_KAFKA" in finding.remedy


def test_broker_of_others_that_answers_is_named(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("LAB_KAFKA", f"127.0.0.1:1,{address}")
        assert address in found("Kafka").detail


def test_broker_that_cannot_start_is_worth_knowing_and_has_a_remedy(monkeypatch):
    def refuse():
        raise LabError("the Kafka broker did not start: no memory")

    monkeypatch.delenv("LAB_KAFKA", raising=False)
    monkeypatch.setattr(programs.kafka, "running", lambda: None)
    monkeypatch.setattr(programs.kafka, "start", refuse)
    finding = programs.kafka_broker()
    assert finding.ok is None
    assert "no memory; " in finding.detail and "exactly_once" in finding.detail
    assert "./lab doctor" in finding.remedy


def test_broker_of_a_lab_is_started_and_stopped(monkeypatch):
    monkeypatch.delenv("LAB_KAFKA", raising=False)
    monkeypatch.setattr(programs.kafka, "running", lambda: None)
    started = []
    real = programs.kafka.start
    monkeypatch.setattr(programs.kafka, "start", lambda: started.append(real()) or started[0])
    assert programs.kafka_broker().ok
    assert not alive(started[0].pid)


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
