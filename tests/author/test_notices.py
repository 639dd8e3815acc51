"""The page of what others wrote: every pinned package and jar with its licence, and current."""

import zipfile

import pytest

from labkit import home
from labkit.author import notices
from labkit.home import LabError
from labkit.parts.known import PARTS
from labkit.spark import jars

TEXT = (home.root() / notices.PAGE).read_text("utf-8")
LOCKS = sorted(home.root().glob("requirements*.lock"))


def assert_on_page(found):
    lines = TEXT.splitlines()
    missing = [str(notice) for notice in found if str(notice) not in lines]
    assert missing == [], "run `./lab parts notices`"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pinned_package_is_named(lock):
    pinned = notices.read_lock(lock)
    assert pinned
    missing = [pair for pair in pinned if "| {} | {} | ".format(*pair) not in TEXT]
    assert missing == [], "run `./lab parts notices`"


def test_nothing_else_is_named():
    pinned = [pair for lock in LOCKS for pair in notices.read_lock(lock)]
    lock = jars.read_lock(home.lock_file(jars.LOCK))
    named = [line for line in TEXT.splitlines() if line.count("|") == 4 and "---" not in line]
    heads = len(PARTS) + 3
    bundled = notices.BUNDLED.count("\n|") - 2
    assert len(named) == len(pinned) + len(lock) + heads + bundled, "run `./lab parts notices`"


def test_licences_of_labkits_packages_are_those_of_their_metadata():
    assert_on_page(notices.packages())


@pytest.mark.parametrize("name", PARTS)
def test_licences_of_a_parts_packages_are_those_of_their_metadata(name):
    if reason := PARTS[name].missing():
        pytest.skip(reason)
    assert_on_page(notices.packages(name))


def test_licences_of_jars_are_those_that_they_hold():
    assert_on_page(notices.jar_notices())


def test_what_is_vendored_is_named():
    vendor = home.root() / "src" / "labkit" / "interview" / "vendor" / "README.md"
    (row,) = (line for line in TEXT.splitlines() if line.startswith("| ts-fsrs "))
    assert row.split()[2] in vendor.read_text("utf-8")


@pytest.mark.parametrize(
    ("files", "licence"),
    [
        ({"META-INF/maven/a/b/pom.xml": "<licenses><license><name>MIT License</name>"
          "</license></licenses>"}, "MIT"),
        ({"META-INF/MANIFEST.MF": "Bundle-License: https://www.apache.org/lic\r\n enses/LICENSE-2.0"
          "\r\n"}, "Apache-2.0"),
        ({"META-INF/MANIFEST.MF": "Bundle-License: https://a.org;description=BSD 2-Clause License"},
         "BSD-2-Clause"),
        ({"LICENSE": "  Apache License\n  Version 2.0, January 2004\n"}, "Apache-2.0"),
    ],
    ids=["pom", "manifest", "description", "text"],
)  # fmt: skip
def test_a_jar_says_its_licence(tmp_path, files, licence):
    with zipfile.ZipFile(tmp_path / "one.jar", "w") as jar:
        for name, text in files.items():
            jar.writestr(name, text)
    assert notices.licence_in_jar(tmp_path / "one.jar") == licence


def test_a_jar_that_says_nothing_is_for_a_person(tmp_path):
    with zipfile.ZipFile(tmp_path / "one.jar", "w") as jar:
        jar.writestr("LICENSE", "All mine")
    with pytest.raises(LabError, match=r"one\.jar does not say its licence"):
        notices.licence_in_jar(tmp_path / "one.jar")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("License :: OSI Approved :: MIT License", "MIT"),
        ("BSD 3-Clause\n License", "BSD-3-Clause"),
        ("http://www.apache.org/licenses/LICENSE-2.0.txt", "Apache-2.0"),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("Unlicense", "Unlicense"),
    ],
)
def test_usual_spellings_become_short_names(said, name):
    assert notices.spdx(said) == name
