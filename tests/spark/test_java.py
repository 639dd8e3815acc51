"""Which Java is used, on machines that have none and in a sandbox."""

import os

import pytest
from sandboxes import python as in_sandbox

from labkit import home
from labkit.spark import class_archive, java

WHERE = "from labkit.spark.java import java_home; print(java_home())"


@pytest.fixture
def without_java(monkeypatch):
    """A machine that has no Java but the bundled one."""
    monkeypatch.setattr(java, "_of_this_machine", lambda: None)


def use_cache(monkeypatch, folder):
    folder.mkdir()
    monkeypatch.setenv("LAB_CACHE", str(folder))


def test_the_bundled_java_lies_in_the_cache_of_the_moment(without_java, monkeypatch, tmp_path):
    for name in ("one", "two"):
        use_cache(monkeypatch, tmp_path / name)
        assert java.java_home().parent == tmp_path / name
        assert java.java_version(java.java_home() / "bin" / "java") == 17


def test_an_archive_of_classes_is_of_a_java_not_of_the_folder_around_it(
    without_java, monkeypatch, tmp_path
):
    monkeypatch.setattr(class_archive, "jars", list)
    names = set()
    for name in ("one", "two"):
        use_cache(monkeypatch, tmp_path / name)
        names.add(class_archive.folder().name)
    assert len(names) == 1


@pytest.mark.parametrize("kind", ["bundled", "of this machine"])
def test_java_is_found_under_the_limits_of_a_sandbox(monkeypatch, kind):
    place = java.bundled(home.cache_dir()) if kind == "bundled" else java.java_home()
    monkeypatch.setenv("JAVA_HOME", str(place))
    monkeypatch.setenv("PATH", os.defpath if kind == "bundled" else os.environ["PATH"])
    monkeypatch.delenv("LAB_JAVA", raising=False)
    found = in_sandbox(WHERE, read=[place])
    assert (found["out"].strip(), found["code"]) == (str(place), 0), found["err"]
